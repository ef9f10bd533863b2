//! `a=fingerprint`: the hash of the peer's certificate (RFC 8122 §5).

use std::fmt;

use super::{Raw, Typed};
use crate::grammar::{Invalid, Step, rest, space, token};

/// `a=fingerprint:<hash> <XX:XX:...>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// The name of the hash function, upper or lower case.
    pub hash: &'a str,
    /// Bytes in hexadecimal, separated by colons.
    pub digits: &'a str,
}

/// Hash functions of RFC 8122 §5 and the bytes of their output.
const HASHES: [(&str, usize); 7] = [
    ("sha-1", 20),
    ("sha-224", 28),
    ("sha-256", 32),
    ("sha-384", 48),
    ("sha-512", 64),
    ("md5", 16),
    ("md2", 16),
];

impl Fingerprint<'_> {
    /// Whether the hash function is one that RFC 8122 §5 names.
    #[must_use]
    pub fn is_known(&self) -> bool {
        length(self.hash).is_some()
    }

    /// The bytes of the hash.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.digits.split(':').filter_map(|pair| u8::from_str_radix(pair, 16).ok())
    }
}

fn length(hash: &str) -> Option<usize> {
    let known = HASHES.iter().find(|(name, _)| name.eq_ignore_ascii_case(hash));
    known.map(|(_, length)| *length)
}

impl<'a> Typed<'a> for Fingerprint<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(|input| {
            let (input, hash) = token("a hash function")(input)?;
            let (input, ()) = space(input)?;
            let (input, digits) = hex_pairs(input)?;
            // RFC 8122 §5: the length must be that of the hash.
            match length(hash) {
                Some(length) if digits.len() != 3 * length - 1 => {
                    let wanted = "as many bytes as the hash has";
                    Err(nom::Err::Error(Invalid { left: digits.len(), expected: wanted }))
                }
                _ => Ok((input, Self { hash, digits })),
            }
        })
    }
}

fn hex_pairs(input: &str) -> Step<'_, &str> {
    let wanted = "pairs of hexadecimal digits, separated by colons";
    let (_, digits) = rest(wanted)(input)?;
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    if digits.split(':').all(pair) {
        Ok(("", digits))
    } else {
        Err(nom::Err::Error(Invalid::new(input, wanted)))
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fingerprint:{} {}", self.hash, self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB";

    #[test]
    fn the_length_is_that_of_the_hash() {
        let ok = |value: &str| Fingerprint::read(Raw { name: "", value: Some(value) }).is_ok();
        assert!(ok(&format!("sha-1 {SHA1}")) && ok(&format!("SHA-1 {SHA1}")));
        assert!(ok(&format!("sha3-256 {SHA1}")), "an unknown hash is kept");
        assert!(!ok(&format!("sha-256 {SHA1}")) && !ok(&format!("sha-1  {SHA1}")));
        assert!(!ok("sha-1 4AADB9B13F82183B540212DF3E5D496B19E57CAB"));
    }

    #[test]
    fn gives_bytes() {
        let value = format!("sha-1 {SHA1}");
        let fingerprint = Fingerprint::read(Raw { name: "", value: Some(&value) }).unwrap();
        assert_eq!(fingerprint.bytes().take(3).collect::<Vec<_>>(), [0x4a, 0xad, 0xb9]);
    }
}
