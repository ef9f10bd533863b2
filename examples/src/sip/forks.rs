//! Early dialogs of a call that several phones answer (RFC 3261 §12.1, §13.2.2.4).
//!
//! A proxy may fork an INVITE: each phone that responds opens an early dialog of its own, named by
//! its `To` tag, with a session description of its own. Early media comes from the newest one that
//! has described its media. The 2xx decides: its own description counts, or else what its own
//! early dialog has said, never that of another phone. The library acknowledges the 2xx of every
//! further phone and ends it with BYE.

use rsipstack::sip::{HeadersExt, Response};

/// Early dialogs that are remembered at most; more are not heard.
const DIALOGS: usize = 8;

/// Descriptions of early media that are told at most in one call.
const SWITCHES: usize = 16;

/// The early dialogs of a call that have described their media.
#[derive(Debug, Default)]
pub(super) struct Forks {
    dialogs: Vec<Early>,
    switches: usize,
}

#[derive(Debug)]
struct Early {
    tag: String,
    sdp: String,
}

impl Forks {
    /// Takes a provisional response. Answers a description if early media is now that one.
    pub(super) fn hear(&mut self, response: &Response) -> Option<String> {
        self.switch_to(tag_of(response), body_text(response)?)
    }

    fn switch_to(&mut self, tag: String, sdp: String) -> Option<String> {
        let full = self.dialogs.len() >= DIALOGS;
        let place = self.dialogs.iter_mut().find(|early| early.tag == tag);
        // A phone that repeats itself is not news: another may have been heard since.
        if place.as_ref().is_some_and(|early| early.sdp == sdp) || self.switches >= SWITCHES {
            return None;
        }
        match place {
            Some(early) => early.sdp = sdp.clone(),
            None if full => return None,
            None => self.dialogs.push(Early {
                tag,
                sdp: sdp.clone(),
            }),
        }
        self.switches += 1;
        Some(sdp)
    }

    /// What the dialog of a final response has said before. A phone need not repeat in the 2xx
    /// the answer that it gave in a reliable provisional response (RFC 3262 §5); some do so after
    /// an unreliable one, too.
    pub(super) fn said(&self, response: &Response) -> Option<String> {
        let tag = tag_of(response);
        let early = self.dialogs.iter().find(|early| early.tag == tag)?;
        Some(early.sdp.clone())
    }
}

fn tag_of(response: &Response) -> String {
    let to = response.to_header().ok();
    let tag = to.and_then(|to| to.tag().ok().flatten());
    tag.map(|tag| tag.value().to_owned()).unwrap_or_default()
}

/// The body of a response, if it is a text.
pub(super) fn body_text(response: &Response) -> Option<String> {
    let text = std::str::from_utf8(&response.body).ok()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(forks: &mut Forks, tag: &str, sdp: &str) -> bool {
        forks.switch_to(tag.into(), sdp.into()).is_some()
    }

    #[test]
    fn the_newest_early_dialog_is_heard() {
        let mut forks = Forks::default();
        assert!(switch(&mut forks, "a", "1"));
        assert!(!switch(&mut forks, "a", "1"), "a repetition");
        assert!(switch(&mut forks, "b", "2"));
        assert!(!switch(&mut forks, "a", "1"), "the second goes on");
        assert!(switch(&mut forks, "a", "3"), "other media, same phone");
        assert_eq!(forks.dialogs.len(), 2);
    }

    #[test]
    fn phones_and_changes_are_bounded() {
        let mut many = Forks::default();
        let told = (0..99).filter(|n| switch(&mut many, &n.to_string(), "x"));
        assert_eq!(told.count(), DIALOGS);
        let mut restless = Forks::default();
        let told = (0..99).filter(|n| switch(&mut restless, "a", &n.to_string()));
        assert_eq!(told.count(), SWITCHES);
    }
}
