//! The grammars of the Fetch standard's `Origin` header and of HTTP tokens, over bytes.
//!
//! Fetch supplants RFC 6454 §7.1: one origin, lower case, no list, no path.

/// `serialized-scheme = lower-alpha *( lower-alphanum / "+" / "-" / "." )`
pub(crate) fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| is_lower_alphanum(b) || matches!(b, b'+' | b'-' | b'.'))
}

/// `serialized-host = serialized-ipv4 / "[" serialized-ipv6 "]" / serialized-domain`
///
/// Every `serialized-ipv4` is a `serialized-domain` too, so two cases are enough.
pub(crate) fn is_host(text: &str) -> bool {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(is_ipv6),
        None => is_domain(text),
    }
}

/// `serialized-domain = *( domain-label "." ) domain-label`
pub(crate) fn is_domain(text: &str) -> bool {
    text.split('.').all(is_domain_label)
}

/// A label of lower-case letters, digits and inner hyphens.
fn is_domain_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| is_lower_alphanum(b) || b == b'-')
}

/// `serialized-ipv6`: eight groups, or a `::` that stands for at least two of them.
fn is_ipv6(text: &str) -> bool {
    match text.split_once("::") {
        None => groups(text) == Some(8),
        Some((left, right)) => {
            let count = |side: &str| {
                if side.is_empty() {
                    Some(0)
                } else {
                    groups(side)
                }
            };
            matches!((count(left), count(right)), (Some(l), Some(r)) if l + r <= 6)
        }
    }
}

/// How many `h16` groups stand in `text`, or `None` when one of them is malformed.
fn groups(text: &str) -> Option<usize> {
    let mut count = 0;
    for group in text.split(':') {
        if !is_h16(group) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// `h16 = "0" / ( non-zero-hex 0*3hex )`, lower case
fn is_h16(group: &str) -> bool {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    group == "0"
        || (matches!(group.len(), 1..=4) && !group.starts_with('0') && group.bytes().all(hex))
}

/// `serialized-port = 1*5DIGIT`, and a number that a port can have.
pub(crate) fn port(text: &str) -> Option<u16> {
    if matches!(text.len(), 1..=5) && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// `token` of RFC 9110 §5.6.2: methods and field names.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Strips the optional white space around a field value or list item (RFC 9110 §5.5).
pub(crate) fn trim_ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_lower_alphanum(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_groups() {
        for good in [
            "::",
            "::1",
            "1::",
            "1:2:3:4:5:6::",
            "1:2:3:4:5:6:7:8",
            "2001:db8::1",
        ] {
            assert!(is_ipv6(good), "{good}");
        }
        for bad in [
            "",
            ":",
            ":::",
            "1",
            "1:2:3:4:5:6:7::",
            "::01",
            "::A",
            "1::2::3",
            "1:2:3:4:5:6:7:8:9",
            "12345::",
            ":1::",
        ] {
            assert!(!is_ipv6(bad), "{bad}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(port("0"), Some(0));
        assert_eq!(port("65535"), Some(65535));
        for bad in ["", "65536", "000080", "+80", "-1", "8 "] {
            assert_eq!(port(bad), None, "{bad}");
        }
    }

    #[test]
    fn tokens() {
        assert!(is_token("X-Token"));
        for bad in ["", "x-to ken", "a:b", "é", "a\n"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }
}
