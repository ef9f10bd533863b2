//! Any order of refusals, from an honest server and from somebody on the way who changes what it says: the
//! client neither panics nor asks for ever, and the server lets nobody in who does not know the password.
//!
//! Input: a byte for what the server announces, one for whether the password is right, then steps of two
//! bytes: what happens to the answer, and where or how long.
#![no_main]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::credentials::{Client, KeyDerivation, Server, User, Verdict};
use stun_codec::{Builder, Class, Message, Method, TransactionId};

const REALM: &str = "example.org";

fn server(now: Instant, announces: u8) -> Server {
    let server = Server::new(now, [7; 32], REALM).expect("a plain realm");
    let server = match announces & 3 {
        0 => server,
        1 => server.with_algorithms(&[KeyDerivation::Sha256]),
        2 => server.with_algorithms(&[KeyDerivation::Md5, KeyDerivation::Sha256]),
        _ => server.with_algorithms(&[KeyDerivation::Sha256, KeyDerivation::Md5]),
    };
    match announces & 4 {
        0 => server,
        _ => server.with_userhash(),
    }
    .with_nonce_lifetime(Duration::from_secs(60))
}

fuzz_target!(|data: &[u8]| {
    let Some((&[announces, is_right], steps)) = data.split_first_chunk::<2>() else {
        return;
    };
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let mut now = Instant::now();
    let server = server(now, announces);
    let is_right = is_right & 1 == 1;
    let password = if is_right { "pass" } else { "wrong" };
    let mut client = Client::new("user", password).expect("plain words");
    let from = "192.0.2.1:4000".parse().expect("an address");
    let mut id = 0_u8;
    for step in steps.chunks(2) {
        let (what, how) = (step[0], usize::from(step.get(1).copied().unwrap_or(0)));
        let mut out = BytesMut::new();
        id = id.wrapping_add(1);
        let request = Builder::request(&mut out, Method::ALLOCATE, TransactionId([id; 12]));
        client.seal(request).fingerprint().expect("a small message");
        let mut sent = out.to_vec();
        // Bits change on the way there.
        if what & 0x0c == 0x0c {
            let at = how % sent.len();
            sent[at] ^= 1 << (what >> 5);
        }
        now += Duration::from_secs(if what & 0x10 == 0 { 0 } else { how as u64 });
        let Ok(request) = Message::parse(&sent) else {
            continue;
        };
        let mut out = BytesMut::new();
        let checked = server.check(&request, from, now, |user, derivation| {
            assert!(!matches!(user, User::Name(name) if name.len() > 763));
            Some(derivation.key("user", REALM, "pass"))
        });
        match checked {
            Ok(authenticated) => {
                assert!(is_right, "let in with a wrong password");
                let response = Builder::success(&mut out, &request);
                authenticated
                    .seal(response)
                    .fingerprint()
                    .expect("a small message");
            }
            Err(challenge) => {
                challenge
                    .write(&request, &mut out)
                    .expect("a small message");
            }
        }
        let mut answer = out.to_vec();
        // And on the way back: cut, changed, or with a checksum that fits.
        match what & 3 {
            1 => answer.truncate(how),
            2 => {
                let at = how % answer.len();
                answer[at] ^= 1 << (what >> 5);
            }
            3 => answer.extend_from_slice(steps),
            _ => {}
        }
        let Ok(answer) = Message::parse(&answer) else {
            continue;
        };
        let Ok(answer) = client.check(&answer) else {
            continue;
        };
        if answer.class() != Class::Success
            && let Verdict::Final(cause) = client.handle_error(&answer)
        {
            let _ = cause.to_string();
            return;
        }
        let _ = format!("{client:?}");
    }
});
