//! Sans-IO DTLS with use_srtp and key export.
#![forbid(unsafe_code)]
