//! Challenges as a server writes them (RFC 7616 §3.3, RFC 8760 §2.4).

/// What the server asks. Texts stand as between the quotes, escapes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// Whether the request is counted and salted: `qop=auth`. Without it the answer is that of
    /// RFC 2069.
    pub(super) counted: bool,
    /// The password was right, only the nonce is too old.
    pub(super) stale: bool,
}

/// A hash function, the preferred last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    /// Its name in `algorithm` (RFC 7616 §6.1).
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let known = [Self::Md5, Self::Sha256].into_iter();
        known
            .into_iter()
            .find(|a| a.name().eq_ignore_ascii_case(name))
    }
}

impl Challenge {
    /// The best of all challenges in these header values; `None` if none can be answered.
    ///
    /// A server that knows several algorithms repeats the header for each, the strongest first
    /// (RFC 8760 §2.4); some put them behind one another into one value.
    pub(super) fn best<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let all = values.into_iter().flat_map(read);
        let usable = all.filter_map(|parameters| Self::from(&parameters));
        // `max_by_key` answers the last of equals; the server's first is meant.
        usable.fold(None, |best: Option<Self>, next| match best {
            Some(best) if best.algorithm >= next.algorithm => Some(best),
            _ => Some(next),
        })
    }

    fn from(parameters: &Parameters<'_>) -> Option<Self> {
        let named = |name| {
            let mut all = parameters.iter();
            all.find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| *value)
        };
        let options = named("qop");
        let counted = options.is_some_and(|options| {
            options
                .split(',')
                .any(|option| option.trim().eq_ignore_ascii_case("auth"))
        });
        if options.is_some() && !counted {
            return None; // Only `auth-int`.
        }
        Some(Self {
            realm: named("realm")?.to_owned(),
            nonce: named("nonce")?.to_owned(),
            opaque: named("opaque").map(str::to_owned),
            algorithm: named("algorithm").map_or(Some(Algorithm::Md5), Algorithm::of)?,
            counted,
            stale: named("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// The parameters of every `Digest` in a value. What is malformed ends the value there.
fn read(value: &str) -> Vec<Parameters<'_>> {
    let mut digests: Vec<Parameters<'_>> = Vec::new();
    let mut is_digest = false;
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
        let Some((word, after)) = token(rest) else {
            return digests;
        };
        let Some(after) = after.trim_start().strip_prefix('=') else {
            is_digest = word.eq_ignore_ascii_case("Digest");
            if is_digest {
                digests.push(Vec::new());
            }
            rest = after;
            continue;
        };
        let after = after.trim_start();
        let Some((text, after)) = quoted(after).or_else(|| token(after)) else {
            return digests;
        };
        if let Some(parameters) = digests.last_mut().filter(|_| is_digest) {
            parameters.push((word, text));
        }
        rest = after;
    }
}

/// A token (RFC 3261 §25.1), and what follows.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~/".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    let (token, rest) = text.split_at_checked(end)?;
    (!token.is_empty()).then_some((token, rest))
}

/// What stands between two quotes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    let (inside, rest) = inside.split_at_checked(end)?;
    Some((inside, rest.strip_prefix('"')?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MD5: &str =
        r#"Digest realm="a, \"b\"",nonce="n=1" , algorithm=md5, qop="auth-int, auth""#;
    const SHA: &str = r#"digest nonce="n2", realm="r", ALGORITHM="SHA-256", opaque="", stale=TRUE"#;

    #[test]
    fn the_stronger_one_is_chosen_wherever_it_stands() {
        let together = format!("Basic realm=\"x\", {MD5}, {SHA}");
        for values in [vec![MD5, SHA], vec![SHA, MD5], vec![&together]] {
            let best = Challenge::best(values).unwrap();
            assert_eq!(best.algorithm, Algorithm::Sha256);
            assert_eq!((&*best.realm, &*best.nonce), ("r", "n2"));
            assert!(best.stale && !best.counted && best.opaque.as_deref() == Some(""));
        }
        let alone = Challenge::best([MD5]).unwrap();
        assert_eq!((&*alone.realm, &*alone.nonce), ("a, \\\"b\\\"", "n=1"));
        assert!(alone.counted && !alone.stale);
    }

    #[test]
    fn what_cannot_be_answered_is_passed_over() {
        for value in [
            "",
            "Basic realm=\"x\"",
            "Digest realm=\"r\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"r, nonce=\"n\"",
        ] {
            assert_eq!(Challenge::best([value]), None, "{value}");
        }
        assert!(
            Challenge::best(["Digest realm=r, nonce=n"]).is_some(),
            "unquoted"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_passed_over(text in any::<String>()) {
            let _ = Challenge::best([&*text]);
            let _ = Challenge::best([&*format!("Digest realm=\"{text}\", nonce={text}")]);
        }
    }
}
