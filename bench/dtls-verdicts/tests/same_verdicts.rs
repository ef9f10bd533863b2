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

/// Why OpenSSL may refuse what we accept. All of it is about what is not protected and anybody can have
/// sent: we drop it (RFC 6347 §4.1.2.7) and go on with what the peer repeats.
const THEIRS: [(&str, &str); 15] = [
    ("unexpected record", "a record of another content ends it"),
    (
        "too many warn alerts",
        "a warning that it does not know ends it",
    ),
    ("invalid alert", "an alert of another length ends it"),
    (
        "alert number",
        "an alert ends it that came behind what completed ours",
    ),
    (
        "excessive message size",
        "a forged length of a message ends it",
    ),
    ("length mismatch", "a forged length of a message ends it"),
    (
        "bad length",
        "a record with more or less than one fragment ends it",
    ),
    ("bad packet", "a message cut short ends it"),
    ("unexpected message", "a forged type of a message ends it"),
    (
        "bad change cipher spec",
        "a ChangeCipherSpec with another body ends it",
    ),
    (
        "bad signature",
        "a forged ServerHello in a record of another version is taken",
    ),
    (
        "no renegotiation",
        "a warning that makes no sense there ends it",
    ),
    (
        "missing tmp ecdh key",
        "a forged number puts messages out of order",
    ),
    ("unexpected EOF", "a forged fragment length ends it"),
    (
        "wrong version number",
        "a record of another version ends it",
    ),
];

/// Why we may refuse what OpenSSL accepts.
const OURS: [(&str, &str); 4] = [
    (
        "the peer sent the alert",
        "an alert behind ChangeCipherSpec that is not protected still ends it",
    ),
    (
        "does not verify",
        "what was changed is a replay to OpenSSL: a forged number came before it",
    ),
    (
        "contradict",
        "fragments of two messages of one number end it; OpenSSL keeps the first",
    ),
    (
        "unexpected",
        "a forged message that comes before the true one of its number ends it",
    ),
];

/// The reason for which two verdicts may differ; `None` where they must not.
fn reason(plan: &Plan, ours: &Verdict, theirs: &Verdict) -> Option<&'static str> {
    if plan.is_weather() {
        return None;
    }
    let listed = |list: &[(&str, &'static str)], text: &str| {
        let known = list.iter().find(|(part, _)| text.contains(part));
        known.map(|(_, reason)| *reason)
    };
    match (ours, theirs) {
        (Verdict::Accepted, Verdict::Refused(text)) => listed(&THEIRS, text),
        (Verdict::Refused(text), Verdict::Accepted) => listed(&OURS, text),
        (Verdict::Accepted, Verdict::Stuck) => Some(
            "the last flight was hurt and its clock does not turn here, or a forged record number moved its window",
        ),
        (Verdict::Stuck, Verdict::Accepted) if plan.has_message() => {
            Some("a forged message that comes before the true one of its number is taken")
        }
        _ => None,
    }
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
