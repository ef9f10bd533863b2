//! Media costs no allocation, and consent neither.
#![allow(unsafe_code)] // a counting allocator is an unsafe trait

mod net;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::BytesMut;
use ice_agent::{
    Config, HEADROOM, Handled, Kinds, Path, Policy, Received, SocketId, State, TAILROOM, Transport,
    TurnServer,
};
use net::{World, addr, controlled, controlling, login, ms, quiet};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all work is done by the system's allocator; counting touches only a thread-local cell
// that needs no allocation of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

fn connected() -> World {
    let mut world = World::new(1, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    world
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(7))), 1);
}

#[test]
fn data_in_and_out_allocates_nothing() {
    let mut world = connected();
    let now = world.now();
    let mut buf = [0x80; HEADROOM + 172];
    let path = Path {
        id: SocketId(0),
        local: addr("192.0.2.1:5000"),
        remote: addr("198.51.100.1:6000"),
        transport: Transport::Udp,
    };
    let agent = &mut world.nodes[0].agent;
    let counted = allocations(|| {
        for _ in 0..1000 {
            let sent = agent
                .send(now, &mut buf, HEADROOM..HEADROOM + 172)
                .expect("sent");
            assert_eq!(sent.path, path);
            let handled = agent.handle_datagram(
                now,
                Received {
                    path,
                    data: &mut buf,
                },
            );
            assert_eq!(
                handled,
                Handled::Data {
                    from: path.remote,
                    range: 0..buf.len()
                }
            );
        }
    });
    assert_eq!(counted, 0);
    assert_eq!(agent.stats().data_received, 1000);
}

#[test]
fn data_over_a_relay_allocates_nothing() {
    let mut world = World::new(2, quiet());
    world.add_turn("192.0.2.99:3478");
    let kinds = Kinds::RELAY_ONLY;
    let server = login(TurnServer::udp(addr("192.0.2.99:3478")));
    let config = Config {
        turn_servers: vec![server],
        policy: Policy {
            kinds,
            ..Policy::default()
        },
        ..controlling()
    };
    world.add(config, &["10.0.0.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    world.run(ms(1000), |_| false);
    let now = world.now();
    let agent = &mut world.nodes[0].agent;
    let mut buf = [0x80; HEADROOM + 172 + TAILROOM];
    let payload = HEADROOM..HEADROOM + 172;
    let counted = allocations(|| {
        for _ in 0..1000 {
            let sent = agent.send(now, &mut buf, payload.clone()).expect("sent");
            // ChannelData: the server sends the same back.
            assert_eq!(sent.range, payload.start - 4..payload.end);
            let rx = Received {
                path: sent.path,
                data: &mut buf[sent.range],
            };
            let handled = agent.handle_datagram(now, rx);
            let from = addr("198.51.100.1:6000");
            assert_eq!(
                handled,
                Handled::Data {
                    from,
                    range: 4..176
                }
            );
        }
    });
    assert_eq!(counted, 0);
    assert_eq!(agent.stats().data_received, 1000);
}

#[test]
fn consent_allocates_nothing() {
    let mut world = connected();
    world.run(ms(60_000), |_| false);
    let mut out = BytesMut::with_capacity(2048);
    let mut agents: Vec<_> = world.nodes.drain(..).map(|node| node.agent).collect();
    let mut now = world.now();
    let counted = allocations(|| {
        for _ in 0..40 {
            now = agents
                .iter()
                .filter_map(|agent| agent.poll_timeout())
                .min()
                .expect("alive");
            for agent in &mut agents {
                agent.handle_timeout(now);
            }
            for turn in 0..4 {
                out.clear();
                let Some(sent) = agents[turn % 2].poll_transmit(&mut out) else {
                    continue;
                };
                let path = Path {
                    local: sent.path.remote,
                    remote: sent.path.local,
                    ..sent.path
                };
                let data = &mut out[sent.range];
                let handled = agents[1 - turn % 2].handle_datagram(now, Received { path, data });
                assert_eq!(handled, Handled::Consumed);
            }
        }
    });
    assert_eq!(counted, 0);
    assert!(agents.iter().all(|agent| agent.state() == State::Completed));
    assert!(agents[0].stats().consent_checks_sent > 20);
}
