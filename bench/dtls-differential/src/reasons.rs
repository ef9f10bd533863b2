//! Why the two may differ. Each reason says for which side and which change it is.

use crate::changes::{Change, Kind, Made};
use crate::link::{Role, Verdict};

const CLIENT_HELLO: Kind = Kind::Message(1);

const IDLE: &str = "a server of ours to which nobody has said hello drops everything else";
const NONSENSE: &str =
    "what makes no sense in the clear is dropped by ours, and comes again; it ends OpenSSL";
const OWN_CLOCK: &str = "a client repeats by its own clock, which stands still here";
const REST_LOST: &str = "a record that makes no sense takes the rest of its datagram with it in OpenSSL, and what was wrong in that";
const CONTRADICTION: &str =
    "fragments that contradict each other end ours; OpenSSL passes over some of them";
const UNPROVED: &str =
    "an alert in the clear ends ours until the keys are proved, OpenSSL until it has keys";
const NUMBERED: &str =
    "a HelloRequest in a message's place takes its number with ours, none with OpenSSL";
const OF_NEW_EPOCH: &str = "a message that waits in the clear for its turn is forgotten by ours when the keys change, and ends OpenSSL";

/// The reason for which ours and OpenSSL may come to these verdicts, if there is one.
pub(crate) fn reason(
    role: Role,
    [ours, theirs]: [Verdict; 2],
    changes: &[Made],
) -> Option<&'static str> {
    let is = |test: &dyn Fn(&Made) -> bool| changes.iter().any(test);
    if ours.accepts() {
        return if role == Role::Server && is(&is_before_hello) {
            Some(IDLE)
        } else if is(&is_nonsense) || is(&is_in_pieces) && is(&is_flip) {
            Some(NONSENSE)
        } else if is(&waits_for_its_turn) {
            Some(OF_NEW_EPOCH)
        } else if role == Role::Client && theirs == Verdict::Silent {
            Some(OWN_CLOCK)
        } else {
            None
        };
    }
    if role == Role::Client && ours == Verdict::Silent {
        Some(OWN_CLOCK)
    } else if is(&contradicts) || changes.len() > 1 && is(&waits_to_contradict) {
        Some(CONTRADICTION)
    } else if is(&is_alert) {
        Some(UNPROVED)
    } else if is(&is_hello_request) {
        Some(NUMBERED)
    } else if changes.len() > 1 && is(&is_nonsense) {
        Some(REST_LOST)
    } else {
        None
    }
}

/// What came first was no hello.
fn is_before_hello(made: &Made) -> bool {
    made.of == CLIENT_HELLO
        && matches!(
            made.change,
            Change::MessageType(_)
                | Change::Empty(_)
                | Change::Before(..)
                | Change::Content(_)
                | Change::MessageSeq(_)
        )
}

/// It does not parse, or says something impossible, and is not protected.
fn is_nonsense(made: &Made) -> bool {
    match made.change {
        Change::Content(_)
        | Change::Shorten(_)
        | Change::Cut(_)
        | Change::Trail(_)
        | Change::Version(_)
        | Change::OffsetSaid(_)
        | Change::Before(..)
        | Change::Behind(..) => true,
        Change::LongerSaid(more) => more > 1 << 16,
        Change::Flip(_) => made.of == Kind::ChangeCipherSpec,
        Change::Epoch(epoch) => made.of == Kind::Protected && epoch == 0,
        _ => false,
    }
}

fn waits_for_its_turn(made: &Made) -> bool {
    matches!(made.change, Change::MessageSeq(_) | Change::LongerSaid(_))
}

fn contradicts(made: &Made) -> bool {
    matches!(
        made.change,
        Change::Contradicted | Change::LongerSaid(_) | Change::OffsetSaid(_)
    )
}

/// When what comes before it is lost it waits, until it comes again as it was.
fn waits_to_contradict(made: &Made) -> bool {
    let is_moved = matches!(
        made.change,
        Change::MessageType(_) | Change::MessageSeq(_) | Change::Empty(_)
    );
    is_moved || is_in_pieces(made) || is_flip(made)
}

fn is_in_pieces(made: &Made) -> bool {
    matches!(made.change, Change::Pieces(..) | Change::Overlapping(_))
}

/// Of a piece it may be one of the header.
fn is_flip(made: &Made) -> bool {
    matches!(made.change, Change::Flip(_))
}

fn is_alert(made: &Made) -> bool {
    matches!(
        made.change,
        Change::Before(21, _) | Change::Behind(21, _) | Change::Content(21)
    )
}

fn is_hello_request(made: &Made) -> bool {
    matches!(made.change, Change::Empty(0) | Change::MessageType(0))
}
