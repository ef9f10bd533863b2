//! The Crosspoint gateway as a library: everything but `main`.
//!
//! | module | what it is | knows sockets and clocks |
//! | --- | --- | --- |
//! | [`session`] | one browser leg: ICE, DTLS and SRTP composed | no |
//! | [`bridge`] | a browser leg joined to a phone leg | no |
//! | [`driver`] | one session, ICE agent or TURN allocation with sockets and a clock, for small programs | yes |
//! | [`media`] | worker threads that own sockets and calls | yes |
//! | [`sip`] | the SIP user agent, and the embedded echo phone | yes |
//! | [`http`] | the HTTPS API and the page | yes |
//! | [`calls`] | the tasks that join the three for each call | clocks |
//! | [`inspect`] | shows what a message says | no |
//! | [`ice_pair`] | connects two copies of itself by ICE | through [`driver`] |
//! | [`turn`] | the TURN server: sockets, threads and a clock around its machine | yes |
//! | [`turn_ping`] | checks a TURN server | through [`driver`] |
//! | [`mod@stun`] | asks STUN servers, for small programs | yes |
//! | [`metrics`] | what an operator watches | no |
//! | [`config`] | one validated configuration | no |
//! | [`gateway`] | everything, in the order it starts and stops | |

pub mod bridge;
pub mod calls;
pub mod config;
pub mod driver;
pub mod gateway;
pub mod http;
pub mod ice_pair;
pub mod inspect;
pub mod media;
pub mod metrics;
pub mod session;
pub mod sip;
pub mod stun;
pub mod turn;
pub mod turn_ping;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
