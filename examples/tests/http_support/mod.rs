//! A gateway's HTTPS side over calls that are played, and clients for it.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test uses a part of it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use examples::bridge::Stats;
use examples::calls::{
    CallError, CallEvent, CallId, Calls, Command, Created, ETag, NewCall, Owner, Trickled,
};
use examples::config::{Config, Secret, Settings, TokenEntry};
use examples::http::{Limits, Server};
use examples::sip::InvalidUser;
use reqwest::{Client, Response};
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

pub const OFFER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";
pub const ALICE: &str = "alice-0123456789";
pub const BOB: &str = "bob-0123456789ab";

/// The played answer to an offer of this length.
pub fn answer(len: usize) -> String {
    format!("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=offered:{len}\r\n")
}

/// A folder that goes away again.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!("crosspoint-test-{}", CallId::random().unwrap());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server with played calls.
pub struct Gateway {
    pub server: Server,
    /// What happens to all calls.
    pub events: broadcast::Sender<CallEvent>,
    /// Whom a follower left.
    pub left: mpsc::Receiver<CallId>,
    _folder: Folder,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::start_with(Settings::default(), Limits::default()).await
    }

    pub async fn start_with(settings: Settings, limits: Limits) -> Self {
        let folder = Folder::new();
        let here = Settings {
            listen: Some("127.0.0.1:0".to_owned()),
            state_dir: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let mut config = Config::from_settings(settings.or(here)).unwrap();
        config.http.limits = limits;
        let (calls, commands) = Calls::channel();
        let (events, _) = broadcast::channel(16);
        let (leave, left) = mpsc::channel(16);
        tokio::spawn(play(commands, events.clone(), leave));
        let server = Server::start(&config.http, calls, Arc::default(), None)
            .await
            .unwrap();
        Self {
            server,
            events,
            left,
            _folder: folder,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.server.local_addr())
    }

    /// A client that trusts the server and speaks HTTP/1.1.
    pub fn client(&self) -> Client {
        self.client_of(&[b"http/1.1"])
    }

    /// A client that trusts the server and speaks HTTP/2.
    pub fn client_of_http2(&self) -> Client {
        self.client_of(&[b"h2"])
    }

    fn client_of(&self, protocols: &[&[u8]]) -> Client {
        let mut tls = self.tls_client_config();
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Client::builder()
            .use_preconfigured_tls(tls)
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap()
    }

    pub fn tls_client_config(&self) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(self.server.certificate().der().to_vec().into())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// Begins a call and returns its path and entity tag.
    pub async fn call(&self, client: &Client, token: Option<&str>) -> (String, String) {
        let mut request = client
            .post(self.url("/v1/calls?to=echo"))
            .header("content-type", "application/sdp")
            .body(OFFER);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        (header("location"), header("etag"))
    }
}

/// Settings with a token for Alice and one for Bob.
pub fn with_tokens() -> Settings {
    let entry = |name: &str, token| TokenEntry {
        name: name.to_owned(),
        token: Secret::new(token),
    };
    Settings {
        tokens: Some(vec![entry("alice", ALICE), entry("bob", BOB)]),
        ..Settings::default()
    }
}

struct Played {
    owner: Owner,
    etag: ETag,
}

/// Plays the owner of the calls. What it does depends on whom and with what it is asked to call.
async fn play(
    mut commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<CallEvent>,
    leave: mpsc::Sender<CallId>,
) {
    let mut calls: HashMap<CallId, Played> = HashMap::new();
    let mut ignored = Vec::new();
    while let Some(command) = commands.recv().await {
        let mine = |id: &CallId, owner: &Owner| {
            calls
                .get(id)
                .filter(|call| call.owner == *owner)
                .ok_or(CallError::Unknown)
        };
        match command {
            Command::Create(call, reply) if call.to == "slow" => ignored.push((call, reply)),
            Command::Create(call, reply) => {
                let created = create(&call);
                if let Ok(Created { id, etag, .. }) = &created {
                    calls.insert(
                        *id,
                        Played {
                            owner: call.owner,
                            etag: etag.clone(),
                        },
                    );
                }
                let _ = reply.send(created);
            }
            Command::Trickle {
                id,
                owner,
                if_match,
                reply,
                ..
            } => {
                let _ = reply.send(mine(&id, &owner).and_then(|call| {
                    let is_right = call.etag.as_str() == if_match;
                    is_right
                        .then_some(Trickled::Taken)
                        .ok_or(CallError::StaleETag)
                }));
            }
            Command::HangUp(id, owner, reply) => {
                let _ = reply.send(mine(&id, &owner).map(|_| ()));
            }
            Command::Follow(id, owner, reply) => {
                let _ = reply.send(mine(&id, &owner).map(|_| {
                    let (sender, receiver) = mpsc::channel(16);
                    tokio::spawn(tell(id, sender, events.subscribe(), leave.clone()));
                    receiver
                }));
            }
            Command::Stats(id, owner, reply) => {
                let _ = reply.send(mine(&id, &owner).map(|_| Stats::default()));
            }
            other => panic!("an unknown command: {other:?}"),
        }
    }
}

fn create(call: &NewCall) -> Result<Created, CallError> {
    let to = call.to.clone();
    match to.as_str() {
        "" => {
            return Err(CallError::BadTarget {
                to,
                problem: InvalidUser::Empty,
            });
        }
        "nobody" => return Err(CallError::NoRoute { to }),
        "full" => return Err(CallError::TooManyCalls { limit: 7 }),
        "greedy" => return Err(CallError::TooManyForToken { limit: 3 }),
        "exhausted" => {
            return Err(CallError::Exhausted {
                what: "ports".to_owned(),
            });
        }
        "late" => return Err(CallError::ShuttingDown),
        _ => {}
    }
    if !call.offer.starts_with("v=0") {
        let problem = "expected v=0".to_owned();
        return Err(CallError::MalformedSdp {
            line: 1,
            column: 3,
            problem,
        });
    }
    if !call.offer.contains("m=audio") {
        let reason = "the offer has no audio".to_owned();
        return Err(CallError::Unacceptable { reason });
    }
    let (id, etag) = (CallId::random().unwrap(), ETag::random().unwrap());
    Ok(Created {
        id,
        etag,
        answer: answer(call.offer.len()),
        grant: None,
    })
}

/// Two past events, then whatever happens; never closes by itself.
async fn tell(
    id: CallId,
    follower: mpsc::Sender<CallEvent>,
    mut events: broadcast::Receiver<CallEvent>,
    leave: mpsc::Sender<CallId>,
) {
    for past in [CallEvent::Trying, CallEvent::Ringing] {
        let _ = follower.send(past).await;
    }
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => { let _ = follower.send(event).await; }
                Err(_) => return,
            },
            () = follower.closed() => {
                let _ = leave.send(id).await;
                return;
            }
        }
    }
}

/// Time enough for all that should happen.
pub const SOON: Duration = Duration::from_secs(5);

/// The event stream of a new call.
pub async fn follow(gateway: &Gateway, client: &Client) -> Response {
    let (call, _) = gateway.call(client, None).await;
    let response = client
        .get(gateway.url(&format!("{call}/events")))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

/// Reads until the text has been seen.
pub async fn read_until(response: &mut Response, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = timeout(SOON, response.chunk())
            .await
            .expect("in time")
            .unwrap();
        seen.push_str(std::str::from_utf8(&chunk.expect("more events")).unwrap());
    }
    seen
}

pub async fn server_with(limits: Limits) -> Gateway {
    Gateway::start_with(Settings::default(), limits).await
}
