//! The handshake from its beginning to its end, of either role and either version.
//!
//! ```text
//! client: ClientHello sent (both versions offered)      server: nobody heard
//!   HelloVerifyRequest -> again, with the cookie          ClientHello -> the best common version
//!   ServerHello of 1.2 -> v12::ClientState                  1.2 -> v12::ServerState
//!   ServerHello of 1.3,                                     1.3 -> v13::ServerState
//!   HelloRetryRequest  -> v13::ClientState
//! ```
//!
//! The version is settled by one message, and then the states of that version take over, each
//! owning what is known in it. A client that offered 1.3 and is answered with 1.2 by a server that
//! speaks 1.3 ends the handshake: somebody on the way has cut the offer (RFC 8446 §4.1.3).

mod client;
mod completed;
mod server;

pub(crate) use client::Offer;
pub(crate) use completed::{Completed, Session, Step};

use crate::error::{CloseCause, Parameter};
use crate::handshake::{Context, Message};
use crate::wire::HandshakeType;
use crate::{Version, v12, v13};
use client::AwaitServerHello;

/// The end of ServerHello.random of a server that speaks DTLS 1.3 and chose DTLS 1.2
/// (RFC 8446 §4.1.3, RFC 9147 §5.3).
const DOWNGRADE_TO_1_2: [u8; 8] = *b"DOWNGRD\x01";

/// What the handshake waits for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection, and it moves on
pub(crate) enum Handshake {
    /// A client that has sent its offer.
    ServerHello(AwaitServerHello),
    /// A server that has heard nobody yet.
    ClientHello,
    Client12(v12::ClientState),
    Server12(v12::ServerState),
    Client13(v13::ClientState),
    Server13(v13::ServerState),
}

type Next = Result<Step<Handshake>, CloseCause>;

impl Handshake {
    /// A client: sends the ClientHello.
    pub(crate) fn connect(cx: &mut Context) -> Result<Self, CloseCause> {
        if !cx.config.speaks_any() {
            return Err(CloseCause::NothingInCommon(Parameter::CipherSuite));
        }
        AwaitServerHello::start(cx).map(Self::ServerHello)
    }

    /// Takes the next message of the peer.
    pub(crate) fn handle(self, message: &Message, cx: &mut Context) -> Next {
        match (self, message.kind) {
            (Self::ServerHello(state), _) => state.handle(message, cx),
            (Self::ClientHello, HandshakeType::ClientHello) => {
                server::handle_client_hello(message, cx)
            }
            (Self::ClientHello, _) => Err(message.unexpected()),
            (Self::Client12(state), _) => Ok(state.handle(message, cx)?.map(Self::Client12)),
            (Self::Server12(state), _) => Ok(state.handle(message, cx)?.map(Self::Server12)),
            (Self::Client13(state), _) => Ok(state.handle(message, cx)?.map(Self::Client13)),
            (Self::Server13(state), _) => Ok(state.handle(message, cx)?.map(Self::Server13)),
        }
    }

    /// A server that nobody has been heard by yet.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self, Self::ClientHello)
    }

    /// The version, once it is settled.
    pub(crate) fn version(&self) -> Option<Version> {
        match self {
            Self::ServerHello(_) | Self::ClientHello => None,
            Self::Client12(_) | Self::Server12(_) => Some(Version::Dtls12),
            Self::Client13(_) | Self::Server13(_) => Some(Version::Dtls13),
        }
    }
}
