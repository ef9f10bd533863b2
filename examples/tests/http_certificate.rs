//! The certificate that is made and kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use std::fs;
use std::time::{Duration, SystemTime};

use examples::config::Tls;
use examples::http::{Certificate, CertificateError};
use http_support::Folder;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + DAY * 20_000
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn load(
    folder: &Folder,
    names: &[String],
    now: SystemTime,
) -> Result<Certificate, CertificateError> {
    let tls = Tls::SelfSigned {
        state_dir: folder.path().join("deep/state"),
    };
    Certificate::load(&tls, names, now)
}

#[test]
fn it_is_kept_while_it_serves_and_made_anew_when_it_does_not() {
    let folder = Folder::new();
    let few = names(&["127.0.0.1", "::1", "localhost"]);
    let more = names(&["127.0.0.1", "::1", "calls.example", "localhost"]);
    let fingerprint = |names: &[String], now| load(&folder, names, now).unwrap().fingerprint();

    let first = fingerprint(&few, now());
    assert_eq!(first.len(), 32 * 3 - 1);
    assert_eq!(fingerprint(&few, now()), first);
    assert_eq!(fingerprint(&few, now() + DAY * 300), first, "still valid");
    let second = fingerprint(&more, now());
    assert_ne!(second, first, "other names");
    let third = fingerprint(&few, now());
    assert_ne!(third, second, "fewer names");
    let fourth = fingerprint(&few, now() + DAY * 340);
    assert_ne!(fourth, third, "expires soon");
    assert_eq!(fingerprint(&few, now() + DAY * 341), fourth);
    assert_ne!(fingerprint(&few, now()), fourth, "not valid yet");
}

#[test]
fn a_damaged_or_mixed_up_pair_is_made_anew() {
    let folder = Folder::new();
    let names = names(&["localhost"]);
    let state = folder.path().join("deep/state");
    let mut last = load(&folder, &names, now()).unwrap().fingerprint();
    let other = Folder::new();
    load(&other, &names, now()).unwrap();
    let other_key = fs::read(other.path().join("deep/state/https-key.pem")).unwrap();
    for (file, contents) in [
        ("https-cert.pem", b"nonsense".as_slice()),
        ("https-cert.pem", b""),
        ("https-key.pem", b"nonsense"),
        ("https-key.pem", &other_key),
    ] {
        fs::write(state.join(file), contents).unwrap();
        let next = load(&folder, &names, now()).unwrap().fingerprint();
        assert_ne!(next, last, "{file}");
        assert_eq!(load(&folder, &names, now()).unwrap().fingerprint(), next);
        last = next;
    }
    fs::remove_file(state.join("https-key.pem")).unwrap();
    assert_ne!(load(&folder, &names, now()).unwrap().fingerprint(), last);
}

#[cfg(unix)]
#[test]
fn only_its_user_can_read_the_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    load(&folder, &names(&["localhost"]), now()).unwrap();
    let mode = |path: &str| {
        fs::metadata(folder.path().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("deep/state/https-key.pem"), 0o600);
    assert_eq!(mode("deep/state"), 0o700);
    let files = fs::read_dir(folder.path().join("deep/state"))
        .unwrap()
        .count();
    assert_eq!(files, 2, "no temporary file stays");
}

#[test]
fn own_files_are_used_and_their_faults_named() {
    let folder = Folder::new();
    let made = load(&folder, &names(&["localhost"]), now()).unwrap();
    let state = folder.path().join("deep/state");
    let tls = |key: &str| Tls::Files {
        certificate: state.join("https-cert.pem"),
        key: state.join(key),
    };
    // Names and dates of the operator's own files are the operator's business.
    let own = Certificate::load(&tls("https-key.pem"), &[], now() + DAY * 1000).unwrap();
    assert_eq!(own.der(), made.der());
    let missing = Certificate::load(&tls("missing.pem"), &[], now()).unwrap_err();
    assert!(missing.to_string().contains("missing.pem"), "{missing}");
    let no_key = Certificate::load(&tls("https-cert.pem"), &[], now()).unwrap_err();
    assert!(matches!(no_key, CertificateError::Pem { .. }), "{no_key}");
}
