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
