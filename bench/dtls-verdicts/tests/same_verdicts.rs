//! Random disturbances, and the same verdict of both.
#![cfg(feature = "openssl")]
#![allow(clippy::disallowed_methods, reason = "a test reads the clock once")]

use std::collections::BTreeMap;
use std::time::Instant;

use dtls_handshake::Identity;
use dtls_verdicts::{Judge, OpenSsl, Ours, Plan, Role, Verdict, hold, identity};
use openssl::ssl::SslContext;
use virtual_network::Dice;

struct Court {
    identity: Identity,
    context: SslContext,
    now: Instant,
}

impl Court {
    fn peer_of(&self, role: Role) -> (Ours, Vec<Vec<u8>>) {
        let role = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Ours::new(role, &self.identity, self.now)
    }

    fn judge(&self, role: Role, plan: &Plan, judge: (&mut dyn Judge, Vec<Vec<u8>>)) -> Verdict {
        let (mut peer, first) = self.peer_of(role);
        hold(judge, (&mut peer, first), plan)
    }

    fn ours(&self, role: Role, plan: &Plan) -> Verdict {
        let (mut judge, first) = Ours::new(role, &self.identity, self.now);
        self.judge(role, plan, (&mut judge, first))
    }

    fn theirs(&self, role: Role, plan: &Plan) -> Verdict {
        let (mut judge, first) = OpenSsl::new(role, &self.context);
        self.judge(role, plan, (&mut judge, first))
    }
}

/// A reason for which verdicts may differ: what is said of the end, what must have happened, and why it
/// is so.
type Reason = (&'static str, &'static [&'static str], &'static str);

/// Why OpenSSL may refuse what we accept. All of it is about what is not protected and anybody can have
/// sent: we drop it (RFC 6347 §4.1.2.7) and go on with what the peer repeats.
#[rustfmt::skip]
const THEIRS: [Reason; 14] = [
    ("unexpected record", &["insert", "header"], "a record of another content ends it"),
    ("too many warn alerts", &["alert"], "a warning that it does not know ends it"),
    ("no renegotiation", &["alert"], "a warning that makes no sense there ends it"),
    ("invalid alert", &["insert", "header"], "an alert of another length ends it"),
    ("alert number", &["alert", "insert", "header"], "an alert ends it that came behind what completed ours, or a changed record that we had dropped"),
    ("excessive message size", &["fragment header", "lengthen"], "a forged length of a message ends it"),
    ("length mismatch", &["fragment header", "truncate", "message"], "a forged length of a message ends it"),
    ("bad packet", &["fragment header", "truncate", "message"], "a forged length of a message ends it"),
    ("bad length", &["fragment header", "header", "insert"], "a record with more or less than one fragment ends it"),
    ("unexpected EOF", &["fragment header", "header", "lengthen"], "a forged fragment length ends it"),
    ("unexpected message", &["fragment header", "message", "header", "insert"], "a forged type or number of a message ends it"),
    ("bad signature", &["header"], "a changed record of another version is taken"),
    ("missing tmp ecdh key", &["fragment header", "message"], "a forged type or number of a message ends it"),
    ("bad change cipher spec", &["insert", "header", "fragment header", "body"], "a ChangeCipherSpec with another body ends it"),
];

/// Why we may refuse what OpenSSL accepts.
#[rustfmt::skip]
const OURS: [Reason; 5] = [
    ("closed by the peer", &["alert"], "an alert behind ChangeCipherSpec that is not protected still ends it"),
    ("the peer sent the alert", &["alert", "insert"], "an alert behind ChangeCipherSpec that is not protected still ends it"),
    ("does not verify", &["header"], "what was changed is a replay to OpenSSL: a forged number came before it"),
    ("contradict", &["fragment header", "message", "header", "body"], "fragments of two messages of one number end it; OpenSSL keeps the first"),
    ("unexpected", &["message", "fragment header"], "a forged message that comes before the true one of its number ends it"),
];

/// Why neither OpenSSL nor the peer goes on: there is nothing that the judge could repeat in our time.
#[rustfmt::skip]
const STUCK: [Reason; 1] = [
    ("", &["header", "fragment header", "truncate", "body", "lengthen"], "the last flight was hurt, and its clock does not turn here; or a forged record number moved its window"),
];

/// Why we wait where OpenSSL goes on.
#[rustfmt::skip]
const WAITING: [Reason; 2] = [
    ("", &["message"], "a forged message that comes before the true one of its number is taken"),
    ("", &["truncate"], "what was dropped earlier had other records be the ones that were hurt"),
];

/// The reason for which two verdicts may differ; `None` where they must not.
fn reason(plan: &Plan, ours: &Verdict, theirs: &Verdict) -> Option<&'static str> {
    let (list, text): (&[Reason], &str) = match (ours, theirs) {
        (Verdict::Accepted, Verdict::Refused(text)) => (&THEIRS, text),
        (Verdict::Refused(text), Verdict::Accepted) => (&OURS, text),
        (Verdict::Accepted, Verdict::Stuck) => (&STUCK, ""),
        (Verdict::Stuck, Verdict::Accepted) => (&WAITING, ""),
        _ => return None,
    };
    let applies = |(part, causes, _): &&Reason| {
        let caused = plan.0.iter().any(|(_, one)| causes.contains(&one.name()));
        text.contains(part) && caused
    };
    list.iter().find(applies).map(|(_, _, reason)| *reason)
}

#[test]
fn both_accept_and_refuse_the_same() {
    let court = Court {
        identity: identity(),
        context: OpenSsl::context().expect("a context"),
        now: Instant::now(),
    };
    let seeds = std::env::var("SEEDS").map_or(2000, |text| text.parse().expect("a number"));
    let mut same = [0; 2];
    let mut listed = BTreeMap::new();
    let mut differ = Vec::new();
    for seed in 0..seeds {
        let role = [Role::Client, Role::Server][seed as usize % 2];
        let plan = Plan::draw(&mut Dice::new(seed));
        let (ours, theirs) = (court.ours(role, &plan), court.theirs(role, &plan));
        if plan.is_weather() {
            assert!(ours.is_accepted(), "{seed} {role:?} {plan:?}: {ours:?}");
        }
        if ours.is_accepted() == theirs.is_accepted() {
            same[usize::from(ours.is_accepted())] += 1;
        } else if let Some(reason) = reason(&plan, &ours, &theirs) {
            *listed.entry(reason).or_insert(0) += 1;
        } else {
            differ.push(format!(
                "{seed} {role:?} {plan:?}: ours {ours:?}, theirs {theirs:?}"
            ));
        }
    }
    eprintln!(
        "{seeds} handshakes: both accept {}, both refuse {}; they differ in",
        same[1], same[0]
    );
    listed
        .iter()
        .for_each(|(reason, count)| eprintln!("{count:6} {reason}"));
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
    assert!(same[0] > seeds / 20 && same[1] > seeds / 4, "{same:?}");
}
