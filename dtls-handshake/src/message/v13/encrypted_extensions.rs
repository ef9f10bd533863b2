//! EncryptedExtensions (RFC 8446 §4.3.1).

use super::super::extension::{UseSrtp, read_extensions, write_use_srtp};
use crate::srtp::Srtp;
use crate::wire::{DecodeError, ExtensionType, Reader, Writer};

/// What the server answers that keys do not depend on.
#[derive(Debug, Default)]
pub(crate) struct EncryptedExtensions<'a> {
    pub(crate) use_srtp: Option<UseSrtp<'a>>,
    /// An extension that this crate never offers.
    pub(crate) has_unsolicited: bool,
    /// An extension that this crate offers and that has its place in another message.
    pub(crate) has_misplaced: bool,
}

impl<'a> EncryptedExtensions<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let mut extensions = Self::default();
        if reader.is_empty() {
            return Err(DecodeError("EncryptedExtensions"));
        }
        read_extensions(&mut reader, |kind, body| {
            match kind {
                ExtensionType::UseSrtp => extensions.use_srtp = Some(UseSrtp::read(body)?),
                // What the server would have liked, for another time.
                ExtensionType::SupportedGroups => {}
                ExtensionType::PreSharedKey | ExtensionType::Unknown(_) => {
                    extensions.has_unsolicited = true;
                }
                _ => extensions.has_misplaced = true,
            }
            Ok(())
        })?;
        reader.finish("EncryptedExtensions")?;
        Ok(extensions)
    }

    pub(crate) fn write(w: &mut Writer<'_>, srtp: Option<&Srtp>) {
        w.vec16(|w| {
            if let Some(srtp) = srtp {
                write_use_srtp(w, [srtp.profile], &srtp.mki);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mki = vec![1, 2];
        for srtp in [None, Some(Srtp { profile: 7, mki })] {
            let mut bytes = Vec::new();
            EncryptedExtensions::write(&mut Writer::new(&mut bytes), srtp.as_ref());
            let read = EncryptedExtensions::read(&bytes).unwrap();
            let read_srtp = read.use_srtp.map(|use_srtp| Srtp {
                profile: use_srtp.profiles.iter().next().unwrap(),
                mki: use_srtp.mki.to_vec(),
            });
            assert_eq!(read_srtp, srtp);
            assert!(!read.has_unsolicited && !read.has_misplaced);
        }
        assert!(EncryptedExtensions::read(&[]).is_err());
    }

    #[test]
    fn what_has_no_place_here_is_noticed() {
        let flags = |kind| {
            let body = [0, 4, 0, kind, 0, 0];
            let read = EncryptedExtensions::read(&body).unwrap();
            (read.has_unsolicited, read.has_misplaced)
        };
        assert_eq!(flags(16), (true, false));
        assert_eq!(flags(51), (false, true));
        assert_eq!(flags(23), (false, true));
        assert_eq!(flags(10), (false, false));
    }
}
