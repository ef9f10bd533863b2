//! The system's OpenSSL.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use bench_harness::Item;
use dtls_handshake::Group;
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

use super::super::Kind;

pub(super) fn add(item: &mut Item, kind: Kind) {
    let group = match kind.group {
        Group::Secp256r1 => "P-256",
        _ => "X25519:P-256",
    };
    let contexts = [(), ()].map(|()| context(group).expect("a context"));
    item.add("OpenSSL", 1, || (), move |()| handshake(&contexts));
}

fn context(groups: &str) -> Result<SslContext, ErrorStack> {
    let (certificate, key) = certificate()?;
    let mut builder = SslContext::builder(SslMethod::dtls())?;
    builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_certificate(&certificate)?;
    builder.set_private_key(&key)?;
    builder.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256")?;
    builder.set_groups_list(groups)?;
    builder.set_tlsext_use_srtp("SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80")?;
    let both = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    builder.set_verify_callback(both, |_, _| true);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(SslOptions::NO_TICKET);
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

/// Datagrams between the two sides.
#[derive(Debug)]
struct Pipe {
    incoming: Queue,
    outgoing: Queue,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.borrow_mut().pop_front();
        let datagram = datagram.ok_or(ErrorKind::WouldBlock)?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
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

/// A side: done, or waiting for datagrams.
type Side = Result<SslStream<Pipe>, MidHandshakeSslStream<Pipe>>;

fn step(result: Result<SslStream<Pipe>, HandshakeError<Pipe>>) -> Side {
    match result {
        Ok(stream) => Ok(stream),
        Err(HandshakeError::WouldBlock(waiting)) => Err(waiting),
        Err(error) => panic!("{error:?}"),
    }
}

fn go_on(side: Side) -> Side {
    side.or_else(|waiting| step(waiting.handshake()))
}

fn handshake([client, server]: &[SslContext; 2]) {
    let (to_client, to_server) = (Queue::default(), Queue::default());
    let ssl = |context| {
        let mut ssl = Ssl::new(context).expect("a side");
        ssl.set_mtu(1200).expect("an MTU");
        ssl
    };
    let pipe = |incoming: &Queue, outgoing: &Queue| Pipe {
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
    };
    let mut client = step(ssl(client).connect(pipe(&to_client, &to_server)));
    let mut server = step(ssl(server).accept(pipe(&to_server, &to_client)));
    for _ in 0..40 {
        if let (Ok(client), Ok(server)) = (&client, &server) {
            assert_eq!(export(client), export(server));
            return;
        }
        client = go_on(client);
        server = go_on(server);
    }
    panic!("no handshake");
}

fn export(side: &SslStream<Pipe>) -> [u8; 56] {
    let mut keys = [0; 56];
    side.ssl()
        .export_keying_material(&mut keys, "EXTRACTOR-dtls_srtp", None)
        .expect("keys");
    keys
}
