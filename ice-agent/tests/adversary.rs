//! Nothing an adversary on the path does upsets an agent.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // in the body of a property

mod bench;
mod net;

use std::net::SocketAddr;

use bench::{Ask, Bench, LEADER, PASSWORD, one, two};
use ice_agent::Role;
use net::{controlled, controlling, ms};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use stun_codec::{Class, Message};

/// What an adversary on the path can do.
#[derive(Debug, Clone)]
enum Move {
    Bytes(Vec<u8>),
    /// A sound message with some bytes changed or cut off.
    Bent {
        request: bool,
        at: usize,
        to: u8,
        cut: usize,
    },
    Request {
        leader: bool,
        nominate: bool,
        tie_breaker: u64,
        far: bool,
    },
    Grant {
        far: bool,
    },
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80).prop_map(Move::Bytes),
        (any::<bool>(), 0..120_usize, any::<u8>(), 0..120_usize).prop_map(
            |(request, at, to, cut)| Move::Bent {
                request,
                at,
                to,
                cut
            }
        ),
        (any::<bool>(), any::<bool>(), any::<u64>(), any::<bool>()).prop_map(
            |(leader, nominate, tie_breaker, far)| Move::Request {
                leader,
                nominate,
                tie_breaker,
                far
            }
        ),
        any::<bool>().prop_map(|far| Move::Grant { far }),
        (0..20_000_u64).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn no_sequence_of_inputs_upsets_an_agent(moves in moves(), lead in any::<bool>()) {
        let mut bench = Bench::checking(if lead { controlling() } else { controlled() });
        let mut last: Option<(SocketAddr, Vec<u8>)> = None;
        for step in moves {
            match step {
                Move::Bytes(bytes) => drop(bench.hand(one(), &bytes)),
                Move::Bent { request, at, to, cut } => {
                    let mut data = match (&last, request) {
                        (Some((_, check)), false) => bench.grant(check, PASSWORD),
                        _ => bench.request(LEADER),
                    };
                    if let Some(byte) = data.get_mut(at) {
                        *byte = to;
                    }
                    data.truncate(data.len().saturating_sub(cut));
                    let _ = bench.hand(one(), &data);
                }
                Move::Request { leader, nominate, tie_breaker, far } => {
                    let role = if leader { Role::Controlling } else { Role::Controlled };
                    let request = bench.request(Ask { role, tie_breaker, nominate });
                    bench.serial %= 200;
                    let _ = bench.hand(if far { two() } else { one() }, &request);
                }
                Move::Grant { far } => {
                    if let Some((_, check)) = &last {
                        let grant = bench.grant(check, PASSWORD);
                        let _ = bench.hand(if far { two() } else { one() }, &grant);
                    }
                }
                Move::Wait(time) => {
                    bench.now += ms(time);
                    bench.agent.handle_timeout(bench.now);
                }
            }
            while let Some((to, data)) = bench.sent() {
                if Message::parse(&data).expect("sound").class() == Class::Request {
                    last = Some((to, data));
                }
            }
            while bench.agent.poll_event().is_some() {}
            let finished = bench.agent.state().is_finished();
            assert_eq!(bench.agent.poll_timeout().is_none(), finished);
            assert!(bench.agent.poll_timeout().is_none_or(|at| at > bench.now));
            assert_eq!(bench.agent.can_send(bench.now), bench.agent.send(bench.now, &mut [], 0..0).is_ok());
        }
    }
}
