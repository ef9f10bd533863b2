//! `a=rtcp-mux-only`.

property! {
    /// `a=rtcp-mux-only`: there is no separate RTCP port at all (RFC 8858 §3).
    RtcpMuxOnly
}
