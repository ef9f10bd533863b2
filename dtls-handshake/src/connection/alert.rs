//! Alerts that arrive (RFC 5246 §7.2, RFC 8446 §6, RFC 9147 §5.10).

use std::time::Instant;

use super::{Connection, Phase};
use crate::error::CloseCause;
use crate::event::Version;
use crate::record::PLAIN;
use crate::stats::DropReason;
use crate::wire::{AlertDescription, AlertLevel};

impl Connection {
    pub(super) fn receive_alert(
        &mut self,
        now: Instant,
        epoch: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        if epoch == PLAIN {
            match &self.phase {
                // There is nothing to end yet.
                Phase::Handshake(handshake) if handshake.is_idle() => {
                    return Err(DropReason::OutOfPlace);
                }
                // RFC 6347 §4.1: after the handshake only what is protected counts; in DTLS 1.3
                // from the first thing on that was.
                Phase::Handshake(_) if !self.context.records.has_opened() => {}
                _ => return Err(DropReason::Unprotected),
            }
        }
        let [level, description] = *payload else {
            if epoch == PLAIN {
                return Err(DropReason::OutOfPlace);
            }
            self.end(CloseCause::Malformed("alert"));
            return Ok(());
        };
        let is_1_3 = self.version() == Some(Version::Dtls13);
        match (AlertLevel::from(level), AlertDescription::from(description)) {
            (_, AlertDescription::CloseNotify) => self.end(CloseCause::ClosedByPeer),
            // RFC 8446 §6.1: close_notify follows.
            (_, AlertDescription::UserCanceled) if is_1_3 && self.budget.spend(now) => {}
            // RFC 8446 §6: whatever level it has.
            (_, description) if is_1_3 => self.end(CloseCause::PeerAlert(description)),
            (AlertLevel::Fatal, description) => self.end(CloseCause::PeerAlert(description)),
            // RFC 5246 §7.2.2: the receiver decides about warnings. None matters here.
            (AlertLevel::Warning, _) => {}
            (AlertLevel::Unknown(_), _) if epoch == PLAIN => return Err(DropReason::OutOfPlace),
            (AlertLevel::Unknown(_), _) => self.end(CloseCause::Illegal("alert level")),
        }
        Ok(())
    }
}
