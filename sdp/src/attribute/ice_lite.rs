//! `a=ice-lite`.

property! {
    /// `a=ice-lite`: the peer is a lite ICE agent (RFC 8839 §5.3).
    IceLite
}
