//! Running programs, and keys and certificates for them.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use dtls_handshake::{Fingerprint, HashAlgorithm};

use crate::driver::PATIENCE;

/// A directory with a key and a certificate, removed in the end.
pub(crate) struct Credentials {
    directory: PathBuf,
    /// In DER.
    pub(crate) certificate: Vec<u8>,
}

impl Credentials {
    /// A fresh key; the arguments are those of `openssl req -newkey`.
    pub(crate) fn new(key: &[&str]) -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("dtls-handshake-{}-{serial}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut command = Command::new("openssl");
        command.args([
            "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=peer", "-newkey",
        ]);
        command
            .args(key)
            .arg("-keyout")
            .arg(directory.join("key.pem"));
        run(command.arg("-out").arg(directory.join("certificate.pem")));
        let certificate = run(Command::new("openssl")
            .args(["x509", "-outform", "DER", "-in"])
            .arg(directory.join("certificate.pem")));
        Self {
            directory,
            certificate,
        }
    }

    pub(crate) fn p256() -> Self {
        Self::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    pub(crate) fn p384() -> Self {
        Self::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-384"])
    }

    pub(crate) fn rsa() -> Self {
        Self::new(&["rsa:2048"])
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(HashAlgorithm::Sha256, &self.certificate)
    }

    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.directory.join("key.pem")
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("this test needs the `openssl` program: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A running program and what it says.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs {command:?}: {error}"));
        let (sender, lines) = channel();
        let stdout: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [stdout, stderr] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            lines,
            said: Vec::new(),
        }
    }

    /// The rest of the first line that contains `what`, waiting for it.
    pub(crate) fn wait_for(&mut self, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut at = 0;
        loop {
            for line in &self.said[at..] {
                if let Some((_, rest)) = line.split_once(what) {
                    return rest.trim().to_owned();
                }
            }
            at = self.said.len();
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the program never said {what:?}:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Nothing more will be said.
    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
