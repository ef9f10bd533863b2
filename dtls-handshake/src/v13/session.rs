//! What is left of a handshake of DTLS 1.3.

use super::Side;
use super::schedule::{Directions, ScheduleSecret};
use crate::crypto::MAX_LABEL_LENGTH;
use crate::error::{CloseCause, ExportError};
use crate::handshake::Message;
use crate::suite::Suite;
use crate::wire::HandshakeType;

/// The secrets of a connection.
#[derive(Debug)]
pub(crate) struct Session {
    side: Side,
    suite: Suite,
    secrets: Directions,
}

impl Session {
    pub(crate) fn new(side: Side, suite: Suite, secrets: Directions) -> Self {
        Self {
            side,
            suite,
            secrets,
        }
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// Takes a message after the handshake.
    pub(crate) fn handle(&mut self, message: &Message) -> Result<(), CloseCause> {
        match (self.side, message.kind) {
            // Sessions are not resumed.
            (Side::Client, HandshakeType::NewSessionTicket) => Ok(()),
            _ => Err(message.unexpected()),
        }
    }

    /// RFC 8446 §7.5. No context and an empty context are the same thing.
    pub(crate) fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let hash = self.suite.hash;
        if label.len() > MAX_LABEL_LENGTH {
            return Err(ExportError::LabelTooLong);
        }
        if out.len() > 255 * hash.output_length() {
            return Err(ExportError::OutputTooLong);
        }
        let exporter: &ScheduleSecret = &self.secrets.exporter;
        let secret = exporter.derive(label.as_bytes(), hash.hash(&[]).as_ref());
        let context = hash.hash(context.unwrap_or_default());
        secret.expand(b"exporter", context.as_ref(), out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v13::HandshakeSecrets;

    const SHARED_SECRET: &str = "df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624";
    const HELLO_HASH: &str = "aee8eba0d2ee87052fbbc6864c1514c5a927d6f0ffb4f7954c7f379d95f1b1d7";
    const FINISHED_HASH: &str = "77ff5eee528abc269960b0ea316eb8578dc8325d86ec1336ffe4b2941e26d82b";
    const EXPORTED: &str = concat!(
        "335b36dae5ad8674814f0a4057d119ed36af6d7e2924b72851637c43a304c78c",
        "d524c6bc63c4be8f90b2535c9556414fa23a81177e38a4d97211212c",
    );

    #[test]
    fn no_context_is_an_empty_one_and_lengths_are_bounded() {
        let bytes = |text| hex::decode(text).unwrap();
        let suite = Suite::by_id(0x1301.into()).unwrap();
        let secrets = HandshakeSecrets::new(suite, &bytes(SHARED_SECRET), &bytes(HELLO_HASH));
        let directions = secrets
            .application(&bytes(FINISHED_HASH))
            .seen_by(Side::Client);
        let session = Session::new(Side::Client, suite, directions);
        for context in [None, Some(&b""[..])] {
            let mut out = [0; 60];
            session
                .export("EXTRACTOR-dtls_srtp", context, &mut out)
                .unwrap();
            assert_eq!(hex::encode(out), EXPORTED);
        }
        let mut out = vec![0; 255 * 32 + 1];
        let long = session.export("x", None, &mut out);
        assert_eq!(long, Err(ExportError::OutputTooLong));
        let long = session.export(&"x".repeat(250), None, &mut [0]);
        assert_eq!(long, Err(ExportError::LabelTooLong));
    }
}
