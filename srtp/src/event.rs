//! What there is to tell of keys and streams, without being asked for a packet.

/// What a [`Sender`](crate::Sender) or [`Receiver`](crate::Receiver) has to tell.
///
/// Each event of a key comes once, and that of a stream once until it is forgotten. One that waits is overtaken by what happens: a key that is used
/// up is no longer told to be nearly so, and of a key that was replaced nothing is told.
///
/// ```
/// use srtp::{Event, MasterKey, Profile, Receiver, Sender, TRAILER_MAX};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Keys for 4 packets each, so that the end is near.
/// let key = |number: u8| -> Result<MasterKey, srtp::KeyError> {
///     let key = MasterKey::new(Profile::AeadAes128Gcm, &[number; 16], &[2; 12])?;
///     key.with_mki(&[number])?.with_lifetime(4)
/// };
/// let (mut sender, mut receiver) = (Sender::new(key(1)?), Receiver::new(key(1)?));
/// let mut next = 2;
/// for sequence_number in 0..20 {
///     let mut packet = [0x80; 40 + TRAILER_MAX + 1];
///     packet[3] = sequence_number;
///     let sealed = sender.protect_rtp(&mut packet, 40)?;
///     receiver.unprotect_rtp(&mut packet[..sealed])?;
///     if let Some(Event::KeyNearlyUsed { .. }) = sender.poll_event() {
///         receiver.add_key(key(next)?)?; // the signalling brings it there first
///         sender.change_key(key(next)?)?;
///         next += 1;
///     }
/// }
/// # assert_eq!(next, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Few packets are left of a key's lifetime, which others call its soft limit: time for another
    /// key ([`Sender::change_key`](crate::Sender::change_key),
    /// [`Receiver::add_key`](crate::Receiver::add_key)).
    KeyNearlyUsed {
        /// The key's MKI, if it has one.
        mki: Option<Box<[u8]>>,
        /// How many packets are left: of SRTP or of SRTCP, the less of the two.
        left: u64,
    },
    /// A key's lifetime is over, its hard limit: from now on its packets are refused
    /// ([`ProtectError::KeyExhausted`](crate::ProtectError::KeyExhausted),
    /// [`UnprotectError::KeyExhausted`](crate::UnprotectError::KeyExhausted)).
    KeyExhausted {
        /// The key's MKI, if it has one.
        mki: Option<Box<[u8]>>,
    },
    /// Few of the 2^48 SRTP or 2^31 SRTCP indices of a stream are left (RFC 3711 §9.2). No key renews
    /// them: time for another SSRC. Behind the last one the stream's packets are refused as those of
    /// a used-up key; other streams go on.
    StreamNearlyUsed {
        /// The stream.
        ssrc: u32,
        /// How many of its packets are left, of SRTP or of SRTCP.
        left: u64,
    },
}
