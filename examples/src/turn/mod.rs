//! The TURN server.

pub mod config;
pub mod coturn;
