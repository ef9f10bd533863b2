//! What a caller hears of its call.

use serde::Serialize;

/// One step of a call, in the JSON shape of the event stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum CallEvent {
    /// The INVITE is on its way.
    Trying,
    /// The phone rings.
    Ringing,
    /// The phone was picked up.
    Answered {
        /// The codec both sides speak, by its SDP name.
        codec: String,
    },
    /// The phone has put the call on hold.
    Held,
    /// The phone has taken the call back.
    Resumed,
    /// The call never came about.
    Failed {
        /// Why, in plain words.
        reason: String,
        /// The SIP status the phone side gave, if it gave one.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// The call was up and is over.
    Ended {
        /// Who ended it.
        by: EndedBy,
        /// Why, in plain words.
        reason: String,
    },
}

impl CallEvent {
    /// Whether the phone has put the call on hold, or taken it back.
    #[must_use]
    pub(super) fn is_hold(&self) -> bool {
        matches!(self, Self::Held | Self::Resumed)
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Ended { .. })
    }
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The browser hung up or went away.
    Browser,
    /// The phone hung up.
    Phone,
    /// The gateway ended it: media failed, or it is shutting down.
    Gateway,
}
