//! One question about the NAT, over a socket of its own.

use core::net::SocketAddr;
use std::time::Instant;

use alloc::boxed::Box;

use bytes::BytesMut;

use super::Behaviour;
use super::ids::Ids;
use crate::attribute::{ChangeRequest, ErrorCode, OtherAddress, XorMappedAddress};
use crate::{
    Builder, Class, Message, Method, OpenError, Outcome, Path, SocketId, Timing, Transaction,
    Transmit, Transport,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// RFC 5780 §4.3.
    Mapping,
    /// RFC 5780 §4.4.
    Filtering,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconclusive {
    /// The server has no other address, or cannot answer from it.
    #[error("the server does not support behaviour discovery")]
    Unsupported,
    /// The server does not answer at its primary address.
    #[error("no answer")]
    NoAnswer,
    /// It does not answer at the other address that it tells.
    #[error("no answer from the server's other address {0}")]
    OtherSilent(SocketAddr),
    /// It refuses.
    #[error("refused with error {0}")]
    Refused(u16),
    /// Its answer says nothing.
    #[error("an answer without an address")]
    NoAddress,
    /// There is no socket.
    #[error("no socket: {0}")]
    Socket(OpenError),
}

/// What an answer to the first test says.
#[derive(Debug, Clone, Copy)]
struct First {
    mapped: SocketAddr,
    /// The other address and port of the server.
    other: SocketAddr,
}

/// Which of the three tests is under way, with what those before it have brought.
#[derive(Debug, Clone, Copy)]
enum Test {
    First,
    Second(First),
    Third {
        first: First,
        /// What the second test has brought: the mapping's alone.
        mapped: Option<SocketAddr>,
    },
}

#[derive(Debug)]
enum State {
    Opening,
    Asking {
        test: Test,
        transaction: Box<Transaction>,
        /// Where the answer must come from.
        answerer: SocketAddr,
    },
    Done(Result<Behaviour, Inconclusive>),
}

/// One question, its socket, and how far it is.
#[derive(Debug)]
pub(super) struct Probe {
    question: Question,
    pub(super) socket: SocketId,
    server: SocketAddr,
    timing: Timing,
    local: Option<SocketAddr>,
    /// What the first test has shown, whatever follows.
    pub(super) mapped: Option<SocketAddr>,
    state: State,
}

impl Probe {
    pub(super) fn new(question: Question, number: u32, server: SocketAddr, timing: Timing) -> Self {
        Self {
            question,
            socket: SocketId::asked(number),
            server,
            timing,
            local: None,
            mapped: None,
            state: State::Opening,
        }
    }

    pub(super) fn result(&self) -> Option<&Result<Behaviour, Inconclusive>> {
        match &self.state {
            State::Done(result) => Some(result),
            State::Opening | State::Asking { .. } => None,
        }
    }

    pub(super) const fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(super) fn opened(&mut self, now: Instant, local: SocketAddr, ids: &mut Ids) {
        if matches!(self.state, State::Opening) {
            self.local = Some(local);
            self.ask(now, Test::First, ids);
        }
    }

    pub(super) fn failed(&mut self, error: OpenError) {
        if self.result().is_none() {
            self.state = State::Done(Err(Inconclusive::Socket(error)));
        }
    }

    pub(super) fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        match &mut self.state {
            State::Asking { transaction, .. } => transaction.poll_transmit(out),
            State::Opening | State::Done(_) => None,
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Asking { transaction, .. } => transaction.poll_timeout(),
            State::Opening | State::Done(_) => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, ids: &mut Ids) {
        let State::Asking {
            test, transaction, ..
        } = &mut self.state
        else {
            return;
        };
        transaction.handle_timeout(now);
        if let Some(Outcome::TimedOut { .. }) = transaction.poll_event() {
            let test = *test;
            self.unanswered(now, test, ids);
        }
    }

    /// Takes a message that came over its socket; false if it answers nothing.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
        ids: &mut Ids,
    ) -> bool {
        let State::Asking {
            test,
            transaction,
            answerer,
        } = &mut self.state
        else {
            return false;
        };
        // An answer from elsewhere than was asked for would say the opposite of what happened: the
        // server has ignored CHANGE-REQUEST. A refusal comes from where the request went.
        let from_asked = from == transaction.path().remote;
        let counts = from == *answerer || (from_asked && message.class() == Class::Error);
        let path = *transaction.path();
        if !counts || !transaction.handle_response(now, &path, message) {
            return false;
        }
        let test = *test;
        if message.class() == Class::Error {
            let error = message.attribute::<ErrorCode<'_>>().ok().flatten();
            let cause = match error.map_or(0, |error| error.code) {
                420 => Inconclusive::Unsupported,
                code => Inconclusive::Refused(code),
            };
            self.state = State::Done(Err(cause));
        } else {
            self.answered(now, test, message, ids);
        }
        true
    }

    fn answered(&mut self, now: Instant, test: Test, message: &Message<'_>, ids: &mut Ids) {
        let mapped = message.attribute::<XorMappedAddress>().ok().flatten();
        let Some(XorMappedAddress(mapped)) = mapped else {
            self.state = State::Done(Err(Inconclusive::NoAddress));
            return;
        };
        let result = match (self.question, test) {
            (_, Test::First) => return self.first_answered(now, mapped, message, ids),
            (Question::Mapping, Test::Second(first)) if mapped != first.mapped => {
                let mapped = Some(mapped);
                return self.ask(now, Test::Third { first, mapped }, ids);
            }
            (_, Test::Second(_)) => Behaviour::EndpointIndependent,
            (Question::Filtering, Test::Third { .. }) => Behaviour::AddressDependent,
            (Question::Mapping, Test::Third { mapped: second, .. }) if Some(mapped) == second => {
                Behaviour::AddressDependent
            }
            (Question::Mapping, Test::Third { .. }) => Behaviour::AddressAndPortDependent,
        };
        self.state = State::Done(Ok(result));
    }

    fn first_answered(
        &mut self,
        now: Instant,
        mapped: SocketAddr,
        message: &Message<'_>,
        ids: &mut Ids,
    ) {
        self.mapped = Some(mapped);
        let other = message.attribute::<OtherAddress>().ok().flatten();
        // One that is not wholly another would make any NAT look open.
        let other = other.filter(|OtherAddress(other)| {
            other.ip() != self.server.ip()
                && other.port() != self.server.port()
                && other.is_ipv4() == self.server.is_ipv4()
        });
        match other {
            Some(OtherAddress(other)) => {
                self.ask(now, Test::Second(First { mapped, other }), ids);
            }
            None => self.state = State::Done(Err(Inconclusive::Unsupported)),
        }
    }

    /// Silence is an answer where the filter is asked about.
    fn unanswered(&mut self, now: Instant, test: Test, ids: &mut Ids) {
        let result = match (self.question, test) {
            (_, Test::First) => Err(Inconclusive::NoAnswer),
            (Question::Filtering, Test::Second(first)) => {
                let mapped = None;
                return self.ask(now, Test::Third { first, mapped }, ids);
            }
            (Question::Filtering, Test::Third { .. }) => Ok(Behaviour::AddressAndPortDependent),
            (Question::Mapping, Test::Second(first) | Test::Third { first, .. }) => {
                Err(Inconclusive::OtherSilent(first.other))
            }
        };
        self.state = State::Done(result);
    }

    /// Begins a test: where the request goes, what it asks, and where the answer must come from.
    fn ask(&mut self, now: Instant, test: Test, ids: &mut Ids) {
        let both = ChangeRequest {
            ip: true,
            port: true,
        };
        let server = self.server;
        let (remote, change, answerer) = match (self.question, test) {
            (_, Test::First) => (server, None, server),
            (Question::Mapping, Test::Second(First { other, .. })) => {
                let remote = SocketAddr::new(other.ip(), server.port());
                (remote, None, remote)
            }
            (Question::Mapping, Test::Third { first, .. }) => (first.other, None, first.other),
            (Question::Filtering, Test::Second(first)) => (server, Some(both), first.other),
            (Question::Filtering, Test::Third { first, .. }) => {
                let port = ChangeRequest { ip: false, ..both };
                let answerer = SocketAddr::new(server.ip(), first.other.port());
                (server, Some(port), answerer)
            }
        };
        let mut out = BytesMut::new();
        let mut request = Builder::request(&mut out, Method::BINDING, ids.next());
        if let Some(change) = change {
            request = request.attribute(&change);
        }
        let path = Path {
            id: self.socket,
            local: self.local.unwrap_or(server),
            remote,
            transport: Transport::Udp,
        };
        let transaction = request
            .fingerprint()
            .ok()
            .and_then(|_| Transaction::new(now, path, out.freeze(), self.timing).ok());
        self.state = match transaction {
            Some(transaction) => State::Asking {
                test,
                transaction: Box::new(transaction),
                answerer,
            },
            // So small a request always fits.
            None => State::Done(Err(Inconclusive::NoAnswer)),
        };
    }
}
