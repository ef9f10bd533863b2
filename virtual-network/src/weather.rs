//! What happens to datagrams under way.

use std::time::Duration;

/// What happens to each datagram under way, drawn for each anew. Rates are percentages.
///
/// The default is a perfect network on which nothing takes time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weather {
    /// Datagrams that are lost.
    pub loss: f64,
    /// Datagrams that are sent twice; each copy has a fate of its own.
    pub duplication: f64,
    /// Datagrams that arrive with one bit changed.
    pub corruption: f64,
    /// Time on the way.
    pub delay: Duration,
    /// More time on the way, from zero to this: datagrams overtake one another.
    pub jitter: Duration,
    /// Datagrams with which an outage of their sender begins.
    pub outage: f64,
    /// How long an outage lasts. All that the sender sends meanwhile is lost.
    pub outage_length: Duration,
}

impl Weather {
    /// A network that only takes time: the same for each datagram.
    #[must_use]
    pub fn calm(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }
}
