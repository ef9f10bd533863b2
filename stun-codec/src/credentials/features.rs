//! What a nonce says about its server (RFC 8489 §9.2, §18.1).

use core::ops::BitOr;

/// The characters that such a nonce begins with.
const COOKIE: &[u8; 9] = b"obMatJos2";

/// Cookie and features, in bytes.
#[cfg(feature = "std")]
pub(super) const PREFIX: usize = 13;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The 24 bits of security features in front of a nonce. Those that are not assigned are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SecurityFeatures(u32);

impl SecurityFeatures {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Bit 0: a list of PASSWORD-ALGORITHMS comes with the nonce.
    pub const PASSWORD_ALGORITHMS: Self = Self(1 << 23);
    /// Bit 1: USERHASH is taken for USERNAME.
    pub const USERNAME_ANONYMITY: Self = Self(1 << 22);

    /// Those that a nonce announces; `None` where its server does not know RFC 8489.
    #[must_use]
    pub fn of_nonce(nonce: &[u8]) -> Option<Self> {
        let encoded = nonce.strip_prefix(COOKIE)?.first_chunk::<4>()?;
        encoded
            .iter()
            .try_fold(0, |bits, digit| {
                let six = BASE64.iter().position(|known| known == digit)?;
                Some(bits << 6 | u32::try_from(six).ok()?)
            })
            .map(Self)
    }

    /// Whether all of `others` are among these.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// What the nonce of a server with these features begins with.
    #[cfg(feature = "std")]
    pub(super) fn prefix(self) -> [u8; PREFIX] {
        let mut prefix = [0; PREFIX];
        let digits = [18, 12, 6, 0].map(|shift| (self.0 >> shift) as usize & 0x3f);
        let encoded = digits.map(|at| BASE64.get(at).copied().unwrap_or_default());
        prefix
            .iter_mut()
            .zip(COOKIE.iter().chain(&encoded))
            .for_each(|(place, byte)| *place = *byte);
        prefix
    }
}

impl BitOr for SecurityFeatures {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
