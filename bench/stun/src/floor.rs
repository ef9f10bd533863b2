//! The primitives of our crate and no more: one pass over the attributes, a keyed HMAC that is copied,
//! and CRC-32. It checks only what it must.

use std::hint::black_box;
use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

const COOKIE: u32 = 0x2112_a442;
const CRC_MASK: u32 = 0x5354_554e;
const HEADER: usize = 20;
/// MESSAGE-INTEGRITY and FINGERPRINT with their headers.
const TAG: usize = 24;
const CHECKSUM: usize = 8;

pub(crate) struct Floor {
    key: Hmac<Sha1>,
    out: [u8; 256],
}

/// What a pass over the attributes finds.
#[derive(Default)]
struct View<'a> {
    username: Option<&'a str>,
    priority: Option<u32>,
    tie_breaker: Option<u64>,
    integrity_at: Option<usize>,
    fingerprint_at: Option<usize>,
}

fn parse(message: &[u8]) -> Option<View<'_>> {
    let header = message.first_chunk::<HEADER>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    if header[0] & 0xc0 != 0 || cookie != COOKIE || length + HEADER != message.len() {
        return None;
    }
    let mut view = View::default();
    let mut at = HEADER;
    while let Some(&[t0, t1, l0, l1]) = message.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = message.get(at + 4..at + 4 + length)?;
        match u16::from_be_bytes([t0, t1]) {
            0x0006 => view.username = Some(std::str::from_utf8(value).ok()?),
            0x0024 => view.priority = Some(u32::from_be_bytes(value.try_into().ok()?)),
            0x802a => view.tie_breaker = Some(u64::from_be_bytes(value.try_into().ok()?)),
            0x0008 if length == 20 => view.integrity_at = Some(at),
            0x8028 if length == 4 => view.fingerprint_at = Some(at),
            _ => {}
        }
        at += 4 + length.next_multiple_of(4);
    }
    (at == message.len()).then_some(view)
}

impl Floor {
    fn tag(&self, message: &[u8], at: usize) -> [u8; 20] {
        let mut header = [0; HEADER];
        header.copy_from_slice(&message[..HEADER]);
        header[2..4].copy_from_slice(&((at + TAG - HEADER) as u16).to_be_bytes());
        let mut mac = self.key.clone();
        mac.update(&header);
        mac.update(&message[HEADER..at]);
        mac.finalize().into_bytes().into()
    }

    fn begin(&mut self, message_type: u16) {
        self.out[..2].copy_from_slice(&message_type.to_be_bytes());
        self.out[4..8].copy_from_slice(&COOKIE.to_be_bytes());
        self.out[8..HEADER].copy_from_slice(&ID);
    }

    fn put(&mut self, at: usize, attribute: u16, value: &[u8]) -> usize {
        let out = &mut self.out[at..];
        out[..2].copy_from_slice(&attribute.to_be_bytes());
        out[2..4].copy_from_slice(&(value.len() as u16).to_be_bytes());
        out[4..4 + value.len()].copy_from_slice(value);
        let end = 4 + value.len().next_multiple_of(4);
        out[4 + value.len()..end].fill(0);
        at + end
    }

    fn close(&mut self, at: usize) -> &[u8] {
        let tag = self.tag(&self.out, at);
        let at = self.put(at, 0x0008, &tag);
        let length = (at + CHECKSUM - HEADER) as u16;
        self.out[2..4].copy_from_slice(&length.to_be_bytes());
        let checksum = crc32fast::hash(&self.out[..at]) ^ CRC_MASK;
        let end = self.put(at, 0x8028, &checksum.to_be_bytes());
        &self.out[..end]
    }
}

impl Contender for Floor {
    fn new() -> Self {
        Self {
            key: Hmac::new_from_slice(PASSWORD.as_bytes()).unwrap(),
            out: [0; 256],
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let view = parse(request).unwrap();
        black_box((view.username, view.priority, view.tie_breaker));
        let (tag, sum) = (view.integrity_at.unwrap(), view.fingerprint_at.unwrap());
        let checksum = crc32fast::hash(&request[..sum]) ^ CRC_MASK;
        assert_eq!(checksum.to_be_bytes(), request[sum + 4..]);
        let computed = self.tag(request, tag);
        assert!(bool::from(computed[..].ct_eq(&request[tag + 4..tag + TAG])));
    }

    fn parse(&mut self, request: &[u8]) {
        let view = parse(request).unwrap();
        black_box((view.username, view.priority, view.tie_breaker));
    }

    fn build_request(&mut self) -> &[u8] {
        self.begin(0x0001);
        let mut at = self.put(HEADER, 0x0006, black_box(USERNAME).as_bytes());
        at = self.put(at, 0x0024, &black_box(PRIORITY).to_be_bytes());
        at = self.put(at, 0x802a, &black_box(TIE_BREAKER).to_be_bytes());
        self.close(at)
    }

    fn build_response(&mut self) -> &[u8] {
        self.begin(0x0101);
        let SocketAddr::V4(mapped) = black_box(MAPPED) else {
            unreachable!("it is IPv4");
        };
        let mut value = [0, 1, 0, 0, 0, 0, 0, 0];
        let port = mapped.port() ^ (COOKIE >> 16) as u16;
        value[2..4].copy_from_slice(&port.to_be_bytes());
        value[4..].copy_from_slice(&(mapped.ip().to_bits() ^ COOKIE).to_be_bytes());
        let at = self.put(HEADER, 0x0020, &value);
        self.close(at)
    }
}
