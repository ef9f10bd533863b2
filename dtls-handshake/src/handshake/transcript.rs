//! The transcript of a handshake, in the form of either version. What is pushed is whole and has
//! the 12-byte header of DTLS.

use super::fragment::HANDSHAKE_HEADER_LENGTH;
use crate::crypto::{HashAlgorithm, RunningHash};

/// Room for a handshake of DTLS 1.2 with short certificates on both sides, in bytes.
const USUAL_LENGTH: usize = 2048;
/// The length of the header of TLS in bytes, which begins as that of DTLS does.
const TLS_HEADER_LENGTH: usize = 4;
/// The type of the message that stands for a first ClientHello (RFC 8446 §4.4.1).
const MESSAGE_HASH: u8 = 254;

/// The transcript of DTLS 1.2: every message with a 12-byte header as if it had never been
/// fragmented, without the ClientHello that a HelloVerifyRequest answered and without that request
/// (RFC 6347 §4.2.1 and §4.2.6). While the version is not known, it has the ClientHello.
///
/// Kept whole and not as a running hash: in DTLS 1.2 a CertificateVerify
/// signs the messages themselves, with a hash that is not known before (RFC 5246 §7.4.8).
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    messages: Vec<u8>,
}

impl Transcript {
    pub(crate) fn push(&mut self, message: &[u8]) {
        if self.messages.capacity() == 0 {
            self.messages.reserve(USUAL_LENGTH);
        }
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

/// The transcript of DTLS 1.3: every message with the 4-byte header of TLS (RFC 9147 §5.2).
#[derive(Debug)]
pub(crate) struct RunningTranscript {
    hash: HashAlgorithm,
    running: RunningHash,
}

impl RunningTranscript {
    /// Begins with the ClientHello.
    pub(crate) fn new(hash: HashAlgorithm, client_hello: &[u8]) -> Self {
        let mut transcript = Self {
            hash,
            running: RunningHash::new(hash),
        };
        transcript.push(client_hello);
        transcript
    }

    pub(crate) fn push(&mut self, message: &[u8]) {
        let header = message.get(..TLS_HEADER_LENGTH);
        let body = message.get(HANDSHAKE_HEADER_LENGTH..);
        self.running.update(header.unwrap_or_default());
        self.running.update(body.unwrap_or_default());
    }

    /// The hash of what came so far.
    pub(crate) fn value(&self) -> impl AsRef<[u8]> + use<> {
        self.running.value()
    }

    /// Puts its hash in the place of a first ClientHello, as a HelloRetryRequest wants it.
    pub(crate) fn replace_by_hash(&mut self) {
        *self = Self::after_retry(self.hash, self.value().as_ref());
    }

    /// Begins with the hash of a first ClientHello (RFC 8446 §4.4.1).
    pub(crate) fn after_retry(hash: HashAlgorithm, client_hello_hash: &[u8]) -> Self {
        let mut running = RunningHash::new(hash);
        running.update(&[MESSAGE_HASH, 0, 0, hash.output_length() as u8]);
        running.update(client_hello_hash);
        Self { hash, running }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::fragment::whole_message;
    use crate::wire::HandshakeType;

    #[test]
    fn a_running_transcript_leaves_the_fields_of_dtls_out() {
        let message = whole_message(HandshakeType::ClientHello, 1, |w| w.bytes(b"abc"));
        let hash = HashAlgorithm::Sha256;
        let mut transcript = RunningTranscript::new(hash, &message);
        let first = hash.hash(&[1, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(transcript.value().as_ref(), first.as_ref());
        transcript.replace_by_hash();
        transcript.push(&message);
        let mut expected = vec![254, 0, 0, 32];
        expected.extend(first.as_ref());
        expected.extend([1, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(transcript.value().as_ref(), hash.hash(&expected).as_ref());
    }
}
