//! `str0m`, over aws-lc.
//!
//! Its SRTP is not public but for a test hook that protects RTP. The hook writes the header, too, and
//! allocates: it takes more than str0m itself needs.

use std::hint::black_box;

use bench_harness::Item;
use str0m::_internal_test_exports::TestSrtp;
use str0m::config::KeyingMaterial;
use str0m::crypto::dtls::SrtpProfile;
use str0m::rtp::{ExtensionMap, RtpHeader};

use crate::packets::{BATCH, Profile, SSRC, Shape};

/// Adds it to an item that protects RTP without a header extension.
pub(crate) fn add_protect(item: &mut Item, profile: Profile, shape: Shape) {
    let Shape::Rtp { payload } = shape else {
        return;
    };
    let of = match profile {
        Profile::Cm128 => SrtpProfile::AES128_CM_SHA1_80,
        Profile::Gcm128 => SrtpProfile::AEAD_AES_128_GCM,
        Profile::Gcm256 => SrtpProfile::AEAD_AES_256_GCM,
    };
    let (key, salt) = (profile.key(), profile.salt());
    let keys = [&key[..], &key, &salt, &salt].concat();
    let mut context = TestSrtp::new(
        &str0m::crypto::from_feature_flags(),
        of,
        &KeyingMaterial::new(&keys),
    );
    let extensions = ExtensionMap::empty();
    let payload = vec![3; payload];
    let mut next = 0u64;
    item.add(
        "str0m",
        BATCH,
        || (),
        move |()| {
            for _ in 0..BATCH {
                next += 1;
                let header = RtpHeader {
                    has_extension: false,
                    sequence_number: next as u16,
                    ssrc: SSRC.into(),
                    payload_type: 96.into(),
                    header_len: 12,
                    ..Default::default()
                };
                black_box(context.protect(header, next, &payload, &extensions));
            }
        },
    );
}
