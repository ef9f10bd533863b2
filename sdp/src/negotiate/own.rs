//! Whether our own texts can be written. A broken one is refused here, where it is known whose it is.

use std::collections::BTreeSet;

use crate::attribute::{
    Candidate, Crypto, Fingerprint, IcePwd, IceUfrag, Mid, Msid, Raw, Ssrc, TlsId, Typed,
};
use crate::grammar;
use crate::negotiate::{
    Capabilities, Codec, Content, Keying, LocalDtls, LocalIce, Refusal, Rtp, Source,
};

/// Every text must read back as what it was written for.
pub(super) fn check(ours: &Capabilities) -> Result<(), Refusal> {
    for stream in &ours.streams {
        need(stream.mid.as_deref().is_none_or(fits::<Mid>), "mid")?;
        stream.transport.ice.as_ref().map_or(Ok(()), check_ice)?;
        check_keying(&stream.transport.keying)?;
        match &stream.content {
            Content::Rtp(rtp) => check_rtp(rtp)?,
            // RFC 8841 §4: data channels are inside DTLS.
            Content::Data(_) => need(stream.transport.keying.dtls.is_some(), "fingerprint")?,
        }
    }
    Ok(())
}

fn check_ice(ice: &LocalIce) -> Result<(), Refusal> {
    need(fits::<IceUfrag>(&ice.credentials.ufrag), "ICE ufrag")?;
    need(fits::<IcePwd>(&ice.credentials.pwd), "ICE password")?;
    let mut candidates = ice.candidates.iter().map(|text| Candidate::new(text).text);
    let whole = |text: &str| !text.starts_with("a=") && fits::<Candidate>(text);
    need(candidates.all(whole), "ICE candidate")
}

fn check_keying(keying: &Keying) -> Result<(), Refusal> {
    if let Some(LocalDtls {
        fingerprints,
        tls_id,
        ..
    }) = &keying.dtls
    {
        // RFC 8122 §5: without a fingerprint the peer could not verify us.
        let proved = !fingerprints.is_empty();
        let well_formed = |text: &String| fits::<Fingerprint>(text);
        need(
            proved && fingerprints.iter().all(well_formed),
            "fingerprint",
        )?;
        need(tls_id.as_deref().is_none_or(fits::<TlsId>), "tls-id")?;
    }
    let mut keys = keying.sdes.iter();
    let well_formed = |key: &super::LocalKey| {
        let line = format!("1 {} {}", key.suite, key.key_params);
        fits::<Crypto>(&line) && !key.key_params.contains(' ')
    };
    need(keys.all(well_formed), "SDES key")
}

fn check_rtp(rtp: &Rtp) -> Result<(), Refusal> {
    need(is_token(&rtp.kind), "kind of media")?;
    let well_formed = |codec: &Codec| {
        let parameters = codec.parameters.as_deref().unwrap_or("-");
        let numbers = codec.payload_type < 128 && codec.clock_rate > 0 && codec.channels > 0;
        numbers && is_token(&codec.name) && !parameters.is_empty() && is_one_line(parameters)
    };
    let numbers: BTreeSet<_> = rtp.codecs.iter().map(|codec| codec.payload_type).collect();
    need(numbers.len() == rtp.codecs.len(), "payload type")?;
    need(
        !rtp.codecs.is_empty() && rtp.codecs.iter().all(well_formed),
        "codec",
    )?;
    let Some(Source {
        stream,
        track,
        ssrc,
        cname,
    }) = &rtp.source
    else {
        return Ok(());
    };
    need(
        fits::<Msid>(&format!("{stream} {track}")),
        "stream or track id",
    )?;
    need(fits::<Ssrc>(&format!("{ssrc} cname:{cname}")), "cname")
}

fn need(fits: bool, what: &'static str) -> Result<(), Refusal> {
    if fits {
        Ok(())
    } else {
        Err(Refusal::OwnText(what))
    }
}

fn is_token(text: &str) -> bool {
    grammar::whole(text, grammar::token("a token")).is_ok()
}

/// Characters that end a line, or that no line may hold, fit nowhere.
fn is_one_line(text: &str) -> bool {
    !text.contains(['\r', '\n', '\0'])
}

fn fits<'a, T: Typed<'a>>(value: &'a str) -> bool {
    let raw = Raw {
        name: "",
        value: Some(value),
    };
    is_one_line(value) && T::read(raw).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiate::{Credentials, DtlsRole, LocalKey, LocalTransport, Stream};

    /// What is refused of capabilities that are right but for one change.
    fn refused(change: impl FnOnce(&mut LocalIce, &mut Keying, &mut Rtp)) -> Option<Refusal> {
        let mut ice = LocalIce {
            credentials: Credentials {
                ufrag: "w0Kx".into(),
                pwd: "8SzDn7sSvvGDnUKJzcVpPa0x".into(),
            },
            candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 16384 typ host".into()],
            end_of_candidates: true,
            lite: false,
        };
        let mut keying = Keying {
            dtls: Some(LocalDtls {
                fingerprints: vec![format!("sha-256 {}", ["AB"; 32].join(":"))],
                role: DtlsRole::Server,
                tls_id: None,
            }),
            ..Keying::default()
        };
        let mut rtp = Rtp::audio(vec![Codec::OPUS]);
        rtp.source = Some(Source {
            stream: "gw".into(),
            track: "audio".into(),
            ssrc: 1,
            cname: "gw".into(),
        });
        change(&mut ice, &mut keying, &mut rtp);
        let mut transport = LocalTransport::plain(([192, 0, 2, 1], 4000).into());
        (transport.ice, transport.keying) = (Some(ice), keying);
        check(&Capabilities::one(Stream::rtp(rtp, transport))).err()
    }

    #[test]
    fn each_broken_text_is_named() {
        assert_eq!(refused(|_, _, _| ()), None);
        let own = |what| Some(Refusal::OwnText(what));
        let ufrag = refused(|ice, _, _| ice.credentials.ufrag = "a b".into());
        assert_eq!(ufrag, own("ICE ufrag"));
        let pwd = refused(|ice, _, _| ice.credentials.pwd = "short".into());
        assert_eq!(pwd, own("ICE password"));
        for wrong in ["candidate:1\r\na=x", "a=candidate:1 1 udp"] {
            let candidate = refused(|ice, _, _| ice.candidates.push(wrong.into()));
            assert_eq!(candidate, own("ICE candidate"));
        }
        type Change = fn(&mut LocalDtls);
        let changes: [(Change, _); 3] = [
            (|dtls| dtls.fingerprints.clear(), "fingerprint"),
            (
                |dtls| dtls.fingerprints.push("sha-256 AB".into()),
                "fingerprint",
            ),
            (|dtls| dtls.tls_id = Some("short".into()), "tls-id"),
        ];
        for (change, what) in changes {
            let dtls = refused(|_, keying, _| keying.dtls.iter_mut().for_each(change));
            assert_eq!(dtls, own(what));
        }
        let key = LocalKey {
            suite: "AES_CM_128_HMAC_SHA1_80".into(),
            key_params: "inline:a b".into(),
        };
        assert_eq!(
            refused(|_, keying, _| keying.sdes.push(key)),
            own("SDES key")
        );
        let changes: [(fn(&mut Source), _); 3] = [
            (|source| source.stream = "a b".into(), "stream or track id"),
            (|source| source.track.clear(), "stream or track id"),
            (|source| source.cname.clear(), "cname"),
        ];
        for (change, what) in changes {
            let source = refused(|_, _, rtp| rtp.source.iter_mut().for_each(change));
            assert_eq!(source, own(what));
        }
        assert_eq!(refused(|_, _, rtp| rtp.codecs.clear()), own("codec"));
        let parameters = |rtp: &mut Rtp| rtp.codecs[0].parameters = Some("a\nb".into());
        assert_eq!(refused(|_, _, rtp| parameters(rtp)), own("codec"));
        assert_eq!(
            refused(|_, _, rtp| rtp.kind = "au dio".into()),
            own("kind of media")
        );
    }
}
