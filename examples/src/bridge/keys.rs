//! Telephone events between two sides that measure them with different clocks (RFC 4733 §2.1).
//!
//! Beside Opus one side may have telephone-event/48000, the other only telephone-event/8000. Their
//! durations are counted in the event's own clock; the timestamps stand on the time line of the
//! stream, and where two clock rates share one stream (RFC 7160), not all senders agree which of
//! them a timestamp follows. So the incoming timestamp only tells one event from the next, and the
//! event is put on our own time line at the moment it began.

/// Octets of one event.
const EVENT_LEN: usize = 4;

/// The longest duration that one report can tell. Longer events are told in segments, each with
/// the time of its own beginning (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xffff;

/// The rates of the clocks in Hz.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Of events where they come from.
    pub(super) from: u32,
    /// Of events where they go.
    pub(super) to: u32,
    /// Of the stream they go in.
    pub(super) stream: u32,
}

/// The events of one direction.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The newest first. Reports of one may still come when the next has begun.
    recent: [Option<Begun>; 2],
}

/// When an event began: as it was told, and on our time line.
#[derive(Debug, Clone, Copy)]
struct Begun {
    incoming: u32,
    outgoing: u32,
}

impl Keys {
    /// Changes the durations in `payload`, and answers the timestamp it is to be sent with. `now`
    /// is what our stream's clock shows.
    pub(super) fn convert(
        &mut self,
        rates: Rates,
        incoming: u32,
        now: u32,
        payload: &mut [u8],
    ) -> u32 {
        let (events, _) = payload.as_chunks_mut::<EVENT_LEN>();
        let Some((first, more)) = events.split_first_mut() else {
            return now;
        };
        for event in more {
            let length = converted(event, rates).min(SEGMENT);
            set_duration(event, length);
        }
        let length = converted(first, rates);
        let past = length.saturating_sub(1) / SEGMENT * SEGMENT;
        set_duration(first, length - past);
        let began = self.begin_of(incoming, now.wrapping_sub(between(length, rates)));
        began.wrapping_add(between(past, rates))
    }

    fn begin_of(&mut self, incoming: u32, if_new: u32) -> u32 {
        let mut known = self.recent.iter().flatten();
        if let Some(known) = known.find(|event| event.incoming == incoming) {
            return known.outgoing;
        }
        let new = Begun {
            incoming,
            outgoing: if_new,
        };
        let [newest, _] = self.recent;
        self.recent = [Some(new), newest];
        if_new
    }
}

/// The duration of an event in the clock of where it goes.
fn converted([_, _, high, low]: &[u8; EVENT_LEN], rates: Rates) -> u32 {
    let duration = u64::from(u16::from_be_bytes([*high, *low]));
    let converted = (duration * u64::from(rates.to)).checked_div(rates.from.into());
    u32::try_from(converted.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn set_duration(event: &mut [u8; EVENT_LEN], duration: u32) {
    let [_, _, high, low] = event;
    [*high, *low] = u16::try_from(duration).unwrap_or(u16::MAX).to_be_bytes();
}

/// A duration of an event in the clock of the stream.
fn between(duration: u32, rates: Rates) -> u32 {
    let ticks = (u64::from(duration) * u64::from(rates.stream)).checked_div(rates.to.into());
    u32::try_from(ticks.unwrap_or(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Rates = Rates {
        from: 8000,
        to: 48_000,
        stream: 48_000,
    };
    const DOWN: Rates = Rates {
        from: 48_000,
        to: 8000,
        stream: 48_000,
    };

    fn event(duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [5, 0x8a, high, low]
    }

    #[test]
    fn durations_change_and_the_time_is_that_of_the_begin() {
        for (rates, there, here) in [(UP, 320, 1920), (DOWN, 1920, 320)] {
            let mut keys = Keys::default();
            let mut payload = event(there);
            assert_eq!(keys.convert(rates, 77, 10_000, &mut payload), 8080);
            assert_eq!(payload, event(here));
            let mut again = event(there * 2);
            assert_eq!(keys.convert(rates, 77, 12_000, &mut again), 8080);
            assert_eq!(again, event(here * 2));
            let mut next = event(there);
            assert_eq!(keys.convert(rates, 78, 30_000, &mut next), 28_080);
            let mut late = event(there * 2);
            assert_eq!(keys.convert(rates, 77, 30_100, &mut late), 8080);
        }
    }

    #[test]
    fn an_event_too_long_for_its_clock_is_told_in_segments() {
        let mut keys = Keys::default();
        let mut told = |duration: u16| {
            let mut payload = event(duration);
            let at = keys.convert(UP, 1, 6 * u32::from(duration), &mut payload);
            (at, u16::from_be_bytes([payload[2], payload[3]]))
        };
        assert_eq!(told(160), (0, 960));
        assert_eq!(told(10_922), (0, 65_532));
        assert_eq!(told(10_923), (65_535, 3));
        assert_eq!(told(65_535), (65_535 * 5, 65_535));
    }

    #[test]
    fn what_is_no_event_does_no_harm() {
        let mut keys = Keys::default();
        for len in 0..12 {
            let mut payload = vec![0xff; len];
            keys.convert(DOWN, 1, 0, &mut payload);
            assert_eq!(payload.len(), len);
        }
    }
}
