//! baresip: a SIP phone with a tone of its own and a recorder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

use super::process::{PATIENCE, Process, Scratch, free_port};
use super::sound::Recording;

/// How the phone treats a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Picks up by itself.
    Auto,
    /// Rings until told.
    Manual,
}

/// A running phone.
pub(crate) struct Phone {
    /// The process.
    pub(crate) process: Process,
    /// Its SIP address.
    pub(crate) sip: SocketAddr,
    folder: Scratch,
    control: TcpStream,
    unread: Vec<u8>,
    _stdin: Option<ChildStdin>,
}

impl Phone {
    /// Starts a phone whose microphone hears `hertz`.
    ///
    /// Its ports were free a moment before; a phone that finds one taken is started once more.
    pub(crate) async fn start(hertz: u32, answer: Answer) -> Self {
        Self::start_with(hertz, answer, "").await
    }

    /// Starts one with these parameters of its account, such as `;mediaenc=srtp`.
    pub(crate) async fn start_with(hertz: u32, answer: Answer, account: &str) -> Self {
        match Self::try_start(hertz, answer, account).await {
            Ok(phone) => phone,
            Err(first) => {
                let again = Self::try_start(hertz, answer, account).await;
                again.unwrap_or_else(|second| panic!("{first}\n{second}"))
            }
        }
    }

    async fn try_start(hertz: u32, answer: Answer, account: &str) -> Result<Self, String> {
        let folder = Scratch::new("phone");
        let (sip, control) = (free_port(), free_port());
        std::fs::create_dir(folder.join("rec")).unwrap();
        std::fs::write(folder.join("config"), config(sip, control, hertz, &folder)).unwrap();
        let mode = if answer == Answer::Auto {
            "auto"
        } else {
            "manual"
        };
        let account = format!("<sip:phone@127.0.0.1:{sip}>;regint=0;answermode={mode}{account}\n");
        std::fs::write(folder.join("accounts"), account).unwrap();
        std::fs::write(folder.join("contacts"), "").unwrap();
        let mut process = Process::start(
            "baresip",
            Command::new("baresip")
                .arg("-f")
                .arg(&folder.0)
                .stdin(Stdio::piped()),
        );
        let stdin = process.stdin();
        process.try_line_with("baresip is ready").await?;
        let control = TcpStream::connect(("127.0.0.1", control)).await;
        let control = control.map_err(|error| error.to_string())?;
        let sip = SocketAddr::from(([127, 0, 0, 1], sip));
        Ok(Self {
            process,
            sip,
            folder,
            control,
            unread: Vec::new(),
            _stdin: stdin,
        })
    }

    /// Gives the phone a command of its menu.
    pub(crate) async fn command(&mut self, command: &str, params: &str) {
        let text = json!({"command": command, "params": params}).to_string();
        let framed = format!("{}:{text},", text.len());
        self.control.write_all(framed.as_bytes()).await.unwrap();
    }

    /// Waits for an event of the phone, such as `CALL_ESTABLISHED`.
    pub(crate) async fn event(&mut self, kind: &str) {
        self.message_with("type", &Value::from(kind)).await;
    }

    /// Waits until a key was pressed and released on the other side.
    pub(crate) async fn hears_key(&mut self, key: char) {
        let told = format!("received event: '{key}' (end=1)");
        self.process.line_with(&told).await;
    }

    /// Waits for a message in which `key` has this value.
    async fn message_with(&mut self, key: &str, value: &Value) -> Value {
        let wait = async {
            loop {
                let message = self.message().await;
                if message[key] == *value {
                    return message;
                }
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(message) => message,
            Err(_) => panic!(
                "no {key} = {value} from the phone:\n{}",
                self.process.output()
            ),
        }
    }

    /// The next netstring from the control connection.
    async fn message(&mut self) -> Value {
        loop {
            if let Some(colon) = self.unread.iter().position(|b| *b == b':') {
                let len = std::str::from_utf8(&self.unread[..colon]).unwrap();
                let end = colon + 1 + len.parse::<usize>().unwrap();
                if self.unread.len() > end {
                    let message = serde_json::from_slice(&self.unread[colon + 1..end]).unwrap();
                    self.unread.drain(..=end);
                    return message;
                }
            }
            let mut chunk = [0; 4096];
            let read = self.control.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "the phone closed its control connection");
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }

    /// The strongest frequency the phone has heard, from the file it records while a call lasts,
    /// and in how much of the last second. `None` while it has heard nothing.
    pub(crate) fn heard(&self) -> Option<(f64, f64)> {
        let files = std::fs::read_dir(self.folder.join("rec")).unwrap();
        let decoded = |path: &PathBuf| path.to_string_lossy().ends_with("-dec.wav");
        let path = files.map(|file| file.unwrap().path()).find(decoded)?;
        Recording::read(&path)?.dominant()
    }

    /// Waits until the strongest frequency that the phone has recorded is `hertz`.
    pub(crate) async fn hears(&self, hertz: f64) {
        let hears = async {
            loop {
                let heard = self.heard();
                if matches!(heard, Some((found, share)) if (found - hertz).abs() <= 10.0 && share > 0.5)
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        if timeout(PATIENCE, hears).await.is_err() {
            panic!("the phone hears {:?}, not {hertz} Hz", self.heard());
        }
    }

    /// Where the phone sends its RTP.
    pub(crate) async fn remote(&mut self) -> SocketAddr {
        self.command("audio_debug", "").await;
        let answer = self.message_with("response", &Value::Bool(true)).await;
        let report = answer["data"].as_str().unwrap();
        let remote = report.split_once("remote: ").unwrap().1;
        remote.split('/').next().unwrap().parse().unwrap()
    }

    /// RTP packets that the phone has sent and received in the call that is up.
    pub(crate) async fn packets(&mut self) -> (u64, u64) {
        self.command("audio_debug", "").await;
        let answer = self.message_with("response", &Value::Bool(true)).await;
        let report = answer["data"].as_str().unwrap();
        let number = |name: &str| {
            let after = report
                .split_once(name)
                .unwrap_or_else(|| panic!("{name} in {report}"))
                .1;
            let digits = after.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            digits.parse().unwrap()
        };
        (number("TX: packets="), number("seq_put="))
    }
}

fn config(sip: u16, control: u16, hertz: u32, folder: &Scratch) -> String {
    let recordings = folder.join("rec");
    format!(
        "poll_method epoll\n\
         sip_listen 127.0.0.1:{sip}\n\
         call_max_calls 4\n\
         audio_player aubridge,none\n\
         audio_source ausine,{hertz}\n\
         audio_alert aubridge,none\n\
         ausrc_srate 48000\n\
         auplay_srate 48000\n\
         ausrc_channels 2\n\
         auplay_channels 2\n\
         ausrc_format s16\n\
         auplay_format s16\n\
         audio_level no\n\
         rtp_ports 20000-29999\n\
         rtcp_mux no\n\
         jitter_buffer_delay 2-6\n\
         net_interface 127.0.0.1\n\
         module_path /usr/lib/baresip/modules\n\
         module stdio.so\n\
         module g711.so\n\
         module opus.so\n\
         module ausine.so\n\
         module aubridge.so\n\
         module sndfile.so\n\
         module uuid.so\n\
         module srtp.so\n\
         module dtls_srtp.so\n\
         module_tmp account.so\n\
         module_app menu.so\n\
         module_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{control}\n\
         snd_path {}\n",
        recordings.display()
    )
}
