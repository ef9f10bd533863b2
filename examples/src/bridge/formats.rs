//! The RTP payload types of the two sides of a bridge, by meaning.

use sdp::negotiate::{Audio, PayloadTypes};

/// What was agreed with one side: its numbers for the one codec and for telephone-event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// Of the audio codec.
    pub codec: PayloadTypes,
    /// Of telephone-event (RFC 4733) at the codec's clock rate, if the side has it.
    pub telephone_event: Option<PayloadTypes>,
}

impl Formats {
    /// The number under which a packet that this side sent goes to the far side. `None` if the
    /// two have not agreed on it: such a packet has no meaning over there.
    #[must_use]
    pub fn map(self, received: u8, far: Self) -> Option<u8> {
        if received == self.codec.receive {
            return Some(far.codec.send);
        }
        match self.telephone_event {
            Some(event) if event.receive == received => Some(far.telephone_event?.send),
            _ => None,
        }
    }
}

impl From<&Audio> for Formats {
    fn from(audio: &Audio) -> Self {
        Self {
            codec: audio.payload_types,
            telephone_event: audio.telephone_event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn same(number: u8) -> PayloadTypes {
        PayloadTypes {
            send: number,
            receive: number,
        }
    }

    #[test]
    fn payload_types_are_mapped_by_meaning() {
        let browser = Formats {
            codec: same(0),
            telephone_event: Some(same(126)),
        };
        let phone = Formats {
            codec: PayloadTypes {
                send: 8,
                receive: 9,
            },
            telephone_event: Some(same(101)),
        };
        let deaf = Formats {
            codec: same(8),
            telephone_event: None,
        };
        assert_eq!(
            browser.map(0, phone),
            Some(8),
            "the phone's number for what we send"
        );
        assert_eq!(
            phone.map(9, browser),
            Some(0),
            "our number for what the phone sends"
        );
        assert_eq!(phone.map(8, browser), None);
        assert_eq!(browser.map(126, phone), Some(101));
        assert_eq!(phone.map(101, browser), Some(126));
        assert_eq!(browser.map(126, deaf), None);
        assert_eq!(
            browser.map(13, phone),
            None,
            "nobody agreed on comfort noise"
        );
    }
}
