//! What a media section of the peer says of its transport.

use std::net::SocketAddr;

use crate::attribute::{
    BundleOnly, Candidate, EndOfCandidates, Fingerprint, Group, IceLite, IcePwd, IceUfrag, Mid,
    Rtcp, RtcpMux, Setup, Ssrc, TlsId, Typed,
};
use crate::description::Description;
use crate::field::Connection;
use crate::media::Media;
use crate::negotiate::{Addresses, Credentials, Destination, LocalTransport, Refusal, RemoteIce};

/// A media section of the peer.
#[derive(Clone, Copy)]
pub(super) struct Peer<'d, 'a> {
    pub(super) description: &'d Description<'a>,
    pub(super) media: &'d Media<'a>,
    /// The section whose ICE attributes and addresses hold.
    carrier: &'d Media<'a>,
    /// The section whose DTLS attributes hold: browsers repeat those of ICE in a BUNDLE, and these
    /// not.
    dtls: &'d Media<'a>,
}

/// The BUNDLE that a section of this name is in.
pub(super) fn bundle_of<'d>(description: &'d Description<'_>, mid: &str) -> Option<Group<'d>> {
    let mut groups = description.session().all::<Group>();
    groups.find(|group| group.is_bundle() && group.mids().any(|other| other == mid))
}

/// Whether the section is rejected: port 0 alone says so, except in a BUNDLE (RFC 9143 §6).
pub(super) fn is_rejected(media: &Media<'_>) -> bool {
    media.port() == 0 && !media.has::<BundleOnly>()
}

impl<'d, 'a> Peer<'d, 'a> {
    pub(super) fn new(description: &'d Description<'a>, media: &'d Media<'a>) -> Self {
        Self {
            description,
            media,
            carrier: carrier::<IceUfrag>(description, media),
            dtls: carrier::<Fingerprint>(description, media),
        }
    }

    pub(super) fn mid(&self) -> Option<Mid<'d>> {
        self.media.find::<Mid>()
    }

    /// Whether the transport of the section carries RTCP on the port of RTP.
    pub(super) fn multiplexes(&self) -> bool {
        self.media.has::<RtcpMux>() || self.carrier.has::<RtcpMux>()
    }

    pub(super) fn setup(&self) -> Option<Setup> {
        self.description.find_for(self.dtls)
    }

    /// The fingerprints whose hash is known.
    pub(super) fn fingerprints(&self) -> Vec<String> {
        let fingerprints = self.description.all_for::<Fingerprint>(self.dtls);
        let known = fingerprints.filter(Fingerprint::is_known);
        known
            .map(|known| format!("{} {}", known.hash, known.digits))
            .collect()
    }

    pub(super) fn tls_id(&self) -> Option<String> {
        let tls_id = self.description.find_for::<TlsId>(self.dtls);
        tls_id.map(|tls_id| tls_id.text.to_owned())
    }

    /// The peer's side of ICE, where it has one.
    pub(super) fn ice(&self) -> Option<RemoteIce> {
        let (description, carrier) = (self.description, self.carrier);
        let ufrag = description.find_for::<IceUfrag>(carrier)?;
        let pwd = description.find_for::<IcePwd>(carrier)?;
        let candidates = carrier.all::<Candidate>();
        Some(RemoteIce {
            credentials: Credentials {
                ufrag: ufrag.text.to_owned(),
                pwd: pwd.text.to_owned(),
            },
            lite: description.session().has::<IceLite>(),
            candidates: candidates.map(|candidate| candidate.to_string()).collect(),
            end_of_candidates: description.find_for::<EndOfCandidates>(carrier).is_some(),
        })
    }

    /// The sources that the peer names.
    pub(super) fn ssrcs(&self) -> Vec<u32> {
        let mut ssrcs: Vec<u32> = self.media.all::<Ssrc>().map(|ssrc| ssrc.ssrc).collect();
        ssrcs.dedup();
        ssrcs
    }

    /// Where the peer receives without ICE: RTP by `c=` and `m=`; RTCP on the same port if both
    /// sides multiplex (RFC 5761 §5.1.1), else by `a=rtcp` (RFC 3605), else on the next port
    /// (RFC 3550 §11). On hold it was at `before`.
    pub(super) fn destination(
        &self,
        ours: &LocalTransport,
        before: Option<Addresses>,
    ) -> Result<Destination, Refusal> {
        let ip = |connection: Connection<'_>| {
            let name = || Refusal::AddressIsAName(connection.address.to_owned());
            connection.ip().ok_or_else(name)
        };
        let connection = self.description.connection_for(self.carrier);
        let address = ip(connection.ok_or(Refusal::NoAddress)?)?;
        if address.is_unspecified() {
            return Ok(Destination::Held(before));
        }
        let rtp = SocketAddr::new(address, self.carrier.port());
        if rtp.is_ipv4() != ours.rtp.is_ipv4() {
            return Err(Refusal::OtherFamily(address));
        }
        if self.multiplexes() && ours.multiplexes() {
            return Ok(Destination::Address(Addresses { rtp, rtcp: rtp }));
        }
        let told = self.carrier.find::<Rtcp>().and_then(|rtcp| {
            let ip = rtcp.connection.map_or(Some(address), |there| there.ip());
            Some(SocketAddr::new(ip?, rtcp.port))
        });
        // Of an address that no datagram gets to from where RTP is sent, nothing is known.
        let told = told.filter(|rtcp| {
            let is_somewhere = rtcp.port() != 0 && !rtcp.ip().is_unspecified();
            is_somewhere && rtcp.is_ipv4() == rtp.is_ipv4()
        });
        let next = SocketAddr::new(address, rtp.port().saturating_add(1));
        let rtcp = told.unwrap_or(next);
        Ok(Destination::Address(Addresses { rtp, rtcp }))
    }
}

/// The section whose transport holds for `media`: itself or, when it has no `T` of its own, the
/// tagged section of its BUNDLE (RFC 9143 §7.1).
fn carrier<'d, 'a, T: Typed<'d>>(
    description: &'d Description<'a>,
    media: &'d Media<'a>,
) -> &'d Media<'a> {
    if description.find_for::<T>(media).is_some() {
        return media;
    }
    let bundle = media
        .find::<Mid>()
        .and_then(|mid| bundle_of(description, mid.tag));
    let Some(tag) = bundle.and_then(|group| group.mids().next()) else {
        return media;
    };
    let mut sections = description.media().iter();
    let is_tagged = |media: &&Media<'_>| media.find::<Mid>().is_some_and(|mid| mid.tag == tag);
    sections.find(is_tagged).unwrap_or(media)
}
