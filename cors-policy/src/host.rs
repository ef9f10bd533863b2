//! Host names as people write them, brought to the form that browsers send.

use core::fmt::Write as _;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Normalises a host: ASCII to lower case, other letters to A-labels (UTS 46, as browsers do),
/// IPv6 in brackets to its canonical form. `None` when it is no host.
///
/// A last label that is a number makes the whole an IPv4 address, as in the URL standard; only
/// the canonical dotted form is taken.
pub(crate) fn normalize(host: &str) -> Option<String> {
    if let Some(rest) = host.strip_prefix('[') {
        let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
        return Some(canonical_ipv6(address));
    }
    let host = to_ascii(host)?;
    let mut labels = host.strip_suffix('.').unwrap_or(&host).split('.');
    if !labels.clone().all(is_label) {
        return None;
    }
    let numeric = labels.next_back().is_some_and(is_number);
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return None;
    }
    Some(host)
}

#[cfg(feature = "idna")]
fn to_ascii(host: &str) -> Option<String> {
    if host.is_ascii() {
        return Some(host.to_ascii_lowercase());
    }
    idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::URL)
        .ok()
        .map(|name| name.into_owned())
}

#[cfg(not(feature = "idna"))]
fn to_ascii(host: &str) -> Option<String> {
    host.is_ascii().then(|| host.to_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !label.is_empty() && label.bytes().all(legal)
}

/// The URL standard's "ends in a number": decimal digits, or `0x` and hexadecimal ones.
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// RFC 5952 without its §5: the Fetch grammar has no dotted quad inside IPv6.
fn canonical_ipv6(address: Ipv6Addr) -> String {
    let segments = address.segments();
    let (start, len) = longest_zero_run(&segments);
    let mut text = String::from("[");
    for (index, segment) in segments.iter().enumerate() {
        if len >= 2 && index == start {
            text.push_str("::");
        } else if len < 2 || index < start || index >= start + len {
            if !text.ends_with(['[', ':']) {
                text.push(':');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{segment:x}");
        }
    }
    text.push(']');
    text
}

/// Start and length of the first longest run of zero segments (RFC 5952 §4.2.3).
fn longest_zero_run(segments: &[u16; 8]) -> (usize, usize) {
    let mut best = (0, 0);
    let mut run = 0;
    for (index, segment) in segments.iter().enumerate() {
        run = if *segment == 0 { run + 1 } else { 0 };
        if run > best.1 {
            best = (index + 1 - run, run);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_is_canonical() {
        for (written, canonical) in [
            ("[::]", "[::]"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[2001:DB8:0:0:1:0:0:1]", "[2001:db8::1:0:0:1]"),
            ("[1:0:3:4:5:6:7:8]", "[1:0:3:4:5:6:7:8]"),
            ("[1:2:3:4:5:6:0:0]", "[1:2:3:4:5:6::]"),
            ("[::ffff:192.0.2.1]", "[::ffff:c000:201]"),
        ] {
            assert_eq!(normalize(written).as_deref(), Some(canonical));
            assert!(crate::grammar::is_host(canonical));
        }
    }

    #[test]
    fn names() {
        assert_eq!(
            normalize("WWW.Example.COM").as_deref(),
            Some("www.example.com")
        );
        assert_eq!(normalize("192.0.2.1").as_deref(), Some("192.0.2.1"));
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "a/b",
            "0x7f.1",
            "192.0.2.256",
            "1.2.3",
            "[::1",
            "a%41",
        ] {
            assert_eq!(normalize(bad), None, "{bad}");
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn letters_outside_ascii_become_a_labels() {
        assert_eq!(
            normalize("BÜCHER.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        // A full-width slash maps to a real one.
        assert_eq!(normalize("a\u{ff0f}b"), None);
    }
}
