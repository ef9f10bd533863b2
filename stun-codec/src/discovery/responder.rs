//! The answering side (RFC 5780 §6).

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use bytes::BytesMut;

use crate::attribute::{
    ChangeRequest, ErrorCode, MappedAddress, OtherAddress, Padding, ResponseOrigin, ResponsePort,
    UnknownAttributes, XorMappedAddress,
};
use crate::{AttributeType, Builder, Class, Message, Method, Usage};

/// The longest PADDING that is sent back, in bytes: about an MTU (RFC 5780 §7.6).
const PADDING_LIMIT: usize = 1500;

/// Answers Binding requests from any of four sockets: two IP addresses with the same two ports each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Responder {
    ips: [IpAddr; 2],
    ports: [u16; 2],
}

/// The two addresses or the two ports are the same, or the addresses are of two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{ips:?} and ports {ports:?} do not make four addresses of one family")]
pub struct NotFour {
    /// The IP addresses.
    pub ips: [IpAddr; 2],
    /// The ports.
    pub ports: [u16; 2],
}

/// A response to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The socket that it goes out of: one of the four.
    pub from: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// Where it stands in the buffer.
    pub range: Range<usize>,
}

impl Responder {
    /// A responder on these addresses and ports; the first of each are the primary ones.
    ///
    /// # Errors
    ///
    /// They do not make four addresses.
    pub fn new(ips: [IpAddr; 2], ports: [u16; 2]) -> Result<Self, NotFour> {
        let ([a1, a2], [p1, p2]) = (ips, ports);
        if a1 == a2 || p1 == p2 || a1.is_ipv4() != a2.is_ipv4() {
            return Err(NotFour { ips, ports });
        }
        Ok(Self { ips, ports })
    }

    /// The four sockets that the caller binds.
    #[must_use]
    pub fn sockets(&self) -> [SocketAddr; 4] {
        let ([a1, a2], [p1, p2]) = (self.ips, self.ports);
        [(a1, p1), (a1, p2), (a2, p1), (a2, p2)].map(SocketAddr::from)
    }

    /// Answers a Binding request that came from `from` to the socket `at` (RFC 5780 §6.1). The response
    /// is appended to `out`. `None` when nothing is to be sent: the message is no Binding request, or
    /// `at` is none of the four.
    ///
    /// It asks for no credentials. A response is longer than its request by at most 100 bytes, but a
    /// server open to the world should limit its rate all the same.
    #[must_use]
    pub fn respond(
        &self,
        request: &Message<'_>,
        at: SocketAddr,
        from: SocketAddr,
        out: &mut BytesMut,
    ) -> Option<Reply> {
        let other = self.other(at)?;
        if (request.class(), request.method()) != (Class::Request, Method::BINDING) {
            return None;
        }
        let refuse = |error: ErrorCode<'_>, out: &mut BytesMut| {
            let response = Builder::error(out, request).attribute(&error);
            close(response, request).map(|range| Reply {
                from: at,
                to: from,
                range,
            })
        };
        let unknown = request.unknown_required(is_understood);
        if unknown.clone().next().is_some() {
            let response = Builder::error(out, request)
                .attribute(&ErrorCode::UNKNOWN_ATTRIBUTE)
                .attribute(&UnknownAttributes::from(unknown));
            let range = close(response, request)?;
            let to = from;
            return Some(Reply {
                from: at,
                to,
                range,
            });
        }
        let (Ok(change), Ok(port), Ok(padding)) = (
            request.attribute::<ChangeRequest>(),
            request.attribute::<ResponsePort>(),
            request.attribute::<Padding<'_>>(),
        ) else {
            return refuse(ErrorCode::BAD_REQUEST, out);
        };
        // RFC 5780 §6.1, §7.5: never both.
        if port.is_some() && padding.is_some() {
            return refuse(ErrorCode::BAD_REQUEST, out);
        }
        let origin = changed(at, other, change);
        let mut response = Builder::success(out, request)
            .attribute(&XorMappedAddress(from))
            .attribute(&MappedAddress(from))
            .attribute(&ResponseOrigin(origin))
            .attribute(&OtherAddress(other));
        if let Some(Padding(padding)) = padding {
            let padding = padding.get(..PADDING_LIMIT).unwrap_or(padding);
            response = response.attribute(&Padding(padding));
        }
        let to = match port {
            Some(ResponsePort(port)) => SocketAddr::new(from.ip(), port),
            None => from,
        };
        Some(Reply {
            from: origin,
            to,
            range: close(response, request)?,
        })
    }

    /// The other address and port, if this is one of the four.
    fn other(&self, at: SocketAddr) -> Option<SocketAddr> {
        let ([a1, a2], [p1, p2]) = (self.ips, self.ports);
        let ip = if at.ip() == a1 { a2 } else { a1 };
        let port = if at.port() == p1 { p2 } else { p1 };
        self.sockets()
            .contains(&at)
            .then(|| SocketAddr::new(ip, port))
    }
}

/// Where a response is sent from (RFC 5780 §6.1, table 1).
fn changed(at: SocketAddr, other: SocketAddr, change: Option<ChangeRequest>) -> SocketAddr {
    let (ip, port) = change.map_or((false, false), |change| (change.ip, change.port));
    SocketAddr::new(
        if ip { other.ip() } else { at.ip() },
        if port { other.port() } else { at.port() },
    )
}

fn is_understood(attribute: AttributeType) -> bool {
    attribute.is_for_binding() || attribute.usage() == Some(Usage::Discovery)
}

fn close(response: Builder<'_>, request: &Message<'_>) -> Option<Range<usize>> {
    let written = if request.has_fingerprint() {
        response.fingerprint()
    } else {
        response.finish()
    };
    written.ok()
}
