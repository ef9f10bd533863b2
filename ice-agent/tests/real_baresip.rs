//! Against baresip with ICE: two components, for its offers have no rtcp-mux. The call is answered by
//! hand; no audio is judged.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // a test

mod real;

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ice_agent::{Agent, Config, Credentials, Role, State};
use real::{Node, own_address, run};

/// A call that baresip makes, until it is dropped.
struct Phone {
    child: Child,
    folder: PathBuf,
}

impl Phone {
    fn dial(ip: IpAddr, to: SocketAddr) -> Self {
        let name = format!("ice-agent-baresip-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let config = format!(
            "poll_method epoll\nsip_listen {ip}:0\naudio_player aubridge,nil\n\
             audio_source ausine,440\naudio_alert aubridge,nil\nausrc_srate 48000\nausrc_channels 2\n\
             auplay_srate 48000\nauplay_channels 2\nrtcp_mux no\n\
             module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule ausine.so\n\
             module aubridge.so\nmodule ice.so\nmodule stun.so\nmodule turn.so\n\
             module uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n"
        );
        fs::write(folder.join("config"), config).expect("written");
        let account = format!("<sip:phone@{ip}>;regint=0;medianat=ice;audio_codecs=pcmu\n");
        fs::write(folder.join("accounts"), account).expect("written");
        fs::write(folder.join("contacts"), "").expect("written");
        let child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .args(["-e", &format!("/dial sip:us@{to}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("baresip");
        Self { child, folder }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An INVITE and who sent it.
struct Invite {
    text: String,
    from: SocketAddr,
}

fn hear_invite(sip: &UdpSocket) -> Invite {
    sip.set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let mut buffer = [0; 8192];
    loop {
        let (length, from) = sip.recv_from(&mut buffer).expect("an INVITE");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with("INVITE ") {
            return Invite { text, from };
        }
    }
}

impl Invite {
    /// What follows a name at the beginning of a line.
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.text
            .lines()
            .filter_map(move |line| line.strip_prefix(name))
    }

    fn one(&self, name: &str) -> String {
        self.lines(name).next().expect(name).trim().to_owned()
    }

    /// 200 with this description (RFC 3261 §13.3.1.4).
    fn answer(&self, sip: &UdpSocket, ip: IpAddr, description: &str) {
        let copied = ["Via:", "From:", "Call-ID:", "CSeq:"];
        let copied: String = (copied.iter())
            .flat_map(|name| {
                self.lines(name)
                    .map(move |value| format!("{name}{value}\r\n"))
            })
            .collect();
        let port = sip.local_addr().expect("bound").port();
        let answer = format!(
            "SIP/2.0 200 OK\r\n{copied}To:{};tag=us\r\nContact: <sip:us@{ip}:{port}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{description}",
            self.lines("To:").next().expect("To"),
            description.len()
        );
        sip.send_to(answer.as_bytes(), self.from).expect("sent");
    }
}

/// Both components of ours, with the same credentials.
fn components(ip: IpAddr) -> [Node; 2] {
    let config = |component| Config {
        role: Role::Controlled,
        component,
        ..Config::default()
    };
    let rtp = Agent::new(config(1), [1; 32]).expect("a configuration");
    let credentials = rtp.local_credentials().clone();
    let rtcp = Agent::with_credentials(config(2), [2; 32], credentials);
    [rtp, rtcp.expect("a configuration")].map(|agent| Node::with(agent, ip))
}

fn description(ip: IpAddr, nodes: &[Node; 2]) -> String {
    let credentials = nodes[0].agent.local_credentials();
    let ports = [0, 1].map(|at: usize| nodes[at].candidates[0].address.port());
    let candidates: String = (nodes.iter())
        .flat_map(|node| &node.candidates)
        .map(|candidate| format!("a={candidate}\r\n"))
        .collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:{} IN IP4 {ip}\r\n\
         a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n{candidates}",
        ports[0],
        ports[1],
        credentials.ufrag(),
        credentials.password(),
    )
}

#[test]
fn real_baresip_connects_both_components_of_a_call_without_rtcp_mux() {
    let ip = own_address();
    let sip = UdpSocket::bind((ip, 0)).expect("a socket");
    let phone = Phone::dial(ip, sip.local_addr().expect("bound"));
    let invite = hear_invite(&sip);
    let mut nodes = components(ip);
    let credentials = Credentials::new(invite.one("a=ice-ufrag:"), invite.one("a=ice-pwd:"));
    let credentials = credentials.expect("credentials");
    for (node, component) in nodes.iter_mut().zip([1, 2]) {
        let set = node
            .agent
            .set_remote_credentials(Instant::now(), credentials.clone());
        set.expect("first");
        let mut count = 0;
        for line in invite.lines("a=candidate:") {
            if line.split(' ').nth(1) == Some(&component.to_string()) {
                node.add_remote(line);
                count += 1;
            }
        }
        assert!(count > 0, "component {component}: {}", invite.text);
    }
    invite.answer(&sip, ip, &description(ip, &nodes));
    let [rtp, rtcp] = &mut nodes;
    let time = run(&mut [rtp, rtcp], |nodes| {
        let done = |node: &&mut Node| node.agent.state() == State::Completed;
        nodes.iter().all(done) && !nodes[0].received.is_empty()
    });
    println!("both components and the first RTP after {time:?}");
    for node in &nodes {
        assert!(node.agent.selected_pair().is_some());
    }
    // Version 2, payload type 0.
    let packet = &nodes[0].received[0];
    assert_eq!((packet[0] >> 6, packet[1] & 0x7f), (2, 0));
    drop(phone);
}
