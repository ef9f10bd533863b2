//! Session descriptions.

use std::io::{self, Write};

use ice_agent::Candidate;
use sdp::attribute::{self, Direction, Fmtp, Raw, Rtpmap};
use sdp::{Description, Found, Media, Mode, Options, ParseError};
use serde::Serialize;

use super::attribute::typed;
use super::{REDACTED, Secrets, Verdict, write_line};

/// How a description is read and shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct SdpOptions {
    /// Whether broken rules are forgiven.
    pub mode: Mode,
    /// Whether passwords and keys are shown.
    pub secrets: Secrets,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    attributes: Vec<Attribute>,
    media: Vec<Section>,
    /// What strict reading would have refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    forgiven: Option<Fault>,
}

#[derive(Serialize)]
struct Origin {
    username: String,
    id: String,
    version: String,
    address: String,
}

#[derive(Serialize)]
struct Section {
    kind: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    direction: String,
    codecs: Vec<Codec>,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct Codec {
    payload_type: u8,
    name: String,
    clock_rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
}

#[derive(Serialize)]
struct Attribute {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// What it says as its type. Absent where it stays text.
    #[serde(skip_serializing_if = "Option::is_none")]
    typed: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct Refused {
    name: String,
    mode: &'static str,
    #[serde(flatten)]
    fault: Fault,
}

#[derive(Serialize)]
struct Fault {
    error: String,
    line: usize,
    column: usize,
}

/// Shows one description in one line. `name` says which one it is.
///
/// # Errors
/// When writing fails. A malformed description is no error here: its line says what is wrong.
pub fn sdp(
    name: &str,
    text: &[u8],
    out: &mut impl Write,
    options: SdpOptions,
) -> io::Result<Verdict> {
    let read = show(name, text, options);
    match read {
        Ok(shown) => {
            write_line(out, &shown)?;
            Ok(Verdict::Fine)
        }
        Err(fault) => {
            let refused = Refused {
                name: name.to_owned(),
                mode: word(options.mode),
                fault,
            };
            write_line(out, &refused)?;
            Ok(Verdict::Malformed)
        }
    }
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Strict => "strict",
        Mode::Lenient => "lenient",
    }
}

fn show(name: &str, bytes: &[u8], options: SdpOptions) -> Result<Shown, Fault> {
    let SdpOptions { mode, secrets } = options;
    let text = &*String::from_utf8_lossy(bytes);
    let fault = |error: ParseError| Fault::new(&error, text, secrets);
    let read = |mode| {
        let options = Options {
            mode,
            ..Options::default()
        };
        Description::parse_bytes(bytes, options).map_err(fault)
    };
    let strictly = read(Mode::Strict);
    // The description keeps candidates as they are; ICE has their grammar.
    let forgiven = strictly.err().or_else(|| Fault::candidate(text));
    let description = read(mode)?;
    let forgiven = match (mode, forgiven) {
        (Mode::Strict, Some(fault)) => return Err(fault),
        (_, forgiven) => forgiven,
    };
    let origin = description.origin().map(|origin| Origin {
        username: origin.username.to_owned(),
        id: origin.session_id.to_owned(),
        version: origin.session_version.to_owned(),
        address: origin.address.to_owned(),
    });
    let session = description.session().raw_attributes();
    Ok(Shown {
        name: name.to_owned(),
        mode: word(mode),
        origin,
        session: description.name().map(str::to_owned),
        attributes: session.map(|raw| attribute(raw, secrets)).collect(),
        media: description
            .media()
            .iter()
            .map(|media| section(&description, media, secrets))
            .collect(),
        forgiven,
    })
}

fn section(description: &Description<'_>, media: &Media<'_>, secrets: Secrets) -> Section {
    let connection = description.connection_for(media);
    let direction = description.find_for::<Direction>(media);
    let codec = |map: Rtpmap<'_>| {
        let mut formats = media.all::<Fmtp>();
        let format = formats.find(|format| format.format == map.payload_type.to_string());
        Codec {
            payload_type: map.payload_type,
            name: map.encoding.to_owned(),
            clock_rate: map.clock_rate,
            channels: map.channels,
            parameters: format.map(|format| format.parameters.to_owned()),
        }
    };
    Section {
        kind: media.kind().to_owned(),
        port: media.port(),
        protocol: media.protocol().to_string(),
        formats: media.formats().map(str::to_owned).collect(),
        address: connection.map(|connection| connection.address.to_owned()),
        direction: direction.unwrap_or(Direction::Sendrecv).to_string(),
        codecs: media.all::<Rtpmap>().map(codec).collect(),
        attributes: media
            .raw_attributes()
            .map(|raw| attribute(raw, secrets))
            .collect(),
    }
}

fn attribute(raw: Raw<'_>, secrets: Secrets) -> Attribute {
    let value = raw.value.map(|value| match is_secret(raw.name) {
        true => secrets.show(value),
        false => value.to_owned(),
    });
    Attribute {
        name: raw.name.to_owned(),
        value,
        typed: typed(&attribute::Attribute::read(raw), secrets),
    }
}

/// Whether the value of an attribute is a secret: ICE passwords (RFC 8839 §5.4) and keys (RFC 4568
/// §9.1, RFC 4567 §3). Written in another case it is no such attribute, but still a secret.
fn is_secret(name: &str) -> bool {
    let names = ["ice-pwd", "crypto", "key-mgmt"];
    names
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name.trim()))
}

impl Fault {
    /// A refusal, without what was found where that may be a secret.
    fn new(error: &ParseError, text: &str, secrets: Secrets) -> Self {
        let line = text.lines().nth(error.line.saturating_sub(1));
        let hidden = !secrets.are_shown() && line.is_some_and(may_hold_secret);
        let ParseError { line, column, .. } = *error;
        let error = match &error.found {
            Found::Text(_) if hidden => {
                let expected = &error.expected;
                format!("line {line}, column {column}: expected {expected}, found {REDACTED}")
            }
            _ => error.to_string(),
        };
        Self {
            error,
            line,
            column,
        }
    }

    /// The first candidate that ICE cannot read (RFC 8839 §5.1).
    fn candidate(text: &str) -> Option<Self> {
        let lines = (1..).zip(text.lines());
        let mut candidates = lines.filter(|(_, text)| text.starts_with("a=candidate:"));
        candidates.find_map(|(line, text)| {
            let error = text.parse::<Candidate>().err()?;
            let before = text.get(..error.offset).unwrap_or(text);
            let column = before.chars().count() + 1;
            let field = error.field;
            Some(Self {
                error: format!("line {line}, column {column}: expected a candidate's {field}"),
                line,
                column,
            })
        })
    }
}

/// A line that may hold a secret, though nobody could read it.
fn may_hold_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let words = ["ice-pwd", "crypto", "inline:", "key-mgmt"];
    line.starts_with('k') || words.iter().any(|word| line.contains(word))
}
