//! Bytes on the wire: a bounds-checked reader, a writer that back-patches lengths, and the tables
//! of code points.

mod codes;
mod reader;
mod writer;

pub use codes::{AlertDescription, CipherSuite, Group};
pub(crate) use codes::{AlertLevel, ContentType, ExtensionType, HandshakeType, SignatureScheme};
pub(crate) use reader::{DecodeError, List16, Reader};
pub(crate) use writer::Writer;

/// The version number of DTLS 1.0, still seen in the record header of a first flight
/// (RFC 6347 §4.2.1).
pub(crate) const DTLS_1_0: u16 = 0xFEFF;
/// The version number of DTLS 1.2 (RFC 6347 §4.1).
pub(crate) const DTLS_1_2: u16 = 0xFEFD;
/// The version number of DTLS 1.3, in supported_versions alone (RFC 9147 §5.3).
pub(crate) const DTLS_1_3: u16 = 0xFEFC;
