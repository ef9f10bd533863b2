//! The floor: the primitives that our crate uses, called on the same bytes, and nothing else.
//!
//! It parses no header, keeps no stream and no replay window, derives no key and counts nothing: where a
//! packet's clear part ends, and its index, it is told.

use aes::Aes128Enc;
use ctr::CtrCore;
use ctr::cipher::{InnerIvInit, StreamCipherCore};
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;

use crate::contender::Contender;
use crate::packets::{Packet, Profile};

/// Length of the tags in bytes.
const CM_TAG: usize = 10;
const GCM_TAG: usize = 16;

/// Bytes of SRTCP's index word.
const WORD: usize = 4;

#[expect(
    clippy::large_enum_variant,
    reason = "one of each, and behind the pointer of its closure"
)]
pub(crate) enum Floor {
    Cm { cipher: Aes128Enc, mac: Hmac<Sha1> },
    Gcm(LessSafeKey),
}

impl Contender for Floor {
    fn new(profile: Profile) -> Self {
        let key = profile.key();
        let gcm =
            |algorithm| Self::Gcm(LessSafeKey::new(UnboundKey::new(algorithm, &key).unwrap()));
        match profile {
            Profile::Cm128 => Self::Cm {
                cipher: Aes128Enc::new_from_slice(&key).unwrap(),
                mac: Hmac::new_from_slice(&[9; 20]).unwrap(),
            },
            Profile::Gcm128 => gcm(&AES_128_GCM),
            Profile::Gcm256 => gcm(&AES_256_GCM),
        }
    }

    fn protect_rtp(&mut self, packet: &mut Packet) {
        let (clear, len) = (packet.clear, packet.len);
        match self {
            Self::Cm { cipher, mac } => {
                apply(cipher, packet.index, &mut packet.buf[clear..len]);
                // The roll-over counter is authenticated behind the packet.
                let tag = tag(mac, packet.bytes(), &[0; 4]);
                packet.buf[len..len + CM_TAG].copy_from_slice(&tag);
                packet.len += CM_TAG;
            }
            Self::Gcm(key) => {
                let (header, payload) = packet.buf[..len].split_at_mut(clear);
                let tag = key.seal_in_place_separate_tag(
                    nonce(packet.index),
                    Aad::from(&*header),
                    payload,
                );
                packet.buf[len..len + GCM_TAG].copy_from_slice(tag.unwrap().as_ref());
                packet.len += GCM_TAG;
            }
        }
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) {
        let clear = packet.clear;
        match self {
            Self::Cm { cipher, mac } => {
                packet.len -= CM_TAG;
                let (sealed, found) = packet.buf.split_at_mut(packet.len);
                assert!(tag(mac, sealed, &[0; 4]) == found[..CM_TAG]);
                apply(cipher, packet.index, &mut sealed[clear..]);
            }
            Self::Gcm(key) => {
                let (header, sealed) = packet.buf[..packet.len].split_at_mut(clear);
                (key.open_in_place(nonce(packet.index), Aad::from(&*header), sealed)).unwrap();
                packet.len -= GCM_TAG;
            }
        }
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) {
        let (clear, len) = (packet.clear, packet.len);
        let word = (packet.index as u32).to_be_bytes();
        match self {
            Self::Cm { cipher, mac } => {
                apply(cipher, packet.index, &mut packet.buf[clear..len]);
                packet.buf[len..len + WORD].copy_from_slice(&word);
                let tag = tag(mac, &packet.buf[..len + WORD], &[]);
                packet.buf[len + WORD..][..CM_TAG].copy_from_slice(&tag);
                packet.len += WORD + CM_TAG;
            }
            Self::Gcm(key) => {
                let (header, hidden) = packet.buf[..len].split_at_mut(clear);
                let associated = Aad::from(associated(header, word));
                let tag = key.seal_in_place_separate_tag(nonce(packet.index), associated, hidden);
                packet.buf[len..len + GCM_TAG].copy_from_slice(tag.unwrap().as_ref());
                packet.buf[len + GCM_TAG..][..WORD].copy_from_slice(&word);
                packet.len += WORD + GCM_TAG;
            }
        }
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) {
        let clear = packet.clear;
        let word = (packet.index as u32).to_be_bytes();
        match self {
            Self::Cm { cipher, mac } => {
                let (sealed, found) = packet.buf.split_at_mut(packet.len - CM_TAG);
                assert!(tag(mac, sealed, &[]) == found[..CM_TAG]);
                packet.len -= WORD + CM_TAG;
                apply(cipher, packet.index, &mut sealed[clear..packet.len]);
            }
            Self::Gcm(key) => {
                let (header, sealed) = packet.buf[..packet.len - WORD].split_at_mut(clear);
                let associated = Aad::from(associated(header, word));
                (key.open_in_place(nonce(packet.index), associated, sealed)).unwrap();
                packet.len -= WORD + GCM_TAG;
            }
        }
    }
}

fn apply(cipher: &Aes128Enc, index: u64, data: &mut [u8]) {
    let iv = (u128::from(index) << 16).to_be_bytes().into();
    CtrCore::<_, Ctr128BE>::inner_iv_init(cipher, &iv).apply_keystream_partial(data.into());
}

fn tag(mac: &Hmac<Sha1>, message: &[u8], suffix: &[u8]) -> [u8; CM_TAG] {
    let mut mac = mac.clone();
    mac.update(message);
    mac.update(suffix);
    let whole = mac.finalize().into_bytes();
    whole[..CM_TAG].try_into().unwrap()
}

fn nonce(index: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// What SRTCP authenticates in the clear: the first 8 bytes and the index word.
fn associated(header: &[u8], word: [u8; WORD]) -> [u8; 12] {
    let mut associated = [0; 12];
    associated[..8].copy_from_slice(header);
    associated[8..].copy_from_slice(&word);
    associated
}
