//! Handshakes with other implementations over loopback, in both roles, with the exported keys
//! compared. Needs the programs `openssl`, `gnutls-cli` and `gnutls-serv`; without them the tests
//! fail and say so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests
#![allow(clippy::disallowed_methods)] // a driver: it reads the clock that the connection is told

mod driver;
mod gnutls;
mod openssl;
mod program;
