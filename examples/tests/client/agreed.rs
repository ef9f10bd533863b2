//! The gateway's answer, read as a browser reads it.

use std::net::SocketAddr;

use examples::session::DtlsRole;
use ice_agent::{Candidate, Credentials};
use sdp::Description;
use sdp::attribute::{self, Fingerprint, IcePwd, IceUfrag, Rtpmap, Setup, Ssrc};

/// What the answer says, for those who send media.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    /// The gateway's source.
    pub(crate) ssrc: u32,
    /// The payload type of the one codec.
    pub(crate) codec: u8,
    /// The payload type of telephone-event.
    pub(crate) telephone_event: u8,
    /// Where the gateway's media is, if the answer has a candidate.
    pub(crate) media: Option<SocketAddr>,
    pub(crate) remote: Remote,
}

/// The gateway's side of ICE and DTLS.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) credentials: Credentials,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) end_of_candidates: bool,
    pub(crate) fingerprint: String,
    pub(crate) role: DtlsRole,
}

impl Agreed {
    pub(crate) fn read(answer: &str) -> Self {
        let answer = Description::parse_strict(answer).unwrap();
        let [audio] = answer.media() else {
            panic!("one section was offered: {answer}");
        };
        let number_of = |name: &str| {
            let mut maps = audio.all::<Rtpmap>();
            maps.find(|map| map.encoding.eq_ignore_ascii_case(name))
                .unwrap()
                .payload_type
        };
        let (codec, telephone_event) = (number_of("PCMU"), number_of("telephone-event"));
        let types: Vec<u8> = audio.payload_types().collect();
        let beside = types.strip_prefix(&[codec, telephone_event]);
        assert!(
            matches!(beside, Some([] | [13])),
            "{types:?} is more than one codec and keys"
        );
        assert!(audio.has::<attribute::RtcpMux>());
        let candidates: Vec<Candidate> = audio
            .all::<attribute::Candidate>()
            .map(|candidate| candidate.to_string().parse().unwrap())
            .collect();
        let fingerprint = answer.find_for::<Fingerprint>(audio).unwrap();
        Self {
            ssrc: audio.find::<Ssrc>().unwrap().ssrc,
            codec,
            telephone_event,
            media: candidates.first().and_then(Candidate::socket_addr),
            remote: Remote {
                credentials: Credentials::new(
                    audio.find::<IceUfrag>().unwrap().text,
                    audio.find::<IcePwd>().unwrap().text,
                )
                .unwrap(),
                candidates,
                end_of_candidates: audio.has::<attribute::EndOfCandidates>(),
                fingerprint: format!("{} {}", fingerprint.hash, fingerprint.digits),
                role: match answer.find_for::<Setup>(audio).unwrap() {
                    Setup::Active => DtlsRole::Server,
                    Setup::Passive => DtlsRole::Client,
                    other => panic!("{other:?} is no answer"),
                },
            },
        }
    }

    /// Our side of the DTLS handshake.
    pub(crate) fn role(&self) -> DtlsRole {
        self.remote.role
    }
}
