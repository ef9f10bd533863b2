//! The echo phone's session descriptions.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// A codec the phone knows, as the offer numbers it.
struct Codec {
    payload_type: u8,
    name: &'static str,
}

/// The static payload types of RFC 3551 §6 that the phone knows.
const STATIC: [Codec; 2] = [
    Codec {
        payload_type: 0,
        name: "PCMU/8000",
    },
    Codec {
        payload_type: 8,
        name: "PCMA/8000",
    },
];

const KEYS: &str = "telephone-event/8000";

/// What the phone takes from an offer.
pub(super) struct Offer {
    /// Where the caller's media comes from.
    pub(super) address: IpAddr,
    codecs: Vec<Codec>,
    /// The `m=` line's index and how many there are.
    audio: usize,
    media: Vec<String>,
}

/// The answer's text.
pub(super) type Answer = String;

impl Offer {
    /// Reads an offer; `None` if it has no audio the phone can answer.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut address = None;
        let mut media: Vec<String> = vec![];
        let mut audio = None;
        let mut codecs: Vec<Codec> = vec![];
        let mut types: Vec<u8> = vec![];
        for line in text.lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else {
                continue;
            };
            let here = audio.is_none_or(|index: usize| index + 1 == media.len());
            match kind {
                "m" => {
                    if audio.is_none() && is_audio(value) {
                        audio = Some(media.len());
                        types = value
                            .split(' ')
                            .skip(3)
                            .filter_map(|t| t.parse().ok())
                            .collect();
                        codecs = static_codecs(&types);
                    }
                    media.push(value.to_owned());
                }
                "c" if here && (audio.is_some() || address.is_none()) => {
                    address = value.split_whitespace().nth(2).and_then(|a| a.parse().ok());
                }
                "a" if here && audio.is_some() => {
                    if let Some(codec) = mapped_codec(value, &types) {
                        codecs.retain(|known| known.payload_type != codec.payload_type);
                        codecs.push(codec);
                    }
                }
                _ => {}
            }
        }
        let speaks = codecs.iter().any(|codec| codec.name != KEYS);
        match speaks {
            true => Some(Self {
                address: address?,
                codecs,
                audio: audio?,
                media,
            }),
            false => None,
        }
    }

    /// The payload types of the answer: the first codec, and key presses.
    pub(super) fn payload_types(&self) -> Vec<u8> {
        self.chosen().map(|codec| codec.payload_type).collect()
    }

    fn chosen(&self) -> impl Iterator<Item = &Codec> {
        let speech = self.codecs.iter().find(|codec| codec.name != KEYS);
        let keys = self.codecs.iter().find(|codec| codec.name == KEYS);
        speech.into_iter().chain(keys)
    }

    /// The answer for media at `local` (RFC 3264 §6): one codec, other media declined.
    pub(super) fn answer(&self, local: SocketAddr) -> Answer {
        let family = if local.is_ipv4() { "IP4" } else { "IP6" };
        let (ip, port) = (local.ip(), local.port());
        let mut text = format!(
            "v=0\r\no=- {port} 1 IN {family} {ip}\r\ns=echo\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
        );
        for (index, offered) in self.media.iter().enumerate() {
            if index == self.audio {
                let types = self
                    .payload_types()
                    .iter()
                    .fold(String::new(), |mut all, one| {
                        let _ = write!(all, " {one}");
                        all
                    });
                let _ = write!(text, "m=audio {port} RTP/AVP{types}\r\n");
                for codec in self.chosen() {
                    let _ = write!(text, "a=rtpmap:{} {}\r\n", codec.payload_type, codec.name);
                    if codec.name == KEYS {
                        let _ = write!(text, "a=fmtp:{} 0-16\r\n", codec.payload_type);
                    }
                }
                text.push_str("a=ptime:20\r\na=sendrecv\r\n");
            } else {
                let mut words = offered.split(' ');
                let kind = words.next().unwrap_or("audio");
                let rest = words.skip(1).collect::<Vec<_>>().join(" ");
                let _ = write!(text, "m={kind} 0 {rest}\r\n");
            }
        }
        text
    }
}

/// `audio PORT RTP/AVP TYPES` with a port to send to.
fn is_audio(media: &str) -> bool {
    let mut words = media.split(' ');
    words.next() == Some("audio")
        && words.next().is_some_and(|port| port != "0")
        && words.next() == Some("RTP/AVP")
}

fn static_codecs(types: &[u8]) -> Vec<Codec> {
    let known = |t: &u8| STATIC.into_iter().find(|codec| codec.payload_type == *t);
    types.iter().filter_map(known).collect()
}

/// `rtpmap:TYPE NAME/RATE[/1]` of a codec the phone knows.
fn mapped_codec(attribute: &str, types: &[u8]) -> Option<Codec> {
    let (payload_type, mapped) = attribute.strip_prefix("rtpmap:")?.split_once(' ')?;
    let payload_type = payload_type.parse().ok().filter(|t| types.contains(t))?;
    let mapped = mapped.strip_suffix("/1").unwrap_or(mapped);
    ["PCMU/8000", "PCMA/8000", KEYS]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(mapped))
        .map(|name| Codec { payload_type, name })
}
