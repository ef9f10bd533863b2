//! Master key identifiers, several master keys, and changing from one to the next.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, proptest};
use proptest::sample::{Index, select};
use srtp::{
    AddKeyError, KeyError, Malformed, MasterKey, Profile, Receiver, Sender, TRAILER_MAX,
    UnprotectError,
};

use common::{key, rtcp, rtp};

fn profile() -> impl Strategy<Value = Profile> {
    select(Profile::ALL.to_vec())
}

/// A key that is another one for each `number`, which is its MKI.
fn numbered(profile: Profile, number: u8) -> MasterKey {
    key(profile, number).with_mki(&[0, number]).unwrap()
}

/// The packet with room for trailer and MKI, protected.
fn sealed(sender: &mut Sender, plain: &[u8], is_rtcp: bool) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + TRAILER_MAX + 128, 0);
    let len = match is_rtcp {
        true => sender.protect_rtcp(&mut packet, plain.len()),
        false => sender.protect_rtp(&mut packet, plain.len()),
    };
    let len = len.unwrap();
    assert!(
        packet[len..].iter().all(|&byte| byte == 0),
        "wrote behind the packet"
    );
    packet.truncate(len);
    packet
}

fn opened(
    receiver: &mut Receiver,
    packet: &[u8],
    is_rtcp: bool,
) -> Result<Vec<u8>, UnprotectError> {
    let mut packet = packet.to_vec();
    let len = match is_rtcp {
        true => receiver.unprotect_rtcp(&mut packet),
        false => receiver.unprotect_rtp(&mut packet),
    }?;
    packet.truncate(len);
    Ok(packet)
}

fn plain(is_rtcp: bool, sequence_number: u16) -> Vec<u8> {
    match is_rtcp {
        true => rtcp(7, 40),
        false => rtp(7, sequence_number, b"payload"),
    }
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let profile = Profile::AesCm128HmacSha1_80;
    for found in [0, 129] {
        let refused = key(profile, 1).with_mki(&vec![1; found]).err();
        assert_eq!(refused, Some(KeyError::MkiLength { found }));
    }
    let mut receiver = Receiver::new(numbered(profile, 1));
    assert_eq!(
        receiver.add_key(numbered(profile, 1)),
        Err(AddKeyError::Ambiguous)
    );
    let (expected, found) = (2, 3);
    let longer = key(profile, 2).with_mki(&[0; 3]).unwrap();
    assert_eq!(
        receiver.add_key(longer),
        Err(AddKeyError::MkiLength { expected, found })
    );
    let (expected, found) = (profile, Profile::AeadAes128Gcm);
    let another = numbered(found, 2);
    assert_eq!(
        receiver.add_key(another),
        Err(AddKeyError::Profile { expected, found })
    );
    for number in 2..=32 {
        receiver.add_key(numbered(profile, number)).unwrap();
    }
    let one_more = receiver.add_key(numbered(profile, 33));
    assert_eq!(one_more, Err(AddKeyError::TooMany { limit: 32 }));
    let mut bare = Receiver::new(key(profile, 1));
    assert_eq!(bare.add_key(key(profile, 2)), Err(AddKeyError::Ambiguous));
    let mut sender = Sender::new(key(profile, 1));
    assert!(sender.change_key(numbered(profile, 2)).is_err());
    assert!(sender.change_key(key(profile, 2)).is_ok());
    let mut sender = Sender::new(numbered(profile, 1));
    let same_mki = key(profile, 2).with_mki(&[0, 1]).unwrap();
    assert_eq!(sender.change_key(same_mki), Err(AddKeyError::Ambiguous));
}

/// Without an MKI a receiver changes at once. What is on its way is lost, indices are not.
#[test]
fn a_receiver_without_mki_changes_keys() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        for number in [0xffff, 0] {
            let packet = sealed(&mut sender, &plain(false, number), false);
            assert!(opened(&mut receiver, &packet, false).is_ok());
        }
        let late = sealed(&mut sender, &plain(false, 1), false);
        sender.change_key(key(profile, 2)).unwrap();
        receiver.change_key(key(profile, 2)).unwrap();
        let wrong = Err(UnprotectError::WrongTag);
        assert_eq!(opened(&mut receiver, &late, false), wrong);
        let packet = sealed(&mut sender, &plain(false, 2), false);
        assert_eq!(opened(&mut receiver, &packet, false), Ok(plain(false, 2)));
        assert_eq!(receiver.roc(7), Some(1));
        assert!(receiver.change_key(numbered(profile, 3)).is_err());
    }
}

#[test]
fn the_last_key_stays() {
    let profile = Profile::AeadAes256Gcm;
    let mut receiver = Receiver::new(numbered(profile, 1));
    assert!(!receiver.remove_key(&[0, 1]));
    receiver.add_key(numbered(profile, 2)).unwrap();
    assert!(!receiver.remove_key(&[0, 3]));
    assert!(receiver.remove_key(&[0, 1]));
    let packet = sealed(
        &mut Sender::new(numbered(profile, 1)),
        &plain(false, 1),
        false,
    );
    assert_eq!(
        opened(&mut receiver, &packet, false),
        Err(UnprotectError::UnknownMki)
    );
    let packet = sealed(
        &mut Sender::new(numbered(profile, 2)),
        &plain(false, 1),
        false,
    );
    assert!(opened(&mut receiver, &packet, false).is_ok());
}

/// The roll-over counter goes on under the next key (RFC 3711 §3.3.1, §8.1).
#[test]
fn a_new_key_resets_no_index() {
    for profile in Profile::ALL {
        let mut sender = Sender::new(numbered(profile, 1));
        let mut receiver = Receiver::new(numbered(profile, 1));
        receiver.add_key(numbered(profile, 2)).unwrap();
        for sequence_number in [0xffff, 0] {
            let packet = sealed(&mut sender, &plain(false, sequence_number), false);
            assert!(opened(&mut receiver, &packet, false).is_ok());
        }
        let report = sealed(&mut sender, &plain(true, 0), true);
        assert!(opened(&mut receiver, &report, true).is_ok());
        assert_eq!(sender.mki(), Some(&[0, 1][..]));
        sender.change_key(numbered(profile, 2)).unwrap();
        assert_eq!(sender.mki(), Some(&[0, 2][..]));
        assert_eq!((sender.profile(), receiver.profile()), (profile, profile));
        assert_eq!(
            (sender.roc(7), sender.next_rtcp_index(7)),
            (Some(1), Some(1))
        );
        let packet = sealed(&mut sender, &plain(false, 1), false);
        assert_eq!(opened(&mut receiver, &packet, false), Ok(plain(false, 1)));
        assert_eq!(receiver.roc(7), Some(1));
        assert_eq!(
            opened(&mut receiver, &packet, false),
            Err(UnprotectError::Replayed),
            "replay windows are those of all keys"
        );
    }
}

proptest! {
    #[test]
    fn packets_carry_their_mki(
        profile in profile(), mki in vec(any::<u8>(), 1..=128), is_rtcp in any::<bool>(),
    ) {
        let with_mki = || key(profile, 1).with_mki(&mki).unwrap();
        let plain = plain(is_rtcp, 1);
        let packet = sealed(&mut Sender::new(with_mki()), &plain, is_rtcp);
        let bare = sealed(&mut Sender::new(key(profile, 1)), &plain, is_rtcp);
        // RFC 3711 §3.1: before the tag, which AEAD has inside (RFC 7714 §8.2, §9.2).
        let behind = match profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 0,
            _ if is_rtcp => 10,
            _ => profile.rtp_overhead(),
        };
        let (front, tag) = bare.split_at(bare.len() - behind);
        assert_eq!(packet, [front, &mki, tag].concat());
        let mut receiver = Receiver::new(with_mki());
        assert_eq!(opened(&mut receiver, &packet, is_rtcp), Ok(plain));
    }

    /// Packets under the keys before, during and after a change come in any order; all are taken.
    #[test]
    fn a_change_of_keys_loses_no_packet(
        profile in profile(),
        count in 1..=60usize,
        change_every in 1..=20usize,
        order in Just((0..60usize).collect::<Vec<_>>()).prop_shuffle(),
        is_rtcp in any::<bool>(),
    ) {
        let mut sender = Sender::new(numbered(profile, 0));
        let mut receiver = Receiver::new(numbered(profile, 0));
        receiver.set_roc(7, 1).unwrap();
        sender.set_roc(7, 1).unwrap();
        let mut packets = vec![];
        for at in 0..count {
            if at > 0 && at % change_every == 0 && at / change_every < 32 {
                let number = (at / change_every) as u8;
                receiver.add_key(numbered(profile, number)).unwrap();
                sender.change_key(numbered(profile, number)).unwrap();
            }
            packets.push(sealed(&mut sender, &plain(is_rtcp, at as u16), is_rtcp));
        }
        for at in order.into_iter().filter(|&at| at < count) {
            let expected = plain(is_rtcp, at as u16);
            assert_eq!(opened(&mut receiver, &packets[at], is_rtcp), Ok(expected), "{at}");
        }
    }

    #[test]
    fn an_unknown_mki_is_told_counted_and_changes_nothing(
        profile in profile(), bit in any::<Index>(), is_rtcp in any::<bool>(),
    ) {
        let mut receiver = Receiver::new(numbered(profile, 1));
        receiver.add_key(numbered(profile, 2)).unwrap();
        let stranger = sealed(&mut Sender::new(numbered(profile, 9)), &plain(is_rtcp, 1), is_rtcp);
        assert_eq!(opened(&mut receiver, &stranger, is_rtcp), Err(UnprotectError::UnknownMki));
        assert_eq!((receiver.stats().unknown_mki, receiver.stats().wrong_tag), (1, 0));
        let good = sealed(&mut Sender::new(numbered(profile, 2)), &plain(is_rtcp, 1), is_rtcp);
        let mut flipped = good.clone();
        let bit = bit.index(8 * good.len());
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(opened(&mut receiver, &flipped, is_rtcp).is_err(), "{bit}");
        assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (0, 0));
        assert_eq!(opened(&mut receiver, &good, is_rtcp), Ok(plain(is_rtcp, 1)));
    }

    #[test]
    fn a_packet_without_room_for_the_mki_is_malformed(profile in profile(), cut in 1..=6usize) {
        let sender = &mut Sender::new(numbered(profile, 1));
        let packet = sealed(sender, &rtp(7, 1, b""), false);
        let cut = &packet[..packet.len() - cut];
        let refused = opened(&mut Receiver::new(numbered(profile, 1)), cut, false);
        let (needed, found) = (packet.len(), cut.len());
        assert_eq!(refused, Err(UnprotectError::Malformed(Malformed::TooShort { needed, found })));
    }
}
