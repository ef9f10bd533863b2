//! The same changed handshakes of DTLS 1.2 to ours and to the system's OpenSSL, in both roles: both
//! have to accept or both to refuse, or the difference has a reason that stands in `reasons.rs`.
//!
//! The other side is always ours and keeps the rules. What it sends for the first time is changed on
//! the way by a few operations on records and messages, drawn by chance; what it sends again after a
//! timeout arrives as it is. Nothing is changed on the way back. Both subjects get the same
//! operations. Whoever stops to answer without a word is left to the other side's repetitions, five
//! of them.
//!
//! `dtls-differential [SEEDS [FIRST]]` tries so many seeds in each role, 4000 unless told, from the
//! first on. It prints how often the two agreed, and how often which reason was needed, and fails
//! when there was none; `dtls-differential 1 SEED` shows one.

mod changes;
mod dice;
mod link;
mod openssl;
mod ours;
mod reasons;

use std::collections::BTreeMap;
use std::process::ExitCode;

use changes::Made;
use link::{Link, Role, Verdict};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Ok(seeds), Ok(first)) = (
        arguments.next().unwrap_or(Ok(4000)),
        arguments.next().unwrap_or(Ok(0)),
    ) else {
        eprintln!("usage: dtls-differential [SEEDS [FIRST]]");
        return ExitCode::from(2);
    };
    let subjects = link::Subjects::new();
    let mut agreed: BTreeMap<(Role, Verdict), u64> = BTreeMap::new();
    let mut differed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut unexplained = 0;
    for seed in first..first + seeds {
        for role in [Role::Client, Role::Server] {
            let run = |subject| Link::new(&subjects, role, subject, seed).run();
            let (ours, changes) = run(link::Subject::Ours);
            let (theirs, _) = run(link::Subject::OpenSsl);
            if seeds == 1 {
                println!("{role:?}: ours {ours:?}, OpenSSL {theirs:?}, {changes:?}");
            }
            if ours.accepts() == theirs.accepts() {
                *agreed.entry((role, ours)).or_default() += 1;
            } else if let Some(reason) = reasons::reason(role, [ours, theirs], &changes) {
                *differed.entry(reason).or_default() += 1;
            } else {
                unexplained += 1;
                report(seed, role, [ours, theirs], &changes);
            }
        }
    }
    println!("{}", ::openssl::version::version());
    for ((role, verdict), count) in agreed {
        println!("{count:7} as {role:?}: both, {verdict:?} by ours");
    }
    for (reason, count) in differed {
        println!("{count:7} differ: {reason}");
    }
    println!("{unexplained:7} differ without a reason");
    ExitCode::from(u8::from(unexplained > 0))
}

fn report(seed: u64, role: Role, [ours, theirs]: [Verdict; 2], changes: &[Made]) {
    println!("seed {seed} as {role:?}: ours {ours:?}, OpenSSL {theirs:?} of {changes:?}");
}
