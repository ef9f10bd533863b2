//! A slow, direct reading of the browser's side of Fetch: what a user agent makes of the answers.
//!
//! It shares no code with the crate, so that the two can be held against each other.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

/// Lower-cased names with their values, as a user agent sees them.
pub(crate) type Fields = Vec<(String, String)>;

fn values<'a>(fields: &'a Fields, name: &str) -> Vec<&'a str> {
    fields
        .iter()
        .filter(|f| f.0.eq_ignore_ascii_case(name))
        .map(|f| f.1.as_str())
        .collect()
}

/// Fetch "get": all values of a name joined by a comma and a space.
pub(crate) fn get(fields: &Fields, name: &str) -> Option<String> {
    let all = values(fields, name);
    if all.is_empty() {
        None
    } else {
        Some(all.join(", "))
    }
}

/// Fetch "extract header list values" for lists of tokens.
pub(crate) fn list(fields: &Fields, name: &str) -> Vec<String> {
    values(fields, name)
        .iter()
        .flat_map(|v| v.split(','))
        .map(|v| v.trim_matches([' ', '\t']).to_owned())
        .filter(|v| !v.is_empty())
        .collect()
}

/// Fetch "CORS check".
pub(crate) fn cors_check(origin: &str, include_credentials: bool, answer: &Fields) -> bool {
    let Some(allowed) = get(answer, "access-control-allow-origin") else {
        return false;
    };
    if !include_credentials && allowed == "*" {
        return true;
    }
    if allowed != origin {
        return false;
    }
    !include_credentials
        || get(answer, "access-control-allow-credentials").as_deref() == Some("true")
}

/// Fetch "CORS-preflight fetch", steps 7 on: whether the request may follow.
pub(crate) fn preflight_passes(
    origin: &str,
    include_credentials: bool,
    method: &str,
    unsafe_names: &[String],
    status: u16,
    answer: &Fields,
) -> bool {
    if !cors_check(origin, include_credentials, answer) || !(200..300).contains(&status) {
        return false;
    }
    let methods = list(answer, "access-control-allow-methods");
    let star = |names: &[String]| !include_credentials && names.iter().any(|n| n == "*");
    if !methods.iter().any(|m| m == method) && !is_safelisted_method(method) && !star(&methods) {
        return false;
    }
    let headers = list(answer, "access-control-allow-headers");
    let named = |name: &str| headers.iter().any(|h| h.eq_ignore_ascii_case(name));
    unsafe_names
        .iter()
        .all(|name| named(name) || (star(&headers) && !name.eq_ignore_ascii_case("authorization")))
}

pub(crate) fn is_safelisted_method(method: &str) -> bool {
    ["GET", "HEAD", "POST"].contains(&method)
}

/// Fetch "CORS-unsafe request-header names", lower-cased and sorted.
pub(crate) fn unsafe_header_names(headers: &[(String, String)]) -> Vec<String> {
    let mut unsafe_names = Vec::new();
    let mut possibly = Vec::new();
    let mut size = 0;
    for (name, value) in headers {
        if is_safelisted_header(name, value) {
            possibly.push(name.to_ascii_lowercase());
            size += value.len();
        } else {
            unsafe_names.push(name.to_ascii_lowercase());
        }
    }
    if size > 1024 {
        unsafe_names.append(&mut possibly);
    }
    unsafe_names.sort();
    unsafe_names.dedup();
    unsafe_names
}

fn is_safelisted_header(name: &str, value: &str) -> bool {
    if value.len() > 128 {
        return false;
    }
    match name.to_ascii_lowercase().as_str() {
        "accept" => !value.bytes().any(is_unsafe_byte),
        "accept-language" | "content-language" => value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" *,-.;=".contains(&b)),
        "content-type" => {
            let essence = value.split(';').next().unwrap().trim().to_ascii_lowercase();
            !value.bytes().any(is_unsafe_byte)
                && [
                    "application/x-www-form-urlencoded",
                    "multipart/form-data",
                    "text/plain",
                ]
                .contains(&essence.as_str())
        }
        "range" => is_simple_range(value),
        _ => false,
    }
}

fn is_unsafe_byte(b: u8) -> bool {
    (b < 0x20 && b != 0x09) || b"\"():<>?@[\\]{}\x7f".contains(&b)
}

/// Fetch "parse a single range header value" with a start.
fn is_simple_range(value: &str) -> bool {
    let Some((start, end)) = value.strip_prefix("bytes=").and_then(|v| v.split_once('-')) else {
        return false;
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !start.is_empty()
        && digits(start)
        && digits(end)
        && (end.is_empty() || start.parse::<u64>().unwrap() <= end.parse::<u64>().unwrap())
}

/// Fetch `origin-or-null`, read from its ABNF without the crate's shortcuts.
pub(crate) fn is_origin_or_null(value: &str) -> bool {
    if value == "null" {
        return true;
    }
    let Some(at) = value.find("://") else {
        return false;
    };
    let (scheme, rest) = (&value[..at], &value[at + 3..]);
    let scheme_ok = scheme
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
    // Try every place where a port could begin, then no port.
    let with_port = rest
        .char_indices()
        .filter(|(_, c)| *c == ':')
        .any(|(i, _)| {
            let port = &rest[i + 1..];
            (1..=5).contains(&port.len())
                && port.bytes().all(|b| b.is_ascii_digit())
                && is_serialized_host(&rest[..i])
        });
    scheme_ok && (with_port || is_serialized_host(rest))
}

fn is_serialized_host(host: &str) -> bool {
    if host.starts_with('[') && host.ends_with(']') && host.len() >= 2 {
        return is_serialized_ipv6(&host[1..host.len() - 1]);
    }
    host.split('.').all(|label| {
        let b = label.as_bytes();
        let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        !b.is_empty()
            && alnum(b[0])
            && alnum(b[b.len() - 1])
            && b.iter().all(|b| alnum(*b) || *b == b'-')
    })
}

/// Each alternative of `serialized-ipv6` in turn: n groups, "::", m groups.
fn is_serialized_ipv6(text: &str) -> bool {
    let h16 = |g: &str| {
        g == "0"
            || (1..=4).contains(&g.len())
                && !g.starts_with('0')
                && g.chars().all(|c| "0123456789abcdef".contains(c))
    };
    let exactly = |part: &str, n: usize| {
        if n == 0 {
            part.is_empty()
        } else {
            part.split(':').count() == n && part.split(':').all(h16)
        }
    };
    if exactly(text, 8) {
        return true;
    }
    for (i, _) in text.match_indices("::") {
        let (left, right) = (&text[..i], &text[i + 2..]);
        for l in 0..=6 {
            for r in 0..=(6 - l) {
                if exactly(left, l) && exactly(right, r) {
                    return true;
                }
            }
        }
    }
    false
}
