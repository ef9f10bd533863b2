//! Hidden header extensions: RFC 6904 (chosen elements) and RFC 9335 (cryptex).
//!
//! Known answers stand with the others, in `../vectors/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod properties;

use bytes::BytesMut;
use srtp::{
    Config, ConfigError, ExtensionIds, HeaderExtensions, MasterKey, Profile, ProtectError,
    Receiver, RtpHeader, Sender, UnprotectError,
};

use common::{key, rtp, with_room};

fn config(hide: HeaderExtensions) -> Config {
    let mut config = Config::default();
    config.header_extensions = hide;
    config
}

fn sender(key: MasterKey, hide: HeaderExtensions) -> Sender {
    Sender::with_config(key, config(hide)).unwrap()
}

fn receiver(key: MasterKey, hide: HeaderExtensions) -> Receiver {
    Receiver::with_config(key, config(hide)).unwrap()
}

fn chosen(ids: &[u8]) -> HeaderExtensions {
    HeaderExtensions::Encrypted(ids.iter().copied().collect())
}

fn encrypting() -> impl Iterator<Item = Profile> {
    Profile::ALL.into_iter().filter(|it| it.encrypts())
}

/// An RTP packet: `extension` is empty or begins with profile and length.
fn packet(csrcs: usize, extension: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = rtp(0xcafe_babe, 0x1234, &[]);
    packet[0] |= csrcs as u8;
    if !extension.is_empty() {
        packet[0] |= 0x10;
    }
    packet.extend((0..4 * csrcs).map(|byte| byte as u8 ^ 0xc5));
    packet.extend(extension);
    packet.extend(payload);
    packet
}

/// What the receiver of `plain` gets back: under cryptex a CSRC list comes with an extension.
fn delivered(plain: &[u8], hide: HeaderExtensions) -> Vec<u8> {
    let header = RtpHeader::parse(plain).unwrap();
    let mut delivered = plain.to_vec();
    if hide == HeaderExtensions::Cryptex && header.csrc_count > 0 && !header.extension {
        delivered[0] |= 0x10;
        delivered.splice(header.len..header.len, [0xbe, 0xde, 0, 0]);
    }
    delivered
}

fn seal(sender: &mut Sender, plain: &[u8]) -> Vec<u8> {
    let (mut buf, len) = with_room(plain);
    buf.resize(buf.len() + 128, 0);
    let sealed = sender.protect_rtp(&mut buf, len).unwrap();
    assert!(
        buf[sealed..].iter().all(|&byte| byte == 0),
        "wrote behind the packet"
    );
    buf.truncate(sealed);
    buf
}

fn open(receiver: &mut Receiver, sealed: &[u8]) -> Result<Vec<u8>, UnprotectError> {
    let mut buf = sealed.to_vec();
    let len = receiver.unprotect_rtp(&mut buf)?;
    buf.truncate(len);
    Ok(buf)
}

#[test]
fn a_receiver_of_cryptex_takes_both_kinds() {
    let extension = [0xbe, 0xde, 0, 1, 0x11, 7, 8, 0];
    for profile in encrypting() {
        let mut receiver = receiver(key(profile, 1), HeaderExtensions::Cryptex);
        for (ssrc, hide) in [
            (1, HeaderExtensions::Clear),
            (2, HeaderExtensions::Cryptex),
            (3, HeaderExtensions::Clear),
        ] {
            for csrcs in [0, 3] {
                for extension in [&[][..], &extension] {
                    let mut plain = packet(csrcs, extension, b"payload");
                    plain[8] = ssrc;
                    plain[9] = (2 * csrcs + extension.len()) as u8;
                    let sealed = seal(&mut sender(key(profile, 1), hide), &plain);
                    assert_eq!(open(&mut receiver, &sealed), Ok(delivered(&plain, hide)));
                }
            }
        }
    }
}

/// Without the setting, a packet of cryptex is one with an unknown kind of extension. AES-CM
/// authenticates it as any other and decrypts from the payload on. AEAD associates other bytes.
#[test]
fn a_receiver_without_cryptex() {
    let plain = packet(2, &[0xbe, 0xde, 0, 1, 0x11, 7, 8, 0], b"payload");
    for profile in encrypting() {
        let sealed = seal(
            &mut sender(key(profile, 1), HeaderExtensions::Cryptex),
            &plain,
        );
        let found = open(
            &mut receiver(key(profile, 1), HeaderExtensions::Clear),
            &sealed,
        );
        match profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                assert_eq!(found, Err(UnprotectError::WrongTag));
            }
            _ => assert_eq!(found.unwrap()[..28], sealed[..28]),
        }
    }
}

#[test]
fn cryptex_refuses_what_it_cannot_hide() {
    for profile in [0x0000, 0x1001, 0x100f, 0x1010, 0xbedf, 0xc0de, 0xc2de] {
        let extension = [&u16::to_be_bytes(profile)[..], &[0, 1, 1, 2, 3, 4]].concat();
        let plain = packet(1, &extension, b"payload");
        let mut sender = sender(key(Profile::AeadAes128Gcm, 1), HeaderExtensions::Cryptex);
        let (mut buf, len) = with_room(&plain);
        let refused = sender.protect_rtp(&mut buf, len);
        assert_eq!(refused, Err(ProtectError::HeaderExtension { profile }));
        assert_eq!(buf[..len], plain);
        assert_eq!(sender.stats().header_extension, 1);
        assert_eq!(sender.rtp_streams(), 0);
    }
}

#[test]
fn a_profile_that_does_not_encrypt_hides_nothing() {
    for profile in Profile::ALL.into_iter().filter(|it| !it.encrypts()) {
        for hide in [HeaderExtensions::Cryptex, chosen(&[1])] {
            let expected = ConfigError::NotEncrypting { profile };
            let refused = Sender::with_config(key(profile, 1), config(hide)).err();
            assert_eq!(refused, Some(expected));
            let refused = Receiver::with_config(key(profile, 1), config(hide)).err();
            assert_eq!(refused, Some(expected));
        }
        assert!(Sender::with_config(key(profile, 1), config(HeaderExtensions::Clear)).is_ok());
    }
}

/// The empty extension needs room of its own, and one byte less is refused with nothing changed.
#[test]
fn room_for_the_empty_extension() {
    for profile in encrypting() {
        let plain = packet(15, &[], b"payload");
        let needed = plain.len() + 4 + profile.rtp_overhead();
        let mut sender = sender(key(profile, 1), HeaderExtensions::Cryptex);
        for available in plain.len()..needed {
            let mut buf = plain.clone();
            buf.resize(available, 0);
            let refused = sender.protect_rtp(&mut buf, plain.len());
            assert_eq!(refused, Err(ProtectError::NoRoom { needed, available }));
            assert_eq!(buf[..plain.len()], plain);
        }
        let mut buf = plain.clone();
        buf.resize(needed, 0);
        assert_eq!(sender.protect_rtp(&mut buf, plain.len()), Ok(needed));
        assert_eq!(sender.rtp_overhead(), needed - plain.len());
    }
}

#[test]
fn a_packet_in_bytes_grows_by_the_empty_extension() {
    let hide = HeaderExtensions::Cryptex;
    for profile in encrypting() {
        let (mut sender, mut receiver) = (
            sender(key(profile, 1), hide),
            receiver(key(profile, 1), hide),
        );
        for (number, csrcs) in [(0, 2), (1, 0)] {
            let mut plain = packet(csrcs, &[], b"payload");
            plain[3] = number;
            let mut bytes = BytesMut::from(&*plain);
            sender.protect_rtp_bytes(&mut bytes).unwrap();
            let growth = if csrcs > 0 { 4 } else { 0 };
            assert_eq!(bytes.len(), plain.len() + growth + profile.rtp_overhead());
            receiver.unprotect_rtp_bytes(&mut bytes).unwrap();
            assert_eq!(bytes, delivered(&plain, hide));
        }
    }
}

/// The longest extension, of the shortest elements.
#[test]
fn an_extension_of_a_whole_datagram() {
    for profile in encrypting() {
        let words = (65_535 - 16 - profile.rtp_overhead()) / 4;
        let mut extension = [&[0x10, 0][..], &(words as u16).to_be_bytes()].concat();
        extension.extend([1, 1, 0xaa].into_iter().cycle().take(4 * words));
        let plain = packet(0, &extension, &[]);
        for hide in [chosen(&[1]), HeaderExtensions::Cryptex] {
            let sealed = seal(&mut sender(key(profile, 1), hide), &plain);
            assert_ne!(sealed[18], 0xaa);
            assert_eq!(
                open(&mut receiver(key(profile, 1), hide), &sealed),
                Ok(plain.clone())
            );
        }
    }
}

/// A new key hides under new keys of header extensions, and both sides go on.
#[test]
fn keys_change_with_hidden_extensions() {
    let ids = ExtensionIds::default().with(1);
    let extension = [0xbe, 0xde, 0, 2, 0x15, 1, 2, 3, 4, 5, 6, 0];
    for profile in encrypting() {
        for hide in [HeaderExtensions::Cryptex, HeaderExtensions::Encrypted(ids)] {
            let numbered = |number| key(profile, number).with_mki(&[number]).unwrap();
            let mut sender = sender(numbered(1), hide);
            let mut receiver = receiver(numbered(1), hide);
            receiver.add_key(numbered(2)).unwrap();
            let mut plain = packet(1, &extension, b"payload");
            let first = seal(&mut sender, &plain);
            assert_eq!(open(&mut receiver, &first), Ok(plain.clone()));
            sender.change_key(numbered(2)).unwrap();
            plain[3] += 1;
            let second = seal(&mut sender, &plain);
            assert_eq!(open(&mut receiver, &second), Ok(plain.clone()));
            assert_ne!(first[21..26], second[21..26]);
        }
    }
}
