//! The extension attributes at the end of a candidate line (RFC 8839 §5.1).

use std::fmt;
use std::sync::Arc;

/// Extension attributes by name and value, in their order. Held as the text that they are on the
/// line, which copies of a candidate share.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extensions(Option<Arc<str>>);

impl Extensions {
    /// None.
    pub const NONE: Self = Self(None);

    /// One alone.
    #[must_use]
    pub(crate) fn one(name: &str, value: &str) -> Self {
        let mut text = String::with_capacity(name.len() + value.len() + 1);
        push(&mut text, name, value);
        Self::written(&text)
    }

    /// Of `text` as [`push`] writes it.
    pub(crate) fn written(text: &str) -> Self {
        Self((!text.is_empty()).then(|| text.into()))
    }

    /// Names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut words = self
            .0
            .as_deref()
            .into_iter()
            .flat_map(|text| text.split(' '));
        std::iter::from_fn(move || Some((words.next()?, words.next()?)))
    }

    /// The value of the first one called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        let found = self.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value)
    }

    /// Takes out all.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

/// One without a name, or with a space or a control character in it, is left out: nobody could
/// read it again.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Extensions {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let sound = |text: &str| !text.contains(|c: char| c == ' ' || c.is_control());
        let mut text = String::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            if !name.is_empty() && sound(name) && sound(value) {
                push(&mut text, name, value);
            }
        }
        Self::written(&text)
    }
}

/// Writes one more behind those in `text`.
pub(super) fn push(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(name);
    text.push(' ');
    text.push_str(value);
}

/// As they stand on the line.
impl fmt::Display for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
