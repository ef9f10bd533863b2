//! Session descriptions (RFC 8866), lossless, with typed attributes and offer/answer.
#![forbid(unsafe_code)]
