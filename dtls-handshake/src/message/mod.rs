//! Handshake messages: each a struct that borrows what it read and can be written again. Those of
//! DTLS 1.3 that differ from those of DTLS 1.2 are in `v13`.

mod certificate;
mod certificate_request;
mod certificate_verify;
mod client_hello;
mod client_key_exchange;
mod extension;
mod finished;
mod hello_verify_request;
mod server_hello;
mod server_key_exchange;
pub(crate) mod v13;

pub(crate) use certificate::Certificate;
pub(crate) use certificate_request::CertificateRequest;
pub(crate) use certificate_verify::CertificateVerify;
pub(crate) use client_hello::{ClientHello, ClientOffer};
pub(crate) use client_key_exchange::ClientKeyExchange;
pub(crate) use extension::UseSrtp;
pub(crate) use finished::{Finished, VERIFY_DATA_LENGTH};
pub(crate) use hello_verify_request::HelloVerifyRequest;
pub(crate) use server_hello::{
    ServerAnswer, ServerHello, write_hello_retry_request, write_server_hello_13,
};
pub(crate) use server_key_exchange::{ServerKeyExchange, ServerShare};

/// The value of ClientHello.random and ServerHello.random.
pub(crate) type Random = [u8; 32];
