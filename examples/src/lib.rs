//! The Crosspoint gateway as a library: everything but `main`.

pub mod calls;
pub mod config;
pub mod http;
