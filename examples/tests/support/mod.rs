//! Real programs for the tests: the gateway, a browser, a phone, and what to hear in a recording.

pub(crate) mod browser;
pub(crate) mod gateway;
pub(crate) mod phone;
pub(crate) mod process;
pub(crate) mod sound;
