//! NewSessionTicket (RFC 8446 §4.6.1).

use super::super::extension::read_extensions;
use crate::wire::{DecodeError, Reader};

/// Reads a ticket, and keeps nothing of it: sessions are not resumed.
pub(crate) fn read_new_session_ticket(body: &[u8]) -> Result<(), DecodeError> {
    let what = "NewSessionTicket";
    let mut reader = Reader::new(body);
    // Lifetime, and what is added to the age.
    reader.bytes(8, what)?;
    // The nonce.
    reader.vec8(what)?;
    if reader.vec16(what)?.is_empty() || reader.is_empty() {
        return Err(DecodeError(what));
    }
    read_extensions(&mut reader, |_, _| Ok(()))?;
    reader.finish(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_whole() {
        let ticket = [0, 0, 1, 0, 9, 9, 9, 9, 1, 7, 0, 2, 5, 5, 0, 4, 0, 42, 0, 0];
        assert_eq!(read_new_session_ticket(&ticket), Ok(()));
        for length in 0..ticket.len() {
            assert!(read_new_session_ticket(&ticket[..length]).is_err());
        }
        let empty = [0, 0, 1, 0, 9, 9, 9, 9, 0, 0, 0, 0, 0];
        assert!(read_new_session_ticket(&empty).is_err());
    }
}
