//! Sans-IO ICE agent (RFC 8445) with trickle and consent.
#![forbid(unsafe_code)]
