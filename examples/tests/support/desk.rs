//! A gateway and a browser on its page: where a call begins.
//!
//! Each side of a call has a tone of its own; what a side hears is judged by its strongest
//! frequency.

use std::net::SocketAddr;

use super::browser::{Browser, Make};
use super::gateway::Gateway;
use super::phone::{Answer, Phone};
use super::process::PATIENCE;

/// What the phone's microphone hears, in hertz.
pub(crate) const PHONE_TONE: u32 = 440;

/// A gateway and a browser on its page.
pub(crate) struct Desk {
    pub(crate) gateway: Gateway,
    pub(crate) browser: Browser,
}

impl Desk {
    /// Without a phone: `echo` can be dialled. `config` is the text of the configuration file.
    pub(crate) async fn new(make: Make, config: &str) -> Self {
        Self::start(make, &[], config, &[]).await
    }

    /// The same, with settings of the browser.
    pub(crate) async fn with_settings(make: Make, settings: &[&str], config: &str) -> Self {
        Self::start(make, settings, config, &[]).await
    }

    /// With a phone behind the gateway, under any name.
    pub(crate) async fn with_phone(make: Make, answer: Answer, config: &str) -> (Self, Phone) {
        let phone = Phone::start(PHONE_TONE, answer).await;
        let desk = Self::with_server(make, phone.sip, config).await;
        (desk, phone)
    }

    /// With a SIP server behind the gateway.
    pub(crate) async fn with_server(make: Make, server: SocketAddr, config: &str) -> Self {
        Self::start(make, &[], config, &["--sip-server", &server.to_string()]).await
    }

    async fn start(make: Make, settings: &[&str], config: &str, args: &[&str]) -> Self {
        let gateway = Gateway::start(config, args).await;
        let browser = Browser::open_with(make, settings, &gateway.page).await;
        Self { gateway, browser }
    }

    /// Waits until the strongest frequency that the page hears is `hertz`.
    pub(crate) async fn page_hears(&mut self, hertz: impl Into<f64>) {
        let hertz = hertz.into();
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

    /// Waits until the page says how the call stands.
    pub(crate) async fn shows(&self, text: &str) {
        let shown = format!("return document.querySelector('#state').textContent === {text:?}");
        let seen = self.browser.until(&shown, PATIENCE).await;
        assert!(seen.is_some(), "the page does not show {text:?}");
    }

    /// Waits until the page has counted so many packets from the phone.
    pub(crate) async fn page_counts(&self, packets: u32) {
        let counted = format!(
            "const text = document.querySelector('#packets').textContent;
             return Number(text.match(/(\\d+) received/)?.[1]) >= {packets}"
        );
        let seen = self.browser.until(&counted, PATIENCE).await;
        let shown = self.browser.text("#packets").await;
        assert!(seen.is_some(), "the page has counted {shown}");
    }

    /// Waits until the page hears nothing.
    pub(crate) async fn page_hears_nothing(&self) {
        let silent = format!("const heard = (() => {{ {STRONGEST} }})(); return heard.level < -75");
        let heard = self.browser.until(&silent, PATIENCE).await;
        assert!(
            heard.is_some(),
            "the page still hears {}",
            self.browser.script(STRONGEST).await
        );
    }

    /// Ends the browser, then the gateway.
    pub(crate) async fn close(self) {
        self.browser.close().await;
        self.gateway.close().await;
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
