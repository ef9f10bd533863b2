//! The answer to a challenge (RFC 7616 §3.4).

use std::fmt::Write as _;

use md5::Md5;
use md5::digest::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Credentials;
use super::challenge::{Algorithm, Challenge};

/// The request that is to be answered for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The request URI, as in the request line.
    pub(super) uri: &'a str,
    /// How many requests have used the nonce, this one included.
    pub(super) count: u32,
    /// Our own salt.
    pub(super) cnonce: &'a str,
}

/// The value of `Authorization` or `Proxy-Authorization`.
pub(super) fn authorization(
    credentials: &Credentials,
    challenge: &Challenge,
    asked: Asked<'_>,
) -> String {
    let Challenge {
        realm,
        nonce,
        opaque,
        algorithm,
        counted,
        ..
    } = challenge;
    let Asked {
        uri, count, cnonce, ..
    } = asked;
    let response = match algorithm {
        Algorithm::Md5 => response::<Md5>(credentials, challenge, asked),
        Algorithm::Sha256 => response::<Sha256>(credentials, challenge, asked),
    };
    let (user, name) = (&credentials.user, algorithm.name());
    let mut value = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm={name}"
    );
    // `qop` and `nc` stand without quotes (RFC 7616 §3.4). Writing to a string does not fail.
    if *counted {
        let _ = write!(value, ", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
    }
    if let Some(opaque) = opaque {
        let _ = write!(value, ", opaque=\"{opaque}\"");
    }
    value
}

fn response<D: Digest>(
    credentials: &Credentials,
    challenge: &Challenge,
    asked: Asked<'_>,
) -> String {
    let Credentials { user, password } = credentials;
    let Challenge { realm, nonce, .. } = challenge;
    let secret = Zeroizing::new(hash::<D>(&[user, realm, password]));
    let request = hash::<D>(&[asked.method, asked.uri]);
    match challenge.counted {
        true => {
            let count = format!("{:08x}", asked.count);
            hash::<D>(&[&secret, nonce, &count, asked.cnonce, "auth", &request])
        }
        false => hash::<D>(&[&secret, nonce, &request]),
    }
}

/// The hash of texts with colons between them, in hexadecimal digits.
fn hash<D: Digest>(texts: &[&str]) -> String {
    let mut hasher = D::new();
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            hasher.update(":");
        }
        hasher.update(text);
    }
    let mut digits = String::new();
    for byte in hasher.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(password: &str, challenge: &str) -> String {
        let credentials = Credentials::new("Mufasa", password).unwrap();
        let asked = Asked {
            method: "GET",
            uri: "/dir/index.html",
            count: 1,
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        };
        let challenge = Challenge::best([challenge]).unwrap();
        authorization(&credentials, &challenge, asked)
    }

    /// RFC 7616 §3.9.1.
    #[test]
    fn the_examples_of_the_rfc() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let challenge = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let value = value("Circle of Life", &challenge);
            assert!(
                value.contains(&format!("response=\"{response}\"")),
                "{value}"
            );
            assert!(value.contains(", qop=auth, nc=00000001, cnonce=\"f2/"));
            assert!(value.ends_with("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
        }
    }

    /// RFC 2069 §2.4, with the response of its erratum.
    #[test]
    fn without_qop_nothing_is_counted() {
        let value = value(
            "CircleOfLife",
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
        );
        assert!(!value.contains("nc=") && !value.contains("qop"), "{value}");
        assert!(
            value.contains("response=\"1949323746fe6a43ef61f9606e7febea\""),
            "{value}"
        );
    }
}
