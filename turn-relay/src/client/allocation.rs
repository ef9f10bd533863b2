//! The allocation: the contract's methods, and what every part of it uses.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use stun_codec::{Path, SocketId, Transmit};

use super::channels::Channels;
use super::config::{Config, ConfigError, Server};
use super::event::{Cause, Event, Events};
use super::lease::Lease;
use super::login::{self, Login};
use super::permissions::Permissions;
use super::phase::Phase;
use super::requests::{Begin, Purpose, Requests};
use super::stats::Stats;
use super::streams::Streams;
use super::wire::{self, Allocate, Request};
use crate::random::Random;

/// A relayed address at a TURN server.
///
/// After any input: drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout). Any order is
/// legal; what waits is bounded. It ends by [`Event::Ended`], and only by that.
#[derive(Debug)]
pub struct Allocation {
    pub(super) config: Config,
    /// Where we are sent to by now.
    pub(super) server: Server,
    /// The servers that sent us on.
    pub(super) tried: Vec<SocketAddr>,
    pub(super) login: Option<Login>,
    /// How often the server knew another allocation from our port.
    pub(super) mismatches: u8,
    pub(super) phase: Phase,
    pub(super) requests: Requests,
    pub(super) permissions: Permissions,
    pub(super) channels: Channels,
    pub(super) streams: Streams,
    pub(super) events: Events,
    pub(super) stats: Stats,
    pub(super) random: Random,
    /// How many sockets were asked for.
    sockets: u32,
}

impl Allocation {
    /// Begins an allocation: the first event asks for a socket.
    ///
    /// # Errors
    /// When the configuration contradicts itself.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        let login = config.credentials.as_ref().map(Login::new).transpose()?;
        let mut allocation = Self {
            server: config.server.clone(),
            config,
            tried: Vec::new(),
            login,
            mismatches: 0,
            phase: Phase::Ended,
            requests: Requests::default(),
            permissions: Permissions::default(),
            channels: Channels::default(),
            streams: Streams::default(),
            events: Events::default(),
            stats: Stats::default(),
            random: Random::new(seed),
            sockets: 0,
        };
        allocation.open_link();
        Ok(allocation)
    }

    /// Tells the time. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(unanswered) = self.requests.take_unanswered(now) {
            self.on_unanswered(now, unanswered);
        }
        let Some(live) = self.phase.live_mut() else {
            return;
        };
        if !live.lease.is_valid(now) {
            self.end(Cause::Expired);
            return;
        }
        if live.lease.take_renewal(now) {
            self.begin(now, Purpose::Refresh, 0);
        }
        self.ask_for_peers(now);
    }

    /// Appends the next frame to `out`, and says where in it the frame stands and how it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let transmit = self.requests.poll_transmit(out)?;
        self.stats.requests_sent += 1;
        Some(transmit)
    }

    /// What there is to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once it has ended, or while
    /// only the driver can go on.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let peers = self.phase.live().and_then(|live| {
            live.path()?;
            [self.permissions.timeout(), self.channels.timeout()]
                .into_iter()
                .flatten()
                .min()
        });
        [self.requests.timeout(), self.phase.timeout(), peers]
            .into_iter()
            .flatten()
            .min()
    }

    /// Gives the relayed address back and ends. Until the server has confirmed it, or a few seconds
    /// have passed, the machine wants to be driven on; who cannot wait drains once and drops it.
    pub fn release(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Opening(_) => self.end(Cause::Released),
            Phase::Allocating { unwanted, .. } => *unwanted = true,
            Phase::Live(live) => match live.path() {
                Some(path) => self.give_back(now, path),
                None => self.end(Cause::Released),
            },
            Phase::Releasing(_) | Phase::Ended => {}
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The relayed address, while there is one. [`Event::Allocated`] tells the second of two.
    #[must_use]
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.phase.live().map(|live| live.relayed)
    }

    /// The way to the server, while it is open.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        self.phase.path()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push(event, &mut self.stats);
    }

    pub(super) fn next_socket(&mut self) -> SocketId {
        self.sockets = self.sockets.wrapping_add(1);
        SocketId::asked(self.sockets)
    }

    /// Ends everything. A finished allocation costs nothing.
    pub(super) fn end(&mut self, cause: Cause) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        let sockets: Vec<_> = phase.sockets().chain(self.streams.sockets()).collect();
        for id in sockets {
            self.tell(Event::Close(stun_codec::Close { id }));
        }
        self.requests.clear();
        self.permissions = Permissions::default();
        self.channels = Channels::default();
        self.streams = Streams::default();
        self.tell(Event::Ended(cause));
    }

    /// Tells the server that the allocation is not needed any more (RFC 8656 §8).
    pub(super) fn give_back(&mut self, now: Instant, path: Path) {
        let phase = std::mem::replace(&mut self.phase, Phase::Releasing(path));
        let sockets: Vec<_> = phase.sockets().chain(self.streams.sockets()).collect();
        for id in sockets.into_iter().filter(|id| *id != path.id) {
            self.tell(Event::Close(stun_codec::Close { id }));
        }
        self.streams = Streams::default();
        self.requests.clear();
        self.begin(now, Purpose::Release, 0);
    }

    /// Begins a request on the way that its purpose takes. `tries` is how often it was begun before.
    pub(super) fn begin(&mut self, now: Instant, purpose: Purpose, tries: u8) {
        let Some(path) = self.way_of(purpose) else {
            return;
        };
        let id = self.random.transaction_id();
        let mut message = BytesMut::new();
        let request = match self.request_of(purpose) {
            Some(request) => wire::write(&mut message, id, request),
            None => return,
        };
        if login::close(self.login.as_ref(), request).is_err() {
            // Only a server with an endless realm or nonce could make it too long.
            self.conclude(
                now,
                purpose,
                Cause::BadAnswer("a request without credentials"),
            );
            return;
        }
        let begin = Begin {
            purpose,
            path,
            tries,
            edition: self.login.as_ref().map_or(0, Login::edition),
            rto: self.config.rto,
        };
        self.requests.begin(now, begin, message);
    }

    fn request_of(&self, purpose: Purpose) -> Option<Request<'_>> {
        let lifetime = self.config.lifetime;
        let lifetime = lifetime.map(|lasts| u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX));
        Some(match purpose {
            Purpose::Allocate => Request::Allocate(Allocate {
                relay: self.config.relay,
                lifetime,
                dont_fragment: self.config.dont_fragment,
                mobility: self.config.mobility,
            }),
            Purpose::Refresh => Request::Refresh {
                lifetime,
                ticket: None,
            },
            Purpose::Release => Request::Refresh {
                lifetime: Some(0),
                ticket: None,
            },
            Purpose::Move => Request::Refresh {
                lifetime,
                ticket: Some(self.phase.live()?.ticket.as_deref()?),
            },
            Purpose::Permission(peer) => Request::Permission(peer),
            Purpose::Channel(number, peer) => Request::Channel(number, peer),
            Purpose::Connect(peer) => Request::Connect(peer),
            Purpose::Attach(socket) => Request::Attach(self.streams.connection_of(socket)?),
        })
    }

    fn way_of(&self, purpose: Purpose) -> Option<Path> {
        match purpose {
            Purpose::Move => self.telling(),
            Purpose::Attach(socket) => self.streams.path_of(socket),
            _ => self.phase.path(),
        }
    }

    /// The allocation is to be refreshed again soon.
    pub(super) fn retry_refresh(&mut self, now: Instant) {
        if let Some(live) = self.phase.live_mut() {
            live.lease.renew_at(now + AGAIN);
        }
    }

    pub(super) fn refreshed(&mut self, lease: Lease) {
        if let Some(live) = self.phase.live_mut() {
            live.lease = lease;
        }
    }
}

/// The pause before something that was not renewed is asked for again, while there is time.
pub(super) const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);
