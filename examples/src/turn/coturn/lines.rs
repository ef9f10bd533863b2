//! The syntax of coturn's file: a key on each line, and mostly a value behind `=` or white space.

use zeroize::Zeroizing;

/// A line that says something.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// As it is written, without hyphens in front.
    pub(super) key: &'a str,
    /// Without quotes around it; empty where there is none.
    pub(super) value: Zeroizing<String>,
}

/// The lines that say something: not empty ones, nor those that begin with `#`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        // As on the command line, which has the same names.
        let line = line.trim_start_matches('-');
        let (key, value) = line
            .split_once(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or((line, ""));
        let value = value.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
        Some(Line {
            number,
            key,
            value: Zeroizing::new(unquote(value).to_owned()),
        })
    })
}

fn unquote(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// A flag's value: what is missing means yes.
pub(super) fn flag(value: &str) -> bool {
    !matches!(
        value.to_ascii_lowercase().as_str(),
        "0" | "off" | "no" | "false" | "f"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_parted_as_coturn_does() {
        let text = "# a\n\n realm=example.org \nno-tls\nmin-port 5\n--user=a:b=c\n\
                    psql-userdb=\"host=a dbname=b\"\nmax-port = 7\n";
        let seen: Vec<_> = lines(text)
            .map(|line| (line.number, line.key, line.value.to_string()))
            .collect();
        let expected = [
            (3, "realm", "example.org"),
            (4, "no-tls", ""),
            (5, "min-port", "5"),
            (6, "user", "a:b=c"),
            (7, "psql-userdb", "host=a dbname=b"),
            (8, "max-port", "7"),
        ];
        assert_eq!(seen, expected.map(|(n, k, v)| (n, k, v.to_owned())));
    }

    #[test]
    fn flags_are_set_unless_they_say_no() {
        assert!(flag("") && flag("1") && flag("yes"));
        assert!(!flag("0") && !flag("Off") && !flag("false"));
    }
}
