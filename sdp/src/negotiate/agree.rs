//! What one section can be: the peer's section against one stream of ours.

use crate::attribute::{Direction, MaxMessageSize, SctpPort};
use crate::negotiate::peer::Peer;
use crate::negotiate::{
    Addresses, Agreed, AgreedContent, Content, DataChannel, Destination, Formats, Keys,
    LocalTransport, Refusal, RemoteIce, Stream, formats, keying, write,
};
use crate::protocol::{Protocol, Security};

/// Who says what: it decides whose numbers are used and who chooses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The peer's section is an offer.
    Answering,
    /// The peer's section is an answer to our offer.
    Accepting,
}

/// One section, and our stream that may stand there.
pub(super) struct Candidacy<'c, 'd, 'a> {
    pub(super) side: Side,
    pub(super) peer: Peer<'d, 'a>,
    pub(super) section: usize,
    pub(super) stream: (usize, &'c Stream),
    /// The transport that the stream would use.
    pub(super) ours: &'c LocalTransport,
    /// What was agreed for the section before.
    pub(super) before: Option<&'c Agreed>,
}

impl Candidacy<'_, '_, '_> {
    /// What both sides can.
    pub(super) fn agree(&self) -> Result<Agreed, Refusal> {
        let (index, stream) = self.stream;
        // In an answer port 0 has one meaning (RFC 9143 §6).
        if self.side == Side::Accepting && self.peer.media.port() == 0 {
            return Err(Refusal::Rejected);
        }
        self.check_protocol(&stream.content)?;
        let ice = self.ice()?;
        let keys = self.keys()?;
        let destination = self.destination(ice.as_ref())?;
        let content = self.content(&stream.content)?;
        let theirs = self.peer.description.find_for::<Direction>(self.peer.media);
        let mut direction = stream.direction.answer(theirs.unwrap_or_default());
        if matches!(destination, Destination::Held(_)) {
            direction = Direction::of(false, direction.receives());
        }
        Ok(Agreed {
            section: self.section,
            stream: index,
            mid: self.peer.mid().map(|mid| mid.tag.to_owned()),
            direction,
            content,
            destination,
            transport: self.section,
            rtcp_mux: self.muxed(),
            ice,
            keys,
            ssrcs: self.peer.ssrcs(),
        })
    }

    /// Whether the transport protocol can carry the content here: UDP, or what ICE finds.
    fn check_protocol(&self, content: &Content) -> Result<(), Refusal> {
        let protocol = self.peer.media.protocol();
        let is_tcp = protocol.name().starts_with("TCP/");
        let fits = match content {
            Content::Rtp(_) => protocol.is_rtp(),
            Content::Data(_) => {
                matches!(protocol, Protocol::UdpDtlsSctp | Protocol::TcpDtlsSctp)
            }
        };
        let known = !matches!(protocol.security(), Security::Unknown | Security::Tls);
        match fits && known && (!is_tcp || self.ours.ice.is_some()) {
            true => Ok(()),
            false => Err(Refusal::UnsupportedProtocol(protocol.name().to_owned())),
        }
    }

    /// The peer's side of ICE, where both have one.
    fn ice(&self) -> Result<Option<RemoteIce>, Refusal> {
        if self.ours.ice.is_none() {
            return Ok(None);
        }
        let is_rtp = matches!(self.stream.1.content, Content::Rtp(_));
        // RFC 9429 §5.1.1: where there is ICE only, everything is multiplexed.
        if self.ours.needs_ice() && is_rtp && !self.peer.multiplexes() {
            return Err(Refusal::NoRtcpMux);
        }
        Ok(self.peer.ice())
    }

    fn keys(&self) -> Result<Keys, Refusal> {
        let keys = match self.side {
            Side::Answering => {
                let before = self.before.and_then(|before| before.keys.dtls());
                keying::answer(&self.peer, &self.ours.keying, before)
            }
            Side::Accepting => keying::accept(&self.peer, &self.ours.keying),
        }?;
        match (&self.stream.1.content, &keys) {
            (Content::Data(_), Keys::Plain | Keys::Sdes(_)) => Err(Refusal::NoFingerprint),
            _ => Ok(keys),
        }
    }

    fn destination(&self, ice: Option<&RemoteIce>) -> Result<Destination, Refusal> {
        match ice {
            Some(_) => Ok(Destination::Ice),
            None if self.ours.needs_ice() => Err(Refusal::NoIceCredentials),
            None => self.peer.destination(self.ours, self.addresses_before()),
        }
    }

    fn addresses_before(&self) -> Option<Addresses> {
        self.before
            .and_then(|before| before.destination.addresses())
    }

    /// RFC 5761 §5.1.1: both sides multiplex, or none does.
    fn muxed(&self) -> bool {
        self.peer.multiplexes() && self.ours.multiplexes()
    }

    fn content(&self, ours: &Content) -> Result<AgreedContent, Refusal> {
        let media = self.peer.media;
        match ours {
            Content::Rtp(rtp) => {
                let formats: Formats = match self.side {
                    Side::Answering => formats::answer(rtp, media, self.muxed())?,
                    Side::Accepting => formats::accept(rtp, media, self.muxed())?,
                };
                Ok(AgreedContent::Rtp(formats))
            }
            Content::Data(_) => {
                if !media.formats().any(|format| format == write::DATA_CHANNEL) {
                    let offered = media.formats().map(str::to_owned).collect();
                    let ours = vec![write::DATA_CHANNEL.to_owned()];
                    return Err(Refusal::NoCommonCodec { offered, ours });
                }
                // RFC 8841 §5.1, §6.1: what holds where nothing is said.
                let size = media.find::<MaxMessageSize>();
                Ok(AgreedContent::Data(DataChannel {
                    port: media.find::<SctpPort>().map_or(5000, |sctp| sctp.port),
                    max_message_size: size.map_or(65_536, |size| size.bytes),
                }))
            }
        }
    }
}

/// Gives a section the transport of the tagged one of its BUNDLE (RFC 9143 §7).
pub(super) fn share_transport(agreed: &mut Agreed, tagged: &Agreed) {
    agreed.transport = tagged.section;
    agreed.ice.clone_from(&tagged.ice);
    agreed.keys.clone_from(&tagged.keys);
    if !matches!(agreed.destination, Destination::Held(_)) {
        agreed.destination = tagged.destination;
    }
}
