//! Fingerprints of certificates, as SDP carries them (RFC 8122 §5).

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::crypto::HashAlgorithm;

/// The longest hash value in bytes.
const MAX_LENGTH: usize = 64;

/// The hash of a certificate, in DER, and the function it was made with.
///
/// Written and read as the value of `a=fingerprint`: `sha-256 0A:1B:..`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    algorithm: HashAlgorithm,
    /// Zero behind the length of the algorithm.
    bytes: [u8; MAX_LENGTH],
}

/// Why something is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// A hash function that proves nothing any more or is not known, such as sha-1.
    #[error("unsupported hash function {0:?}")]
    UnsupportedAlgorithm(String),
    /// The hash value has another length than the function gives.
    #[error("a {algorithm} value has {expected} bytes, not {found}")]
    Length {
        /// The hash function.
        algorithm: HashAlgorithm,
        /// The length of its values in bytes.
        expected: usize,
        /// The length found in bytes.
        found: usize,
    },
    /// Not a hash function, a space, and pairs of hexadecimal digits with colons between.
    #[error("malformed fingerprint")]
    Malformed,
}

impl Fingerprint {
    /// A fingerprint from a hash value.
    ///
    /// # Errors
    /// [`FingerprintError::Length`] when `bytes` is not as long as the algorithm's values.
    pub fn new(algorithm: HashAlgorithm, bytes: &[u8]) -> Result<Self, FingerprintError> {
        let expected = algorithm.output_length();
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(FingerprintError::Length {
                algorithm,
                expected,
                found,
            });
        }
        let mut value = [0; MAX_LENGTH];
        for (to, from) in value.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(Self {
            algorithm,
            bytes: value,
        })
    }

    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(algorithm: HashAlgorithm, certificate: &[u8]) -> Self {
        let mut bytes = [0; MAX_LENGTH];
        for (to, from) in bytes.iter_mut().zip(algorithm.hash(certificate).as_ref()) {
            *to = *from;
        }
        Self { algorithm, bytes }
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The hash value: 32, 48 or 64 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes
            .get(..self.algorithm.output_length())
            .unwrap_or_default()
    }

    /// Whether this is the fingerprint of that certificate, in DER.
    #[must_use]
    pub fn matches(&self, certificate: &[u8]) -> bool {
        *self == Self::of(self.algorithm, certificate)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.algorithm)?;
        for (index, byte) in self.bytes().iter().enumerate() {
            let separator = if index == 0 { ' ' } else { ':' };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads `sha-256 0A:1B:..`; upper and lower case are the same (RFC 8122 §5 demands upper
    /// case from writers, not all keep it).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .trim()
            .split_once(' ')
            .ok_or(FingerprintError::Malformed)?;
        let algorithm = HashAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| FingerprintError::UnsupportedAlgorithm(name.to_owned()))?;
        let bytes = value
            .trim_start()
            .split(':')
            .map(byte)
            .collect::<Option<Vec<u8>>>()
            .ok_or(FingerprintError::Malformed)?;
        Self::new(algorithm, &bytes)
    }
}

/// Exactly two hexadecimal digits.
fn byte(digits: &str) -> Option<u8> {
    let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if plain {
        u8::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives() {
        for algorithm in HashAlgorithm::ALL {
            let fingerprint = Fingerprint::of(algorithm, b"certificate");
            let text = fingerprint.to_string();
            assert_eq!(text.parse(), Ok(fingerprint));
            assert_eq!(text.to_lowercase().parse(), Ok(fingerprint));
            assert!(fingerprint.matches(b"certificate"));
            assert!(!fingerprint.matches(b"certificates"));
        }
    }

    #[test]
    fn the_hash_of_abc() {
        let text = "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
                    B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(
            Fingerprint::of(HashAlgorithm::Sha256, b"abc").to_string(),
            text
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let parse = |text: &str| text.parse::<Fingerprint>().unwrap_err();
        let sha1 = FingerprintError::UnsupportedAlgorithm("sha-1".into());
        assert_eq!(parse("sha-1 00:11"), sha1);
        let length = FingerprintError::Length {
            algorithm: HashAlgorithm::Sha256,
            expected: 32,
            found: 2,
        };
        assert_eq!(parse("sha-256 00:11"), length);
        for text in [
            "",
            "sha-256",
            "sha-256 ",
            "sha-256 0:1",
            "sha-256 +1:00",
            "sha-256 é0:00",
        ] {
            assert_eq!(parse(text), FingerprintError::Malformed, "{text:?}");
        }
    }
}
