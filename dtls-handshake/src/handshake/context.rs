//! What every state of a handshake works with.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;

use super::{Flight, Inbox, Transcript};
use crate::config::Config;
use crate::error::CloseCause;
use crate::message::Random;
use crate::peer::ExpectedPeer;
use crate::record::RecordLayer;
use crate::wire::{HandshakeType, Writer};

/// The surroundings of a handshake; its states hold the rest.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    /// Of our hello: a connection has one, whatever becomes of it.
    random: Random,
    pub(crate) records: RecordLayer,
    pub(crate) inbox: Inbox,
    pub(crate) flight: Flight,
    pub(crate) transcript: Transcript,
    pub(crate) expected: ExpectedPeer,
    /// What the peer may put into its records (RFC 9146); empty: nothing, and `None`: that is not
    /// spoken of.
    pub(crate) connection_id: Option<Arc<[u8]>>,
}

impl Context {
    pub(crate) fn new(config: Arc<Config>, mut rng: ChaCha20Rng) -> Self {
        let connection_id = config.connection_id_length.map(|length| {
            let mut id = vec![0; length.into()];
            rng.fill_bytes(&mut id);
            id.into()
        });
        let mut random = [0; 32];
        rng.fill_bytes(&mut random);
        Self {
            config,
            random,
            records: RecordLayer::new(),
            inbox: Inbox::new(),
            flight: Flight::default(),
            transcript: Transcript::default(),
            expected: ExpectedPeer::Unknown,
            connection_id,
        }
    }

    /// The server's answer to a connection ID that the client wants to see: ours, where the
    /// extension is spoken. From here on both are used (RFC 9146 §3).
    pub(crate) fn answer_connection_id(&mut self, theirs: Option<&[u8]>) -> Option<Arc<[u8]>> {
        let ours = self.connection_id.clone()?;
        self.records.use_connection_ids(&ours, theirs?);
        Some(ours)
    }

    /// What the server has answered to ours.
    pub(crate) fn accept_connection_id(&mut self, theirs: Option<&[u8]>) -> Result<(), CloseCause> {
        match (&self.connection_id, theirs) {
            (_, None) => Ok(()),
            (None, Some(_)) => Err(CloseCause::UnsolicitedExtension),
            (Some(ours), Some(theirs)) => {
                self.records.use_connection_ids(ours, theirs);
                Ok(())
            }
        }
    }

    /// Goes on where a listener has begun: with these numbers of messages, in both directions, and
    /// of records.
    pub(crate) fn start_at(&mut self, message_seq: u16, record_sequence: u64) {
        self.inbox = Inbox::starting_at(message_seq);
        self.flight.start_at(message_seq);
        self.records.start_plain_at(record_sequence);
    }

    pub(crate) fn random(&self) -> Random {
        self.random
    }

    /// Adds a message to the flight, in the newest epoch, and to the transcript.
    pub(crate) fn send(&mut self, kind: HandshakeType, body: impl FnOnce(&mut Writer<'_>)) {
        let epoch = self.records.write_epoch();
        let message = self.flight.push(epoch, kind, body);
        self.transcript.push(message);
    }
}
