//! The gateway with real programs: Chromium on one side, a phone on the other.
//!
//! Each side has a tone of its own; what a side hears is judged by its strongest frequency.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

mod support;

use std::time::Duration;

use support::browser::Browser;
use support::gateway::Gateway;
use support::phone::{Answer, Phone};
use support::process::{PATIENCE, Scratch};
use support::sound;

/// What the browser's microphone hears.
const BROWSER_TONE: f64 = 700.0;

/// What the phone's microphone hears.
const PHONE_TONE: u32 = 440;

/// A gateway, a browser on its page, and its microphone's file.
struct Desk {
    gateway: Gateway,
    browser: Browser,
    _microphone: Scratch,
}

impl Desk {
    async fn new(gateway_args: &[&str]) -> Self {
        let folder = Scratch::new("microphone");
        let microphone = folder.join("tone.wav");
        sound::write_tone(&microphone, BROWSER_TONE, 48_000, 60);
        let gateway = Gateway::start(gateway_args).await;
        let browser = Browser::open(&gateway.page, &microphone).await;
        Self {
            gateway,
            browser,
            _microphone: folder,
        }
    }

    async fn with_phone(answer: Answer, gateway_args: &[&str]) -> (Self, Phone) {
        let phone = Phone::start(PHONE_TONE, answer).await;
        let server = phone.sip.to_string();
        let args = [&["--sip-server", &server], gateway_args].concat();
        (Self::new(&args).await, phone)
    }

    /// Waits until the strongest frequency that the page hears is `hertz`.
    async fn page_hears(&mut self, hertz: f64) {
        if self
            .browser
            .until(&strongest(hertz), PATIENCE)
            .await
            .is_some()
        {
            return;
        }
        let now = self.browser.script(STRONGEST).await;
        let packets = self.browser.text("#packets").await;
        let reason = self.browser.text("#reason").await;
        let log = self.gateway.process.output();
        panic!("the page hears {now}, not {hertz} Hz; packets {packets}; {reason}\n{log}");
    }

    /// Waits until the page hears nothing.
    async fn page_hears_nothing(&self) {
        let silent = format!("const heard = (() => {{ {STRONGEST} }})(); return heard.level < -75");
        let heard = self.browser.until(&silent, PATIENCE).await;
        assert!(
            heard.is_some(),
            "the page still hears {}",
            self.browser.script(STRONGEST).await
        );
    }

    async fn close(self) {
        self.browser.close().await;
        let status = self.gateway.process.interrupt().await;
        assert!(status.success(), "the gateway ended with {status}");
    }
}

/// Answers `{ hertz, level }` of the strongest frequency in what the page receives.
const STRONGEST: &str = "
    const analyser = window.crosspoint?.lastCall?.analyserIn;
    if (!analyser) return { hertz: 0, level: -1000 };
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    let best = 1;
    for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
    const width = analyser.context.sampleRate / analyser.fftSize;
    return { hertz: best * width, width, level: Math.max(bins[best], -1000) };";

fn strongest(hertz: f64) -> String {
    format!(
        "const heard = (() => {{ {STRONGEST} }})();
         return heard.level > -60 && Math.abs(heard.hertz - {hertz}) <= heard.width;"
    )
}

#[tokio::test]
async fn real_chromium_hears_itself_through_the_echo() {
    let mut desk = Desk::new(&[]).await;
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    desk.page_hears(BROWSER_TONE).await;
    let pair = desk.browser.text("#pair").await;
    assert!(
        pair.contains("127.0.0.1"),
        "the page names the candidate pair: {pair:?}"
    );
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_and_baresip_hear_each_other() {
    let (mut desk, mut phone) = Desk::with_phone(Answer::Auto, &[]).await;
    desk.browser.dial("phone").await;
    phone.event("CALL_ESTABLISHED").await;
    desk.browser.state("answered").await;
    desk.page_hears(f64::from(PHONE_TONE)).await;
    phone_hears(&phone, BROWSER_TONE).await;

    phone.process.signal("-STOP").await;
    desk.page_hears_nothing().await;
    phone.process.signal("-CONT").await;
    desk.page_hears(f64::from(PHONE_TONE)).await;

    desk.browser.picture("call.png").await;
    let (sent, received) = phone.packets().await;
    assert!(
        sent >= 50 && received >= 50,
        "the phone sent {sent} and received {received} packets"
    );
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_chromium_and_baresip_speak_opus_and_a_law() {
    for codec in ["opus", "PCMA"] {
        let config = Scratch::new("config");
        let file = config.join("gateway.toml");
        std::fs::write(&file, format!("codecs = ['{codec}']\n")).unwrap();
        let args = ["--config", file.to_str().unwrap()];
        let (mut desk, mut phone) = Desk::with_phone(Answer::Auto, &args).await;
        desk.browser.dial("phone").await;
        desk.browser.state("answered").await;
        let spoken = "return window.crosspoint.lastCall.state.codec";
        assert_eq!(desk.browser.script(spoken).await, codec);
        desk.page_hears(f64::from(PHONE_TONE)).await;
        phone_hears(&phone, BROWSER_TONE).await;
        desk.browser.hang_up().await;
        phone.event("CALL_CLOSED").await;
        desk.close().await;
    }
}

/// As DTLS client the browser sends a hello for DTLS 1.3 with a post-quantum key share, in two
/// datagrams.
#[tokio::test]
async fn real_chromium_opens_the_dtls_handshake() {
    let config = Scratch::new("config");
    let file = config.join("gateway.toml");
    std::fs::write(&file, "dtls-role = 'server'\n").unwrap();
    let mut desk = Desk::new(&["--config", file.to_str().unwrap()]).await;
    desk.browser.dial("echo").await;
    desk.browser.state("answered").await;
    desk.page_hears(BROWSER_TONE).await;
    let answer = "return window.crosspoint.lastCall.connection.remoteDescription.sdp";
    let answer = desk.browser.script(answer).await;
    assert!(
        answer.as_str().unwrap().contains("a=setup:passive"),
        "{answer}"
    );
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_phone_hangs_up() {
    let (desk, mut phone) = Desk::with_phone(Answer::Auto, &[]).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    phone.command("hangup", "").await;
    desk.browser.state("ended").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("hung up"), "{reason}");
    desk.close().await;
}

#[tokio::test]
async fn real_phone_is_busy() {
    let (desk, mut phone) = Desk::with_phone(Answer::Manual, &[]).await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("ringing").await;
    phone.command("hangup", "").await;
    desk.browser.state("failed").await;
    let reason = desk.browser.text("#reason").await;
    assert!(
        reason.contains("busy") || reason.contains("declined"),
        "{reason}"
    );
    desk.close().await;
}

#[tokio::test]
async fn real_browser_gives_up_while_the_phone_rings() {
    let (desk, mut phone) = Desk::with_phone(Answer::Manual, &[]).await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("ringing").await;
    desk.browser.hang_up().await;
    phone.event("CALL_CLOSED").await;
    desk.browser.state("ended").await;
    desk.close().await;
}

#[tokio::test]
async fn real_phone_never_answers() {
    let config = Scratch::new("config");
    let file = config.join("gateway.toml");
    std::fs::write(&file, "ring-timeout = 2\n").unwrap();
    let args = ["--config", file.to_str().unwrap()];
    let (desk, mut phone) = Desk::with_phone(Answer::Manual, &args).await;
    desk.browser.dial("phone").await;
    phone.event("CALL_INCOMING").await;
    desk.browser.state("failed").await;
    phone.event("CALL_CLOSED").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("did not answer"), "{reason}");
    desk.close().await;
}

#[tokio::test]
async fn real_phone_vanishes() {
    let config = Scratch::new("config");
    let file = config.join("gateway.toml");
    std::fs::write(&file, "media-timeout = 2\n").unwrap();
    let args = ["--config", file.to_str().unwrap()];
    let (mut desk, phone) = Desk::with_phone(Answer::Auto, &args).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(f64::from(PHONE_TONE)).await;
    phone.process.kill().await;
    desk.browser.state("ended").await;
    let reason = desk.browser.text("#reason").await;
    assert!(reason.contains("no media"), "{reason}");
    desk.close().await;
}

#[tokio::test]
async fn real_garbage_on_the_media_port_leaves_the_call_unharmed() {
    let (mut desk, mut phone) = Desk::with_phone(Answer::Auto, &[]).await;
    desk.browser.dial("phone").await;
    desk.browser.state("answered").await;
    desk.page_hears(f64::from(PHONE_TONE)).await;
    let browser_port = desk.browser.script(GATEWAY_CANDIDATE).await;
    send_garbage(browser_port.as_str().unwrap().parse().unwrap());
    send_garbage(phone.remote().await);
    assert_eq!(
        desk.browser
            .script("return document.body.dataset.state")
            .await,
        "answered"
    );
    desk.page_hears(f64::from(PHONE_TONE)).await;
    desk.browser.hang_up().await;
    desk.browser.state("ended").await;
    let counted = desk.gateway.process.line_with("media over").await;
    assert!(counted.contains("wrong_source: 1000"), "{counted}");
    desk.browser.close().await;
    desk.gateway.process.signal("-INT").await;
    let counted = desk.gateway.process.line_with("media worker stopped").await;
    assert!(counted.contains("unroutable=1000"), "{counted}");
}

#[tokio::test]
async fn real_interrupt_ends_the_call_on_both_sides() {
    let (
        Desk {
            gateway,
            browser,
            _microphone,
        },
        mut phone,
    ) = Desk::with_phone(Answer::Auto, &[]).await;
    browser.dial("phone").await;
    browser.state("answered").await;
    let status = gateway.process.interrupt().await;
    assert!(status.success(), "the gateway ended with {status}");
    phone.event("CALL_CLOSED").await;
    browser.state("ended").await;
    browser.close().await;
}

/// The address of the gateway's media, as the browser knows it from the answer.
const GATEWAY_CANDIDATE: &str = "
    const sdp = window.crosspoint.lastCall.connection.remoteDescription.sdp;
    const [, address, port] = sdp.match(/a=candidate:\\S+ 1 udp \\d+ (\\S+) (\\d+)/i);
    return `${address}:${port}`;";

/// A thousand datagrams of every first octet and many lengths.
fn send_garbage(to: std::net::SocketAddr) {
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    for n in 0..1000u32 {
        let mut datagram = vec![0; (n as usize * 7) % 1500];
        getrandom::fill(&mut datagram).unwrap();
        if let Some(first) = datagram.first_mut() {
            *first = n as u8;
        }
        socket.send_to(&datagram, to).unwrap();
    }
}

/// Waits until the strongest frequency that the phone has recorded is `hertz`.
async fn phone_hears(phone: &Phone, hertz: f64) {
    let hears = async {
        loop {
            let heard = phone.heard();
            if matches!(heard, Some((found, share)) if (found - hertz).abs() <= 10.0 && share > 0.5)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, hears).await.is_err() {
        panic!("the phone hears {:?}, not {hertz} Hz", phone.heard());
    }
}
