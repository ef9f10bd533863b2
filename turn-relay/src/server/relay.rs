//! The server: the contract's methods, and what every part of it uses.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::BytesMut;
use stun_codec::credentials::{Server, prepare};
use stun_codec::{Close, Path, SocketId, Transmit, Transport};

use super::allocation::Allocation;
use super::bandwidth::Bucket;
use super::config::{Config, ConfigError};
use super::connections::Connections;
use super::credentials::Directory;
use super::event::{AllocationId, EndCause, Ended, Event, Events};
use super::five_tuple::{ByClient, FiveTuple, Keyed};
use super::foreign::Foreign;
use super::lookup::Lookups;
use super::operator::{Draining, Revoked};
use super::outbox::Outbox;
use super::ration::Ration;
use super::relayed::Relayed;
use super::secrets::WallClock;
use super::slots::{Key, Slots};
use super::sockets::Reserved;
use super::stats::{Session, Stats};
use super::streams::Streams;
use super::ticket::Sealer;
use super::timers::{Due, Timers};
use crate::random::Random;

/// A TURN server, or one worker of it. See [the module](super) for how it is driven.
#[derive(Debug)]
pub struct Relay {
    pub(super) config: Config,
    /// What knows nonces, whatever is announced with them.
    pub(super) plain: Server,
    pub(super) server: Server,
    pub(super) directory: Directory,
    pub(super) clients: ByClient<Key>,
    pub(super) allocations: Slots<Allocation>,
    pub(super) sockets: Slots<Use>,
    pub(super) reserved: BTreeMap<[u8; 8], Reserved>,
    /// Clients whose allocations are at other workers.
    pub(super) foreign: Foreign,
    pub(super) connections: Connections,
    pub(super) lookups: Lookups,
    pub(super) streams: Streams,
    /// Connections of clients that are joined to one of a peer, and its name.
    pub(super) joined: BTreeMap<SocketId, u32>,
    pub(super) draining: Option<Draining>,
    pub(super) timers: Timers,
    pub(super) desk: Desk,
    pub(super) sealer: Sealer,
    pub(super) random: Random,
    pub(super) bandwidth: Option<Bucket>,
    /// How many allocations there were.
    made: u64,
    /// Which of several relay addresses is next.
    pub(super) turn: usize,
}

/// Where what is to be sent, told and counted goes.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) outbox: Outbox,
    pub(super) events: Events,
    pub(super) ration: Ration,
    pub(super) stats: Stats,
}

/// What a socket of ours is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// Peers send to it.
    Allocation(Key),
    /// It is kept for somebody, or was only just asked for.
    Reserved,
    /// A connection to a peer, with this name.
    Stream(u32),
}

impl Relay {
    /// A worker. All workers of a server get the same seed, which must be random and secret, and the
    /// same `now`: they take each other's nonces.
    ///
    /// # Errors
    /// When the configuration contradicts itself.
    pub fn new(now: Instant, mut config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        let credentials = config.credentials.clone();
        let plain = Server::new(now, seed, &config.realm)?;
        let plain = plain.with_nonce_lifetime(config.nonce_lifetime);
        let server = credentials.announced_by(&plain, config.algorithms.as_deref());
        let realm: Arc<str> = Arc::from(&*prepare(&config.realm)?);
        let sealer = Sealer::new(&seed, config.worker);
        let mut random = Random::new(sealer.own_seed());
        let share = config.total_bandwidth;
        let share = share.map(|rate| Bucket::new(now, rate / u64::from(config.workers)));
        Ok(Self {
            plain,
            server,
            directory: Directory {
                hashes: credentials.hashes(&realm),
                credentials,
                realm,
                clock: config.clock,
                revoked: Revoked::default(),
            },
            clients: HashMap::with_hasher(Keyed(random.bytes())),
            allocations: Slots::default(),
            sockets: Slots::default(),
            reserved: BTreeMap::new(),
            foreign: Foreign::new(Keyed(random.bytes())),
            connections: Connections::new(Keyed(random.bytes())),
            lookups: Lookups::default(),
            streams: Streams::default(),
            joined: BTreeMap::new(),
            draining: None,
            timers: Timers::default(),
            desk: Desk {
                outbox: Outbox::default(),
                events: Events::default(),
                ration: Ration::new(Keyed(random.bytes())),
                stats: Stats::default(),
            },
            sealer,
            random,
            bandwidth: share,
            made: 0,
            turn: 0,
            config,
        })
    }

    /// Takes one packet: `frame` is its range of `buf`, around which there are
    /// [`HEADROOM`](crate::HEADROOM) bytes before and [`TAILROOM`](super::TAILROOM) behind. Data goes
    /// on in its place, without being copied; everything else is answered by
    /// [`poll_transmit`](Self::poll_transmit).
    ///
    /// What came at a socket that was asked for ([`Event::Open`]) is from a peer, everything else from a
    /// client.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        path: Path,
        buf: &mut [u8],
        frame: Range<usize>,
    ) -> Relayed {
        if path.id.is_asked() {
            return self.on_peer(now, &path, buf, frame);
        }
        let Some(bytes) = buf.get(frame.clone()) else {
            return self.dropped(|stats| &mut stats.no_room);
        };
        // RFC 8656 §12, RFC 7983 §7: told apart by their first bits.
        match bytes.first() {
            Some(0x40..=0x7f) => self.on_channel_data(now, &path, buf, frame),
            Some(0..=3) => self.on_message(now, &path, buf, frame),
            _ => Relayed::NotMine,
        }
    }

    /// Tells the time. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.timers.pop(now) {
            match due {
                Due::Allocation(key) => self.expire(now, key),
                Due::Reservation(token) => self.expire_reservation(now, token),
                Due::Lookup(id) => self.give_up_lookup(now, id),
                Due::Connection(id) => self.check_connection(now, id),
                Due::Stream(name) => self.expire_stream(now, name),
                Due::Drain => self.end_all(now),
            }
        }
    }

    /// Appends the next frame to `out`, and says where in it the frame stands and how it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        self.desk.outbox.pop(out)
    }

    /// What there is to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.desk.events.pop()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` while there is nothing to wait for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What was counted so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.desk.stats
    }

    /// How many allocations there are, those that wait for their sockets included.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// The allocations there are.
    pub fn sessions(&self) -> impl Iterator<Item = Session<'_>> {
        let all = self.allocations.iter();
        all.filter_map(|(_, allocation)| match allocation {
            Allocation::Opening(_) => None,
            Allocation::Live(live) => Some(Session {
                id: live.id,
                user: &live.owner.identity.user,
                client: live.path,
                relayed: live.first.relayed,
                additional: live.second.map(|side| side.relayed),
                since: live.since,
                expires: live.expires(),
                traffic: live.traffic,
            }),
        })
    }

    /// Tells the time of the day again, when it was put right.
    pub fn set_wall_clock(&mut self, now: Instant, time: SystemTime) {
        self.directory.clock = Some(WallClock::new(now, time));
    }

    pub(super) fn dropped(&mut self, counter: impl FnOnce(&mut Stats) -> &mut u64) -> Relayed {
        *counter(&mut self.desk.stats) += 1;
        Relayed::Dropped
    }

    pub(super) fn next_id(&mut self) -> AllocationId {
        self.made += 1;
        AllocationId(u64::from(self.config.worker) << 48 | self.made)
    }

    /// Ends an allocation: its sockets are closed, and it is told.
    pub(super) fn end(&mut self, now: Instant, key: Key, cause: EndCause) {
        let Some(allocation) = self.allocations.remove(key) else {
            return;
        };
        match allocation {
            Allocation::Opening(opening) => {
                self.clients.remove(&FiveTuple::from(&opening.asked.path));
                for door in opening.doors() {
                    self.close(door.socket);
                }
            }
            Allocation::Live(live) => {
                self.clients.remove(&FiveTuple::from(&live.path));
                for side in live.sides() {
                    self.close(side.socket);
                }
                self.end_streams(key, &live);
                self.desk.stats.ended += 1;
                let ended = Event::Ended(Box::new(Ended {
                    id: live.id,
                    user: live.user(),
                    client: live.path,
                    relayed: live.first.relayed,
                    cause,
                    lasted: now.saturating_duration_since(live.since),
                    traffic: live.traffic,
                }));
                self.desk.tell(ended);
                self.leave(now, &live.path, cause);
                self.leave_reservation(*live);
            }
        }
        let allocations = &self.allocations;
        self.timers.forget(|due| match due {
            Due::Allocation(key) => allocations.get(*key).is_some(),
            _ => true,
        });
        self.tell_drained();
    }

    /// What becomes of the connection of an allocation that is over. Its client hears nothing else of it.
    fn leave(&mut self, now: Instant, path: &Path, cause: EndCause) {
        match (path.transport, cause) {
            (Transport::Udp, _) => {}
            (_, EndCause::Released) => self.leave_idle(now, path.id),
            (_, _) => self.hang_up(path.id),
        }
    }

    /// Closes a socket, if it is still known.
    pub(super) fn close(&mut self, socket: Key) {
        if self.sockets.remove(socket).is_some() {
            let id = SocketId::asked(socket.number());
            self.desk.tell(Event::Close(Close { id }));
        }
    }

    /// Looks whether an allocation, or one of its two addresses, is over.
    fn expire(&mut self, now: Instant, key: Key) {
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            return;
        };
        // Looked at anew for a time that has been put forward.
        if now < live.look_at {
            return;
        }
        let is_over = |expires: Instant| now >= expires;
        let over = match (is_over(live.first.expires), live.second) {
            (true, Some(second)) if !is_over(second.expires) => {
                live.second = None;
                Some(std::mem::replace(&mut live.first, second))
            }
            (true, _) => {
                let cause = live.expiry_cause(now, self.config.strict_expiry);
                return self.end(now, key, cause);
            }
            (false, Some(second)) if is_over(second.expires) => live.second.take(),
            (false, _) => None,
        };
        live.look_at = live.expires();
        self.timers.push(live.look_at, Due::Allocation(key));
        if let Some(side) = over {
            self.close(side.socket);
        }
    }
}

impl Desk {
    pub(super) fn tell(&mut self, event: Event) {
        self.events.push(event, &mut self.stats);
    }
}
