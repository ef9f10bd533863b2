//! `a=rtcp-rsize`.

property! {
    /// `a=rtcp-rsize`: RTCP packets need not be compound (RFC 5506 §5).
    RtcpRsize
}
