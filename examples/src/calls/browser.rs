//! The browser's side of a call: its offer answered, its session made.

use std::time::{Duration, Instant};

use dtls_handshake::{Fingerprint, FingerprintError};
use ice_agent::{Agent, Config as IceConfig, Role};
use sdp::negotiate::{
    self, AgreedDtls, Capabilities, Credentials, Formats, LocalDtls, LocalOrigin, LocalTransport,
    Refusal, RemoteIce, Rtp, Source, Stream,
};
use sdp::{Description, ParseError};

use super::ice::{describe, read_candidates};
use super::random::Random;
use super::{CallError, Resources};
use crate::media::Seat;
use crate::session::{DtlsRole, LocalIce, Session, SessionConfig};

/// From the answer to the end of a call whose browser we cannot reach.
const ICE_DEADLINE: Duration = Duration::from_secs(20);

/// SRTP profiles by their DTLS ids, the preferred first: AEAD_AES_128_GCM (RFC 7714 §14.2),
/// SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764 §4.1.2).
const SRTP_PROFILES: [u16; 2] = [0x0007, 0x0001];

/// The browser's side of a call.
pub(super) struct BrowserLeg {
    pub(super) seat: Seat,
    /// Our user name fragment, by which media finds the call.
    pub(super) ufrag: String,
    pub(super) session: Session,
    /// What both sides have said.
    pub(super) negotiation: negotiate::Session,
    /// Our answer.
    pub(super) answer: String,
    /// The formats of the audio.
    pub(super) formats: Formats,
}

impl BrowserLeg {
    /// Answers an offer.
    pub(super) fn answer(
        resources: &Resources,
        offer: &str,
        random: &Random,
    ) -> Result<Self, CallError> {
        let offer = Description::parse(offer).map_err(malformed)?;
        let now = now();
        let no_worker = CallError::Exhausted {
            what: "no media worker runs".into(),
        };
        let seat = resources.media.place().ok_or(no_worker)?;
        let mut ice = local_agent(&seat, *random.ice, now)?;
        let ufrag = ice.local_credentials().ufrag().to_owned();
        let ours = capabilities(resources, &mut ice, random);
        let (negotiation, agreed) =
            negotiate(&offer, &ours, random).map_err(|refusal| unacceptable(&refusal))?;
        tell_remote(&mut ice, &agreed.ice, now)?;
        let fingerprints = read_fingerprints(&agreed.dtls.fingerprints)?;
        let config = SessionConfig {
            ice,
            dtls: dtls_handshake::Config::new(resources.identity.clone())
                .with_versions(&resources.dtls_versions)
                .with_srtp_profiles(&SRTP_PROFILES),
            role: match agreed.dtls.role {
                negotiate::DtlsRole::Client => DtlsRole::Client,
                negotiate::DtlsRole::Server => DtlsRole::Server,
            },
            fingerprints,
            seed: random.dtls.clone(),
        };
        Ok(Self {
            seat,
            ufrag,
            session: Session::new(config, now),
            negotiation,
            answer: agreed.answer,
            formats: agreed.formats,
        })
    }
}

/// What was agreed with a browser.
struct Agreed {
    answer: String,
    ice: RemoteIce,
    dtls: AgreedDtls,
    formats: Formats,
}

/// Answers the offer by the one stream that we have.
fn negotiate(
    offer: &Description<'_>,
    ours: &Capabilities,
    random: &Random,
) -> Result<(negotiate::Session, Agreed), Refusal> {
    let mut session = negotiate::Session::new(LocalOrigin {
        session_id: random.session_id(),
        session_version: 1,
        address: std::net::Ipv4Addr::UNSPECIFIED.into(),
    });
    let audio = session.answer(offer, ours)?.stream(0).cloned();
    let audio = audio.ok_or_else(|| Refusal::NoneOffered(vec!["audio".into()]))?;
    let agreed = Agreed {
        answer: session
            .description()
            .map(ToString::to_string)
            .unwrap_or_default(),
        dtls: audio.keys.dtls().cloned().ok_or(Refusal::NoFingerprint)?,
        formats: audio.formats().cloned().ok_or(Refusal::NoMedia)?,
        ice: audio.ice.ok_or(Refusal::NoIceCredentials)?,
    };
    Ok((session, agreed))
}

/// An agent with the host candidates of its seat. The offerer controls (RFC 8445 §6.1.1).
fn local_agent(seat: &Seat, seed: [u8; 32], now: Instant) -> Result<Agent, CallError> {
    let config = IceConfig {
        role: Role::Controlled,
        deadline: ICE_DEADLINE,
        ..IceConfig::default()
    };
    let mut ice = Agent::new(config, seed).map_err(|error| CallError::exhausted(&error))?;
    for (id, local) in seat.hosts.iter() {
        ice.add_host(now, *id, *local)
            .map_err(|error| CallError::exhausted(&error))?;
    }
    ice.end_of_local_candidates(now);
    Ok(ice)
}

fn capabilities(resources: &Resources, ice: &mut Agent, random: &Random) -> Capabilities {
    // What else the agent tells is nothing yet.
    let local = LocalIce::take(ice, drop);
    let mut audio = Rtp::audio(resources.codecs.clone());
    audio.comfort_noise = resources.comfort_noise;
    audio.packet_time = Some(resources.packet_time);
    audio.source = Some(Source {
        stream: "crosspoint".into(),
        track: "phone".into(),
        ssrc: random.ssrc,
        cname: random.cname(),
    });
    let dtls = LocalDtls {
        fingerprints: vec![resources.identity.fingerprint().to_string()],
        role: match resources.dtls_role {
            DtlsRole::Client => negotiate::DtlsRole::Client,
            DtlsRole::Server => negotiate::DtlsRole::Server,
        },
        tls_id: None,
    };
    let transport = LocalTransport::webrtc(describe(&local), dtls);
    Capabilities::bundled(vec![Stream::rtp(audio, transport)])
}

/// Hashes that prove nothing any more, such as sha-1, are left out where a better one stands
/// beside them (RFC 8122 §5).
fn read_fingerprints(texts: &[String]) -> Result<Vec<Fingerprint>, CallError> {
    let mut usable = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(fingerprint) => usable.push(fingerprint),
            Err(FingerprintError::UnsupportedAlgorithm(_)) => {}
            Err(error) => return Err(unacceptable(&error)),
        }
    }
    match usable.is_empty() {
        true => Err(unacceptable(
            &"no fingerprint has a hash function that can be trusted",
        )),
        false => Ok(usable),
    }
}

fn tell_remote(ice: &mut Agent, remote: &RemoteIce, now: Instant) -> Result<(), CallError> {
    let Credentials { ufrag, pwd } = &remote.credentials;
    let credentials = ice_agent::Credentials::new(ufrag.as_str(), pwd.as_str());
    let credentials = credentials.map_err(|error| unacceptable(&error))?;
    ice.set_remote_credentials(now, credentials)
        .map_err(|error| unacceptable(&error))?;
    for candidate in read_candidates(remote.candidates.iter()) {
        // One that is superfluous, or one too many, is no reason to refuse the call.
        let _ = ice.add_remote_candidate(now, candidate);
    }
    if remote.end_of_candidates {
        ice.end_of_remote_candidates(now);
    }
    Ok(())
}

pub(super) fn malformed(error: ParseError) -> CallError {
    let ParseError { line, column, .. } = error;
    let problem = format!("expected {}, found {}", error.expected, error.found);
    CallError::MalformedSdp {
        line,
        column,
        problem,
    }
}

pub(super) fn unacceptable(reason: &dyn std::fmt::Display) -> CallError {
    CallError::Unacceptable {
        reason: reason.to_string(),
    }
}

#[allow(clippy::disallowed_methods)] // the control plane tells media when a call begins
fn now() -> Instant {
    Instant::now()
}
