//! The library behind this folder: ring, or with the feature `aws-lc` aws-lc-rs, which has ring's
//! interface but for the few functions that stand in the two files here.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
mod on_ring;

#[cfg(feature = "aws-lc")]
pub(super) use aws_lc::*;
#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
pub(super) use on_ring::*;

#[cfg(not(any(feature = "ring", feature = "aws-lc")))]
compile_error!("dtls-handshake needs one of its features `ring` and `aws-lc`");
