//! Who the peer has to be, and the proof that it is.

use crate::crypto::HashAlgorithm;
use crate::error::CloseCause;
use crate::fingerprint::Fingerprint;

/// The proof that the peer owns a certificate whose fingerprint was announced for it. Made only
/// by a [`Connection`](crate::Connection), for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPeer {
    certificate: Box<[u8]>,
    fingerprint: Fingerprint,
    connection: u64,
}

impl VerifiedPeer {
    /// The peer's certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The announced fingerprint that it matched.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn is_of(&self, connection: u64) -> bool {
        self.connection == connection
    }
}

/// What is known about the peer beforehand.
#[derive(Debug)]
pub(crate) enum ExpectedPeer {
    /// Its fingerprints have not been told yet.
    Unknown,
    /// It has one of these.
    Fingerprints(Vec<Fingerprint>),
}

impl ExpectedPeer {
    /// `Ok(None)` as long as nothing is known.
    pub(crate) fn check(&self, certificate: &[u8]) -> Result<Option<Fingerprint>, CloseCause> {
        let Self::Fingerprints(fingerprints) = self else {
            return Ok(None);
        };
        // RFC 8122 §5.1: only those made with the best hash function that was announced count.
        let best: Option<HashAlgorithm> = fingerprints.iter().map(Fingerprint::algorithm).max();
        fingerprints
            .iter()
            .find(|known| Some(known.algorithm()) == best && known.matches(certificate))
            .map(|known| Some(*known))
            .ok_or(CloseCause::FingerprintMismatch)
    }

    /// As `check`, and the proof with it.
    pub(crate) fn verify(
        &self,
        certificate: &[u8],
        connection: u64,
    ) -> Result<Option<VerifiedPeer>, CloseCause> {
        let fingerprint = self.check(certificate)?;
        Ok(fingerprint.map(|fingerprint| VerifiedPeer {
            certificate: certificate.into(),
            fingerprint,
            connection,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_hash_decides() {
        let sha256 = |certificate| Fingerprint::of(HashAlgorithm::Sha256, certificate);
        let sha512 = |certificate| Fingerprint::of(HashAlgorithm::Sha512, certificate);
        let check = |list: &[Fingerprint]| {
            ExpectedPeer::Fingerprints(list.to_vec())
                .check(b"a")
                .ok()
                .flatten()
        };
        assert_eq!(check(&[sha256(b"b"), sha256(b"a")]), Some(sha256(b"a")));
        assert_eq!(check(&[sha256(b"a"), sha512(b"b")]), None);
        assert_eq!(check(&[sha256(b"b"), sha512(b"a")]), Some(sha512(b"a")));
        assert_eq!(check(&[]), None);
        assert_eq!(ExpectedPeer::Unknown.check(b"a"), Ok(None));
    }
}
