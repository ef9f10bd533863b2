//! WebDriver BiDi (W3C): commands and answers in JSON over a WebSocket, and one page.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::process::PATIENCE;

/// A session with its first page.
#[derive(Debug)]
pub(crate) struct Page {
    socket: Mutex<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    commands: AtomicU64,
    /// The browsing context of the page.
    context: Value,
}

impl Page {
    /// Begins a session at the address that the browser has printed, and opens a page. No
    /// certificate is refused.
    pub(crate) async fn open(remote_agent: &str, url: &str) -> Result<Self, String> {
        let socket = connect_async(format!("{remote_agent}/session")).await;
        let (socket, _) = socket.map_err(|error| error.to_string())?;
        let mut page = Self {
            socket: Mutex::new(socket),
            commands: AtomicU64::new(0),
            context: Value::Null,
        };
        let capabilities = json!({"alwaysMatch": {"acceptInsecureCerts": true}});
        page.command("session.new", json!({"capabilities": capabilities}))
            .await?;
        let tree = page.command("browsingContext.getTree", json!({})).await?;
        page.context = tree["contexts"][0]["context"].clone();
        let to = json!({"context": page.context, "url": url, "wait": "complete"});
        page.command("browsingContext.navigate", to).await?;
        let size = json!({"width": 1000, "height": 900});
        let viewport = json!({"context": page.context, "viewport": size});
        page.command("browsingContext.setViewport", viewport)
            .await?;
        Ok(page)
    }

    /// Runs the body of a function and answers what it returns.
    pub(crate) async fn script(&self, body: &str) -> Result<Value, String> {
        let function =
            format!("async () => JSON.stringify((await (() => {{ {body} }})()) ?? null)");
        let call = json!({
            "functionDeclaration": function,
            "awaitPromise": true,
            "target": {"context": self.context},
        });
        let answer = self.command("script.callFunction", call).await?;
        match answer["result"]["value"].as_str() {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
            None => Err(format!("{body} threw {}", answer["exceptionDetails"])),
        }
    }

    /// Clicks in the middle of an element, with a mouse.
    pub(crate) async fn click(&self, css: &str) -> Result<(), String> {
        let middle = format!(
            "const element = document.querySelector({css:?});
             element.scrollIntoView({{ block: 'center' }});
             const {{ x, y, width, height }} = element.getBoundingClientRect();
             return [x + width / 2, y + height / 2].map(Math.round);"
        );
        let middle = self.script(&middle).await?;
        let (x, y) = (&middle[0], &middle[1]);
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]});
        self.perform(mouse).await
    }

    /// Types on a keyboard.
    pub(crate) async fn type_keys(&self, text: &str) -> Result<(), String> {
        let strokes = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})));
        let strokes: Vec<Value> = strokes.collect();
        self.perform(json!({"type": "key", "id": "keyboard", "actions": strokes}))
            .await
    }

    async fn perform(&self, source: Value) -> Result<(), String> {
        let actions = json!({"context": self.context, "actions": [source]});
        self.command("input.performActions", actions).await?;
        Ok(())
    }

    /// A picture of the page, as PNG.
    pub(crate) async fn screenshot(&self) -> Result<Vec<u8>, String> {
        let of = json!({"context": self.context});
        let shot = self.command("browsingContext.captureScreenshot", of).await;
        Ok(from_base64(shot?["data"].as_str().ok_or("no picture")?))
    }

    /// Ends the browser.
    pub(crate) async fn close(self) -> Result<(), String> {
        self.command("browser.close", json!({})).await?;
        Ok(())
    }

    /// Sends a command and waits for its answer; events that come in between are passed over.
    async fn command(&self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.commands.fetch_add(1, Ordering::Relaxed);
        let text = json!({"id": id, "method": method, "params": params}).to_string();
        let exchange = async {
            let mut socket = self.socket.lock().await;
            let sent = socket.send(Message::text(text)).await;
            sent.map_err(|error| error.to_string())?;
            while let Some(message) = socket.next().await {
                let message = message.map_err(|error| error.to_string())?;
                let Ok(text) = message.to_text() else {
                    continue;
                };
                let answer: Value = serde_json::from_str(text).unwrap_or_default();
                if answer["id"] == id {
                    return match answer["type"] == "success" {
                        true => Ok(answer["result"].clone()),
                        false => Err(format!("{method}: {answer}")),
                    };
                }
            }
            Err(format!("the browser hung up on {method}"))
        };
        let answer = timeout(PATIENCE, exchange).await;
        answer.unwrap_or_else(|_| Err(format!("no answer to {method}")))
    }
}

/// RFC 4648 §4, from a source that is trusted to write it well.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'=').map(value).collect();
    let group = |four: &[u8]| {
        let bits = four
            .iter()
            .fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

#[test]
fn base64_is_read() {
    // RFC 4648 §10
    for (text, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYmFy", "foobar")] {
        assert_eq!(from_base64(text), bytes.as_bytes());
    }
}
