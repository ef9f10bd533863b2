//! Sessions as they live: offers and answers after the first, keys by policy, streams that come and
//! go, and late candidates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod shared;

use sdp::attribute::{Direction, Fingerprint, Group, Mid, Setup};
use sdp::negotiate::{
    AgreedContent, Capabilities, Codec, Credentials, DataChannel, Destination, DtlsRole,
    Encryption, Keys, LocalKey, Refusal, Rtp, Selection, Session, Stream,
};
use sdp::{Description, Fragment};
use shared::{
    answer, dtls, everything, key, offer, origin, phone, plain_transport, rtp, text, webrtc,
    webrtc_transport, with,
};

/// Two sessions, the first of which has offered and the second answered.
fn call(ours: &Capabilities, theirs: &Capabilities) -> (Session, Session) {
    let (mut one, mut other) = (Session::new(origin()), Session::new(origin()));
    exchange(&mut one, ours, &mut other, theirs).unwrap();
    (one, other)
}

/// An offer of `one` and the answer of `other`, over text that reads strictly.
fn exchange(
    one: &mut Session,
    ours: &Capabilities,
    other: &mut Session,
    theirs: &Capabilities,
) -> Result<(), Refusal> {
    let offer = one.offer(ours)?.to_string();
    other.answer(&Description::parse_strict(&offer).unwrap(), theirs)?;
    let answer = text(other);
    one.accept(&Description::parse_strict(&answer).unwrap())?;
    Ok(())
}

fn version(session: &Session) -> u64 {
    let version = session.description().unwrap().origin().unwrap();
    version.session_version.parse().unwrap()
}

fn directions(one: &Session, other: &Session) -> (Direction, Direction) {
    let of = |session: &Session| session.agreement().unwrap().stream(0).unwrap().direction;
    (of(one), of(other))
}

fn ports(session: &Session) -> Vec<u16> {
    let sections = session.description().unwrap().media().iter();
    sections.map(|media| media.port()).collect()
}

fn hold(ours: &Capabilities) -> Capabilities {
    with(ours.clone(), |audio| audio.direction = Direction::Sendonly)
}

#[test]
fn hold_and_resume_change_the_direction_and_the_version() {
    use Direction::{Recvonly, Sendonly, Sendrecv};
    let ours = phone(vec![Codec::PCMU]);
    let (mut one, mut other) = call(&ours, &ours);
    assert_eq!((version(&one), version(&other)), (1, 1));
    assert_eq!(directions(&one, &other), (Sendrecv, Sendrecv));

    exchange(&mut one, &hold(&ours), &mut other, &ours).unwrap();
    assert_eq!(directions(&one, &other), (Sendonly, Recvonly));
    assert_eq!((version(&one), version(&other)), (2, 2));

    // A refresh says the same again, byte for byte.
    let before = (text(&one), text(&other));
    exchange(&mut one, &hold(&ours), &mut other, &ours).unwrap();
    assert_eq!((text(&one), text(&other)), before);

    // The one on hold may offer too: it stays on hold until the other resumes.
    exchange(&mut other, &ours, &mut one, &hold(&ours)).unwrap();
    assert_eq!(directions(&one, &other), (Sendonly, Recvonly));
    exchange(&mut one, &ours, &mut other, &ours).unwrap();
    assert_eq!(directions(&one, &other), (Sendrecv, Sendrecv));
}

#[test]
fn a_peer_on_hold_without_address_stays_where_it_was() {
    let ours = phone(vec![Codec::PCMU]);
    let (one, mut other) = call(&ours, &ours);
    let before = other.agreement().unwrap().stream(0).unwrap().destination;
    let addresses = before.addresses();
    let nowhere = text(&one).replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    let agreed = other
        .answer(&Description::parse(&nowhere).unwrap(), &ours)
        .unwrap();
    let agreed = agreed.stream(0).unwrap();
    assert_eq!(agreed.destination, Destination::Held(addresses));
    assert_eq!(agreed.direction, Direction::Recvonly);
}

#[test]
fn what_cannot_be_agreed_to_changes_nothing() {
    let ours = phone(vec![Codec::PCMU]);
    let (one, mut other) = call(&ours, &ours);
    let (said, agreed) = (text(&other), other.agreement().cloned());
    let g729 = text(&one)
        .replace("RTP/AVP 0 101", "RTP/AVP 18 101")
        .replace("rtpmap:0 PCMU", "rtpmap:18 G729");
    let ip6 = text(&one).replace("c=IN IP4 192.0.2.1", "c=IN IP6 2001:db8::1");
    let gone = text(&one).replace("m=audio 20000", "m=audio 0");
    for (offer, reason) in [
        (g729, "no common codec"),
        (ip6, "2001:db8::1"),
        (gone, "port 0"),
    ] {
        let refusal = other
            .answer(&Description::parse(&offer).unwrap(), &ours)
            .unwrap_err();
        assert!(refusal.to_string().contains(reason), "{refusal}");
        assert_eq!(
            (text(&other), other.agreement().cloned()),
            (said.clone(), agreed.clone())
        );
    }
    let unasked = other
        .accept(&Description::parse(&said).unwrap())
        .unwrap_err();
    assert_eq!(unasked, Refusal::NotOffered);
    let broken = with(ours, |audio| audio.mid = Some("a b".into()));
    assert_eq!(other.offer(&broken).unwrap_err(), Refusal::OwnText("mid"));
    let data = DataChannel {
        port: 5000,
        max_message_size: 0,
    };
    let bare = Capabilities::one(Stream::data(data, plain_transport()));
    let refusal = other.offer(&bare).unwrap_err();
    assert_eq!(refusal, Refusal::OwnText("fingerprint"));
    assert_eq!(text(&other), said);
}

#[test]
fn early_dialogs_answer_the_same_offer_one_after_the_other() {
    let ours = phone(vec![Codec::PCMU]);
    let mut session = offer(&ours);
    let answer = |port: u16| {
        let text = text(
            &shared::answer(session.description().unwrap(), &ours)
                .unwrap()
                .session,
        );
        text.replace("m=audio 20000", &format!("m=audio {port}"))
    };
    for (port, answer) in [5000, 6000].map(|port| (port, answer(port))) {
        let agreement = session
            .accept(&Description::parse(&answer).unwrap())
            .unwrap();
        let addresses = agreement
            .stream(0)
            .unwrap()
            .destination
            .addresses()
            .unwrap();
        assert_eq!(addresses.rtp.port(), port);
    }
}

/// Our protection with these means.
fn keyed(encryption: Encryption, with_dtls: bool, suites: &[&str]) -> Capabilities {
    with(phone(vec![Codec::PCMU]), |audio| {
        audio.transport.keying.encryption = encryption;
        audio.transport.keying.dtls = with_dtls.then(dtls);
        audio.transport.keying.sdes = suites.iter().map(|suite| key(suite)).collect();
    })
}

const AES: &str = "AES_CM_128_HMAC_SHA1_80";
const GCM: &str = "AEAD_AES_128_GCM";

#[test]
fn protection_is_what_both_can_with_dtls_first() {
    use Encryption::{BestEffort, Off, Required};
    let kind = |ours: &Capabilities, theirs: &Capabilities| {
        let (mut one, mut other) = (Session::new(origin()), Session::new(origin()));
        exchange(&mut one, ours, &mut other, theirs)?;
        let kinds = [&one, &other].map(|session| {
            match &session.agreement().unwrap().stream(0).unwrap().keys {
                Keys::Dtls(_) => "dtls",
                Keys::Sdes(keys) => {
                    assert_eq!((keys.tag > 0, keys.suite.is_empty()), (true, false));
                    "sdes"
                }
                _ => "plain",
            }
        });
        assert_eq!(kinds[0], kinds[1]);
        let protocol = one.description().unwrap().media()[0].protocol().to_string();
        Ok::<_, Refusal>((protocol, kinds[0]))
    };
    let agreed = |protocol: &str, kind| Ok((protocol.to_owned(), kind));
    let off = keyed(Off, true, &[AES]);
    let all = |encryption| keyed(encryption, true, &[GCM, AES]);
    let sdes = |encryption| keyed(encryption, false, &[AES]);

    // Best effort (RFC 8643): the profile says nothing, the keys do.
    assert_eq!(
        kind(&all(BestEffort), &all(BestEffort)),
        agreed("RTP/AVP", "dtls")
    );
    assert_eq!(
        kind(&all(BestEffort), &sdes(BestEffort)),
        agreed("RTP/AVP", "sdes")
    );
    assert_eq!(kind(&all(BestEffort), &off), agreed("RTP/AVP", "plain"));
    assert_eq!(kind(&off, &all(BestEffort)), agreed("RTP/AVP", "plain"));
    assert_eq!(
        kind(&all(BestEffort), &all(Required)),
        agreed("RTP/AVP", "dtls")
    );
    // Required: the profile says so.
    assert_eq!(
        kind(&all(Required), &all(Required)),
        agreed("UDP/TLS/RTP/SAVP", "dtls")
    );
    assert_eq!(
        kind(&sdes(Required), &all(Required)),
        agreed("RTP/SAVP", "sdes")
    );
    assert_eq!(
        kind(&sdes(Required), &sdes(BestEffort)),
        agreed("RTP/SAVP", "sdes")
    );
    let refused =
        |ours: &Capabilities, theirs: &Capabilities| kind(ours, theirs).unwrap_err().to_string();
    assert!(refused(&all(Required), &sdes(Required)).contains("UDP/TLS/RTP/SAVP"));
    assert!(refused(&off, &all(Required)).contains("RTP/AVP"));
    let other_suite = keyed(Required, false, &[GCM]);
    assert!(refused(&sdes(Required), &other_suite).contains("common suite"));
}

#[test]
fn sdes_keys_go_both_ways_and_stay_out_of_debug() {
    let mine = |name: &str| LocalKey {
        suite: AES.to_owned(),
        key_params: format!("inline:{name}"),
    };
    let with_key = |name| {
        with(keyed(Encryption::Required, false, &[]), |audio| {
            audio.transport.keying.sdes = vec![key(GCM), mine(name)];
        })
    };
    let theirs = with(with_key("theirs"), |audio| {
        audio.transport.keying.sdes.remove(0);
    });
    let (one, other) = call(&with_key("mine"), &theirs);
    let keys = |session: &Session| match &session.agreement().unwrap().stream(0).unwrap().keys {
        Keys::Sdes(keys) => keys.clone(),
        other => panic!("{other:?}"),
    };
    let (ours, theirs) = (keys(&one), keys(&other));
    assert_eq!((ours.tag, &*ours.suite), (2, AES));
    assert_eq!(
        (&*ours.send, &*ours.receive),
        ("inline:mine", "inline:theirs")
    );
    assert_eq!(
        (&*theirs.send, &*theirs.receive),
        ("inline:theirs", "inline:mine")
    );
    let shown = format!("{one:?}{other:?}");
    assert!(!shown.contains("inline:"), "{shown}");
}

#[test]
fn the_dtls_role_stays_within_an_association() {
    let role = |session: &Session| {
        let agreement = session.agreement().unwrap();
        agreement.stream(0).unwrap().keys.dtls().unwrap().role
    };
    let ours = webrtc(vec![Codec::OPUS]);
    let client = with(ours.clone(), |audio| {
        let dtls = audio.transport.keying.dtls.as_mut().unwrap();
        dtls.role = DtlsRole::Client;
        dtls.fingerprints = vec![format!("sha-256 {}", ["CD"; 32].join(":"))];
    });
    let (mut one, mut other) = call(&ours, &client);
    assert_eq!(
        (role(&one), role(&other)),
        (DtlsRole::Server, DtlsRole::Client)
    );
    // The other way round: the offer leaves the choice, and the answer keeps the roles.
    exchange(&mut other, &client, &mut one, &ours).unwrap();
    assert!(text(&other).contains("a=setup:actpass\r\n"));
    assert!(text(&one).contains("a=setup:passive\r\n"));
    assert_eq!(
        (role(&one), role(&other)),
        (DtlsRole::Server, DtlsRole::Client)
    );
    let want_client = with(ours.clone(), |audio| {
        audio.transport.keying.dtls.as_mut().unwrap().role = DtlsRole::Client;
    });
    exchange(&mut other, &client, &mut one, &want_client).unwrap();
    assert_eq!(
        role(&one),
        DtlsRole::Server,
        "what was agreed goes before what is wanted"
    );
    // Another certificate is another association.
    let fresh = with(client, |audio| {
        let dtls = audio.transport.keying.dtls.as_mut().unwrap();
        dtls.fingerprints = vec![format!("sha-256 {}", ["EF"; 32].join(":"))];
    });
    exchange(&mut other, &fresh, &mut one, &want_client).unwrap();
    assert_eq!(
        (role(&one), role(&other)),
        (DtlsRole::Client, DtlsRole::Server)
    );
    let setup = one.description().unwrap().media()[0].find::<Setup>();
    assert_eq!(setup, Some(Setup::Active));
}

fn video() -> Rtp {
    Rtp::video(vec![Codec::new("VP8", 90_000, 100)])
}

#[test]
fn streams_come_and_go_and_keep_their_places() {
    let audio = phone(vec![Codec::PCMU]);
    let mut transport = plain_transport();
    transport.rtp.set_port(30_000);
    transport.rtcp_port = 30_001;
    let mut both = audio.clone();
    both.streams.push(Stream::rtp(video(), transport));
    let (mut one, mut other) = call(&audio, &both);
    assert_eq!(ports(&one), [20_000]);

    // Video is added, and refused by the one who has none; its place stays.
    exchange(&mut other, &both, &mut one, &audio).unwrap();
    assert_eq!(
        (ports(&other), ports(&one)),
        (vec![20_000, 30_000], vec![20_000, 0])
    );
    let sections = &other.agreement().unwrap().sections;
    assert_eq!(sections[1].as_ref().unwrap_err(), &Refusal::Rejected);
    exchange(&mut one, &audio, &mut other, &both).unwrap();
    assert_eq!(ports(&one), [20_000, 0]);

    // Once it can be, it takes that place.
    exchange(&mut one, &both, &mut other, &both).unwrap();
    assert_eq!(ports(&one), [20_000, 30_000]);
    assert_eq!(one.agreement().unwrap().accepted().count(), 2);

    // The audio ends, the video goes on.
    let mut stopped = both.clone();
    stopped.streams[0].stopped = true;
    exchange(&mut one, &stopped, &mut other, &both).unwrap();
    assert_eq!(
        (ports(&one), ports(&other)),
        (vec![0, 30_000], vec![0, 30_000])
    );
    assert_eq!(one.agreement().unwrap().stream(1).unwrap().section, 1);
}

/// Audio, video and data channels over one transport.
fn bundled() -> Capabilities {
    let mut audio = Rtp::audio(vec![Codec::OPUS]);
    audio.feedback = true;
    let mut picture = video();
    picture.feedback = true;
    let data = DataChannel {
        port: 5000,
        max_message_size: 262_144,
    };
    Capabilities::bundled(vec![
        Stream::rtp(audio, webrtc_transport()),
        Stream::rtp(picture, webrtc_transport()),
        Stream::data(data, webrtc_transport()),
    ])
}

#[test]
fn a_bundle_has_one_transport() {
    let (mut one, mut other) = call(&bundled(), &bundled());
    assert_eq!(ports(&one), [9, 0, 0], "bundle-only until it is agreed");
    assert_eq!(ports(&other), [9, 9, 9]);
    for session in [&one, &other] {
        let group = session
            .description()
            .unwrap()
            .session()
            .find::<Group>()
            .unwrap();
        assert_eq!(group.to_string(), "group:BUNDLE 0 1 2");
        // For all: Firefox ends its page over a section that follows and has none.
        let fingerprints = session
            .description()
            .unwrap()
            .session()
            .all::<Fingerprint>();
        assert_eq!(fingerprints.count(), 1);
        let agreement = session.agreement().unwrap();
        assert!(agreement.accepted().all(|agreed| agreed.transport == 0));
        assert!(
            agreement
                .accepted()
                .all(|agreed| agreed.keys.dtls().is_some())
        );
        let data = &agreement.stream(2).unwrap().content;
        assert!(matches!(data, AgreedContent::Data(data) if data.max_message_size == 262_144));
    }
    exchange(&mut one, &bundled(), &mut other, &bundled()).unwrap();
    assert_eq!(ports(&one), [9, 9, 9], "agreed");
    for session in [&one, &other] {
        assert_eq!(text(session).matches("a=ice-ufrag").count(), 1);
    }
    assert!(!text(&one).contains("bundle-only"));

    // Without the audio the next section carries the transport.
    let mut silent = bundled();
    silent.streams[0].stopped = true;
    exchange(&mut one, &silent, &mut other, &bundled()).unwrap();
    assert_eq!(ports(&other), [0, 9, 9]);
    let agreement = other.agreement().unwrap();
    assert!(agreement.accepted().all(|agreed| agreed.transport == 1));
    assert!(text(&other).contains("a=group:BUNDLE 1 2\r\n"));
}

#[test]
fn no_name_is_given_twice() {
    // The peer has given the number that our next section would have.
    let audio = webrtc(vec![Codec::OPUS]);
    let offered = text(&offer(&audio))
        .replace("a=mid:0", "a=mid:1")
        .replace("BUNDLE 0", "BUNDLE 1");
    let mut session = answer(&Description::parse_strict(&offered).unwrap(), &audio)
        .unwrap()
        .session;
    session.offer(&bundled()).unwrap();
    let read = text(&session);
    let read = Description::parse_strict(&read).unwrap();
    let mids = read
        .media()
        .iter()
        .map(|media| media.find::<Mid>().unwrap().tag);
    assert_eq!(mids.collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn who_has_one_transport_rejects_what_is_not_bundled() {
    let text = text(&offer(&bundled())).replace("BUNDLE 0 1 2", "BUNDLE 0 2");
    let text = text
        .replace("m=video 0 ", "m=video 9 ")
        .replacen("a=bundle-only\r\n", "", 1);
    let answer = answer(&Description::parse(&text).unwrap(), &bundled()).unwrap();
    let sections = &answer.session.agreement().unwrap().sections;
    // It has no credentials of its own either.
    assert!(sections[1].is_err() && sections[0].is_ok() && sections[2].is_ok());
    assert!(answer.text.contains("a=group:BUNDLE 0 2\r\n"));
}

#[test]
fn numbers_are_mapped_in_both_directions() {
    let mut mine = Codec::OPUS;
    mine.payload_type = 96;
    let mut theirs = Codec::OPUS;
    theirs.payload_type = 111;
    let all = |codecs| with(phone(codecs), |audio| rtp(audio).selection = Selection::All);
    let ours = all(vec![mine.clone(), Codec::PCMU]);
    let (one, other) = call(&ours, &all(vec![Codec::PCMU, theirs]));
    let numbers = |session: &Session| {
        let agreed = session.agreement().unwrap().stream(0).unwrap().clone();
        let formats = agreed.formats().unwrap().clone();
        let codecs = [formats.codec].into_iter().chain(formats.alternatives);
        codecs
            .map(|codec| (codec.payload_types.send, codec.payload_types.receive))
            .collect::<Vec<_>>()
    };
    // The answerer's order, with the numbers of the offer.
    assert_eq!(
        (numbers(&one), numbers(&other)),
        (vec![(0, 0), (96, 96)], vec![(0, 0), (96, 96)])
    );
    // An answer with numbers of its own (RFC 3264 §6.1).
    let answer = text(&other)
        .replace(" 96 ", " 120 ")
        .replace(":96 ", ":120 ");
    let mut session = offer(&ours);
    session
        .accept(&Description::parse(&answer).unwrap())
        .unwrap();
    assert_eq!(numbers(&session), [(0, 0), (120, 96)]);
}

#[test]
fn answers_that_are_none_are_refused() {
    let ours = phone(vec![Codec::PCMU]);
    let offered = offer(&ours);
    let right = text(
        &answer(offered.description().unwrap(), &ours)
            .unwrap()
            .session,
    );
    let accept = |text: &str| shared::accept(&offered, text).map(|_| ());
    assert_eq!(accept(&right), Ok(()));
    let differ = |answered| {
        Err(Refusal::SectionsDiffer {
            offered: 1,
            answered,
        })
    };
    assert_eq!(accept(&right.replace("m=audio", "m=video")), differ(1));
    assert_eq!(
        accept(&(right.clone() + "m=audio 9 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n")),
        differ(2)
    );
    let secure = accept(&right.replace("RTP/AVP", "RTP/SAVP"));
    assert_eq!(
        secure,
        Err(Refusal::UnsupportedProtocol("RTP/SAVP".to_owned()))
    );
    assert_eq!(
        accept(&right.replace("RTP/AVP", "RTP/AVPF")),
        Ok(()),
        "the F is let be"
    );
}

#[test]
fn an_offer_without_sections_is_answered_so() {
    let empty = Description::parse("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n").unwrap();
    let mut session = Session::new(origin());
    let agreement = session.answer(&empty, &phone(vec![Codec::PCMU])).unwrap();
    assert!(agreement.sections.is_empty());
    assert!(session.description().unwrap().media().is_empty());
}

fn fragment(lines: &str) -> Fragment {
    Fragment::parse(&lines.replace('|', "\r\n")).unwrap()
}

#[test]
fn late_candidates_find_their_transport() {
    let (_, session) = call(&bundled(), &bundled());
    let one = "m=video 9 RTP/AVP 0|a=mid:1|a=candidate:7 1 udp 1 192.0.2.7 9 typ host|";
    let [trickle] = &session.trickle(&fragment(one)).unwrap()[..] else {
        panic!("one transport")
    };
    assert_eq!((trickle.section, trickle.restart.is_none()), (0, true));
    assert!(trickle.candidates[0].starts_with("candidate:7 ") && !trickle.end_of_candidates);
    let end = session.trickle(&fragment("a=end-of-candidates|")).unwrap();
    assert!(end[0].end_of_candidates);

    // Two transports: by name, and what is not known is passed over (RFC 8840 §4.3).
    let mut apart = everything(vec![Codec::PCMU]);
    for (stream, mid) in apart.streams.iter_mut().zip(["a", "v", "d"]) {
        stream.mid = Some(mid.to_owned());
    }
    let (_, session) = call(&apart, &apart);
    let both = "m=audio 9 RTP/AVP 0|a=mid:v|a=candidate:1 1 udp 1 192.0.2.7 9 typ host|\
                m=audio 9 RTP/AVP 0|a=mid:z|a=candidate:2 1 udp 1 192.0.2.7 9 typ host|";
    let trickled = session.trickle(&fragment(both)).unwrap();
    let counts: Vec<_> = trickled
        .iter()
        .map(|one| (one.section, one.candidates.len()))
        .collect();
    assert_eq!(counts[..2], [(0, 0), (1, 1)]);
}

#[test]
fn new_credentials_restart() {
    let (_, mut session) = call(&bundled(), &bundled());
    let known = "a=ice-ufrag:w0Kx|a=ice-pwd:8SzDn7sSvvGDnUKJzcVpPa0x|";
    assert_eq!(session.trickle(&fragment(known)).unwrap()[0].restart, None);
    let new = "a=ice-ufrag:new0|a=ice-pwd:8SzDn7sSvvGDnUKJzcVpPa0x|";
    let section = "m=audio 9 RTP/AVP 0|a=mid:0|";
    let restart = session
        .trickle(&fragment(&format!("{new}{section}")))
        .unwrap();
    let theirs = restart[0].restart.clone().unwrap();
    assert_eq!(theirs.ufrag, "new0");
    let torn = format!("{known}{section}m=video 9 RTP/AVP 0|a=mid:1|{new}");
    assert_eq!(
        session.trickle(&fragment(&torn)),
        Err(Refusal::ManyCredentials)
    );

    let mut ours = webrtc_transport().ice.unwrap();
    ours.credentials = Credentials {
        ufrag: "mine".to_owned(),
        pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".to_owned(),
    };
    let said = session.restart(0, &theirs, &ours).unwrap().to_string();
    assert!(said.contains("a=mid:0\r\na=ice-ufrag:mine\r\n"), "{said}");
    assert_eq!(
        session.trickle(&fragment(new)).unwrap()[0].restart,
        None,
        "known by now"
    );
    assert_eq!(
        session.restart(1, &theirs, &ours),
        None,
        "the video has none of its own"
    );
}
