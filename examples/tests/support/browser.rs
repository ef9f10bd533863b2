//! Chromium, driven through chromedriver.

use std::path::Path;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::process::{PATIENCE, Process, Scratch};

/// A steady tone that comes back is just what echo cancellation and noise suppression remove.
const PLAIN_MICROPHONE: &str = "
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    devices.getUserMedia = () => open({ audio });";

/// A browser with one page.
pub(crate) struct Browser {
    /// The page.
    pub(crate) page: Client,
    /// The driver's process; the browser ends with it.
    pub(crate) driver: Process,
    _profile: Scratch,
}

impl Browser {
    /// Starts a browser whose microphone hears the WAV file, and opens a page.
    ///
    /// A browser that does not start is tried once more: that is its launch, not our assertion.
    pub(crate) async fn open(url: &str, microphone: &Path) -> Self {
        let attempt = timeout(PATIENCE, Self::try_open(url, microphone)).await;
        if let Ok(Ok(browser)) = attempt {
            return browser;
        }
        let again = timeout(PATIENCE, Self::try_open(url, microphone)).await;
        again
            .expect("the browser does not start")
            .expect("the page does not open")
    }

    async fn try_open(url: &str, microphone: &Path) -> Result<Self, String> {
        let profile = Scratch::new("chromium");
        let mut driver = Process::start(
            "chromedriver",
            Command::new("chromedriver")
                .arg("--port=0")
                .env("TMPDIR", &profile.0),
        );
        let line = driver.try_line_with("started successfully on port").await?;
        let port = line
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .trim_end_matches('.');
        let fake_audio = format!("--use-file-for-fake-audio-capture={}", microphone.display());
        let user_data = format!("--user-data-dir={}", profile.join("data").display());
        let capabilities = json!({
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu",
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
                "--allow-loopback-in-peer-connection",
                "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--window-size=1000,900",
                fake_audio, user_data,
            ] },
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!()
        };
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .map_err(|error| error.to_string())?;
        page.goto(url).await.map_err(|error| error.to_string())?;
        page.execute(PLAIN_MICROPHONE, Vec::new())
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            page,
            driver,
            _profile: profile,
        })
    }

    /// Dials on the page.
    pub(crate) async fn dial(&self, to: &str) {
        let field = self.find("#to").await;
        field.clear().await.unwrap();
        field.send_keys(to).await.unwrap();
        self.find("#call").await.click().await.unwrap();
    }

    /// Hangs up on the page.
    pub(crate) async fn hang_up(&self) {
        self.find("#hangup").await.click().await.unwrap();
    }

    /// Waits until the page shows a state, and answers its text.
    pub(crate) async fn state(&self, wanted: &str) {
        let condition = format!("return document.body.dataset.state === {wanted:?}");
        if self.until(&condition, PATIENCE).await.is_none() {
            let state = self.script("return document.body.dataset.state").await;
            let reason = self.text("#reason").await;
            panic!("the page shows {state} ({reason:?}), not {wanted:?}");
        }
    }

    /// Runs a script again and again until it answers something that is not false, null or zero.
    pub(crate) async fn until(&self, script: &str, patience: Duration) -> Option<Value> {
        let poll = async {
            loop {
                let value = self.script(script).await;
                if !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) {
                    return value;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(patience, poll).await.ok()
    }

    /// Runs a script and answers its value.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.unwrap()
    }

    /// The text of an element.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        self.page
            .wait()
            .for_element(Locator::Css(css))
            .await
            .unwrap()
    }

    /// Keeps a picture of the page in the build's temporary folder, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(path, self.page.screenshot().await.unwrap()).unwrap();
    }

    /// Ends the browser.
    pub(crate) async fn close(self) {
        let _ = timeout(Duration::from_secs(10), self.page.close()).await;
        self.driver.kill().await;
    }
}
