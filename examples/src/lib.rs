//! The Crosspoint gateway as a library: everything but `main`.

pub mod calls;
pub mod sip;
