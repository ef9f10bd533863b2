//! NAT behaviour discovery (RFC 5780): how a NAT maps and filters.
//!
//! - `Discovery` (feature `std`) is the asking side, a state machine of the contract. It asks for two
//!   sockets, so that what the tests of the mapping send opens nothing for the tests of the filter.
//! - [`Responder`] is the answering side, a pure function over the four addresses that it needs. Nobody
//!   answers so who has not made one: a plain server ([`respond`](crate::respond)) refuses such requests
//!   with 420, from which a client learns that it cannot ask here.
//!
//! What comes out holds for this moment and this server: a NAT may behave otherwise towards others, or
//! under load. ICE does not need it; people who look for a fault do.

#[cfg(feature = "std")]
mod client;
#[cfg(feature = "std")]
mod ids;
#[cfg(feature = "std")]
mod probe;
mod responder;

use core::fmt;

#[cfg(feature = "std")]
pub use client::{Discovery, Event, Failure, Report, Stats};
#[cfg(feature = "std")]
pub use probe::Inconclusive;
pub use responder::{NotFour, Reply, Responder};

/// What a mapping or a filter depends on, beside the inner address and port (RFC 4787 §4.1, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// On nothing else.
    EndpointIndependent,
    /// On the remote IP address.
    AddressDependent,
    /// On the remote IP address and port.
    AddressAndPortDependent,
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address and port-dependent",
        })
    }
}
