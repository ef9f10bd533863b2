//! The Crosspoint gateway, and small programs that show each crate.
#![forbid(unsafe_code)]
