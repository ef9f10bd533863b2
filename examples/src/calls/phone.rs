//! The phone's session: what we describe of ourselves, what the phone does, and how both change.
//!
//! It begins with our offer in the INVITE. Early dialogs may answer it one after the other; the
//! answer of the 2xx counts ([`PhoneSession::accept`]). Later the phone may offer something else
//! ([`PhoneSession::answer`]), or ask for our offer ([`PhoneSession::offer`]) and answer that. The
//! session id in our `o=` stays, its version grows when our description changes (RFC 3264 §8). What
//! cannot be agreed to changes nothing.

use std::net::SocketAddr;
use std::time::Duration;

use sdp::negotiate::{
    self, Capabilities, Destination, LocalOrigin, LocalTransport, Refusal, Rtp, Stream,
};
use sdp::{Description, ParseError};

use crate::bridge::{Formats, PhoneMedia};

/// The descriptions of a call, on the phone's side.
#[derive(Debug, Clone)]
pub(super) struct PhoneSession {
    session: negotiate::Session,
    /// The one stream that we have for the phone.
    ours: Capabilities,
    codec: String,
    /// What the phone was told to put into a packet.
    packet_time: Option<Duration>,
    /// Our latest description.
    text: String,
    /// Another packet time than ours that the phone wants, once it was logged.
    other_packet_time: Option<Duration>,
}

/// Why a phone's description cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Malformed(#[from] ParseError),
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// On hold from the first moment.
    #[error("it gives no address to send to (0.0.0.0)")]
    NoAddress,
}

impl PhoneSession {
    /// Offers the codec that was agreed with the browser, and nothing else.
    pub(super) fn new(
        session_id: u64,
        local: SocketAddr,
        browser: &negotiate::Formats,
    ) -> Result<Self, Refusal> {
        let codec = browser.codec.codec.clone();
        let name = codec.name.clone().into_owned();
        let mut audio = Rtp::audio(vec![codec]);
        audio.telephone_event = browser.telephone_event.is_some();
        audio.comfort_noise = browser.comfort_noise.is_some();
        audio.packet_time = browser.packet_time;
        let ours = Capabilities::one(Stream::rtp(audio, LocalTransport::plain(local)));
        let mut session = negotiate::Session::new(LocalOrigin {
            session_id,
            session_version: 1,
            address: local.ip(),
        });
        let text = session.offer(&ours)?.to_string();
        Ok(Self {
            session,
            ours,
            codec: name,
            packet_time: browser.packet_time,
            text,
            other_packet_time: None,
        })
    }

    /// Our description: the body of the INVITE, or the latest one since.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The one codec of the session.
    pub(super) fn codec(&self) -> &str {
        &self.codec
    }

    /// Takes the phone's answer to our latest offer.
    pub(super) fn accept(&mut self, sdp: &str) -> Result<PhoneMedia, Unusable> {
        let answer = Description::parse(sdp)?;
        let mut session = self.session.clone();
        session.accept(&answer)?;
        self.take(session)
    }

    /// Answers an offer of the phone. The answer is [`text`](Self::text) then.
    pub(super) fn answer(&mut self, sdp: &str) -> Result<PhoneMedia, Unusable> {
        let offer = Description::parse(sdp)?;
        let mut session = self.session.clone();
        session.answer(&offer, &self.ours)?;
        self.take(session)
    }

    /// Makes an offer because the phone asks for one: all that we can do, as at the beginning
    /// (RFC 3261 §14.2).
    pub(super) fn offer(&mut self) -> &str {
        // What was offered once can be again.
        if let Ok(ours) = self.session.offer(&self.ours) {
            self.text = ours.to_string();
        }
        &self.text
    }

    /// Takes over what was agreed, and says what media makes of it. On hold with the address
    /// 0.0.0.0 the phone's media stays where it was: what it sends, such as music, comes from there
    /// (RFC 3264 §8.4). What cannot be used changes nothing.
    fn take(&mut self, session: negotiate::Session) -> Result<PhoneMedia, Unusable> {
        let agreed = session
            .agreement()
            .and_then(|agreement| agreement.stream(0));
        let (agreed, formats) = agreed
            .and_then(|agreed| Some((agreed, agreed.formats()?)))
            .ok_or_else(|| Refusal::NoneOffered(vec!["audio".into()]))?;
        let addresses = agreed.destination.addresses();
        let addresses = addresses.ok_or(Unusable::NoAddress)?;
        let direction = agreed.direction;
        let media = PhoneMedia {
            remote: addresses.rtp,
            rtcp: addresses.rtcp,
            formats: Formats::from(formats),
            listens: direction.sends(),
            // A phone that has put us on hold may play music, but it does not owe any.
            speaks: direction.sends() && direction.receives(),
            takes_reports: !matches!(agreed.destination, Destination::Held(_)),
        };
        let theirs = formats.packet_time;
        self.text = session
            .description()
            .map(ToString::to_string)
            .unwrap_or_default();
        self.session = session;
        self.compare_packet_time(theirs);
        Ok(media)
    }

    /// Payloads pass as they are, so that a phone that wants another packet time than the browser
    /// was told does not get it. Said once for each call.
    fn compare_packet_time(&mut self, theirs: Option<Duration>) {
        let ours = self.packet_time;
        if theirs.is_none() || theirs == ours || self.other_packet_time.is_some() {
            return;
        }
        self.other_packet_time = theirs;
        tracing::info!(?ours, ?theirs, "the phone wants another packet time");
    }
}

#[cfg(test)]
mod tests {
    use sdp::negotiate::{AgreedCodec, Codec, PayloadTypes, TelephoneEvent};

    use super::*;

    fn session() -> PhoneSession {
        let payload_types = PayloadTypes {
            send: 0,
            receive: 0,
        };
        let formats = negotiate::Formats {
            codec: AgreedCodec {
                codec: Codec::PCMU,
                payload_types,
                remote_parameters: None,
            },
            alternatives: Vec::new(),
            telephone_event: Some(TelephoneEvent {
                payload_types,
                clock_rate: 8000,
            }),
            comfort_noise: None,
            packet_time: None,
        };
        let local = ([127, 0, 0, 1], 4000).into();
        PhoneSession::new(7, local, &formats).unwrap()
    }

    /// A phone at `192.0.2.1:port`.
    fn phone(port: u16, direction: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=ptime:20\r\na={direction}\r\n"
        )
    }

    fn version(session: &PhoneSession) -> u64 {
        let ours = Description::parse(session.text()).unwrap();
        assert_eq!(ours.origin().unwrap().session_id, "7");
        ours.origin().unwrap().session_version.parse().unwrap()
    }

    #[test]
    fn hold_is_mirrored_and_taken_back() {
        let mut session = session();
        let talking = session.accept(&phone(5000, "sendrecv")).unwrap();
        assert!(talking.listens && talking.speaks);
        assert_eq!(version(&session), 1);
        for (n, (theirs, ours)) in [("sendonly", "recvonly"), ("inactive", "inactive")]
            .into_iter()
            .enumerate()
        {
            let held = session.answer(&phone(5000, theirs)).unwrap();
            assert!(!held.listens && !held.speaks && held.takes_reports);
            assert!(session.text().contains(&format!("a={ours}\r\n")));
            assert_eq!(version(&session), 2 + n as u64);
        }
        assert_eq!(session.answer(&phone(5000, "sendrecv")).unwrap(), talking);
        assert_eq!(version(&session), 4);
    }

    #[test]
    fn hold_without_an_address_keeps_the_place() {
        let mut session = session();
        let old = phone(5000, "sendrecv");
        session.accept(&old).unwrap();
        let nowhere = old.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
        let held = session.answer(&nowhere).unwrap();
        assert!(!held.listens && !held.speaks && !held.takes_reports);
        assert_eq!(held.remote, ([192, 0, 2, 1], 5000).into());
        assert!(session.text().contains("a=recvonly\r\n"));
    }

    #[test]
    fn a_refresh_changes_nothing_and_a_move_only_the_phone() {
        let mut session = session();
        let before = session.accept(&phone(5000, "sendrecv")).unwrap();
        let ours = session.text().to_owned();
        assert_eq!(session.answer(&phone(5000, "sendrecv")).unwrap(), before);
        assert_eq!(session.text(), ours);
        let moved = session.answer(&phone(6000, "sendrecv")).unwrap();
        assert_eq!(moved.remote.port(), 6000);
        assert_eq!(session.text(), ours, "nothing changed on our side");
    }

    #[test]
    fn what_cannot_be_agreed_to_leaves_the_session() {
        let mut session = session();
        session.accept(&phone(5000, "sendrecv")).unwrap();
        let ours = session.text().to_owned();
        let other_codec = phone(6000, "sendonly").replace("AVP 8 0 101", "AVP 8 101");
        let other_family = phone(6000, "sendonly").replace("c=IN IP4 192.0.2.1", "c=IN IP6 ::1");
        let gone = phone(0, "sendonly");
        for bad in [&other_codec, &other_family, &gone, "x"] {
            session.answer(bad).unwrap_err();
            assert_eq!(session.text(), ours);
            let agreement = session.session.agreement().unwrap();
            let addresses = agreement.stream(0).unwrap().destination.addresses();
            assert_eq!(addresses.unwrap().rtp.port(), 5000);
        }
    }

    #[test]
    fn what_was_refused_keeps_its_place_in_later_offers() {
        let mut session = session();
        session.accept(&phone(5000, "sendrecv")).unwrap();
        let audio = phone(5000, "sendrecv");
        let with_video = audio.clone() + "m=video 6000 RTP/AVP 96\r\n";
        session.answer(&with_video).unwrap();
        let offer = session.offer().to_owned();
        let ports: Vec<_> = Description::parse(&offer)
            .unwrap()
            .media()
            .iter()
            .map(|media| (media.kind().to_owned(), media.port()))
            .collect();
        assert_eq!(ports, [("audio".to_owned(), 4000), ("video".to_owned(), 0)]);
        session.accept(&audio).unwrap_err();
        let answer = audio + "m=video 0 RTP/AVP 96\r\n";
        assert_eq!(session.accept(&answer).unwrap().remote.port(), 5000);
        assert_eq!(session.offer(), offer, "nothing changed since");
    }

    #[test]
    fn an_offer_that_was_asked_for_offers_everything_again() {
        let mut session = session();
        session.accept(&phone(5000, "sendrecv")).unwrap();
        session.answer(&phone(5000, "inactive")).unwrap();
        assert_eq!(version(&session), 2);
        assert!(session.offer().contains("a=sendrecv\r\n"));
        assert_eq!(version(&session), 3);
        let resumed = session.accept(&phone(5000, "sendrecv")).unwrap();
        assert!(resumed.listens && resumed.speaks);
    }
}
