//! The extension cookie (RFC 8446 §4.2.2).

use super::super::extension::write_extension;
use crate::wire::{DecodeError, ExtensionType, Reader, Writer};

pub(in crate::message) fn read_cookie<'a>(mut body: Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let what = "cookie";
    let cookie = body.vec16(what)?;
    body.finish(what)?;
    if cookie.is_empty() {
        Err(DecodeError(what))
    } else {
        Ok(cookie)
    }
}

pub(in crate::message) fn write_cookie(w: &mut Writer<'_>, cookie: &[u8]) {
    write_extension(w, ExtensionType::Cookie, |w| w.vec16(|w| w.bytes(cookie)));
}
