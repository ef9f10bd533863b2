//! What is left of a handshake of DTLS 1.3: the secrets, and the messages that may still come.
//!
//! Keys of one direction are changed by a KeyUpdate of the side that writes (RFC 9147 §8). It is a
//! flight of its own; the new keys are written with once it is acknowledged, so that the other side
//! has them by then.

use super::Side;
use super::schedule::ApplicationSecrets;
use crate::crypto::MAX_LABEL_LENGTH;
use crate::error::{CloseCause, ExportError};
use crate::event::KeyUpdateRequest;
use crate::handshake::{Context, Message};
use crate::message::v13::{
    KeyUpdate, NewConnectionId, read_new_session_ticket, read_request_connection_id,
};
use crate::record::DATA;
use crate::suite::Suite;
use crate::wire::HandshakeType;

/// RFC 9147 §8: nobody sends in a later epoch.
const LAST_EPOCH: u64 = (1 << 48) - 1;

/// The secrets of a connection.
#[derive(Debug)]
pub(crate) struct Session {
    side: Side,
    suite: Suite,
    secrets: Box<ApplicationSecrets>,
    write_epoch: u64,
    read_epoch: u64,
    update: Update,
    /// The peer wants other connection IDs, and has no answer yet.
    ids_requested: bool,
}

/// A change of the keys that we write with.
#[derive(Debug, Default)]
struct Update {
    /// One is to be sent, and asks for this.
    wanted: Option<KeyUpdateRequest>,
    /// One is under way. There is never a second (RFC 9147 §5.8.4).
    is_sent: bool,
    /// The peer was asked for one, and has not sent it yet.
    is_asked: bool,
}

impl Session {
    pub(crate) fn new(side: Side, suite: Suite, secrets: Box<ApplicationSecrets>) -> Self {
        Self {
            side,
            suite,
            secrets,
            write_epoch: DATA,
            read_epoch: DATA,
            update: Update::default(),
            ids_requested: false,
        }
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// Takes a message after the handshake.
    pub(crate) fn handle(&mut self, message: &Message, cx: &mut Context) -> Result<(), CloseCause> {
        match (self.side, message.kind) {
            // Sessions are not resumed.
            (Side::Client, HandshakeType::NewSessionTicket) => {
                Ok(read_new_session_ticket(message.body())?)
            }
            (_, HandshakeType::KeyUpdate) => self.handle_key_update(message, cx),
            (_, HandshakeType::NewConnectionId) => handle_new_connection_id(message, cx),
            (_, HandshakeType::RequestConnectionId) => self.handle_id_request(message, cx),
            // RFC 8446 §4.6.2: nobody offered to be asked for a certificate later.
            _ => Err(message.unexpected()),
        }
    }

    /// The old keys stay: until the peer has our acknowledgement it writes with them, and what it
    /// wrote before may still be on its way.
    fn handle_key_update(&mut self, message: &Message, cx: &mut Context) -> Result<(), CloseCause> {
        let KeyUpdate { request } = KeyUpdate::read(message.body())?;
        let request = request.ok_or(CloseCause::Illegal("request_update"))?;
        let secret = self.secrets.read(self.side);
        secret.advance();
        let keys = secret.record_keys(self.suite.aead)?;
        cx.records.stop_reading_before(self.read_epoch);
        self.read_epoch = self.read_epoch.saturating_add(1);
        cx.records.start_reading(self.read_epoch, keys);
        self.update.is_asked = false;
        if request == KeyUpdateRequest::Requested {
            self.want_update(KeyUpdateRequest::NotRequested);
        }
        Ok(())
    }

    /// RFC 9147 §9: answered with none, since the one that we gave away finds us anywhere.
    fn handle_id_request(&mut self, message: &Message, cx: &Context) -> Result<(), CloseCause> {
        if cx.records.connection_id().is_empty() {
            return Err(message.unexpected());
        }
        read_request_connection_id(message.body())?;
        self.ids_requested = true;
        Ok(())
    }

    /// Has the keys changed that we write with.
    pub(crate) fn want_update(&mut self, request: KeyUpdateRequest) {
        if self.write_epoch < LAST_EPOCH {
            self.update.wanted = self.update.wanted.max(Some(request));
        }
    }

    /// Has them changed, unless that is under way or, where the peer's are to change, it was asked
    /// already.
    pub(crate) fn ensure_update(&mut self, request: KeyUpdateRequest) {
        let is_asked = request == KeyUpdateRequest::Requested && self.update.is_asked;
        if !self.update.is_sent && !is_asked {
            self.want_update(request);
        }
    }

    /// Begins a flight with the message that is wanted, when no other flight is under way.
    pub(crate) fn send_update(&mut self, cx: &mut Context) -> bool {
        if self.update.is_sent || !cx.flight.is_empty() || cx.flight.is_used_up() {
            return false;
        }
        if core::mem::take(&mut self.ids_requested) {
            let kind = HandshakeType::NewConnectionId;
            cx.flight
                .push(self.write_epoch, kind, NewConnectionId::write_none);
            return true;
        }
        let Some(request) = self.update.wanted.take() else {
            return false;
        };
        cx.flight
            .push(self.write_epoch, HandshakeType::KeyUpdate, |w| {
                KeyUpdate::write(w, request);
            });
        self.update.is_sent = true;
        self.update.is_asked |= request == KeyUpdateRequest::Requested;
        true
    }

    /// Our flight is acknowledged: when it was a KeyUpdate, its keys are in use from here on.
    pub(crate) fn flight_acknowledged(&mut self, cx: &mut Context) -> Result<(), CloseCause> {
        if core::mem::take(&mut self.update.is_sent) {
            let secret = self.secrets.written(self.side);
            secret.advance();
            let keys = secret.record_keys(self.suite.aead)?;
            self.write_epoch += 1;
            cx.records.start_writing(self.write_epoch, keys);
            cx.records.stop_writing_old();
        }
        Ok(())
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
        let context = context.unwrap_or_default();
        self.secrets.exporter.export(label.as_bytes(), context, out);
        Ok(())
    }
}

/// RFC 9147 §9: one that is to be used at once is. Spare ones are not kept.
fn handle_new_connection_id(message: &Message, cx: &mut Context) -> Result<(), CloseCause> {
    if cx.records.written_connection_id().is_empty() {
        return Err(message.unexpected());
    }
    let NewConnectionId { first, immediate } = NewConnectionId::read(message.body())?;
    match (immediate, first) {
        (Some(true), Some(id)) => cx.records.change_written_connection_id(id),
        (Some(false), _) => {}
        _ => return Err(CloseCause::Illegal("NewConnectionId")),
    }
    Ok(())
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
        let secrets = secrets.application(&bytes(FINISHED_HASH));
        let session = Session::new(Side::Client, suite, secrets);
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
