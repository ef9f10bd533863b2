//! The RTP payload types of the two sides of a bridge, by meaning.

use sdp::negotiate::{self, PayloadTypes, TelephoneEvent};

/// What was agreed with one side: its numbers for the one codec and for what may stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// Of the audio codec.
    pub codec: PayloadTypes,
    /// Of telephone-event (RFC 4733), if the side has it.
    pub telephone_event: Option<TelephoneEvent>,
    /// Of comfort noise (RFC 3389), if the side has it.
    pub comfort_noise: Option<PayloadTypes>,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sound in the codec.
    Audio,
    /// A key of the keypad.
    Event,
    /// What silence sounds like.
    Noise,
}

impl Formats {
    /// What a number in a packet of this side means. `None` if it was not agreed on.
    pub(super) fn kind(&self, received: u8) -> Option<Kind> {
        let is = |types: PayloadTypes| types.receive == received;
        if is(self.codec) {
            Some(Kind::Audio)
        } else if self
            .telephone_event
            .is_some_and(|event| is(event.payload_types))
        {
            Some(Kind::Event)
        } else if self.comfort_noise.is_some_and(is) {
            Some(Kind::Noise)
        } else {
            None
        }
    }

    /// The number for this meaning in a packet to this side. `None` if the side does not know it.
    pub(super) fn number(&self, kind: Kind) -> Option<u8> {
        match kind {
            Kind::Audio => Some(self.codec.send),
            Kind::Event => self.telephone_event.map(|event| event.payload_types.send),
            Kind::Noise => self.comfort_noise.map(|noise| noise.send),
        }
    }
}

impl From<&negotiate::Formats> for Formats {
    fn from(agreed: &negotiate::Formats) -> Self {
        Self {
            codec: agreed.codec.payload_types,
            telephone_event: agreed.telephone_event,
            comfort_noise: agreed.comfort_noise,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_ours_and_written_as_theirs() {
        let types = |send, receive| PayloadTypes { send, receive };
        let all = Formats {
            codec: types(8, 9),
            telephone_event: Some(TelephoneEvent {
                payload_types: types(101, 102),
                clock_rate: 8000,
            }),
            comfort_noise: Some(types(13, 14)),
        };
        for (kind, send, receive) in [
            (Kind::Audio, 8, 9),
            (Kind::Event, 101, 102),
            (Kind::Noise, 13, 14),
        ] {
            assert_eq!(
                (all.kind(receive), all.number(kind)),
                (Some(kind), Some(send))
            );
            assert_eq!(all.kind(send), None);
        }
        let bare = Formats {
            telephone_event: None,
            comfort_noise: None,
            ..all
        };
        assert_eq!((bare.kind(102), bare.number(Kind::Event)), (None, None));
        assert_eq!((bare.kind(14), bare.number(Kind::Noise)), (None, None));
    }
}
