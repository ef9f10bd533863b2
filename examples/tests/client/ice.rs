//! A browser's ICE by hand.

use std::net::SocketAddr;

use bytes::BytesMut;
use stun_codec::attribute::{IceControlling, Priority, Username, XorMappedAddress};
use stun_codec::{Builder, Class, IntegrityKey, Message, Method, TransactionId};

use super::agreed::Remote;

/// A check of the browser whose name is `browser`, with the credentials of the gateway's answer.
pub(crate) fn check(gateway: &Remote, id: u8) -> BytesMut {
    let (ufrag, pwd) = (gateway.credentials.ufrag(), gateway.credentials.password());
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId([id; 12]))
        .attribute(&Username(&format!("{ufrag}:browser")))
        .attribute(&Priority(1))
        .attribute(&IceControlling(1))
        .integrity(&IntegrityKey::short_term(pwd))
        .fingerprint()
        .unwrap();
    out
}

/// The browser's answer to a check of this gateway's call, if the datagram is one.
pub(crate) fn grant(
    gateway: &Remote,
    browser_password: &str,
    from: SocketAddr,
    datagram: &[u8],
) -> Option<BytesMut> {
    let message = Message::parse(datagram).ok()?;
    let Username(name) = message.attribute().ok()??;
    let ours = name.ends_with(&format!(":{}", gateway.credentials.ufrag()));
    if message.class() != Class::Request || !ours {
        return None;
    }
    let mut out = BytesMut::new();
    Builder::success(&mut out, &message)
        .attribute(&XorMappedAddress(from))
        .integrity(&IntegrityKey::short_term(browser_password))
        .fingerprint()
        .unwrap();
    Some(out)
}
