//! The TURN server.

pub mod config;
