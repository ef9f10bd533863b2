//! The messages a client writes. The only file that knows how they are laid out.

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use stun_codec::attribute::{
    AdditionalAddressFamily, ChannelNumber, ConnectionId, DontFragment, EvenPort, Lifetime,
    MobilityTicket, RequestedAddressFamily, RequestedTransport, ReservationToken, XorPeerAddress,
};
use stun_codec::{Builder, Family, Method, Port, TransactionId};

use super::config::{Families, Relay};

/// What a request says besides credentials.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    Allocate(Allocate),
    Refresh {
        lifetime: Option<u32>,
        /// Present where the allocation moves (RFC 8016 §3.2).
        ticket: Option<&'a [u8]>,
    },
    Permission(IpAddr),
    Channel(u16, SocketAddr),
    Connect(SocketAddr),
    Attach(u32),
}

/// What an Allocate request says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allocate {
    pub(super) relay: Relay,
    pub(super) lifetime: Option<u32>,
    pub(super) dont_fragment: bool,
    pub(super) mobility: bool,
}

/// Begins the message.
pub(super) fn write<'b>(
    out: &'b mut BytesMut,
    id: TransactionId,
    request: Request<'_>,
) -> Builder<'b> {
    match request {
        Request::Allocate(request) => {
            allocate(Builder::request(out, Method::ALLOCATE, id), request)
        }
        Request::Refresh { lifetime, ticket } => {
            let builder = Builder::request(out, Method::REFRESH, id);
            let builder = with_lifetime(builder, lifetime);
            match ticket {
                Some(ticket) => builder.attribute(&MobilityTicket(ticket)),
                None => builder,
            }
        }
        // The port does not count (RFC 8656 §10.1).
        Request::Permission(peer) => Builder::request(out, Method::CREATE_PERMISSION, id)
            .attribute(&XorPeerAddress(SocketAddr::new(peer, 0))),
        Request::Channel(number, peer) => Builder::request(out, Method::CHANNEL_BIND, id)
            .attribute(&ChannelNumber(number))
            .attribute(&XorPeerAddress(peer)),
        Request::Connect(peer) => {
            Builder::request(out, Method::CONNECT, id).attribute(&XorPeerAddress(peer))
        }
        Request::Attach(connection) => {
            Builder::request(out, Method::CONNECTION_BIND, id).attribute(&ConnectionId(connection))
        }
    }
}

/// RFC 8656 §7.1.
fn allocate(builder: Builder<'_>, request: Allocate) -> Builder<'_> {
    let mut builder = builder.attribute(match request.relay {
        Relay::Datagrams { .. } => &RequestedTransport::UDP,
        Relay::Streams { .. } => &RequestedTransport::TCP,
    });
    builder = with_lifetime(builder, request.lifetime);
    if request.dont_fragment {
        builder = builder.attribute(&DontFragment);
    }
    if request.mobility {
        builder = builder.attribute(&MobilityTicket(&[]));
    }
    match request.relay {
        Relay::Streams {
            family: Some(family),
        } => builder.attribute(&RequestedAddressFamily(family)),
        Relay::Streams { family: None } => builder,
        Relay::Datagrams {
            reservation: Some(token),
            ..
        } => builder.attribute(&ReservationToken(token)),
        Relay::Datagrams {
            families,
            port,
            reservation: None,
        } => {
            let builder = match families {
                Families::Any => builder,
                Families::One(family) => builder.attribute(&RequestedAddressFamily(family)),
                Families::Both => builder.attribute(&AdditionalAddressFamily(Family::V6)),
            };
            match port {
                // Where our own socket is bound is nothing to the server.
                Port::Any | Port::Within { .. } => builder,
                Port::Even => builder.attribute(&EvenPort {
                    reserve_next: false,
                }),
                Port::Pair => builder.attribute(&EvenPort { reserve_next: true }),
            }
        }
    }
}

fn with_lifetime(builder: Builder<'_>, seconds: Option<u32>) -> Builder<'_> {
    match seconds {
        Some(seconds) => builder.attribute(&Lifetime(seconds)),
        None => builder,
    }
}
