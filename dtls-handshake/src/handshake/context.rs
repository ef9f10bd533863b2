//! What every state of a handshake works with.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;

use super::{Flight, Inbox, Transcript};
use crate::config::Config;
use crate::message::Random;
use crate::peer::ExpectedPeer;
use crate::record::RecordLayer;
use crate::wire::{HandshakeType, Writer};

/// The surroundings of a handshake; its states hold the rest.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) records: RecordLayer,
    pub(crate) inbox: Inbox,
    pub(crate) flight: Flight,
    pub(crate) transcript: Transcript,
    pub(crate) expected: ExpectedPeer,
}

impl Context {
    pub(crate) fn new(config: Arc<Config>, rng: ChaCha20Rng) -> Self {
        Self {
            config,
            rng,
            records: RecordLayer::new(),
            inbox: Inbox::new(),
            flight: Flight::default(),
            transcript: Transcript::default(),
            expected: ExpectedPeer::Unknown,
        }
    }

    /// Goes on where a listener has begun: with these numbers of messages, in both directions, and
    /// of records.
    pub(crate) fn start_at(&mut self, message_seq: u16, record_sequence: u64) {
        self.inbox = Inbox::starting_at(message_seq);
        self.flight.start_at(message_seq);
        self.records.start_plain_at(record_sequence);
    }

    pub(crate) fn random(&mut self) -> Random {
        let mut random = [0; 32];
        self.rng.fill_bytes(&mut random);
        random
    }

    /// Adds a message to the flight, in the newest epoch, and to the transcript.
    pub(crate) fn send(&mut self, kind: HandshakeType, body: impl FnOnce(&mut Writer<'_>)) {
        let epoch = self.records.write_epoch();
        let message = self.flight.push(epoch, kind, body);
        self.transcript.push(message);
    }
}
