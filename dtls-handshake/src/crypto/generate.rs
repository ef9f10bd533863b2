//! Certificates of our own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use zeroize::Zeroizing;

use super::{PrivateKey, Refused};

/// A year longer than peers with slow clocks need; browsers give theirs 30 days.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// 9998-01-01T00:00:00Z: certificates have four digits for the year.
const LAST_START: Duration = Duration::from_secs(253_339_228_800);

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

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;
    use crate::crypto::{KeyKind, SigningKey, public_key};
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
}
