//! A side of the system's OpenSSL.

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
    ErrorCode, HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslMethod, SslOptions,
    SslSessionCacheMode, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::{X509, X509Name};

use crate::link::{Role, Verdict};

pub(crate) fn context() -> Result<SslContext, ErrorStack> {
    let (certificate, key) = certificate()?;
    let mut builder = SslContext::builder(SslMethod::dtls())?;
    builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_certificate(&certificate)?;
    builder.set_private_key(&key)?;
    builder.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256")?;
    builder.set_groups_list("X25519:P-256:P-384")?;
    let both = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    builder.set_verify_callback(both, |_, _| true);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION);
    Ok(builder.build())
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

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// What came and what goes.
#[derive(Debug, Default, Clone)]
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

enum State {
    Waiting(MidHandshakeSslStream<Pipe>),
    Connected(SslStream<Pipe>),
    Refused,
}

pub(crate) struct OpenSsl {
    pipe: Pipe,
    state: State,
    verdict: Verdict,
}

impl OpenSsl {
    pub(crate) fn new(context: &SslContext, role: Role) -> Self {
        let mut ssl = Ssl::new(context).expect("a side");
        ssl.set_mtu(1200).expect("an MTU");
        let pipe = Pipe::default();
        let result = match role {
            Role::Client => ssl.connect(pipe.clone()),
            Role::Server => ssl.accept(pipe.clone()),
        };
        let mut side = Self {
            pipe,
            state: State::Refused,
            verdict: Verdict::Silent,
        };
        side.settle(result);
        side
    }

    pub(crate) fn receive(&mut self, datagram: &[u8]) {
        self.pipe.incoming.borrow_mut().push_back(datagram.to_vec());
        match std::mem::replace(&mut self.state, State::Refused) {
            State::Waiting(stream) => self.settle(stream.handshake()),
            State::Connected(mut stream) => {
                let mut data = [0; 1 << 14];
                while stream.ssl_read(&mut data).is_ok_and(|length| length > 0) {}
                self.state = State::Connected(stream);
            }
            State::Refused => {}
        }
    }

    pub(crate) fn transmits(&mut self) -> Vec<Vec<u8>> {
        self.pipe.outgoing.borrow_mut().drain(..).collect()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn settle(&mut self, result: Result<SslStream<Pipe>, HandshakeError<Pipe>>) {
        self.state = match result {
            Ok(stream) => {
                self.verdict = Verdict::Accepted;
                State::Connected(stream)
            }
            Err(HandshakeError::WouldBlock(waiting)) => State::Waiting(waiting),
            Err(HandshakeError::Failure(failed)) => {
                // An empty datagram and its like end nothing.
                if failed.error().code() == ErrorCode::SYSCALL {
                    State::Waiting(failed)
                } else {
                    self.verdict = Verdict::Refused;
                    State::Refused
                }
            }
            Err(HandshakeError::SetupFailure(error)) => panic!("{error}"),
        };
    }
}
