//! The public key in a certificate.

use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{KeyKind, PublicKey, Refused};

/// The lengths of RSA keys that are accepted, in bytes: 2048 to 8192 bits.
const RSA_LENGTHS: core::ops::RangeInclusive<usize> = 256..=1024;

/// id-ce-keyUsage, 2.5.29.15 (RFC 5280 §4.2.1.3).
const KEY_USAGE: [u8; 3] = [0x55, 0x1D, 0x0F];
/// The first bit of it.
const DIGITAL_SIGNATURE: u8 = 0x80;

/// The public key in a certificate: `Err(Refused)` when it does not parse, `Ok(None)` when it is
/// of a kind that cannot be verified here, or must not sign.
pub(crate) fn public_key(certificate: &[u8]) -> Result<Option<PublicKey>, Refused> {
    let Fields { key, extensions } = Fields::read(certificate).ok_or(Refused)?;
    if !may_sign(extensions).ok_or(Refused)? {
        return Ok(None);
    }
    Ok(kind(&key).map(|kind| PublicKey {
        kind,
        bytes: key.subject_public_key.data.to_vec(),
    }))
}

/// What of a certificate counts here (RFC 5280 §4.1). Names, dates and the signature are passed
/// over unread: who its owner is follows from fingerprints, or from what the caller's verifier
/// makes of the whole.
struct Fields<'a> {
    key: SubjectPublicKeyInfo<'a>,
    /// One after the other; empty when there are none.
    extensions: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(mut certificate: &'a [u8]) -> Option<Self> {
        let mut parts = element(&mut certificate, Tag::Sequence)?;
        let mut fields = element(&mut parts, Tag::Sequence)?;
        element(&mut parts, Tag::Sequence)?;
        element(&mut parts, Tag::BitString)?;
        if !certificate.is_empty() || !parts.is_empty() {
            return None;
        }
        let _version = explicit(&mut fields, 0);
        element(&mut fields, Tag::Integer)?;
        // The signature's algorithm, issuer, validity, subject.
        for _ in 0..4 {
            element(&mut fields, Tag::Sequence)?;
        }
        let (rest, key) = SubjectPublicKeyInfo::from_der(fields).ok()?;
        fields = rest;
        // Identifiers that nobody uses, then the extensions.
        let mut extensions: &[u8] = &[];
        while !fields.is_empty() {
            let (rest, field) = Any::from_der(fields).ok()?;
            fields = rest;
            if field.class() == Class::ContextSpecific && field.tag() == Tag(3) {
                let mut list = field.data;
                extensions = element(&mut list, Tag::Sequence)?;
            }
        }
        Some(Self { key, extensions })
    }
}

/// RFC 5246 §7.4.2, RFC 8446 §4.4.2.2: where it is said what the key is for, that has to be
/// signatures. `None` when the extensions do not parse.
fn may_sign(mut extensions: &[u8]) -> Option<bool> {
    let mut allowed = true;
    while !extensions.is_empty() {
        let mut extension = element(&mut extensions, Tag::Sequence)?;
        let id = element(&mut extension, Tag::Oid)?;
        let _critical = element(&mut extension, Tag::Boolean);
        let mut value = element(&mut extension, Tag::OctetString)?;
        if id == KEY_USAGE {
            // How many bits of the last byte are unused, then digitalSignature in the first bit.
            let bits = element(&mut value, Tag::BitString)?;
            let first = bits.get(1).copied().unwrap_or(0);
            allowed &= first & DIGITAL_SIGNATURE != 0;
        }
    }
    Some(allowed)
}

/// The content of the element at the front, which has to have this tag. Where it has another
/// nothing is taken.
fn element<'a>(input: &mut &'a [u8], tag: Tag) -> Option<&'a [u8]> {
    let (rest, element) = Any::from_der(input).ok()?;
    if element.class() != Class::Universal || element.tag() != tag {
        return None;
    }
    *input = rest;
    Some(element.data)
}

/// As `element`, for a field with a number of its own.
fn explicit<'a>(input: &mut &'a [u8], number: u32) -> Option<&'a [u8]> {
    let (rest, element) = Any::from_der(input).ok()?;
    if element.class() != Class::ContextSpecific || element.tag() != Tag(number) {
        return None;
    }
    *input = rest;
    Some(element.data)
}

fn kind(info: &SubjectPublicKeyInfo<'_>) -> Option<KeyKind> {
    let algorithm = &info.algorithm.algorithm;
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
        if curve == OID_EC_P256 {
            return Some(KeyKind::EcdsaP256);
        }
        return (curve == OID_NIST_EC_P384).then_some(KeyKind::EcdsaP384);
    }
    if *algorithm == OID_SIG_ED25519 {
        return Some(KeyKind::Ed25519);
    }
    (*algorithm == OID_PKCS1_RSAENCRYPTION && has_modern_length(info)).then_some(KeyKind::Rsa)
}

fn has_modern_length(info: &SubjectPublicKeyInfo<'_>) -> bool {
    let Ok(x509_parser::public_key::PublicKey::RSA(key)) = info.parsed() else {
        return false;
    };
    let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
    RSA_LENGTHS.contains(&(key.modulus.len() - zeros))
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::X509Certificate;

    use super::*;
    use crate::crypto::read_certificates;

    const TEXTS: [&[u8]; 8] = [
        include_bytes!("../../tests/data/chain.pem"),
        include_bytes!("../../tests/data/ed25519.pem"),
        include_bytes!("../../tests/data/key-agreement.pem"),
        include_bytes!("../../tests/data/p256.pem"),
        include_bytes!("../../tests/data/p384-sec1.pem"),
        include_bytes!("../../tests/data/p521.pem"),
        include_bytes!("../../tests/data/rsa-1024.pem"),
        include_bytes!("../../tests/data/rsa.pem"),
    ];

    /// A reader of all fields finds the same.
    #[test]
    fn what_is_passed_over_changes_nothing() {
        for der in TEXTS
            .iter()
            .flat_map(|text| read_certificates(text).unwrap())
        {
            let (_, whole) = X509Certificate::from_der(&der).unwrap();
            let Fields { key, extensions } = Fields::read(&der).unwrap();
            assert_eq!(key, *whole.public_key());
            let usage = whole.key_usage().unwrap();
            let signs = usage.is_none_or(|usage| usage.value.digital_signature());
            assert_eq!(may_sign(extensions), Some(signs));
            for length in 0..der.len() {
                assert_eq!(public_key(&der[..length]), Err(Refused));
            }
            let longer = [&der[..], b"x"].concat();
            assert_eq!(public_key(&longer), Err(Refused));
        }
    }

    #[test]
    fn keys_that_must_not_sign_or_are_too_short_are_of_no_use() {
        let read = |text: &[u8]| {
            let chain = read_certificates(text).unwrap();
            public_key(&chain[0]).unwrap().map(|key| key.kind)
        };
        let rsa = include_bytes!("../../tests/data/rsa.pem");
        assert_eq!(read(rsa), Some(KeyKind::Rsa));
        let short = include_bytes!("../../tests/data/rsa-1024.pem");
        assert_eq!(read(short), None);
        let agrees = include_bytes!("../../tests/data/key-agreement.pem");
        assert_eq!(read(agrees), None);
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert_eq!(public_key(&[0x30, 0x03, 1, 2, 3]), Err(Refused));
        assert_eq!(public_key(&[]), Err(Refused));
    }
}
