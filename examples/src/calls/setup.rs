//! How a call begins: the browser's offer is answered, the phone is invited, media is placed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use super::browser::{BrowserLeg, unacceptable};
use super::ice::IceSession;
use super::phone::PhoneSession;
use super::random::Random;
use super::{CallError, Owner, Resources};
use crate::bridge::{self, Bridge, BridgeConfig, Formats, NtpOrigin, ReportConfig, Rewriter};
use crate::media::Placed;
use crate::sip::{InvalidUser, OutgoingCall, User};
use crate::turn::embedded::Lease;

/// A call whose phone is being invited.
pub(super) struct SetUp {
    pub(super) answer: String,
    pub(super) media: Placed,
    pub(super) media_events: mpsc::Receiver<bridge::Event>,
    pub(super) outgoing: OutgoingCall,
    pub(super) phone: PhoneSession,
    pub(super) ice: IceSession,
    pub(super) turn: Option<Lease>,
}

/// Answers the offer and invites the phone. `grant` is the name of the TURN login that the browser has.
pub(super) async fn set_up(
    resources: &Resources,
    owner: &Owner,
    to: &str,
    offer: &str,
    grant: Option<&str>,
) -> Result<SetUp, CallError> {
    let bad_target = |problem: InvalidUser| CallError::BadTarget {
        to: to.to_owned(),
        problem,
    };
    let to: User = to.parse().map_err(bad_target)?;
    let route = resources.routes.find(&to)?;
    let random = Random::draw()?;
    let leg = BrowserLeg::answer(resources, offer, &random)?;

    let phone_ports = resources
        .media
        .open_phone(route.media_ip)
        .map_err(|error| CallError::exhausted(&error))?;
    let phone = PhoneSession::new(random.session_id(), phone_ports.local, &leg.formats)
        .map_err(|refusal| unacceptable(&refusal))?;
    let invited = route
        .agent
        .invite(&route.server, &to, phone.text().to_owned())
        .await;
    let outgoing = invited.map_err(|error| CallError::exhausted(&error))?;

    let BrowserLeg {
        seat,
        ufrag,
        session,
        negotiation,
        answer,
        formats,
    } = leg;
    let ice = IceSession::new(negotiation)?;
    let turn = resources.turn.as_ref();
    let turn = turn.map(|server| server.bind(owner, grant)).transpose();
    let turn = turn.map_err(|error| CallError::exhausted(&error))?;
    let clock_rate = formats.codec.codec.clock_rate;
    let (now, since_1970) = clocks();
    let config = BridgeConfig {
        session,
        browser: Formats::from(&formats),
        to_browser: Rewriter::new(random.ssrc, clock_rate, random.to_browser),
        to_phone: Rewriter::new(random.phone_ssrc, clock_rate, random.to_phone),
        reports: ReportConfig {
            cname: random.cname(),
            clock: NtpOrigin::new(now, since_1970),
            seed: random.reports,
        },
        learn_phone_address: resources.learn_phone_address,
        silence: resources.silence,
    };
    let bridge = Bridge::new(config, now);
    let (media, media_events) = resources.media.add(&seat, ufrag, bridge, phone_ports);
    Ok(SetUp {
        answer,
        ice,
        media,
        media_events,
        outgoing,
        phone,
        turn,
    })
}

/// Now, and how long since the beginning of 1970.
#[allow(clippy::disallowed_methods)] // the control plane tells media what time it is
fn clocks() -> (Instant, Duration) {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    (Instant::now(), since_1970.unwrap_or_default())
}
