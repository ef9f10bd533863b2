//! The order in which cryptex gives a packet to the cipher (RFC 9335 §6.2):
//!
//! ```text
//! sent:      fixed | CSRCs | profile, length | elements | payload
//! gathered:  fixed | profile, length | CSRCs | elements | payload
//!            in the clear            | hidden, under one run of the key stream
//! ```
//!
//! At most 64 bytes trade places, and payload and elements stay where they are.

use crate::header::{EXTENSION_WORD_LEN, RTP_FIXED_LEN};

/// Puts what stays in the clear in front of what is hidden, and gives both. `csrcs` is the length
/// of the CSRC list in bytes.
pub(super) fn gather(packet: &mut [u8], csrcs: usize) -> Option<(&mut [u8], &mut [u8])> {
    csrcs_and_word(packet, csrcs)?.rotate_right(EXTENSION_WORD_LEN);
    packet.split_at_mut_checked(RTP_FIXED_LEN + EXTENSION_WORD_LEN)
}

/// Undoes `gather`.
pub(super) fn scatter(packet: &mut [u8], csrcs: usize) -> Option<()> {
    csrcs_and_word(packet, csrcs)?.rotate_left(EXTENSION_WORD_LEN);
    Some(())
}

/// The CSRC list, and profile and length of the extension, in whichever order.
fn csrcs_and_word(packet: &mut [u8], csrcs: usize) -> Option<&mut [u8]> {
    packet.get_mut(RTP_FIXED_LEN..RTP_FIXED_LEN + csrcs + EXTENSION_WORD_LEN)
}
