//! The peers. One that cannot read a text is left out for it.

use std::hint::black_box;
use std::io::Cursor;

use bench_harness::Item;

use crate::{Offer, each};

const WEBRTC_SDP: &str = "webrtc-sdp";
const SDP_TYPES: &str = "sdp-types";
const WEBRTC_RS: &str = "webrtc-rs";
const RTC_SDP: &str = "rtc-sdp";
const SDP_RS: &str = "sdp-rs";
const STR0M: &str = "str0m";

/// `webrtc-sdp` and `str0m` read attributes as types, the others as text.
pub(crate) fn parse(item: &mut Item, offer: Offer) {
    let text = offer.text;
    if webrtc_sdp::parse_sdp(text, false).is_ok() {
        each(item, WEBRTC_SDP, move || {
            webrtc_sdp::parse_sdp(black_box(text), false)
        });
    }
    if sdp_types::Session::parse(text.as_bytes()).is_ok() {
        each(item, SDP_TYPES, move || {
            sdp_types::Session::parse(black_box(text.as_bytes()))
        });
    }
    if webrtc_rs_sdp::SessionDescription::unmarshal(&mut Cursor::new(text)).is_ok() {
        each(item, WEBRTC_RS, move || {
            webrtc_rs_sdp::SessionDescription::unmarshal(&mut Cursor::new(black_box(text)))
        });
    }
    if rtc_sdp::SessionDescription::unmarshal(&mut Cursor::new(text)).is_ok() {
        each(item, RTC_SDP, move || {
            rtc_sdp::SessionDescription::unmarshal(&mut Cursor::new(black_box(text)))
        });
    }
    if sdp_rs::SessionDescription::try_from(text).is_ok() {
        each(item, SDP_RS, move || {
            sdp_rs::SessionDescription::try_from(black_box(text))
        });
    }
    if str0m::change::SdpOffer::from_sdp_string(text).is_ok() {
        each(item, STR0M, move || {
            str0m::change::SdpOffer::from_sdp_string(black_box(text))
        });
    }
}

/// Each writes what it has read itself.
pub(crate) fn serialize(item: &mut Item, offer: Offer) {
    let text = offer.text;
    if let Ok(read) = webrtc_sdp::parse_sdp(text, false) {
        each(item, WEBRTC_SDP, move || black_box(&read).to_string());
    }
    if let Ok(read) = sdp_types::Session::parse(text.as_bytes()) {
        each(item, SDP_TYPES, move || {
            let mut out = Vec::new();
            black_box(&read).write(&mut out).map(|()| out)
        });
    }
    if let Ok(read) = webrtc_rs_sdp::SessionDescription::unmarshal(&mut Cursor::new(text)) {
        each(item, WEBRTC_RS, move || black_box(&read).marshal());
    }
    if let Ok(read) = rtc_sdp::SessionDescription::unmarshal(&mut Cursor::new(text)) {
        each(item, RTC_SDP, move || black_box(&read).marshal());
    }
    if let Ok(read) = sdp_rs::SessionDescription::try_from(text) {
        each(item, SDP_RS, move || black_box(&read).to_string());
    }
    if let Ok(read) = str0m::change::SdpOffer::from_sdp_string(text) {
        each(item, STR0M, move || black_box(&read).to_sdp_string());
    }
}
