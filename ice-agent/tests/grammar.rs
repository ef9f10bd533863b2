//! Candidate lines of RFCs, of real programs, and made up.
#![allow(clippy::expect_used, clippy::indexing_slicing)] // helpers of tests

use std::fs;
use std::path::PathBuf;

use ice_agent::{Address, Candidate, Foundation, Kind, Protocol, TcpKind, local_ufrag};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

/// A folder of outside test data, if it is there.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("not tested: {} is absent", path.display());
    None
}

#[test]
fn every_captured_description_is_read_and_printed_again() {
    let Some(folder) = shared("captures/sdp") else {
        return;
    };
    let mut count = 0;
    for file in fs::read_dir(folder).expect("readable").flatten() {
        let text = fs::read(file.path()).expect("readable");
        let text = String::from_utf8_lossy(&text).into_owned();
        for line in text.lines().filter(|line| line.starts_with("a=candidate:")) {
            let candidate: Candidate = line.parse().expect(line);
            let printed = format!("a={candidate}");
            assert!(
                printed.eq_ignore_ascii_case(line.trim_end()),
                "{printed}\n{line}"
            );
            count += 1;
        }
    }
    println!("{count} captured candidates");
    assert!(count > 100);
}

#[test]
fn captured_checks_name_the_agent_they_are_for() {
    let Some(folder) = shared("captures/packets/stun") else {
        return;
    };
    let (mut named, mut other) = (0, 0);
    for file in fs::read_dir(folder).expect("readable").flatten() {
        if file
            .path()
            .extension()
            .is_none_or(|extension| extension != "hex")
        {
            continue;
        }
        for line in fs::read_to_string(file.path()).expect("readable").lines() {
            let packet = hex::decode(line.trim()).expect("hex");
            let request = packet.starts_with(&[0, 1]);
            let ufrag = local_ufrag(&packet);
            assert_eq!(ufrag.is_some(), request, "{line}");
            assert!(ufrag.is_none_or(|ufrag| ufrag.len() >= 4));
            *(if request { &mut named } else { &mut other }) += 1;
        }
    }
    println!("{named} checks and {other} other messages");
    assert!(named > 20 && other > 20);
}

fn candidates() -> impl Strategy<Value = Candidate> {
    let name = "[a-z][a-z0-9-]{0,20}\\.local";
    let address = prop_oneof![
        any::<std::net::SocketAddrV4>().prop_map(|addr| Address::Ip(addr.into())),
        (any::<[u8; 16]>(), any::<u16>())
            .prop_map(|(ip, port)| Address::Ip((std::net::IpAddr::from(ip), port).into())),
        (name, any::<u16>()).prop_map(|(host, port)| Address::Name {
            host: host.into(),
            port
        }),
    ];
    let protocol = prop_oneof![
        Just(Protocol::Udp),
        Just(Protocol::Tcp(TcpKind::Active)),
        Just(Protocol::Tcp(TcpKind::SimultaneousOpen)),
        Just(Protocol::Other("dccp".into())),
    ];
    let kind = prop_oneof![
        Just(Kind::Host),
        Just(Kind::ServerReflexive),
        Just(Kind::Relayed),
        Just(Kind::Other("x-wormhole".into())),
    ];
    let extensions = prop::collection::vec(("x[a-z0-9-]{0,12}", "[!-~]{0,12}"), 0..6);
    let foundation = "[a-zA-Z0-9+/]{1,32}".prop_map(|text| text.parse::<Foundation>().expect("f"));
    let parts = (foundation, 1..=256_u16, protocol, 1..=0x7FFF_FFFF_u32);
    let rest = (address.clone(), kind, prop::option::of(address), extensions);
    (parts, rest).prop_map(
        |((foundation, component, protocol, priority), (address, kind, related, extensions))| {
            Candidate {
                foundation,
                component,
                protocol,
                priority,
                address,
                kind,
                related,
                extensions: extensions.into_iter().collect(),
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(candidate in candidates()) {
        let text = candidate.to_string();
        assert_eq!(text.parse::<Candidate>().as_ref(), Ok(&candidate), "{text}");
    }

    #[test]
    fn no_text_upsets_the_reader(text in any::<String>()) {
        let _ = text.parse::<Candidate>();
        let _ = format!("candidate:1 1 udp 1 192.0.2.1 1 typ host {text}").parse::<Candidate>();
    }

    #[test]
    fn every_truncation_is_an_error_or_a_shorter_candidate(at in 0..120_usize) {
        let whole = "candidate:1 1 udp 1677729535 203.0.113.9 3478 typ srflx raddr 0.0.0.0 rport 0 generation 0";
        let cut = whole.get(..at).unwrap_or(whole);
        if let Ok(candidate) = cut.parse::<Candidate>() {
            assert!(candidate.to_string().len() <= cut.len());
        }
    }

    #[test]
    fn no_datagram_upsets_the_demultiplexer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = local_ufrag(&bytes);
    }
}
