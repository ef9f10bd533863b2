//! Handshakes with `openssl s_server` and `openssl s_client` over loopback, in both roles, with
//! the exported keys compared. Needs the `openssl` program; without it the tests fail and say so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests
#![allow(clippy::disallowed_methods)] // a driver: it reads the clock that the connection is told

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use dtls_handshake::{
    CloseCause, Config, Connected, Connection, Event, Fingerprint, HashAlgorithm, Identity,
};

const LABEL: &str = "EXTRACTOR-dtls_srtp";
const PATIENCE: Duration = Duration::from_secs(20);
const PROFILES: [u16; 2] = [7, 1];

/// A directory with a key and a certificate for openssl, removed in the end.
struct Credentials {
    directory: PathBuf,
    certificate: Vec<u8>,
}

impl Credentials {
    fn new(key: &[&str]) -> Self {
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

    fn p256() -> Self {
        Self::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(HashAlgorithm::Sha256, &self.certificate)
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

/// A running openssl and what it says.
struct Openssl {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Openssl {
    fn start(credentials: &Credentials, arguments: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(arguments)
            .args(["-dtls1_2", "-use_srtp", "SRTP_AES128_CM_SHA1_80"])
            .args(["-keymatexport", LABEL, "-keymatexportlen", "60"])
            .arg("-cert")
            .arg(credentials.directory.join("certificate.pem"))
            .arg("-key")
            .arg(credentials.directory.join("key.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs the `openssl` program: {error}"));
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
    fn wait_for(&mut self, what: &str) -> String {
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
                    panic!("openssl never said {what:?}:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection on a socket.
struct Driver {
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    connection: Connection,
    events: Vec<Event>,
    data: Vec<Vec<u8>>,
}

impl Driver {
    fn new(socket: UdpSocket, remote: Option<SocketAddr>, connection: Connection) -> Self {
        Self {
            socket,
            remote,
            connection,
            events: Vec::new(),
            data: Vec::new(),
        }
    }

    fn flush(&mut self) {
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut out) {
            // Before anybody has spoken to a server it has nothing to send.
            self.socket
                .send_to(&out[range], self.remote.unwrap())
                .unwrap();
        }
        while let Some(event) = self.connection.poll_event() {
            self.events.push(event);
        }
        while let Some(range) = self.connection.poll_data(&mut out) {
            self.data.push(out[range].to_vec());
        }
    }

    /// Drives until `done` finds what it looks for.
    fn until<T>(&mut self, what: &str, done: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 65536];
        loop {
            self.flush();
            if let Some(found) = done(self) {
                return found;
            }
            let now = Instant::now();
            assert!(now < deadline, "{what} never came: {:?}", self.connection);
            let wake = self
                .connection
                .poll_timeout()
                .map_or(deadline, |at| at.min(deadline));
            let wait = wake
                .saturating_duration_since(now)
                .max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    self.remote = Some(from);
                    let _ = self
                        .connection
                        .handle_datagram(Instant::now(), &mut buffer[..length]);
                }
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                    ),
                    "{error}"
                ),
            }
            self.connection.handle_timeout(Instant::now());
        }
    }

    fn connected(&mut self) -> Connected {
        self.until("Connected", |driver| {
            driver.events.iter().find_map(|event| match event {
                Event::Connected(connected) => Some(connected.clone()),
                Event::Closed(cause) => panic!("closed: {cause}"),
                _ => None,
            })
        })
    }

    fn closed(&mut self) -> CloseCause {
        self.until("Closed", |driver| {
            driver.events.iter().find_map(|event| match event {
                Event::Closed(cause) => Some(*cause),
                _ => None,
            })
        })
    }

    fn data(&mut self) -> Vec<u8> {
        self.until("data", |driver| driver.data.first().cloned())
    }

    fn exported(&self, connected: &Connected) -> String {
        let mut out = [0; 60];
        self.connection
            .export_keying_material(&connected.peer, LABEL, None, &mut out)
            .unwrap();
        hex::encode_upper(out)
    }
}

fn config() -> (Identity, Config) {
    let identity = Identity::generate(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    let config = Config::new(identity.clone()).with_srtp_profiles(&PROFILES);
    (identity, config)
}

/// We connect to `openssl s_server`, which asks for a cookie and for our certificate.
fn as_client(config: Config, credentials: &Credentials, more: &[&str]) {
    let arguments = [
        &["s_server", "-accept", "127.0.0.1:0", "-Verify", "1"],
        more,
    ]
    .concat();
    let mut server = Openssl::start(credentials, &arguments);
    let remote: SocketAddr = server.wait_for("ACCEPT ").parse().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::client(config, [1; 32], Instant::now());
    connection.set_peer_fingerprints(Instant::now(), vec![credentials.fingerprint()]);
    let mut driver = Driver::new(socket, Some(remote), connection);
    let connected = driver.connected();
    check(&mut driver, &connected, &mut server, credentials);

    driver.connection.close(Instant::now());
    assert_eq!(driver.closed(), CloseCause::ClosedLocally);
    driver.flush();
    server.wait_for("DONE");
}

/// `openssl s_client` connects to us.
fn as_server(config: Config, credentials: &Credentials, more: &[&str]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let mut connection = Connection::server(config, [2; 32], Instant::now());
    connection.set_peer_fingerprints(Instant::now(), vec![credentials.fingerprint()]);
    let mut driver = Driver::new(socket, None, connection);
    let arguments = [&["s_client", "-connect", &address], more].concat();
    let mut client = Openssl::start(credentials, &arguments);
    let connected = driver.connected();
    check(&mut driver, &connected, &mut client, credentials);

    client.say("Q\n");
    assert_eq!(driver.closed(), CloseCause::ClosedByPeer);
}

fn check(
    driver: &mut Driver,
    connected: &Connected,
    openssl: &mut Openssl,
    credentials: &Credentials,
) {
    assert_eq!(connected.srtp_profile, Some(1));
    assert_eq!(connected.peer.certificate(), credentials.certificate);
    assert_eq!(
        openssl.wait_for("Keying material: "),
        driver.exported(connected)
    );

    driver
        .connection
        .send(Instant::now(), b"from here\n")
        .unwrap();
    driver.flush();
    openssl.wait_for("from here");
    openssl.say("from there\n");
    assert_eq!(driver.data(), b"from there\n");
}

#[test]
fn real_openssl_client_of_s_server() {
    as_client(config().1, &Credentials::p256(), &[]);
}

#[test]
fn real_openssl_client_of_s_server_with_fragments_on_both_sides() {
    as_client(
        config().1.with_mtu(300),
        &Credentials::p256(),
        &["-mtu", "300"],
    );
}

#[test]
fn real_openssl_client_of_s_server_on_p256() {
    as_client(config().1, &Credentials::p256(), &["-curves", "P-256"]);
}

#[test]
fn real_openssl_client_of_s_server_with_a_p384_certificate() {
    let credentials = Credentials::new(&["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    as_client(config().1, &credentials, &[]);
}

#[test]
fn real_openssl_server_of_s_client() {
    as_server(config().1, &Credentials::p256(), &[]);
}

#[test]
fn real_openssl_server_of_s_client_with_fragments_on_both_sides() {
    as_server(
        config().1.with_mtu(300),
        &Credentials::p256(),
        &["-mtu", "300"],
    );
}

#[test]
fn real_openssl_server_of_s_client_on_p256() {
    as_server(config().1, &Credentials::p256(), &["-curves", "P-256"]);
}

#[test]
fn real_openssl_server_of_s_client_with_other_certificates() {
    for key in [
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"][..],
        &["ed25519"],
        &["rsa:2048"],
    ] {
        as_server(config().1, &Credentials::new(key), &[]);
    }
}

#[test]
fn real_openssl_a_peer_with_another_certificate_is_told_so() {
    let (ours, config) = config();
    let credentials = Credentials::p256();
    let arguments = ["s_server", "-accept", "127.0.0.1:0", "-Verify", "1"];
    let mut server = Openssl::start(&credentials, &arguments);
    let remote: SocketAddr = server.wait_for("ACCEPT ").parse().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::client(config, [3; 32], Instant::now());
    connection.set_peer_fingerprints(Instant::now(), vec![ours.fingerprint()]);
    let mut driver = Driver::new(socket, Some(remote), connection);
    assert_eq!(driver.closed(), CloseCause::FingerprintMismatch);
    driver.flush();
    server.wait_for("alert bad certificate");
}
