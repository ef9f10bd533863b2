//! A master key identifier as `a=crypto` writes it: a decimal number and the length that it has in
//! packets, `1:4` (RFC 4568 §6.1). It has up to 128 bytes, more than any integer type.

use core::fmt;

use super::{decimal, is_decimal};

/// Greatest length in bytes (RFC 4568 §6.1).
const LEN_MAX: u8 = 128;

/// Decimal digits of 2^1024 - 1.
const DIGITS_MAX: usize = 309;

/// A master key identifier of 1 to 128 bytes (RFC 3711 §3.1, RFC 4568 §6.1).
///
/// ```
/// let mki = srtp::Mki::new(1066, 4).unwrap();
/// assert_eq!(mki.as_bytes(), [0, 0, 4, 42]);
/// assert_eq!(mki.to_string(), "1066:4");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mki(Box<[u8]>);

impl Mki {
    /// An identifier of `len` bytes, 1 to 128, in which `value` fits; `None` otherwise.
    #[must_use]
    pub fn new(value: u128, len: u8) -> Option<Self> {
        let number = value.to_be_bytes();
        let zeros = usize::from(len).saturating_sub(number.len());
        let cut = number.len().saturating_sub(usize::from(len));
        let (cut, kept) = number.split_at_checked(cut)?;
        if cut.iter().any(|&byte| byte != 0) {
            return None;
        }
        Self::from_bytes(&[&vec![0; zeros], kept].concat())
    }

    /// The identifier that packets carry; `None` unless it has 1 to 128 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let fits = (1..=usize::from(LEN_MAX)).contains(&bytes.len());
        fits.then(|| Self(bytes.into()))
    }

    /// The identifier as packets carry it: the number, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads `value:length`. RFC 4568 §6.1 calls the value positive; 0 has a place in packets as
    /// well and is taken.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (value, len) = text.split_once(':')?;
        let len: u8 = decimal(len, 3)?;
        if !(1..=LEN_MAX).contains(&len) || value.len() > DIGITS_MAX || !is_decimal(value) {
            return None;
        }
        let mut bytes = vec![0; usize::from(len)];
        for digit in value.bytes() {
            let mut carry = u16::from(digit - b'0');
            for byte in bytes.iter_mut().rev() {
                let [high, low] = (u16::from(*byte) * 10 + carry).to_be_bytes();
                (*byte, carry) = (low, u16::from(high));
            }
            if carry != 0 {
                return None;
            }
        }
        Self::from_bytes(&bytes)
    }
}

/// Writes `value:length`.
impl fmt::Display for Mki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = self.0.clone();
        let mut digits = Vec::new();
        while digits.is_empty() || number.iter().any(|&byte| byte != 0) {
            let mut rest = 0;
            for byte in &mut number {
                let part = rest << 8 | u16::from(*byte);
                // A part is below 10 * 2^8: its tenth is a byte.
                (*byte, rest) = ((part / 10) as u8, part % 10);
            }
            digits.push(char::from(b'0' + rest as u8));
        }
        let value: String = digits.into_iter().rev().collect();
        write!(f, "{value}:{}", self.0.len())
    }
}
