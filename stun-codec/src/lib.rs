//! STUN messages (RFC 8489), every ICE attribute, paths and the contract of the state machines.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

pub mod path;
