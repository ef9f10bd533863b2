//! Real programs for the tests: the gateway, browsers, phones, and what to hear in a recording.
#![allow(dead_code)] // each test uses a part of it

pub(crate) mod authority;
pub(crate) mod bidi;
pub(crate) mod browser;
pub(crate) mod chromium;
pub(crate) mod coturn;
pub(crate) mod desk;
pub(crate) mod firefox;
pub(crate) mod gateway;
pub(crate) mod networks;
pub(crate) mod phone;
pub(crate) mod process;
pub(crate) mod relayed;
pub(crate) mod sipp;
pub(crate) mod sound;
pub(crate) mod turn_server;
