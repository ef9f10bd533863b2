//! Answers to requests that were authenticated.

use std::ops::Range;

use bytes::BytesMut;
use stun_codec::attribute::ErrorCode;
use stun_codec::credentials::{Authenticated, Seal};
use stun_codec::{Builder, Class, Encode, Method, Path, TransactionId};

/// What an answer needs to know of its request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) path: Path,
    pub(super) id: TransactionId,
    method: Method,
    has_fingerprint: bool,
    pub(super) seal: Seal,
}

impl Asked {
    pub(super) fn new(path: Path, request: Authenticated<'_>) -> Self {
        let message = request.request().message();
        Self {
            path,
            id: message.transaction_id(),
            method: message.method(),
            has_fingerprint: message.has_fingerprint(),
            seal: request.into_seal(),
        }
    }

    /// Appends the success response.
    pub(super) fn grant(
        &self,
        out: &mut BytesMut,
        attributes: &[&dyn Encode],
    ) -> Option<Range<usize>> {
        self.write(out, Class::Success, attributes)
    }

    /// Appends the error response.
    pub(super) fn refuse(&self, out: &mut BytesMut, refusal: &Refusal<'_>) -> Option<Range<usize>> {
        match refusal {
            Refusal::Code(code) => self.write(out, Class::Error, &[code]),
            Refusal::With(code, attribute) => self.write(out, Class::Error, &[code, *attribute]),
        }
    }

    /// `None` where it cannot be written, which short attributes always can.
    fn write(
        &self,
        out: &mut BytesMut,
        class: Class,
        attributes: &[&dyn Encode],
    ) -> Option<Range<usize>> {
        let builder = Builder::new(out, class, self.method, self.id);
        let builder = attributes
            .iter()
            .fold(builder, |builder, attribute| builder.attribute(*attribute));
        let sealed = self.seal.close(builder);
        let written = match self.has_fingerprint {
            true => sealed.fingerprint(),
            false => sealed.finish(),
        };
        written.ok()
    }
}

/// Why a request is refused.
pub(super) enum Refusal<'a> {
    Code(ErrorCode<'static>),
    /// With what goes with it: a list of attributes, or another server.
    With(ErrorCode<'static>, &'a dyn Encode),
}

impl Refusal<'_> {
    pub(super) const fn code(&self) -> u16 {
        match self {
            Self::Code(code) | Self::With(code, _) => code.code,
        }
    }
}

impl From<ErrorCode<'static>> for Refusal<'_> {
    fn from(code: ErrorCode<'static>) -> Self {
        Self::Code(code)
    }
}
