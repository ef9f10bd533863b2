//! Key shares of DTLS 1.3: of a group of key agreement, or of a hybrid of such a group and a KEM.
//!
//! A hybrid share is the two parts one behind the other, and so is its secret: ML-KEM first in
//! X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem §4).

use super::kem::{
    CIPHERTEXT_LENGTH, DecapsulationKey, PUBLIC_KEY_LENGTH, SECRET_LENGTH, encapsulate,
};
use super::{KeyExchange, Refused, Secret};
use crate::wire::Group;

/// All groups, the preferred first.
pub(crate) const GROUPS: [Group; 4] = [
    Group::X25519MlKem768,
    Group::X25519,
    Group::Secp256r1,
    Group::Secp384r1,
];

/// The longest secret of all groups, in bytes: that of the hybrid.
const MAX_SECRET_LENGTH: usize = 2 * SECRET_LENGTH;

/// What both sides have when the other's share has come.
#[derive(Debug)]
pub(crate) struct SharedSecret {
    bytes: Secret<MAX_SECRET_LENGTH>,
    length: usize,
}

impl SharedSecret {
    /// Refused when there is more of it than of any group.
    fn of(parts: [&[u8]; 2]) -> Result<Self, Refused> {
        let length = parts.iter().map(|part| part.len()).sum();
        if length > MAX_SECRET_LENGTH {
            return Err(Refused);
        }
        let bytes = Secret::filled(|bytes| {
            let from = parts.into_iter().flatten();
            bytes
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = *from);
        });
        Ok(Self { bytes, length })
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes.expose().get(..self.length).unwrap_or_default()
    }
}

/// The client's share, and what is needed to understand the answer.
#[derive(Debug)]
pub(crate) struct ClientShare {
    group: Group,
    public_key: Vec<u8>,
    exchange: KeyExchange,
    /// Of a hybrid group.
    kem: Option<DecapsulationKey>,
}

impl ClientShare {
    pub(crate) fn generate(group: Group) -> Result<Self, Refused> {
        let exchange = KeyExchange::generate(classical(group))?;
        let (kem, mut public_key) = if group.is_hybrid() {
            let (kem, public_key) = DecapsulationKey::generate()?;
            (Some(kem), public_key.to_vec())
        } else {
            (None, Vec::new())
        };
        public_key.extend_from_slice(exchange.public_key());
        Ok(Self {
            group,
            public_key,
            exchange,
            kem,
        })
    }

    pub(crate) fn group(&self) -> Group {
        self.group
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Takes the server's share. One of the wrong length, off the curve, or that gives an all-zero
    /// secret is refused (RFC 8446 §4.2.8.2 and §7.4.2).
    pub(crate) fn agree(self, server_share: &[u8]) -> Result<SharedSecret, Refused> {
        let Some(kem) = self.kem else {
            let agreed = self.exchange.agree(server_share, agreed);
            return agreed?;
        };
        let (ciphertext, rest) = server_share
            .split_first_chunk::<CIPHERTEXT_LENGTH>()
            .ok_or(Refused)?;
        let encapsulated = kem.decapsulate(ciphertext);
        self.exchange
            .agree(rest, |agreed| SharedSecret::of([&encapsulated[..], agreed]))?
    }
}

/// The server's share in answer to the client's, and the secret. Refused as by
/// [`ClientShare::agree`], and when the KEM's part is no key.
pub(crate) fn answer_share(
    group: Group,
    client_share: &[u8],
) -> Result<(Vec<u8>, SharedSecret), Refused> {
    let exchange = KeyExchange::generate(classical(group))?;
    if !group.is_hybrid() {
        let share = exchange.public_key().to_vec();
        return Ok((share, exchange.agree(client_share, agreed)??));
    }
    let (public_key, rest) = client_share
        .split_first_chunk::<PUBLIC_KEY_LENGTH>()
        .ok_or(Refused)?;
    // The cheaper part first: it can refuse.
    let public = exchange.public_key().to_vec();
    let (ciphertext, encapsulated) = encapsulate(public_key)?;
    let secret = exchange.agree(rest, |agreed| SharedSecret::of([&encapsulated[..], agreed]))??;
    Ok(([&ciphertext[..], &public].concat(), secret))
}

fn agreed(secret: &[u8]) -> Result<SharedSecret, Refused> {
    SharedSecret::of([secret, &[]])
}

/// The group of key agreement in a group.
fn classical(group: Group) -> Group {
    match group {
        Group::X25519MlKem768 => Group::X25519,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_in_every_group() {
        for (group, lengths) in
            GROUPS
                .into_iter()
                .zip([[1216, 1120, 64], [32, 32, 32], [65, 65, 32], [97, 97, 48]])
        {
            let client = ClientShare::generate(group).unwrap();
            assert_eq!(client.group(), group);
            let client_length = client.public_key().len();
            let (share, server) = answer_share(group, client.public_key()).unwrap();
            let server_length = share.len();
            let client = client.agree(&share).unwrap();
            assert_eq!(client.expose(), server.expose());
            let found = [client_length, server_length, server.expose().len()];
            assert_eq!(found, lengths, "{group}");
        }
    }

    #[test]
    fn shares_of_another_length_and_no_keys_are_refused() {
        for group in GROUPS {
            let whole = ClientShare::generate(group).unwrap().public_key().to_vec();
            for length in [0, 1, whole.len() - 1] {
                assert!(answer_share(group, &whole[..length]).is_err(), "{group}");
            }
            let longer = [&whole[..], &[0]].concat();
            assert!(answer_share(group, &longer).is_err(), "{group}");
            let (answer, _) = answer_share(group, &whole).unwrap();
            let client = || ClientShare::generate(group).unwrap();
            assert!(client().agree(&answer[1..]).is_err(), "{group}");
            let longer = [&answer[..], &[0]].concat();
            assert!(client().agree(&longer).is_err(), "{group}");
        }
        let group = Group::X25519MlKem768;
        let mut share = ClientShare::generate(group).unwrap().public_key().to_vec();
        share[..PUBLIC_KEY_LENGTH].fill(0xFF);
        assert!(answer_share(group, &share).is_err());
        let mut share = ClientShare::generate(group).unwrap().public_key().to_vec();
        share[PUBLIC_KEY_LENGTH..].fill(0);
        assert!(answer_share(group, &share).is_err());
    }
}
