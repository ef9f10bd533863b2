//! The transcript of a handshake: every message with a 12-byte header as if it had never been
//! fragmented, without the ClientHello that a HelloVerifyRequest answered and without that
//! request (RFC 6347 §4.2.1 and §4.2.6).

use crate::crypto::HashAlgorithm;

/// All messages so far. Kept whole and not as a running hash: in DTLS 1.2 a CertificateVerify
/// signs the messages themselves, with a hash that is not known before (RFC 5246 §7.4.8).
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    messages: Vec<u8>,
}

impl Transcript {
    pub(crate) fn push(&mut self, message: &[u8]) {
        self.messages.extend_from_slice(message);
    }

    /// Begins again, for the ClientHello with a cookie.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    pub(crate) fn messages(&self) -> &[u8] {
        &self.messages
    }

    pub(crate) fn hash(&self, hash: HashAlgorithm) -> impl AsRef<[u8]> + use<> {
        hash.hash(&self.messages)
    }
}
