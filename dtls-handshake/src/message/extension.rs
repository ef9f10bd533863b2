//! Extensions of the hello messages (RFC 5246 §7.4.1.4).

use arrayvec::ArrayVec;

use crate::wire::{DecodeError, ExtensionType, List16, Reader, Writer};

/// The uncompressed point format, the only one there is (RFC 8422 §5.1.2).
pub(super) const UNCOMPRESSED: u8 = 0;

/// More extensions than anybody sends: a browser's hello has about twenty.
const LIMIT: usize = 64;

/// Calls `each` with every extension of a message. A block that is absent is empty. The same
/// extension twice is malformed (RFC 5246 §7.4.1.4), and so are more than 64.
pub(super) fn read_extensions<'a>(
    reader: &mut Reader<'a>,
    mut each: impl FnMut(ExtensionType, Reader<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if reader.is_empty() {
        return Ok(());
    }
    let mut block = Reader::new(reader.vec16("extensions")?);
    let mut seen: ArrayVec<u16, LIMIT> = ArrayVec::new();
    while !block.is_empty() {
        let kind = block.u16("extension type")?;
        let body = block.vec16("extension")?;
        if seen.contains(&kind) {
            return Err(DecodeError("extensions: one comes twice"));
        }
        if seen.try_push(kind).is_err() {
            return Err(DecodeError("extensions: too many"));
        }
        each(kind.into(), Reader::new(body))?;
    }
    Ok(())
}

pub(super) fn write_extension(
    w: &mut Writer<'_>,
    kind: ExtensionType,
    body: impl FnOnce(&mut Writer<'_>),
) {
    w.u16(kind.into());
    w.vec16(body);
}

pub(super) fn write_empty(w: &mut Writer<'_>, kind: ExtensionType) {
    write_extension(w, kind, |_| {});
}

/// ec_point_formats with the only format.
pub(super) fn write_point_formats(w: &mut Writer<'_>) {
    write_extension(w, ExtensionType::PointFormats, |w| {
        w.vec8(|w| w.u8(UNCOMPRESSED))
    });
}

/// renegotiation_info of a first handshake (RFC 5746 §3.2).
pub(super) fn write_renegotiation_info(w: &mut Writer<'_>) {
    write_extension(w, ExtensionType::RenegotiationInfo, |w| w.vec8(|_| {}));
}

pub(super) fn read_point_formats<'a>(mut body: Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let what = "ec_point_formats";
    let formats = body.vec8(what)?;
    body.finish(what)?;
    if formats.is_empty() {
        Err(DecodeError(what))
    } else {
        Ok(formats)
    }
}

pub(super) fn read_renegotiation_info<'a>(mut body: Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let what = "renegotiation_info";
    let verify_data = body.vec8(what)?;
    body.finish(what)?;
    Ok(verify_data)
}

pub(super) fn read_list16<'a>(
    mut body: Reader<'a>,
    what: &'static str,
) -> Result<List16<'a>, DecodeError> {
    let list = body.list16(what)?;
    body.finish(what)?;
    Ok(list)
}

pub(super) fn read_empty(body: Reader<'_>, what: &'static str) -> Result<(), DecodeError> {
    body.finish(what)
}

/// use_srtp: profiles for SRTP and the master key identifier (RFC 5764 §4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UseSrtp<'a> {
    pub(crate) profiles: List16<'a>,
    pub(crate) mki: &'a [u8],
}

impl<'a> UseSrtp<'a> {
    pub(super) fn read(mut body: Reader<'a>) -> Result<Self, DecodeError> {
        let what = "use_srtp";
        let profiles = body.list16(what)?;
        let mki = body.vec8(what)?;
        body.finish(what)?;
        Ok(Self { profiles, mki })
    }
}

/// use_srtp; the identifier is at most 255 bytes long.
pub(super) fn write_use_srtp(
    w: &mut Writer<'_>,
    profiles: impl IntoIterator<Item = u16>,
    mki: &[u8],
) {
    write_extension(w, ExtensionType::UseSrtp, |w| {
        w.list16(profiles);
        w.vec8(|w| w.bytes(mki));
    });
}

/// connection_id: what the sender wants to see in records (RFC 9146 §3).
pub(super) fn read_connection_id<'a>(mut body: Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let what = "connection_id";
    let id = body.vec8(what)?;
    body.finish(what)?;
    Ok(id)
}

/// At most 255 bytes.
pub(super) fn write_connection_id(w: &mut Writer<'_>, id: &[u8]) {
    write_extension(w, ExtensionType::ConnectionId, |w| w.vec8(|w| w.bytes(id)));
}
