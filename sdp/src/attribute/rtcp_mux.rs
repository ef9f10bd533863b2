//! `a=rtcp-mux`.

property! {
    /// `a=rtcp-mux`: RTP and RTCP share a port (RFC 5761 §5.1.1).
    RtcpMux
}
