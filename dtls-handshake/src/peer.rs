//! Who the peer has to be, what it shows of itself, and the proof that it is who it should be.

use core::fmt;
use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::config::Config;
use crate::crypto::{HashAlgorithm, KeyKind, PublicKey, public_key};
use crate::error::CloseCause;
use crate::event::Version;
use crate::fingerprint::Fingerprint;
use crate::identity::CHAIN_LIMIT;
use crate::wire::{AlertDescription, SignatureScheme};

/// The proof that the peer owns a certificate that was announced for it or that the verifier of
/// [`Config::with_peer_verifier`] took, or that it is a client that needs none
/// ([`ClientCertificates`](crate::ClientCertificates)). Made only by a
/// [`Connection`](crate::Connection), for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPeer {
    certificate: Box<[u8]>,
    fingerprint: Option<Fingerprint>,
    connection: u64,
}

impl VerifiedPeer {
    /// The peer's certificate in DER; empty when it has shown none and needs none.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The announced fingerprint that it matched; `None` when the verifier decided alone, or there
    /// was nothing to decide.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    pub(crate) fn is_of(&self, connection: u64) -> bool {
        self.connection == connection
    }
}

/// What the caller's verifier is.
type Verify = dyn Fn(&[&[u8]]) -> Result<(), AlertDescription> + Send + Sync;

/// The caller's judgement of certificates.
#[derive(Clone)]
pub(crate) struct PeerVerifier(Arc<Verify>);

impl PeerVerifier {
    pub(crate) fn new(
        verify: impl Fn(&[&[u8]]) -> Result<(), AlertDescription> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(verify))
    }
}

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerVerifier")
    }
}

/// What is known about the peer beforehand, beside the caller's verifier.
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

    /// The proof, of a peer whose certificate was accepted, which goes into it, or that needs none:
    /// `Ok(None)` as long as there is nothing to judge it by.
    pub(crate) fn verify(
        &self,
        certificate: &mut Vec<u8>,
        config: &Config,
        connection: u64,
    ) -> Result<Option<VerifiedPeer>, CloseCause> {
        let fingerprint = self.check(certificate)?;
        let needs_none = certificate.is_empty();
        let judged = fingerprint.is_some() || config.peer_verifier.is_some() || needs_none;
        Ok(judged.then(|| VerifiedPeer {
            certificate: core::mem::take(certificate).into(),
            fingerprint,
            connection,
        }))
    }
}

/// The certificate of the peer, in DER, and the key in it.
#[derive(Debug)]
pub(crate) struct PeerCertificate {
    pub(crate) der: Vec<u8>,
    key: PublicKey,
}

impl PeerCertificate {
    /// Takes the chain that the peer sent, the leaf first, unless its fingerprint is known and
    /// another, or the caller's verifier refuses it.
    pub(crate) fn accept<'a>(
        chain: impl Iterator<Item = &'a [u8]>,
        expected: &ExpectedPeer,
        config: &Config,
    ) -> Result<Self, CloseCause> {
        let chain: ArrayVec<&[u8], { CHAIN_LIMIT + 1 }> = chain.take(CHAIN_LIMIT + 1).collect();
        let leaf = *chain.first().ok_or(CloseCause::PeerCertificateMissing)?;
        if chain.is_full() {
            return Err(CloseCause::BadPeerCertificate);
        }
        expected.check(leaf)?;
        let key = public_key(leaf)
            .map_err(|_| CloseCause::BadPeerCertificate)?
            .ok_or(CloseCause::UnsupportedPeerCertificate)?;
        if let Some(PeerVerifier(verify)) = &config.peer_verifier {
            verify(&chain).map_err(CloseCause::PeerRefused)?;
        }
        let der = leaf.to_vec();
        Ok(Self { der, key })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.key.kind
    }

    /// Checks a signature of the peer, named `what`. RFC 5246 §7.4.3 and §7.4.8: the scheme has to
    /// be one that we offered.
    pub(crate) fn verify(
        &self,
        version: Version,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
        what: &'static str,
    ) -> Result<(), CloseCause> {
        if !PublicKey::SCHEMES.contains(&scheme) {
            return Err(CloseCause::Illegal("signature algorithm"));
        }
        self.key
            .verify(version, scheme, message, signature)
            .map_err(|_| CloseCause::NotVerified(what))
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

    #[test]
    fn chains_are_bounded_and_have_a_leaf() {
        let start = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000);
        let config = Config::new(crate::identity::Identity::generate(start).unwrap());
        let leaf = config.identity.as_ref().unwrap().certificate().to_vec();
        let accept = |chain: &[&[u8]]| {
            PeerCertificate::accept(chain.iter().copied(), &ExpectedPeer::Unknown, &config)
                .map(|peer| peer.der)
        };
        let mut chain = vec![&b"whatever"[..]; CHAIN_LIMIT];
        chain[0] = &leaf;
        assert_eq!(accept(&chain).as_deref(), Ok(&leaf[..]));
        chain.push(b"one more");
        assert_eq!(accept(&chain), Err(CloseCause::BadPeerCertificate));
        assert_eq!(accept(&[]), Err(CloseCause::PeerCertificateMissing));
        assert_eq!(accept(&[b"garbage"]), Err(CloseCause::BadPeerCertificate));
    }
}
