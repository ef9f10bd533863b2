//! The versions of DTLS with real browsers, as their own statistics name them, while sound flows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use support::browser::Make::{self, Chromium, Firefox};
use support::desk::Desk;
use support::process::PATIENCE;

/// What both sides say of a connection.
#[derive(Debug, PartialEq)]
struct Agreed {
    /// As the browser's statistics have it: the number in hexadecimal.
    version: &'static str,
    /// The group of the key exchange, in the log of the gateway.
    group: &'static str,
}

/// Calls with us in either role, of which `active` is the default. The browser hears itself through the echo.
async fn calls(make: Make, settings: &[&str], config: &str, agreed: Agreed) {
    for (role, setup) in [("", "active"), ("dtls-role = 'server'", "passive")] {
        let config = format!("{role}\n{config}");
        let mut desk = Desk::with_settings(make, settings, &config).await;
        desk.browser.dial("echo").await;
        desk.browser.state("answered").await;
        desk.page_hears(make.tone()).await;
        let answer = desk.browser.script(ANSWER).await;
        assert!(
            answer
                .as_str()
                .unwrap()
                .contains(&format!("a=setup:{setup}"))
        );

        desk.browser.script(ASK).await;
        let found = desk
            .browser
            .until("return window.transport", PATIENCE)
            .await;
        let transport = found.expect("the browser has statistics");
        println!("{make:?}, we are {setup}: {transport}");
        assert_eq!(transport["tlsVersion"], agreed.version, "{transport}");
        let line = desk.gateway.process.line_with("media may flow").await;
        assert!(line.contains(&format!("group={} ", agreed.group)), "{line}");
        let cipher = transport["dtlsCipher"].as_str().unwrap();
        assert!(line.contains(cipher), "{cipher}, {line}");
        desk.browser.hang_up().await;
        desk.browser.state("ended").await;
        desk.close().await;
    }
}

const ANSWER: &str = "return window.crosspoint.lastCall.connection.remoteDescription.sdp";

const ASK: &str = "
    window.transport = null;
    window.crosspoint.lastCall.connection.getStats().then((report) => {
        window.transport = [...report.values()].find((one) => one.type === 'transport') ?? {};
    });";

/// What a browser does without being told: the hybrid group makes its hello two datagrams long.
#[tokio::test]
async fn real_chromium_speaks_dtls_1_3() {
    calls(Chromium, &[], "", HYBRID).await;
}

#[tokio::test]
async fn real_chromium_speaks_dtls_1_3_without_the_hybrid_group() {
    let settings = ["--disable-features=WebRtcPqcForDtls"];
    calls(Chromium, &settings, "", CLASSIC).await;
}

/// Chromium has nothing that keeps it from DTLS 1.3: the gateway does.
#[tokio::test]
async fn real_chromium_speaks_dtls_1_2() {
    calls(Chromium, &[], "dtls-versions = ['1.2']", OLD).await;
}

#[tokio::test]
async fn real_firefox_speaks_dtls_1_3() {
    calls(Firefox, &[], "", HYBRID).await;
}

#[tokio::test]
async fn real_firefox_speaks_dtls_1_3_without_the_hybrid_group() {
    let settings = ["media.webrtc.send_mlkem_keyshare=false"];
    calls(Firefox, &settings, "", CLASSIC).await;
}

#[tokio::test]
async fn real_firefox_speaks_dtls_1_2() {
    let settings = ["media.peerconnection.dtls.version.max=771"];
    calls(Firefox, &settings, "", OLD).await;
}

const HYBRID: Agreed = Agreed {
    version: "FEFC",
    group: "X25519MLKEM768",
};

const CLASSIC: Agreed = Agreed {
    version: "FEFC",
    group: "x25519",
};

const OLD: Agreed = Agreed {
    version: "FEFD",
    group: "x25519",
};
