//! Firefox, driven over WebDriver BiDi.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::authority;
use super::bidi::Page;
use super::process::{PATIENCE, Process, Scratch};

/// What the microphone hears, in hertz: Firefox makes the tone itself.
pub(crate) const TONE: f64 = 1000.0;

/// The profile: a microphone and a loudspeaker that exist nowhere, and nobody to ask. Without
/// `ice.loopback` Firefox sends nothing to a loopback address; even with it, it gathers no candidate
/// on a machine without a default route.
const PREFERENCES: &str = r#"
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.audio.fake_frequency", 1000);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
user_pref("media.autoplay.default", 0);
user_pref("media.cubeb.force_mock_context", true);
user_pref("app.normandy.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"#;

/// Starts Firefox, with more preferences as `name=value` and an authority to trust, and opens a page.
pub(crate) async fn start(
    url: &str,
    more: &[&str],
    ca: Option<&Path>,
) -> Result<(Page, Process, Scratch), String> {
    let profile = Scratch::new("firefox");
    let more = more.iter().map(|preference| {
        let (name, value) = preference.split_once('=').unwrap();
        format!("user_pref({name:?}, {value});\n")
    });
    let preferences: String = [PREFERENCES.to_owned()].into_iter().chain(more).collect();
    std::fs::write(profile.join("user.js"), preferences).unwrap();
    if let Some(ca) = ca {
        authority::trust(&profile.0, ca).await?;
    }
    let mut process = Process::start(
        "firefox",
        Command::new("firefox-esr")
            .args(["--headless", "--no-remote", "--remote-debugging-port=0"])
            .arg("--profile")
            .arg(&profile.0)
            .env("HOME", &profile.0),
    );
    let line = process.try_line_with("WebDriver BiDi listening on").await?;
    let remote_agent = line.rsplit(' ').next().unwrap_or_default();
    let page = timeout(PATIENCE, Page::open(remote_agent, url)).await;
    let page = page.map_err(|_| "the page does not open in time")??;
    Ok((page, process, profile))
}

/// Ends Firefox as its user would, so that it leaves its profile in peace.
pub(crate) async fn close(page: Page) {
    let _ = timeout(Duration::from_secs(10), page.close()).await;
}
