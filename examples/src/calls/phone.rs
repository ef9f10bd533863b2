//! The SDP of the phone's side: our RTP/AVP offer, and what the phone answers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sdp::attribute::Direction;
use sdp::negotiate::phone::{self, Destination, Endpoint};
use sdp::negotiate::{Audio, LocalOrigin, Refusal};
use sdp::{Description, ParseError};

use crate::bridge::{Formats, PhoneMedia};

/// What telephones put into a packet.
const PACKET_TIME: Duration = Duration::from_millis(20);

/// An offer that waits for the phone's answer.
#[derive(Debug)]
pub(super) struct PhoneOffer {
    offer: phone::Offer,
    local: SocketAddr,
    codec: String,
}

/// Why a phone's answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Malformed(#[from] ParseError),
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// On hold from the first moment.
    #[error("it gives no address to send to (0.0.0.0)")]
    NoAddress,
    #[error("its media is at {remote}, which cannot be reached from our address")]
    Family { remote: IpAddr },
}

impl PhoneOffer {
    /// Offers the codec that was agreed with the browser, and nothing else.
    pub(super) fn new(session_id: u64, local: SocketAddr, browser: &Audio) -> Self {
        let address = local.ip();
        let offer = phone::offer(Endpoint {
            origin: LocalOrigin {
                session_id,
                session_version: 1,
                address,
            },
            address,
            rtp_port: local.port(),
            rtcp_port: local.port().saturating_add(1),
            codecs: vec![browser.codec.clone()],
            telephone_event: browser.telephone_event.is_some(),
            direction: Direction::Sendrecv,
            packet_time: Some(PACKET_TIME),
        });
        Self {
            offer,
            local,
            codec: browser.codec.name.to_string(),
        }
    }

    /// The body of the INVITE.
    pub(super) fn text(&self) -> String {
        self.offer.description.to_string()
    }

    /// The one codec it offers.
    pub(super) fn codec(&self) -> &str {
        &self.codec
    }

    /// What the phone's answer says about its media.
    pub(super) fn read_answer(&self, sdp: &str) -> Result<PhoneMedia, Unusable> {
        let answer = Description::parse(sdp)?;
        let session = self.offer.accept(&answer)?;
        let Destination::Address { rtp, rtcp } = session.destination else {
            return Err(Unusable::NoAddress);
        };
        if rtp.is_ipv4() != self.local.is_ipv4() {
            return Err(Unusable::Family { remote: rtp.ip() });
        }
        Ok(PhoneMedia {
            remote: rtp,
            rtcp,
            formats: Formats::from(&session.audio),
            listens: session.audio.direction.sends(),
            speaks: session.audio.direction.receives(),
        })
    }
}
