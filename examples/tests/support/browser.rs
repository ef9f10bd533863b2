//! A browser with the gateway's page, whichever it is.

use std::path::Path;
use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::process::{PATIENCE, Process, Scratch};
use super::{bidi, chromium, firefox};

/// A steady tone that comes back is just what echo cancellation and noise suppression remove.
const PLAIN_MICROPHONE: &str = "
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    devices.getUserMedia = () => open({ audio });";

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    Chromium,
    Firefox,
}

impl Make {
    /// What its microphone hears, in hertz.
    pub(crate) fn tone(self) -> f64 {
        match self {
            Self::Chromium => chromium::TONE,
            Self::Firefox => firefox::TONE,
        }
    }
}

/// A browser with one page.
pub(crate) struct Browser {
    page: Page,
    /// The browser or its driver, in whose group it is.
    process: Process,
    _profile: Scratch,
}

enum Page {
    Chromium(fantoccini::Client),
    Firefox(Box<bidi::Page>),
}

impl Browser {
    /// Starts a browser and opens a page.
    ///
    /// A browser that does not start is tried once more: that is its launch, not our assertion.
    pub(crate) async fn open(make: Make, url: &str) -> Self {
        Self::open_with(make, &[], url).await
    }

    /// The same with settings: arguments of Chromium, preferences of Firefox as `name=value`.
    pub(crate) async fn open_with(make: Make, settings: &[&str], url: &str) -> Self {
        Self::open_trusting(make, settings, None, url).await
    }

    /// The same with an authority that the browser trusts.
    pub(crate) async fn open_trusting(
        make: Make,
        settings: &[&str],
        ca: Option<&Path>,
        url: &str,
    ) -> Self {
        let attempt = timeout(PATIENCE, Self::try_open(make, settings, ca, url)).await;
        if let Ok(Ok(browser)) = attempt {
            return browser;
        }
        let again = timeout(PATIENCE, Self::try_open(make, settings, ca, url)).await;
        again
            .expect("the browser does not start")
            .expect("the page does not open")
    }

    async fn try_open(
        make: Make,
        settings: &[&str],
        ca: Option<&Path>,
        url: &str,
    ) -> Result<Self, String> {
        let (page, process, profile) = match make {
            Make::Chromium => {
                let (page, process, profile) = chromium::start(url, settings, ca).await?;
                (Page::Chromium(page), process, profile)
            }
            Make::Firefox => {
                let (page, process, profile) = firefox::start(url, settings, ca).await?;
                (Page::Firefox(Box::new(page)), process, profile)
            }
        };
        page.script(PLAIN_MICROPHONE).await?;
        Ok(Self {
            page,
            process,
            _profile: profile,
        })
    }

    /// Dials on the page.
    pub(crate) async fn dial(&self, to: &str) {
        self.script("document.querySelector('#to').value = ''")
            .await;
        self.page.click("#to").await.unwrap();
        self.page.type_keys("#to", to).await.unwrap();
        self.page.click("#call").await.unwrap();
    }

    /// Presses a key of the phone on the page.
    pub(crate) async fn press(&self, key: char) {
        let button = format!("#keypad button[value='{key}']:not([disabled])");
        self.page.click(&button).await.unwrap();
    }

    /// Hangs up on the page.
    pub(crate) async fn hang_up(&self) {
        self.page.click("#hangup").await.unwrap();
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
        self.page.script(script).await.unwrap()
    }

    /// The text of an element, as it is shown.
    pub(crate) async fn text(&self, css: &str) -> String {
        let text = format!("return document.querySelector({css:?}).innerText");
        self.script(&text).await.as_str().unwrap().to_owned()
    }

    /// Keeps a picture of the page in the build's temporary folder, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let picture = match &self.page {
            Page::Chromium(page) => page.screenshot().await.unwrap(),
            Page::Firefox(page) => page.screenshot().await.unwrap(),
        };
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(path, picture).unwrap();
    }

    /// Ends the browser.
    pub(crate) async fn close(self) {
        match self.page {
            Page::Chromium(page) => {
                let _ = timeout(Duration::from_secs(10), page.close()).await;
            }
            Page::Firefox(page) => firefox::close(*page).await,
        }
        self.process.kill_all().await;
    }

    /// Kills the browser and all its processes at once, as a crash or a lost machine would.
    pub(crate) async fn crash(self) {
        self.process.kill_all().await;
    }
}

impl Page {
    async fn script(&self, script: &str) -> Result<Value, String> {
        match self {
            Self::Chromium(page) => {
                let value = page.execute(script, Vec::new()).await;
                value.map_err(|error| error.to_string())
            }
            Self::Firefox(page) => page.script(script).await,
        }
    }

    async fn click(&self, css: &str) -> Result<(), String> {
        match self {
            Self::Chromium(page) => {
                let element = find(page, css).await?;
                element.click().await.map_err(|error| error.to_string())
            }
            Self::Firefox(page) => page.click(css).await,
        }
    }

    /// Types into an element that has the focus.
    async fn type_keys(&self, css: &str, text: &str) -> Result<(), String> {
        match self {
            Self::Chromium(page) => {
                let typed = find(page, css).await?.send_keys(text).await;
                typed.map_err(|error| error.to_string())
            }
            Self::Firefox(page) => page.type_keys(text).await,
        }
    }
}

async fn find(
    page: &fantoccini::Client,
    css: &str,
) -> Result<fantoccini::elements::Element, String> {
    let element = page.wait().for_element(Locator::Css(css)).await;
    element.map_err(|error| error.to_string())
}
