//! Databases for tests: each a process of its own in a folder of its own, on loopback.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]
#![allow(clippy::disallowed_methods, reason = "processes take their time")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(10);

/// A folder that goes when the test does.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("crosspoint-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with the test.
#[derive(Debug)]
struct Process {
    child: Child,
    signal: &'static str,
}

impl Process {
    fn end(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args([self.signal, &id]).status();
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > END {
                let _ = self.child.kill();
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    let begin = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(begin.elapsed() < START, "nothing listens on {port}");
        sleep(Duration::from_millis(20));
    }
}

/// A running redis-server.
#[derive(Debug)]
pub(crate) struct Redis {
    // Ends before its folder goes.
    process: Option<Process>,
    folder: Folder,
    pub(crate) port: u16,
}

impl Redis {
    pub(crate) const PASSWORD: &str = "turn";

    pub(crate) fn start() -> Self {
        let mut redis = Self {
            folder: Folder::new("redis"),
            process: None,
            port: free_port(),
        };
        redis.restart();
        redis
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// What was written stays.
    pub(crate) fn restart(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args([
                "--requirepass",
                Self::PASSWORD,
                "--appendonly",
                "yes",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let signal = "-TERM";
        self.process = Some(Process { child, signal });
        wait_for(self.port);
    }

    /// As coturn's `redis-userdb` names it.
    pub(crate) fn userdb(&self) -> String {
        let Self { port, .. } = self;
        format!(
            "ip=127.0.0.1 port={port} dbname=2 password={}",
            Self::PASSWORD
        )
    }

    /// Runs a command of Redis.
    pub(crate) fn run(&self, command: &[&str]) {
        let status = Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "-n", "2"])
            .args(["--no-auth-warning", "-a", Self::PASSWORD])
            .args(command)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{command:?}");
    }

    pub(crate) fn set_key(&self, realm: &str, user: &str, key: &str) {
        self.run(&["SET", &format!("turn/realm/{realm}/user/{user}/key"), key]);
    }

    pub(crate) fn remove_key(&self, realm: &str, user: &str) {
        self.run(&["DEL", &format!("turn/realm/{realm}/user/{user}/key")]);
    }
}

/// A running PostgreSQL server with coturn's tables.
#[derive(Debug)]
pub(crate) struct Postgres {
    // Ends before its folder goes.
    process: Option<Process>,
    folder: Folder,
    pub(crate) port: u16,
}

/// The tables of coturn that hold credentials.
const TABLES: &str = "
    CREATE TABLE turnusers_lt (
        realm varchar(127) DEFAULT '', name varchar(512), hmackey char(128),
        PRIMARY KEY (realm, name)
    );
    CREATE TABLE turn_secret (
        realm varchar(127) DEFAULT '', value varchar(256), PRIMARY KEY (realm, value)
    );";

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = Folder::new("postgres");
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = other_user() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
            chown(&data, Some(uid), Some(gid)).unwrap();
        }
        let made = program("initdb")
            .args([
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "turn",
                "-E",
                "UTF8",
                "--no-locale",
                "-D",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb");
        let mut postgres = Self {
            folder,
            process: None,
            port: free_port(),
        };
        postgres.restart();
        postgres.run(TABLES);
        postgres
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// What was written stays.
    pub(crate) fn restart(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let child = program("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args([
                "-p",
                &self.port.to_string(),
                "-h",
                "127.0.0.1",
                "-k",
                "",
                "-F",
            ])
            .stderr(log)
            .spawn()
            .expect("postgres runs");
        // Fast shutdown: connections are ended.
        let signal = "-INT";
        self.process = Some(Process { child, signal });
        wait_for(self.port);
        let begin = Instant::now();
        while !self.try_run("SELECT 1") {
            assert!(begin.elapsed() < START, "PostgreSQL does not answer");
            sleep(Duration::from_millis(50));
        }
    }

    /// As coturn's `psql-userdb` names it.
    pub(crate) fn userdb(&self) -> String {
        let Self { port, .. } = self;
        format!("host=127.0.0.1 port={port} dbname=postgres user=turn password=turn")
    }

    pub(crate) fn run(&self, sql: &str) {
        assert!(self.try_run(sql), "{sql}");
    }

    fn try_run(&self, sql: &str) -> bool {
        let status = Command::new("psql")
            .args([
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &self.userdb(),
                "-c",
                sql,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    }

    pub(crate) fn set_key(&self, realm: &str, user: &str, key: &str) {
        self.run(&format!(
            "INSERT INTO turnusers_lt VALUES ('{realm}', '{user}', '{key}') \
             ON CONFLICT (realm, name) DO UPDATE SET hmackey = '{key}'"
        ));
    }

    pub(crate) fn remove_key(&self, realm: &str, user: &str) {
        self.run(&format!(
            "DELETE FROM turnusers_lt WHERE realm = '{realm}' AND name = '{user}'"
        ));
    }
}

/// A program of the server, which Debian keeps out of the way. It does not run as root.
fn program(name: &str) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let paths = versions.map(|version| version.unwrap().path().join("bin").join(name));
    let path = paths.max().expect("PostgreSQL is installed");
    let mut command = Command::new(path);
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/");
    command
}

/// The user that Debian made for PostgreSQL, where the test runs as root.
fn other_user() -> Option<(u32, u32)> {
    let own = Command::new("id").arg("-u").output().unwrap();
    if String::from_utf8_lossy(&own.stdout).trim() != "0" {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut ids = line.split(':').skip(2);
    Some((ids.next()?.parse().unwrap(), ids.next()?.parse().unwrap()))
}
