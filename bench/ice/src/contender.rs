//! What everybody does: two agents in memory that find a pair, and keep it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench_harness::{Item, live_bytes};

/// Host address `host` of a side.
pub(crate) fn address(side: usize, host: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, side as u8, 1 + host as u8], 5000))
}

/// Which ways carry datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All.
    All,
    /// Only that between the last addresses of both, which is the last to be checked.
    Last,
}

/// How many host candidates both have, and which ways there are between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hosts {
    pub(crate) each: usize,
    pub(crate) links: Links,
}

impl Hosts {
    /// Whether a datagram between these arrives.
    pub(crate) fn carry(self, one: SocketAddr, other: SocketAddr) -> bool {
        let last = [0, 1].map(|side| address(side, self.each - 1));
        self.links == Links::All || (last.contains(&one) && last.contains(&other))
    }
}

/// Two agents, with what joins them. They are told each other's candidates and credentials.
pub(crate) trait Pair: 'static {
    /// Both, before anything is sent.
    fn new(hosts: Hosts, now: Instant) -> Self;

    /// Delivers all that a side wants to send; how many datagrams there were.
    fn exchange(&mut self, side: usize, now: Instant) -> usize;

    /// When the time has to be told next.
    fn due(&mut self) -> Instant;

    /// Tells both the time, and takes out their events.
    fn tell_time(&mut self, now: Instant);

    /// Whether both have selected a pair.
    fn is_done(&mut self) -> bool;
}

/// Two agents in virtual time.
struct World<P> {
    pair: P,
    start: Instant,
    now: Instant,
    packets: usize,
}

impl<P: Pair> World<P> {
    /// Two that have just selected a pair.
    fn connect(hosts: Hosts) -> Self {
        let now = Instant::now();
        let mut world = Self {
            pair: P::new(hosts, now),
            start: now,
            now,
            packets: 0,
        };
        while !world.step() {
            let time = world.now - world.start;
            assert!(time < Duration::from_secs(60), "they do not connect");
        }
        world
    }

    /// Delivers what waits, or else lets time go by; true once both have selected a pair.
    fn step(&mut self) -> bool {
        if self.settle() == 0 {
            self.pass();
        }
        self.pair.is_done()
    }

    /// Delivers until nothing waits; how many datagrams there were.
    fn settle(&mut self) -> usize {
        let before = self.packets;
        loop {
            let count = self.pair.exchange(0, self.now) + self.pair.exchange(1, self.now);
            self.packets += count;
            if count == 0 {
                return self.packets - before;
            }
        }
    }

    fn pass(&mut self) {
        self.now = self.pair.due().max(self.now + Duration::from_micros(1));
        self.pair.tell_time(self.now);
    }

    /// Connected agents exchange so many packets.
    fn steady(&mut self, packets: usize) {
        let until = self.packets + packets;
        while self.packets < until {
            if self.settle() == 0 {
                self.pass();
            }
        }
    }
}

/// Many connected agents that have nothing to do but to keep consent.
struct Idle<P> {
    worlds: Vec<World<P>>,
    /// Whose time comes when, as a program with many agents keeps it.
    queue: BinaryHeap<Reverse<(Instant, usize)>>,
    now: Instant,
}

impl<P: Pair> Idle<P> {
    fn new(agents: usize) -> Self {
        let one = Hosts {
            each: 1,
            links: Links::All,
        };
        let mut worlds: Vec<_> = (0..agents / 2).map(|_| World::<P>::connect(one)).collect();
        let now = worlds.iter().map(|world| world.now).max();
        let now = now.expect("agents");
        let due = |(at, world): (usize, &mut World<P>)| Reverse((world.pair.due(), at));
        let queue = worlds.iter_mut().enumerate().map(due).collect();
        Self { worlds, queue, now }
    }

    /// Lets time go by.
    fn run(&mut self, time: Duration) {
        self.now += time;
        while let Some(Reverse((due, at))) = self.queue.pop() {
            if due > self.now {
                self.queue.push(Reverse((due, at)));
                return;
            }
            let world = &mut self.worlds[at];
            world.now = world.now.max(due);
            world.pair.tell_time(world.now);
            world.settle();
            let next = world.pair.due().max(world.now + Duration::from_micros(1));
            self.queue.push(Reverse((next, at)));
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// From nothing to a selected pair on both sides.
    Connect(Hosts),
    /// One packet between connected agents: sent by one side, received by the other.
    Steady,
    /// What an agent that is one of so many needs in a second, while nothing happens.
    Idle(usize),
}

/// Packets in a sample of [`Operation::Steady`].
const PACKETS: usize = 100;

/// Seconds in a sample of [`Operation::Idle`].
const SECONDS: usize = 10;

impl Operation {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let connect = |each, links| Self::Connect(Hosts { each, links });
        vec![
            connect(1, Links::All),
            connect(2, Links::All),
            connect(4, Links::All),
            connect(8, Links::All),
            connect(4, Links::Last),
            connect(8, Links::Last),
            Self::Steady,
            Self::Idle(10_000),
        ]
    }

    /// As it stands in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Connect(Hosts { each, links }) => match links {
                Links::All => format!("connect {each}x{each} host candidates"),
                Links::Last => format!("connect {each}x{each}, only the last works"),
            },
            Self::Steady => "steady state, a packet".to_owned(),
            Self::Idle(agents) => format!("a second, one of {agents} idle agents"),
        }
    }
}

/// One more who takes part. What it sent is told on the side: times of those that send more or fewer
/// checks do not compare.
pub(crate) fn add<P: Pair>(item: &mut Item, who: &'static str, operation: Operation) {
    match operation {
        Operation::Connect(hosts) => {
            let World {
                packets,
                now,
                start,
                ..
            } = World::<P>::connect(hosts);
            let time = now - start;
            eprintln!("{}, {who}: {packets} packets in {time:?}", item.name());
            item.add(who, 1, || (), move |()| drop(World::<P>::connect(hosts)));
        }
        Operation::Steady => {
            let mut world = World::<P>::connect(Hosts {
                each: 1,
                links: Links::All,
            });
            // Whatever follows a connection is over by then.
            world.steady(2 * PACKETS);
            item.add(who, PACKETS, || (), move |()| world.steady(PACKETS));
        }
        Operation::Idle(agents) => {
            let (mut idle, bytes) = measure_idle::<P>(agents);
            eprintln!("{}, {who}: {bytes} bytes each", item.name());
            // There are seconds in which nobody is due: the consent of all began at one time.
            let time = Duration::from_secs(SECONDS as u64);
            item.add(who, agents * SECONDS, || (), move |()| idle.run(time));
        }
    }
}

fn measure_idle<P: Pair>(agents: usize) -> (Idle<P>, isize) {
    let before = live_bytes();
    let mut idle = Idle::<P>::new(agents);
    idle.run(Duration::from_secs(30));
    let bytes = (live_bytes() - before) / agents as isize;
    (idle, bytes)
}

/// Bytes of an agent that is connected and idle.
#[cfg(test)]
pub(crate) fn idle_bytes<P: Pair>() -> isize {
    measure_idle::<P>(100).1
}
