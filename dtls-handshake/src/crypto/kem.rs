//! ML-KEM-768 (FIPS 203).

use core::fmt;

use libcrux_ml_kem::mlkem768::{
    self, MlKem768Ciphertext, MlKem768PrivateKey, MlKem768PublicKey, decapsulate,
    validate_public_key,
};
use zeroize::Zeroizing;

use super::library::rand::{SecureRandom, SystemRandom};
use super::{Refused, Secret};

/// The length of an encapsulation key in bytes.
pub(super) const PUBLIC_KEY_LENGTH: usize = 1184;
/// The length of a ciphertext in bytes.
pub(super) const CIPHERTEXT_LENGTH: usize = 1088;
/// The length of the shared secret in bytes.
pub(super) const SECRET_LENGTH: usize = 32;
const PRIVATE_KEY_LENGTH: usize = 2400;
const SEED_LENGTH: usize = 64;

/// A decapsulation key, used once.
pub(super) struct DecapsulationKey(Secret<PRIVATE_KEY_LENGTH>);

impl DecapsulationKey {
    /// A fresh key, and the encapsulation key that belongs to it.
    pub(super) fn generate() -> Result<(Self, [u8; PUBLIC_KEY_LENGTH]), Refused> {
        Ok(Self::from_seed(&*random()?))
    }

    /// The keys of a seed (FIPS 203 §7.1).
    pub(super) fn from_seed(seed: &[u8; SEED_LENGTH]) -> (Self, [u8; PUBLIC_KEY_LENGTH]) {
        let pair = mlkem768::generate_key_pair(*seed);
        let private = Secret::filled(|bytes| bytes.copy_from_slice(pair.sk()));
        (Self(private), *pair.pk())
    }

    /// The shared secret in a ciphertext. One that was not made for this key gives a secret that
    /// nobody knows (FIPS 203 §6.3).
    pub(super) fn decapsulate(
        &self,
        ciphertext: &[u8; CIPHERTEXT_LENGTH],
    ) -> Zeroizing<[u8; SECRET_LENGTH]> {
        let key = MlKem768PrivateKey::from(self.0.expose());
        Zeroizing::new(decapsulate(&key, &MlKem768Ciphertext::from(ciphertext)))
    }
}

impl fmt::Debug for DecapsulationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecapsulationKey")
    }
}

/// A ciphertext for this encapsulation key, and the shared secret in it. Refused when the key is
/// not one (FIPS 203 §7.2).
pub(super) fn encapsulate(
    public_key: &[u8; PUBLIC_KEY_LENGTH],
) -> Result<([u8; CIPHERTEXT_LENGTH], Zeroizing<[u8; SECRET_LENGTH]>), Refused> {
    encapsulate_with(public_key, &*random()?)
}

/// The same with this randomness.
pub(super) fn encapsulate_with(
    public_key: &[u8; PUBLIC_KEY_LENGTH],
    randomness: &[u8; SECRET_LENGTH],
) -> Result<([u8; CIPHERTEXT_LENGTH], Zeroizing<[u8; SECRET_LENGTH]>), Refused> {
    let public_key = MlKem768PublicKey::from(public_key);
    if !validate_public_key(&public_key) {
        return Err(Refused);
    }
    let (ciphertext, secret) = mlkem768::encapsulate(&public_key, *randomness);
    Ok((ciphertext.into(), Zeroizing::new(secret)))
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Refused> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_the_secret_and_strangers_another() {
        let (ours, public_key) = DecapsulationKey::generate().unwrap();
        let (ciphertext, secret) = encapsulate(&public_key).unwrap();
        assert_eq!(ours.decapsulate(&ciphertext), secret);
        let (other, _) = DecapsulationKey::generate().unwrap();
        assert_ne!(other.decapsulate(&ciphertext), secret);
        // Coefficients are below 3329.
        assert!(encapsulate(&[0xFF; PUBLIC_KEY_LENGTH]).is_err());
    }
}
