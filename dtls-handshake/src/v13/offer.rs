//! What every ClientHello of DTLS 1.3 has to have.

use crate::error::CloseCause;
use crate::message::ClientHello;
use crate::message::v13::KeyShares;
use crate::wire::List16;

/// The parts of a ClientHello that a server chooses from.
pub(super) struct Offer<'a> {
    pub(super) groups: List16<'a>,
    pub(super) shares: KeyShares<'a>,
    pub(super) schemes: List16<'a>,
}

impl<'a> Offer<'a> {
    pub(super) fn read(hello: &ClientHello<'a>) -> Result<Self, CloseCause> {
        // RFC 9147 §5.3.
        if !hello.legacy_cookie.is_empty() {
            return Err(CloseCause::Illegal("legacy_cookie"));
        }
        // RFC 8446 §4.1.2.
        if hello.compression_methods != [0] {
            return Err(CloseCause::Illegal("compression_methods"));
        }
        // RFC 8446 §4.2.11.
        if hello.misplaces_pre_shared_key {
            return Err(CloseCause::Illegal("place of pre_shared_key"));
        }
        // RFC 8446 §9.2.
        let missing = CloseCause::MissingExtension;
        let groups = hello.groups.ok_or(missing("supported_groups"))?;
        let shares = hello.key_shares()?.ok_or(missing("key_share"))?;
        let schemes = hello
            .signature_schemes
            .ok_or(missing("signature_algorithms"))?;
        // RFC 8446 §4.2.8: each of an offered group, one of each.
        for (index, share) in shares.iter().enumerate() {
            let repeated = shares.iter().take(index).any(|s| s.group == share.group);
            if repeated || !groups.contains(share.group.into()) {
                return Err(CloseCause::Illegal("key_share"));
            }
        }
        Ok(Self {
            groups,
            shares,
            schemes,
        })
    }
}
