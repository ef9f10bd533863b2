//! The gateway with Firefox on one side and a phone on the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use support::browser::Make::Firefox;
use support::desk::{Desk, PHONE_TONE};
use support::firefox;
use support::phone::Answer;

#[tokio::test]
async fn real_firefox_and_baresip_hear_each_other() {
    let (mut desk, mut phone) = Desk::with_phone(Firefox, Answer::Auto, "").await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.hears(firefox::TONE).await;
    desk.browser.picture("firefox.png").await;
    for key in ['1', '#', '0'] {
        desk.browser.press(key).await;
        phone.hears_key(key).await;
    }
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.browser.state("ended").await;

    // The same page calls again, and the phone ends it.
    desk.browser.dial("phone").await;
    phone.event("CALL_ESTABLISHED").await;
    desk.browser.state("answered").await;
    desk.page_hears(PHONE_TONE).await;
    phone.command("hangup", "").await;
    desk.browser.state("ended").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("hung up"), "{reason}");
    desk.close().await;
}

/// Firefox has keys of 8000 Hz alone, also beside a codec of 48 000 Hz: it mixes up the clocks and
/// sends their ends alone.
#[tokio::test]
async fn real_firefox_and_baresip_speak_opus() {
    let config = "codecs = ['opus']";
    let (mut desk, mut phone) = Desk::with_phone(Firefox, Answer::Auto, config).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    let spoken = "return window.crosspoint.lastCall.state.codec";
    assert_eq!(desk.browser.script(spoken).await, "opus");
    desk.page_hears(PHONE_TONE).await;
    phone.hears(firefox::TONE).await;
    desk.browser.press('7').await;
    phone.hears_key('7').await;
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.close().await;
}
