//! The system's OpenSSL.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslMethod, SslOptions,
    SslSessionCacheMode, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::{X509, X509Name};

use crate::judge::{Judge, Role, State};

/// OpenSSL in one role.
#[derive(Debug)]
pub struct OpenSsl {
    side: Option<MidHandshakeSslStream<Pipe>>,
    incoming: Queue,
    outgoing: Queue,
    state: State,
    /// Kept open: it may still have to answer.
    connected: Option<SslStream<Pipe>>,
}

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// Datagrams that come and go.
#[derive(Debug)]
struct Pipe {
    incoming: Queue,
    outgoing: Queue,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.borrow_mut().pop_front();
        let datagram = datagram.ok_or(ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}

impl Write for Pipe {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().push_back(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OpenSsl {
    /// Settings for many handshakes; every certificate is believed.
    ///
    /// # Errors
    /// What OpenSSL says.
    pub fn context() -> Result<SslContext, ErrorStack> {
        let (certificate, key) = certificate()?;
        let mut builder = SslContext::builder(SslMethod::dtls())?;
        builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
        builder.set_certificate(&certificate)?;
        builder.set_private_key(&key)?;
        builder.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256")?;
        builder.set_groups_list("X25519:P-256")?;
        let both = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        builder.set_verify_callback(both, |_, _| true);
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        builder.set_options(SslOptions::NO_TICKET);
        Ok(builder.build())
    }

    /// A side, and what it says first.
    ///
    /// # Panics
    /// OpenSSL fails before anything has come.
    #[must_use]
    pub fn new(role: Role, context: &SslContext) -> (Self, Vec<Vec<u8>>) {
        let mut ssl = Ssl::new(context).expect("a side");
        ssl.set_mtu(1200).expect("an MTU");
        let (incoming, outgoing) = (Queue::default(), Queue::default());
        let pipe = Pipe {
            incoming: incoming.clone(),
            outgoing: outgoing.clone(),
        };
        let result = match role {
            Role::Client => ssl.connect(pipe),
            Role::Server => ssl.accept(pipe),
        };
        let mut new = Self {
            side: None,
            incoming,
            outgoing,
            state: State::Waiting,
            connected: None,
        };
        new.settle(result);
        assert_eq!(new.state, State::Waiting);
        let first = new.outgoing.borrow_mut().drain(..).collect();
        (new, first)
    }

    fn settle(&mut self, result: Result<SslStream<Pipe>, HandshakeError<Pipe>>) {
        match result {
            Ok(stream) => {
                self.state = State::Connected;
                self.connected = Some(stream);
            }
            Err(HandshakeError::WouldBlock(side)) => self.side = Some(side),
            Err(HandshakeError::Failure(side)) => {
                let reason = side.error().to_string();
                self.state = State::Failed(reason);
            }
            Err(HandshakeError::SetupFailure(error)) => {
                self.state = State::Failed(error.to_string());
            }
        }
    }
}

impl Judge for OpenSsl {
    fn take(&mut self, datagram: &[u8], answers: &mut Vec<Vec<u8>>) {
        self.incoming.borrow_mut().push_back(datagram.to_vec());
        if let Some(side) = self.side.take() {
            self.settle(side.handshake());
        } else if let Some(stream) = &mut self.connected {
            let _ = stream.ssl_read(&mut [0; 64]);
        }
        answers.extend(self.outgoing.borrow_mut().drain(..));
    }

    fn state(&self) -> State {
        self.state.clone()
    }
}

fn certificate() -> Result<(X509, PKey<Private>), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("CN", "dtls")?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*BigNum::from_u32(1)?.to_asn1_integer()?)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(30)?)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}
