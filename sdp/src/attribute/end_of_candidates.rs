//! `a=end-of-candidates`.

property! {
    /// `a=end-of-candidates`: no more candidates will follow (RFC 8840 §8.2).
    EndOfCandidates
}
