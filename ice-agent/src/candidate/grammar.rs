//! The text of a candidate: RFC 8839 §5.1, with `tcptype` of RFC 6544 §4.5.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while, take_while_m_n, take_while1};
use nom::character::complete::char;
use nom::combinator::{map_opt, map_res, success, verify};
use nom::sequence::preceded;

use super::extensions;
use super::{Address, Candidate, Extensions, Foundation, Kind, Protocol, TcpKind};
use crate::credentials::is_ice_char;

/// Longest line in bytes that is read. Real ones stay under 300.
const MAX_LINE: usize = 2048;

/// Most extensions that are read.
const MAX_EXTENSIONS: usize = 32;

/// The part of a candidate that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The line as a whole is longer than 2048 bytes.
    Line,
    /// 1 to 32 letters, digits, `+` and `/`.
    Foundation,
    /// A number from 1 to 256.
    Component,
    /// A token; `UDP` and `TCP` are known.
    Transport,
    /// A number from 1 to 2^31 - 1.
    Priority,
    /// An IPv4 or IPv6 address or a name.
    Address,
    /// A number up to 65535.
    Port,
    /// `typ` and a token.
    Type,
    /// `raddr` with an address and `rport` with a port, both or none.
    Related,
    /// `tcptype` with `active`, `passive` or `so`; a TCP candidate has one.
    TcpType,
    /// Pairs of a name and a value, at most 32.
    Extension,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line (at most 2048 bytes)",
            Self::Foundation => "foundation (1 to 32 letters, digits, '+', '/')",
            Self::Component => "component (1 to 256)",
            Self::Transport => "transport",
            Self::Priority => "priority (1 to 2147483647)",
            Self::Address => "address",
            Self::Port => "port (0 to 65535)",
            Self::Type => "type ('typ' and a token)",
            Self::Related => "related address ('raddr' and 'rport')",
            Self::TcpType => "tcptype (active, passive or so)",
            Self::Extension => "extension (a name and a value, at most 32)",
        })
    }
}

/// The text is not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("candidate: bad {field} at byte {offset}")]
pub struct ParseCandidateError {
    /// What was expected.
    pub field: Field,
    /// Where it was expected, in bytes from the start of the text.
    pub offset: usize,
}

/// What is left to read.
struct Line<'a> {
    whole: &'a str,
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn error(&self, field: Field) -> ParseCandidateError {
        ParseCandidateError {
            field,
            offset: self.whole.len() - self.rest.len(),
        }
    }

    fn take<O>(
        &mut self,
        field: Field,
        mut parser: impl Parser<&'a str, Output = O, Error = ()>,
    ) -> Result<O, ParseCandidateError> {
        let (rest, value) = parser.parse(self.rest).map_err(|_| self.error(field))?;
        self.rest = rest;
        Ok(value)
    }

    /// A value after a space.
    fn next<O>(
        &mut self,
        field: Field,
        parser: impl Parser<&'a str, Output = O, Error = ()>,
    ) -> Result<O, ParseCandidateError> {
        self.take(field, preceded(char(' '), parser))
    }
}

pub(super) fn parse(text: &str) -> Result<Candidate, ParseCandidateError> {
    let trimmed = text.trim_end_matches(['\r', '\n']);
    let mut line = Line {
        whole: trimmed,
        rest: trimmed,
    };
    if trimmed.len() > MAX_LINE {
        return Err(line.error(Field::Line));
    }
    line.take(
        Field::Foundation,
        alt((
            tag_no_case("a=candidate:"),
            tag_no_case("candidate:"),
            success(""),
        )),
    )?;
    let foundation = line.take(Field::Foundation, foundation())?;
    let component = line.next(Field::Component, number(1_u16, 256))?;
    let transport = line.next(Field::Transport, token())?;
    let priority = line.next(Field::Priority, number(1_u32, 0x7FFF_FFFF))?;
    let host = line.next(Field::Address, host())?;
    let port = line.next(Field::Port, number(0_u16, u16::MAX))?;
    line.next(Field::Type, tag_no_case("typ"))?;
    let kind = Kind::from_token(line.next(Field::Type, token())?);
    let tail = tail(&mut line)?;
    let protocol = match (transport, tail.tcp) {
        (name, None) if name.eq_ignore_ascii_case("udp") => Protocol::Udp,
        (name, Some(kind)) if name.eq_ignore_ascii_case("tcp") => Protocol::Tcp(kind),
        (name, None) if !name.eq_ignore_ascii_case("tcp") => Protocol::Other(name.into()),
        _ => return Err(line.error(Field::TcpType)),
    };
    Ok(Candidate {
        foundation,
        component,
        protocol,
        priority,
        address: host.with_port(port),
        kind,
        related: tail.related,
        extensions: tail.extensions,
    })
}

/// What follows the type.
struct Tail {
    related: Option<Address>,
    tcp: Option<TcpKind>,
    extensions: Extensions,
}

/// Reads pairs of a name and a value until the end. The grammar has the related address first;
/// it is taken wherever it stands.
fn tail(line: &mut Line<'_>) -> Result<Tail, ParseCandidateError> {
    let (mut address, mut port, mut tcp) = (None, None, None);
    let (mut count, mut extensions) = (0, String::new());
    // Some programs end the line with a space.
    while !matches!(line.rest, "" | " ") {
        let name = line.next(Field::Extension, token())?;
        match name {
            "raddr" if address.is_none() => address = Some(line.next(Field::Related, host())?),
            "rport" if port.is_none() => {
                port = Some(line.next(Field::Related, number(0_u16, u16::MAX))?);
            }
            "tcptype" if tcp.is_none() => {
                tcp = Some(line.next(Field::TcpType, map_opt(token(), TcpKind::from_token))?);
            }
            _ if count == MAX_EXTENSIONS => return Err(line.error(Field::Extension)),
            _ => {
                let value = line.next(Field::Extension, visible())?;
                count += 1;
                extensions::push(&mut extensions, name, value);
            }
        }
    }
    let related = match (address, port) {
        (Some(host), Some(port)) => Some(host.with_port(port)),
        (None, None) => None,
        _ => return Err(line.error(Field::Related)),
    };
    Ok(Tail {
        related,
        tcp,
        extensions: Extensions::written(&extensions),
    })
}

enum Host {
    Ip(IpAddr),
    Name(Box<str>),
}

impl Host {
    fn with_port(self, port: u16) -> Address {
        match self {
            Self::Ip(ip) => Address::Ip(SocketAddr::new(ip, port)),
            Self::Name(host) => Address::Name { host, port },
        }
    }
}

fn foundation<'a>() -> impl Parser<&'a str, Output = Foundation, Error = ()> {
    map_res(take_while1(is_ice_char), Foundation::from_str)
}

fn number<'a, N>(least: N, most: N) -> impl Parser<&'a str, Output = N, Error = ()>
where
    N: FromStr + PartialOrd + Copy,
{
    let digits = take_while_m_n(1, 10, |c: char| c.is_ascii_digit());
    verify(map_res(digits, str::parse::<N>), move |value: &N| {
        (least..=most).contains(value)
    })
}

/// A token of RFC 8866 §9.
fn token<'a>() -> impl Parser<&'a str, Output = &'a str, Error = ()> {
    take_while1(|c: char| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]".contains(c))
}

/// `*VCHAR`. Bytes above ASCII are let through: a value we do not know is nobody's to judge.
fn visible<'a>() -> impl Parser<&'a str, Output = &'a str, Error = ()> {
    take_while(|c: char| c != ' ' && !c.is_control())
}

fn host<'a>() -> impl Parser<&'a str, Output = Host, Error = ()> {
    map_opt(
        take_while_m_n(1, 255, |c: char| c.is_ascii_graphic()),
        |text: &str| {
            text.parse()
                .map(Host::Ip)
                .ok()
                .or_else(|| is_name(text).then(|| Host::Name(text.into())))
        },
    )
}

/// Whether this is a host name. One whose last label is a number would be an IPv4 address.
fn is_name(text: &str) -> bool {
    let inner = text.strip_suffix('.').unwrap_or(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut labels = inner.split('.');
    let sound = labels
        .clone()
        .all(|l| (1..=63).contains(&l.len()) && l.chars().all(allowed));
    sound
        && labels
            .next_back()
            .is_some_and(|last| !last.chars().all(|c| c.is_ascii_digit()))
}

pub(super) fn print(candidate: &Candidate, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Candidate {
        foundation,
        component,
        protocol,
        priority,
        kind,
        ..
    } = candidate;
    write!(
        f,
        "candidate:{foundation} {component} {protocol} {priority} "
    )?;
    print_address(&candidate.address, " ", f)?;
    write!(f, " typ {kind}")?;
    if let Some(related) = &candidate.related {
        f.write_str(" raddr ")?;
        print_address(related, " rport ", f)?;
    }
    if let Protocol::Tcp(kind) = protocol {
        write!(f, " tcptype {}", kind.token())?;
    }
    match &candidate.extensions {
        none if *none == Extensions::NONE => Ok(()),
        extensions => write!(f, " {extensions}"),
    }
}

fn print_address(address: &Address, between: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match address {
        Address::Ip(addr) => write!(f, "{}{between}{}", addr.ip(), addr.port()),
        Address::Name { host, port } => write!(f, "{host}{between}{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        parse(text).expect_err(text).field
    }

    #[test]
    fn reads_what_browsers_send_and_prints_it_again() {
        for text in [
            "candidate:842163049 1 udp 1677729535 203.0.113.9 3478 typ srflx raddr 0.0.0.0 rport 0 \
             generation 0 ufrag EEtu network-id 3 network-cost 10",
            "candidate:1 2 tcp 1 2001:db8::1 9 typ host tcptype active generation 0",
            "candidate:0 1 udp 2122252543 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5 typ host",
            "candidate:x 1 sctp 7 192.0.2.1 5 typ relayed-twice k  l m",
        ] {
            for prefix in ["a=", ""] {
                let candidate = parse(&format!("{prefix}{text}\r\n")).expect(text);
                assert_eq!(candidate.to_string(), text);
            }
            let bare = text.strip_prefix("candidate:").expect("prefix");
            assert_eq!(parse(bare).expect(text).to_string(), text);
        }
    }

    #[test]
    fn names_what_is_wrong_and_where() {
        assert_eq!(field(""), Field::Foundation);
        assert_eq!(
            field("candidate:1  1 udp 1 192.0.2.1 1 typ host"),
            Field::Component
        );
        assert_eq!(
            field("candidate:1 1 udp 1 192.0.2.1 1 typ host k"),
            Field::Extension
        );
        assert_eq!(
            field("candidate:1 257 udp 1 192.0.2.1 1 typ host"),
            Field::Component
        );
        assert_eq!(
            field("candidate:1 1 udp 2147483648 192.0.2.1 1 typ host"),
            Field::Priority
        );
        assert_eq!(
            field("candidate:1 1 udp 1 192.0.2.300 1 typ host"),
            Field::Address
        );
        assert_eq!(
            field("candidate:1 1 udp 1 fe80::1%eth0 1 typ host"),
            Field::Address
        );
        assert_eq!(
            field("candidate:1 1 udp 1 192.0.2.1 65536 typ host"),
            Field::Port
        );
        assert_eq!(field("candidate:1 1 udp 1 192.0.2.1 1 host"), Field::Type);
        assert_eq!(
            field("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr"),
            Field::Related
        );
        assert_eq!(
            field("candidate:1 1 udp 1 192.0.2.1 1 typ srflx rport 1"),
            Field::Related
        );
        assert_eq!(
            field("candidate:1 1 tcp 1 192.0.2.1 1 typ host"),
            Field::TcpType
        );
        let error = parse("a=candidate:1 0 udp").expect_err("component 0");
        assert_eq!(
            error,
            ParseCandidateError {
                field: Field::Component,
                offset: 13
            }
        );
    }
}
