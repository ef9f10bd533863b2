//! What a call does when the phone changes the session.

use super::call::{Call, Phase};
use super::phone::{PhoneSession, Unusable};
use super::{CallEvent, EndedBy};
use crate::bridge::PhoneMedia;
use crate::sip::{OfferId, OutgoingCall};

/// What was agreed before the phone's latest offer, which it may take back.
pub(super) struct Before {
    offer: OfferId,
    phone: PhoneSession,
    told: Option<PhoneMedia>,
}

impl Call<'_> {
    /// Answers the phone's new offer, or makes the one that it asks for. Media knows before the
    /// phone does.
    pub(super) async fn on_offer(
        &mut self,
        offer: OfferId,
        sdp: Option<&str>,
        outgoing: &OutgoingCall,
    ) {
        self.before = Some(Before {
            offer,
            phone: self.phone.clone(),
            told: self.told,
        });
        let Some(sdp) = sdp else {
            let ours = self.phone.offer().to_owned();
            return outgoing.answer(offer, Ok(ours));
        };
        match self.phone.answer(sdp) {
            Ok(media) => {
                self.apply(media).await;
                outgoing.answer(offer, Ok(self.phone.text().to_owned()));
            }
            Err(problem) => {
                tracing::info!(call = ?self.id, %problem, "the phone's new offer is refused");
                outgoing.answer(offer, Err(problem.to_string()));
            }
        }
    }

    /// The phone heard no answer to its offer: all is as before.
    pub(super) async fn on_withdrawn(&mut self, offer: OfferId) {
        let Some(before) = self.before.take_if(|before| before.offer == offer) else {
            return;
        };
        self.phone = before.phone;
        if let Some(told) = before.told {
            self.apply(told).await;
        }
    }

    /// Takes the phone's answer to an offer that it had asked for. What cannot be used leaves both
    /// sides with different sessions: the call ends.
    pub(super) async fn on_agreed(&mut self, sdp: &str) -> Option<CallEvent> {
        match self.phone.accept(sdp) {
            Ok(media) => {
                self.apply(media).await;
                None
            }
            Err(problem) => Some(self.unusable(&problem)),
        }
    }

    /// Takes the phone's answer to the INVITE, in early media too. While it rings, its silence
    /// means nothing.
    pub(super) async fn hear_phone(&mut self, sdp: &str, phase: Phase) -> Result<(), Unusable> {
        let media = self.phone.accept(sdp)?;
        let speaks = media.speaks && phase == Phase::Talking;
        let told = PhoneMedia { speaks, ..media };
        self.resources.media.set_phone(self.media, told).await;
        self.told = Some(told);
        Ok(())
    }

    /// Tells media what the phone does now, and the browser of hold. A refresh changes nothing.
    async fn apply(&mut self, media: PhoneMedia) {
        if self.told == Some(media) {
            return;
        }
        self.resources.media.set_phone(self.media, media).await;
        let was_held = self.told.replace(media).is_some_and(|told| !told.listens);
        match (was_held, !media.listens) {
            (false, true) => self.log.push(CallEvent::Held),
            (true, false) => self.log.push(CallEvent::Resumed),
            _ => {}
        }
    }

    /// The end of a call whose phone described something that cannot be.
    pub(super) fn unusable(&self, problem: &Unusable) -> CallEvent {
        let reason = format!("the phone's answer cannot be used: {problem}");
        self.over(EndedBy::Gateway, reason)
    }
}
