//! Answering Binding requests without any state.

use core::net::SocketAddr;
use core::ops::Range;

use bytes::BytesMut;

use crate::attribute::{ErrorCode, UnknownAttributes, XorMappedAddress};
use crate::{AttributeType, Builder, Class, Message, Method};

/// Answers a Binding request as a plain STUN server does (RFC 8489 §6.3.1, §12).
///
/// Appends to `out` a success response with the address the request came from, or, where the
/// request has comprehension-required attributes that a plain server does not understand, error
/// 420 with their list. FINGERPRINT is added when the request had it. Returns where the response
/// stands in `out`, or `None` when nothing is to be sent: the message is no Binding request.
///
/// It asks for no credentials. An answer is never longer than its request by more than 32 bytes,
/// but a server open to the world should limit its rate all the same.
///
/// The requests of connectivity checks are not for this: they must be verified first.
#[must_use]
pub fn respond(
    request: &Message<'_>,
    from: SocketAddr,
    out: &mut BytesMut,
) -> Option<Range<usize>> {
    if (request.class(), request.method()) != (Class::Request, Method::BINDING) {
        return None;
    }
    let unknown = request.unknown_required(AttributeType::is_for_binding);
    let response = if unknown.clone().next().is_some() {
        Builder::error(out, request)
            .attribute(&ErrorCode::UNKNOWN_ATTRIBUTE)
            .attribute(&UnknownAttributes::from(unknown))
    } else {
        Builder::success(out, request).attribute(&XorMappedAddress(from))
    };
    let written = if request.has_fingerprint() {
        response.fingerprint()
    } else {
        response.finish()
    };
    // Two bytes per unknown attribute of four or more: the answer always fits.
    written.ok()
}
