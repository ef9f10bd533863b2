//! Certificates: making our own, and reading the public key of a peer's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::{KeyKind, PrivateKey, PublicKey, Refused};

/// A year longer than peers with slow clocks need; browsers give theirs 30 days.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// 9998-01-01T00:00:00Z: certificates have four digits for the year.
const LAST_START: Duration = Duration::from_secs(253_339_228_800);

/// The lengths of RSA keys that are accepted, in bytes: 2048 to 8192 bits.
const RSA_LENGTHS: core::ops::RangeInclusive<usize> = 256..=1024;

/// A certificate and its private key, both in DER.
pub(crate) type Generated = (Vec<u8>, Zeroizing<PrivateKey<'static>>);

/// A fresh ECDSA P-256 key and a certificate for it, valid for a year from `not_before`.
/// `None` when the date is before 1970 or after 9997.
pub(crate) fn generate_self_signed(not_before: SystemTime) -> Option<Result<Generated, Refused>> {
    let since_epoch = not_before
        .duration_since(UNIX_EPOCH)
        .ok()
        .filter(|start| *start <= LAST_START)?;
    Some(generate(since_epoch))
}

fn generate(since_epoch: Duration) -> Result<Generated, Refused> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| Refused)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(|_| Refused)?;
    // Says nothing about whose machine this is: the certificate crosses the network in clear.
    params.distinguished_name.push(DnType::CommonName, "dtls");
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch;
    params.not_after = params.not_before + VALIDITY;
    let certificate = params
        .self_signed(&key)
        .map_err(|_| Refused)?
        .der()
        .to_vec();
    let private = PrivateKey::Pkcs8(key.serialize_der().into());
    Ok((certificate, Zeroizing::new(private)))
}

/// The public key in a certificate: `Err(Refused)` when it does not parse, `Ok(None)` when it is
/// of a kind that cannot be verified here, or must not sign.
pub(crate) fn public_key(certificate: &[u8]) -> Result<Option<PublicKey>, Refused> {
    let (rest, certificate) = X509Certificate::from_der(certificate).map_err(|_| Refused)?;
    if !rest.is_empty() {
        return Err(Refused);
    }
    // RFC 5246 §7.4.2, RFC 8446 §4.4.2.2: where it is said what the key is for, that has to be
    // signatures.
    let usage = certificate.key_usage().map_err(|_| Refused)?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Ok(None);
    }
    let info = certificate.public_key();
    Ok(kind(info).map(|kind| PublicKey {
        kind,
        bytes: info.subject_public_key.data.to_vec(),
    }))
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
    use super::*;
    use crate::crypto::SigningKey;
    use crate::event::Version;
    use crate::wire::SignatureScheme;

    #[test]
    fn a_made_certificate_verifies_what_its_key_signs() {
        let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let (certificate, key) = generate_self_signed(start).unwrap().unwrap();
        let public = public_key(&certificate).unwrap().unwrap();
        let key = SigningKey::load(&public, &key).unwrap();
        assert_eq!(public.kind, KeyKind::EcdsaP256);
        assert!(key.belongs_to(&public));
        let signature = key.sign(SignatureScheme::EcdsaSha256, &[b"mess", b"age"]);
        let signature = signature.unwrap();
        assert!(key.sign(SignatureScheme::EcdsaSha384, &[b"a"]).is_err());
        let verify = |scheme, message: &[u8]| {
            public.verify(Version::Dtls12, scheme, message, signature.as_ref())
        };
        assert_eq!(verify(SignatureScheme::EcdsaSha256, b"message"), Ok(()));
        assert_eq!(
            verify(SignatureScheme::EcdsaSha256, b"massage"),
            Err(Refused)
        );
        assert_eq!(verify(SignatureScheme::Ed25519, b"message"), Err(Refused));
        let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
        assert_eq!(parsed.validity().not_before.timestamp(), 1_800_000_000);
        assert_eq!(parsed.validity().not_after.timestamp(), 1_831_536_000);
    }

    #[test]
    fn dates_that_a_certificate_cannot_hold_are_refused() {
        assert!(generate_self_signed(UNIX_EPOCH - Duration::from_secs(1)).is_none());
        assert!(generate_self_signed(UNIX_EPOCH + LAST_START + VALIDITY).is_none());
        assert!(matches!(
            generate_self_signed(UNIX_EPOCH + LAST_START),
            Some(Ok(_))
        ));
    }

    #[test]
    fn keys_that_must_not_sign_or_are_too_short_are_of_no_use() {
        let read = |text: &[u8]| {
            let chain = crate::crypto::read_certificates(text).unwrap();
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
