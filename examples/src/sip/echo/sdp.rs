//! The echo phone's session descriptions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp::negotiate::{
    Capabilities, Codec, Destination, LocalOrigin, LocalTransport, Refusal, Rtp, Session, Stream,
};
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
    let mut audio = Rtp::audio(vec![Codec::PCMU, Codec::PCMA]);
    audio.comfort_noise = true;
    let ours = Capabilities::one(Stream::rtp(audio, LocalTransport::plain(local)));
    let mut session = Session::new(LocalOrigin {
        session_id: u64::from(local.port()),
        session_version: 1,
        address: local.ip(),
    });
    let agreement = session.answer(&Description::parse(offer)?, &ours)?;
    let agreed = agreement.stream(0);
    let agreed = agreed.and_then(|agreed| Some((agreed.destination, agreed.formats()?)));
    let (destination, formats) =
        agreed.ok_or_else(|| Refusal::NoneOffered(vec!["audio".into()]))?;
    let keys = formats.telephone_event.map(|event| event.payload_types);
    let types = [
        Some(formats.codec.payload_types),
        keys,
        formats.comfort_noise,
    ];
    Ok(Answer {
        caller: match destination {
            Destination::Address(addresses) => addresses.rtp.ip(),
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        },
        payload_types: types
            .into_iter()
            .flatten()
            .map(|types| types.receive)
            .collect(),
        text: session
            .description()
            .map(ToString::to_string)
            .unwrap_or_default(),
    })
}
