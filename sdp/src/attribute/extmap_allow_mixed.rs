//! `a=extmap-allow-mixed`.

property! {
    /// `a=extmap-allow-mixed`: one- and two-byte header extensions may mix (RFC 8285 §6).
    ExtmapAllowMixed
}
