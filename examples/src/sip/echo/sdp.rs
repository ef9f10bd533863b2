//! The echo phone's session descriptions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp::attribute::Direction;
use sdp::negotiate::phone::{self, Destination, Endpoint};
use sdp::negotiate::{Codec, LocalOrigin, Refusal};
use sdp::{Description, ParseError};

/// Why an offer was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswerable {
    /// It is no session description.
    #[error("{0}")]
    Malformed(#[from] ParseError),
    /// It offers nothing that the phone can do.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// What the phone answers, and what it means for its media.
pub(super) struct Answer {
    pub(super) text: String,
    /// Where the caller's media comes from; unspecified if the caller holds the call.
    pub(super) caller: IpAddr,
    /// What its packets may carry.
    pub(super) payload_types: Vec<u8>,
}

/// Answers an offer for media at the RTP port `local`.
pub(super) fn answer(offer: &str, local: SocketAddr) -> Result<Answer, Unanswerable> {
    let endpoint = Endpoint {
        origin: LocalOrigin {
            session_id: u64::from(local.port()),
            session_version: 1,
            address: local.ip(),
        },
        address: local.ip(),
        rtp_port: local.port(),
        rtcp_port: local.port().saturating_add(1),
        codecs: vec![Codec::PCMU, Codec::PCMA],
        telephone_event: true,
        comfort_noise: true,
        direction: Direction::Sendrecv,
        packet_time: None,
    };
    let phone::Answer {
        description,
        session,
    } = phone::answer(&Description::parse(offer)?, &endpoint)?;
    let audio = &session.audio;
    let keys = audio.telephone_event.map(|event| event.payload_types);
    let payload_types = [Some(audio.payload_types), keys, audio.comfort_noise];
    Ok(Answer {
        text: description.to_string(),
        caller: match session.destination {
            Destination::Address { rtp, .. } => rtp.ip(),
            Destination::Held => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        },
        payload_types: payload_types
            .into_iter()
            .flatten()
            .map(|types| types.receive)
            .collect(),
    })
}
