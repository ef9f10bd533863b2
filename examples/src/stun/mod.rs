//! Asking STUN servers, for the programs `stun-ping` and `nat-behaviour`: state machines of
//! `stun-codec` over the sockets of [`crate::driver`].

mod behaviour;
mod ping;

use std::io;
use std::net::{IpAddr, SocketAddr};

pub use behaviour::behaviour;
pub use ping::{Answer, PingError, ping};

/// The port of STUN and TURN (RFC 8489 §8.1).
const PORT: u16 = 3478;

/// The address of a server: `host`, `host:port`, `192.0.2.1`, `[2001:db8::1]:3478`.
///
/// # Errors
/// When there is no such name.
pub async fn resolve(server: &str) -> io::Result<SocketAddr> {
    if let Ok(address) = server.parse() {
        return Ok(address);
    }
    if let Ok(ip) = server.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, PORT));
    }
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(io::Error::other)?),
        None => (server, PORT),
    };
    let mut found = tokio::net::lookup_host((host, port)).await?;
    found.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Random bytes.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
