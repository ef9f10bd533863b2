//! Child processes whose output can be waited for, and that end with their owner.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// No event of these tests takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running program and the lines it prints.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// The process group, which has the child's id.
    group: u32,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts a program; it is killed when the value is dropped, with all that it has started.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let group = child.id().unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        forward(child.stdout.take().unwrap(), sender.clone());
        forward(child.stderr.take().unwrap(), sender);
        Self {
            name,
            child,
            group,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for a line that contains `text` and answers it.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        let line = self.try_line_with(text).await;
        line.unwrap_or_else(|why| panic!("{why}"))
    }

    /// Waits for a line that contains `text`; or says what the program said instead.
    pub(crate) async fn try_line_with(&mut self, text: &str) -> Result<String, String> {
        let wait = async {
            while let Some(line) = self.lines.recv().await {
                self.seen.push(line.clone());
                if line.contains(text) {
                    return Some(line);
                }
            }
            None
        };
        let outcome = tokio::time::timeout(PATIENCE, wait).await;
        if let Ok(Some(line)) = outcome {
            return Ok(line);
        }
        let how = if outcome.is_ok() {
            "it ended"
        } else {
            "time ran out"
        };
        let (name, seen) = (self.name, self.seen.join("\n"));
        Err(format!(
            "{name} never said {text:?} ({how}); it said:\n{seen}"
        ))
    }

    /// Its id, as the system names it.
    pub(crate) fn id(&self) -> u32 {
        self.group
    }

    /// Sends a signal, such as `-STOP`.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self
            .child
            .id()
            .expect("the process has ended before")
            .to_string();
        let sent = Command::new("kill")
            .args([signal, &id])
            .status()
            .await
            .unwrap();
        assert!(sent.success(), "{} takes no {signal}", self.name);
    }

    /// Sends SIGINT, as Ctrl-C does, and waits for the end.
    pub(crate) async fn interrupt(self) -> std::process::ExitStatus {
        self.signal("-INT").await;
        self.finish().await
    }

    /// The ports of the UDP sockets that it has open, over IPv4.
    pub(crate) fn udp_ports(&self) -> Vec<u16> {
        let process = std::path::PathBuf::from(format!("/proc/{}", self.group));
        let Ok(files) = std::fs::read_dir(process.join("fd")) else {
            return Vec::new(); // it has ended
        };
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        let sockets: Vec<String> = targets.map(|target| target.display().to_string()).collect();
        let table = std::fs::read_to_string("/proc/net/udp").unwrap();
        let own = table.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_, port) = fields[1].split_once(':')?;
            let socket = format!("socket:[{}]", fields[9]);
            sockets.contains(&socket).then_some(port)
        });
        own.map(|port| u16::from_str_radix(port, 16).unwrap())
            .collect()
    }

    /// Waits until it has opened a UDP port; or says what it said instead.
    ///
    /// To try the port would be to take it away for a moment, perhaps just then.
    pub(crate) async fn listens_on(&mut self, port: u16) -> Result<(), String> {
        let listens = async {
            while !self.udp_ports().contains(&port) {
                if self.has_ended() {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            true
        };
        match tokio::time::timeout(PATIENCE, listens).await {
            Ok(true) => Ok(()),
            _ => {
                let said = self.output();
                Err(format!("{} does not listen:\n{said}", self.name))
            }
        }
    }

    /// Whether it runs no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end.
    pub(crate) async fn finish(mut self) -> std::process::ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("{} does not end", self.name))
            .unwrap()
    }

    /// Kills it at once, as a crash would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Kills it and all that it has started at once, and waits for its end.
    pub(crate) async fn kill_all(mut self) {
        self.kill_group();
        self.child.wait().await.unwrap();
    }

    fn kill_group(&self) {
        let group = format!("-{}", self.group);
        let _ = std::process::Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
    }

    /// The child's standard input, once.
    pub(crate) fn stdin(&mut self) -> Option<tokio::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Everything printed so far.
    pub(crate) fn output(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.seen.push(line);
        }
        self.seen.join("\n")
    }
}

impl Drop for Process {
    /// A test that fails must not leave a browser behind: it lives in its driver's process group.
    fn drop(&mut self) {
        self.kill_group();
    }
}

fn forward(pipe: impl AsyncRead + Unpin + Send + 'static, lines: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            let _ = lines.send(line);
        }
    });
}

/// A folder of its own under the build's temporary folder, removed with the value.
#[derive(Debug)]
pub(crate) struct Scratch(pub std::path::PathBuf);

impl Scratch {
    /// An empty folder.
    pub(crate) fn new(name: &str) -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let unique = format!("{name}-{:016x}", u64::from_le_bytes(random));
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A TCP and UDP port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let tcp = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = tcp.local_addr().unwrap().port();
    match std::net::UdpSocket::bind(("127.0.0.1", port)) {
        Ok(_) => port,
        Err(_) => free_port(),
    }
}
