//! Messages and extensions that DTLS 1.3 has, or has in another form than DTLS 1.2.

mod ack;
mod certificate;
mod certificate_request;
mod connection_id;
mod cookie;
mod encrypted_extensions;
mod key_share;
mod key_update;
mod new_session_ticket;

pub(crate) use ack::Ack;
pub(crate) use certificate::Certificate;
pub(crate) use certificate_request::CertificateRequest;
pub(crate) use connection_id::{NewConnectionId, read_request_connection_id};
pub(super) use cookie::{read_cookie, write_cookie};
pub(crate) use encrypted_extensions::EncryptedExtensions;
pub(crate) use key_share::{KeyShare, KeyShares};
pub(crate) use key_update::KeyUpdate;
pub(crate) use new_session_ticket::read_new_session_ticket;
