//! Bytes that leave memory when they are no longer needed.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of `N` bytes. On the heap, so that moving it leaves no copy behind; wiped on drop;
/// absent from `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// A secret whose bytes `fill` writes in place.
    pub(crate) fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::<4>::filled(|bytes| bytes.copy_from_slice(&[7; 4]));
        assert_eq!(secret.expose(), &[7; 4]);
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
