//! What becomes of an outgoing call.

/// One step of an outgoing call. The last one is final (see [`CallEvent::is_final`]).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEvent {
    /// The INVITE is on its way.
    Trying,
    /// The phone rings, or plays something before it is picked up.
    Ringing {
        /// The description of early media, if the phone sends any.
        sdp: Option<String>,
    },
    /// The phone was picked up.
    Answered {
        /// The phone's answer to the offer.
        sdp: String,
    },
    /// The phone wants to change the session: hold, resume, another address. Answered with
    /// [`OutgoingCall::answer`](super::OutgoingCall::answer); without an answer it is refused
    /// with 500 after four seconds, and [`Withdrawn`](Self::Withdrawn) follows.
    Offered {
        /// Which offer it is.
        offer: OfferId,
        /// The phone's new offer; `None` when it asks for one of ours.
        sdp: Option<String>,
    },
    /// The phone took an offer back, or waited too long for its answer: it was refused, and the
    /// session is what it was before.
    Withdrawn {
        /// Which offer it was.
        offer: OfferId,
    },
    /// The phone answered an offer that it had asked for.
    Agreed {
        /// Which offer it is.
        offer: OfferId,
        /// The phone's answer.
        sdp: String,
    },
    /// The phone side refused the call.
    Refused {
        /// The SIP status it gave, 300 to 699.
        status: u16,
        /// Why, in plain words.
        reason: String,
    },
    /// The call never came about, and nobody refused it.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
    /// We hung up before the phone was picked up.
    Cancelled,
    /// The call was up and is over.
    Ended {
        /// Who hung up.
        by: Side,
        /// Why, in plain words.
        reason: String,
    },
}

impl CallEvent {
    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Trying
            | Self::Ringing { .. }
            | Self::Answered { .. }
            | Self::Offered { .. }
            | Self::Withdrawn { .. }
            | Self::Agreed { .. } => false,
            Self::Refused { .. } | Self::Failed { .. } | Self::Cancelled | Self::Ended { .. } => {
                true
            }
        }
    }
}

/// Names an offer within a call that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferId(pub(super) u64);

/// One end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This user agent.
    Us,
    /// The phone, or the SIP server on its behalf.
    Phone,
}
