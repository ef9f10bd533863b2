//! The C library libsrtp (the sources that `srtp2-sys` brings, built for OpenSSL), as far as the
//! benchmark calls it.
//!
//! A mistake ends the program: it measures, it does not serve.

mod ffi;
mod session;

pub use session::{Direction, Protection, Session};
