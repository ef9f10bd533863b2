//! Whether our own texts can be written. A broken one is refused here, where it is known whose it is.

use crate::attribute::{Candidate, Fingerprint, IcePwd, IceUfrag, Msid, Raw, Ssrc, Typed};
use crate::negotiate::Refusal;
use crate::negotiate::browser::{LocalStream, LocalTransport};

/// Every text must read back as what it was written for.
pub(super) fn check(transport: &LocalTransport, stream: &LocalStream) -> Result<(), Refusal> {
    let LocalTransport {
        credentials,
        candidates,
        fingerprints,
        ..
    } = transport;
    need(fits::<IceUfrag>(&credentials.ufrag), "ICE ufrag")?;
    need(fits::<IcePwd>(&credentials.pwd), "ICE password")?;
    let mut candidates = candidates.iter().map(|text| Candidate::new(text).text);
    let whole = |text: &str| !text.starts_with("a=") && fits::<Candidate>(text);
    need(candidates.all(whole), "ICE candidate")?;
    // RFC 8122 §5: without a fingerprint the peer could not verify us.
    let proved = !fingerprints.is_empty();
    let well_formed = |text: &String| fits::<Fingerprint>(text);
    need(
        proved && fingerprints.iter().all(well_formed),
        "fingerprint",
    )?;
    let msid = format!("{} {}", stream.stream, stream.track);
    need(fits::<Msid>(&msid), "stream or track id")?;
    let source = format!("{} cname:{}", stream.ssrc, stream.cname);
    need(fits::<Ssrc>(&source), "cname")
}

fn need(fits: bool, what: &'static str) -> Result<(), Refusal> {
    if fits {
        Ok(())
    } else {
        Err(Refusal::OwnText(what))
    }
}

/// Characters that end a line, or that no line may hold, fit nowhere.
fn fits<'a, T: Typed<'a>>(value: &'a str) -> bool {
    let raw = Raw {
        name: "",
        value: Some(value),
    };
    !value.contains(['\r', '\n', '\0']) && T::read(raw).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiate::Credentials;
    use crate::negotiate::browser::DtlsRole;

    fn refused(change: fn(&mut LocalTransport, &mut LocalStream)) -> Option<Refusal> {
        let mut transport = LocalTransport {
            credentials: Credentials {
                ufrag: "w0Kx".into(),
                pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
            },
            candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".into()],
            end_of_candidates: true,
            fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
            role: DtlsRole::Server,
        };
        let mut stream = LocalStream {
            stream: "gw".into(),
            track: "audio".into(),
            ssrc: 1,
            cname: "gw".into(),
        };
        change(&mut transport, &mut stream);
        check(&transport, &stream).err()
    }

    #[test]
    fn each_broken_text_is_named() {
        assert_eq!(refused(|_, _| ()), None);
        let own = |what| Some(Refusal::OwnText(what));
        assert_eq!(
            refused(|t, _| t.credentials.ufrag = "a b".into()),
            own("ICE ufrag")
        );
        assert_eq!(
            refused(|t, _| t.credentials.pwd = "short".into()),
            own("ICE password")
        );
        assert_eq!(
            refused(|t, _| t.candidates.push("candidate:1\r\na=x".into())),
            own("ICE candidate")
        );
        assert_eq!(
            refused(|t, _| t.candidates.push("a=candidate:1 1 udp".into())),
            own("ICE candidate")
        );
        assert_eq!(refused(|t, _| t.fingerprints.clear()), own("fingerprint"));
        assert_eq!(
            refused(|t, _| t.fingerprints.push("sha-256 AB".into())),
            own("fingerprint")
        );
        assert_eq!(
            refused(|_, s| s.stream = "a b".into()),
            own("stream or track id")
        );
        assert_eq!(refused(|_, s| s.track.clear()), own("stream or track id"));
        assert_eq!(refused(|_, s| s.cname.clear()), own("cname"));
    }
}
