//! The TURN server: sockets, threads and a clock around [`turn_relay::server::Relay`].
//!
//! [`Server::start`] binds the listeners and starts the workers, one thread for each core. A worker has
//! everything that it needs for itself: its own sockets at the listeners' addresses (`SO_REUSEPORT`: the
//! kernel tells clients apart by their addresses), its own part of the relay ports, its own machine. What
//! it tells comes out as [`Report`]s; what it is told goes in through a mailbox. No packet meets a lock.
//!
//! | file | subject |
//! | --- | --- |
//! | [`embedded`] | the server inside the gateway, and its logins |
//! | [`config`] | the settings of `turn-server`, checked |
//! | [`coturn`] | the configuration files of coturn |
//! | `options`, `assemble` | what a server runs with, and how the settings become that |
//! | `server` | starting, asking, draining, stopping |
//! | `worker` | the loop |
//! | `hub` | the machine of a worker, and where what it says goes |
//! | `relay_addresses` | where peers see the clients when nobody has said it |
//! | `listeners`, `relays`, `ports` | sockets for clients, sockets for peers, the ports of those |
//! | `outbox` | datagrams to clients, many with one call |
//! | `connections`, `connection`, `queue`, `tls` | TCP and TLS |
//! | `handover` | frames that came to the wrong worker |
//! | `mailbox`, `counters` | what goes in from outside, what is told of itself |
//! | `complaints` | failures that are told once a minute |
//! | `names` | how sockets are called |

pub mod config;
pub mod coturn;
pub mod embedded;
pub mod service;
pub mod store;

mod assemble;
mod complaints;
mod connection;
mod connections;
mod counters;
mod handover;
mod hub;
mod listeners;
mod mailbox;
mod names;
mod options;
mod outbox;
mod ports;
mod queue;
mod relay_addresses;
mod relays;
mod server;
mod tls;
mod worker;

pub use assemble::AssembleError;
pub use counters::{Work, WorkerStats};
pub use options::{Listen, Options, every_address};
pub use server::{Report, Server, StartError};
pub use tls::Certificate;
