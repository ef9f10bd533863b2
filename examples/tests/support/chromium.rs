//! Chromium, driven through chromedriver.

use std::path::Path;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::Command;

use super::process::{Process, Scratch};
use super::{authority, sound};

/// What the microphone hears, in hertz.
pub(crate) const TONE: f64 = 700.0;

/// Starts Chromium, with more arguments and an authority to trust, and opens a page. The browser lives
/// in its driver's process group.
pub(crate) async fn start(
    url: &str,
    more: &[&str],
    ca: Option<&Path>,
) -> Result<(Client, Process, Scratch), String> {
    let profile = Scratch::new("chromium");
    let microphone = profile.join("tone.wav");
    sound::write_tone(&microphone, TONE, 48_000, 60);
    if let Some(ca) = ca {
        authority::trust(&profile.join(".pki/nssdb"), ca).await?;
    }
    let mut driver = Process::start(
        "chromedriver",
        Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", &profile.0)
            .env("TMPDIR", &profile.0),
    );
    let line = driver.try_line_with("started successfully on port").await?;
    let port = line
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let Value::Object(capabilities) = capabilities(&microphone, &profile.join("data"), more) else {
        unreachable!()
    };
    let page = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities)
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .map_err(|error| error.to_string())?;
    page.goto(url).await.map_err(|error| error.to_string())?;
    Ok((page, driver, profile))
}

fn capabilities(microphone: &Path, user_data: &Path, more: &[&str]) -> Value {
    let fake_audio = format!("--use-file-for-fake-audio-capture={}", microphone.display());
    let user_data = format!("--user-data-dir={}", user_data.display());
    let mut arguments = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--allow-loopback-in-peer-connection",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1000,900",
        &fake_audio,
        &user_data,
    ];
    arguments.extend(more);
    json!({
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "args": arguments },
    })
}
