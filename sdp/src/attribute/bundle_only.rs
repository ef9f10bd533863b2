//! `a=bundle-only`.

property! {
    /// `a=bundle-only`: the section lives only inside its BUNDLE group (RFC 9143 §6).
    BundleOnly
}
