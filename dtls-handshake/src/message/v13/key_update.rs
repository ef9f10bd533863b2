//! KeyUpdate (RFC 8446 §4.6.3).

use crate::event::KeyUpdateRequest;
use crate::wire::{DecodeError, Reader, Writer};

/// The sender changes its keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// Whether the receiver shall as well; `None` for a value that means nothing.
    pub(crate) request: Option<KeyUpdateRequest>,
}

impl KeyUpdate {
    pub(crate) fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let value = reader.u8("KeyUpdate")?;
        reader.finish("KeyUpdate")?;
        let requests = [KeyUpdateRequest::NotRequested, KeyUpdateRequest::Requested];
        Ok(Self {
            request: requests.get(usize::from(value)).copied(),
        })
    }

    pub(crate) fn write(w: &mut Writer<'_>, request: KeyUpdateRequest) {
        w.u8(match request {
            KeyUpdateRequest::NotRequested => 0,
            KeyUpdateRequest::Requested => 1,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for request in [KeyUpdateRequest::NotRequested, KeyUpdateRequest::Requested] {
            let mut bytes = Vec::new();
            KeyUpdate::write(&mut Writer::new(&mut bytes), request);
            let request = Some(request);
            assert_eq!(KeyUpdate::read(&bytes), Ok(KeyUpdate { request }));
        }
        assert_eq!(KeyUpdate::read(&[2]), Ok(KeyUpdate { request: None }));
        assert!(KeyUpdate::read(&[]).is_err() && KeyUpdate::read(&[0, 0]).is_err());
    }
}
