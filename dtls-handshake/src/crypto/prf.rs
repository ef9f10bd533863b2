//! The pseudorandom function of TLS 1.2 (RFC 5246 §5).

use super::HashAlgorithm;
use super::library::hmac;

/// Fills `out` with `PRF(secret, label, seed)`, the seed given in parts.
pub(crate) fn prf(
    hash: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) {
    let key = hmac::Key::new(hash.hmac_algorithm(), secret);
    let seeded = |mut context: hmac::Context| {
        context.update(label);
        for part in seed {
            context.update(part);
        }
        context.sign()
    };
    // P_hash: A(0) = label + seed, A(i) = HMAC(A(i-1)); output i = HMAC(A(i) + label + seed).
    let mut a = seeded(hmac::Context::with_key(&key));
    for chunk in out.chunks_mut(hash.output_length()) {
        let mut context = hmac::Context::with_key(&key);
        context.update(a.as_ref());
        let block = seeded(context);
        for (to, from) in chunk.iter_mut().zip(block.as_ref()) {
            *to = *from;
        }
        a = hmac::sign(&key, a.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(hash: HashAlgorithm, secret: &str, seed: &str, length: usize) -> String {
        let mut out = vec![0; length];
        let seed = hex::decode(seed).unwrap();
        let (front, back) = seed.split_at(5);
        prf(
            hash,
            &hex::decode(secret).unwrap(),
            b"test label",
            &[front, back],
            &mut out,
        );
        hex::encode(out)
    }

    #[test]
    fn the_vectors_every_stack_uses() {
        let sha256 = output(
            HashAlgorithm::Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            100,
        );
        assert_eq!(sha256, PRF_SHA256);
        let sha384 = output(
            HashAlgorithm::Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            148,
        );
        assert_eq!(sha384, PRF_SHA384);
    }

    const PRF_SHA256: &str = concat!(
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a",
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab",
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701",
        "87347b66",
    );
    const PRF_SHA384: &str = concat!(
        "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd",
        "e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd",
        "8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425",
        "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6",
        "91c8f3a26854308d5eaa3be85e0990703d73e56f",
    );
}
