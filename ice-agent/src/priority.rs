//! Priorities of candidates and pairs (RFC 8445 §5.1.2.1 and §6.1.2.3).

use crate::candidate::{Kind, Protocol};
use crate::config::Role;
use crate::policy::Preference;

/// The priority of a candidate: `2^24 * type + 2^8 * local + (256 - component)`.
///
/// `local_preference` is 65535 for the best address and falls with each further one.
#[must_use]
pub fn candidate_priority(kind: &Kind, local_preference: u16, component: u16) -> u32 {
    priority_of(type_preference(kind), local_preference, component)
}

fn priority_of(type_preference: u32, local_preference: u16, component: u16) -> u32 {
    let last = 256_u32.saturating_sub(u32::from(component));
    (type_preference << 24) | (u32::from(local_preference) << 8) | last.min(255)
}

/// The priority of a candidate of ours.
pub(crate) fn preferred_priority(
    preference: Preference,
    kind: &Kind,
    protocol: &Protocol,
    local_preference: u16,
    component: u16,
) -> u32 {
    let of_type = match (preference, kind) {
        (Preference::Direct, kind) => type_preference(kind),
        // Peer-reflexive ones stay above server-reflexive ones (RFC 8445 §5.1.2.2).
        (Preference::Relayed, Kind::Relayed) => 126,
        (Preference::Relayed, kind) => type_preference(kind) / 2,
    };
    // UDP before TCP (RFC 6544 §4.2), and direct TCP before relays.
    let of_type = match protocol {
        Protocol::Tcp(_) => of_type * 2 / 3,
        _ => of_type,
    };
    priority_of(of_type, local_preference, component)
}

/// The recommended type preferences (RFC 8445 §5.1.2.2).
fn type_preference(kind: &Kind) -> u32 {
    match kind {
        Kind::Host => 126,
        Kind::PeerReflexive => 110,
        Kind::ServerReflexive => 100,
        Kind::Relayed | Kind::Other(_) => 0,
    }
}

/// The priority of a pair: `2^32 * min(G, D) + 2 * max(G, D) + (G > D ? 1 : 0)` with G the
/// controlling and D the controlled side's candidate. Both sides get the same number.
#[must_use]
pub fn pair_priority(role: Role, local: u32, remote: u32) -> u64 {
    let (controlling, controlled) = match role {
        Role::Controlling => (u64::from(local), u64::from(remote)),
        Role::Controlled => (u64::from(remote), u64::from(local)),
    };
    let low = controlling.min(controlled);
    let high = controlling.max(controlled);
    (low << 32) + 2 * high + u64::from(controlling > controlled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_follow_the_formula() {
        // RFC 8839 §4.2.6 and §5.1: a host and a server-reflexive candidate.
        assert_eq!(candidate_priority(&Kind::Host, 65535, 1), 2_130_706_431);
        assert_eq!(
            candidate_priority(&Kind::ServerReflexive, 65535, 1),
            1_694_498_815
        );
        assert_eq!(candidate_priority(&Kind::Host, 65535, 2), 2_130_706_430);
        assert_eq!(candidate_priority(&Kind::Relayed, 0, 256), 0);
    }

    #[test]
    fn both_sides_agree_on_a_pair() {
        let one = pair_priority(Role::Controlling, 100, 200);
        assert_eq!(one, pair_priority(Role::Controlled, 200, 100));
        assert_eq!(one, (100 << 32) + 400);
        assert_eq!(
            pair_priority(Role::Controlling, 200, 100),
            (100 << 32) + 401
        );
    }
}
