//! Real programs for the tests: the gateway, a browser, a phone, and what to hear in a recording.

pub mod browser;
pub mod gateway;
pub mod link;
pub mod phone;
pub mod process;
pub mod sound;
