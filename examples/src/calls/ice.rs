//! A call's ICE session as HTTP sees it: its entity tag, and the fragments of both sides
//! (RFC 8840, RFC 9725 §4.3).

use ice_agent::{Candidate, Credentials};

use sdp::{Fragment, FragmentSection, negotiate};

use super::browser::{malformed, unacceptable};
use super::{CallError, ETag, Trickled};
use crate::session::{LocalIce, RemoteIce};

/// The ICE session of a call. A restart begins another.
#[derive(Debug)]
pub(super) struct IceSession {
    etag: ETag,
    /// The browser's user name fragment.
    ufrag: String,
    /// The name of the audio section, if the browser gave it one.
    mid: Option<String>,
}

/// What the browser asks for with a fragment.
#[derive(Debug)]
pub(super) enum Asked {
    /// To take these candidates.
    Candidates {
        candidates: Vec<Candidate>,
        complete: bool,
    },
    /// To restart.
    Restart(RemoteIce),
}

impl IceSession {
    /// The first one, of the browser with this user name fragment.
    pub(super) fn new(ufrag: String, mid: Option<String>) -> Result<Self, CallError> {
        let etag = ETag::random().map_err(|error| CallError::exhausted(&error))?;
        Ok(Self { etag, ufrag, mid })
    }

    pub(super) fn etag(&self) -> &ETag {
        &self.etag
    }

    /// Reads a fragment under the value of `If-Match`: candidates need the session's entity tag,
    /// new credentials need `*` (RFC 9725 §4.3.2 and §4.3.3).
    pub(super) fn read(&self, if_match: &str, fragment: &str) -> Result<Asked, CallError> {
        let any = if_match == "*";
        if !any && if_match != self.etag.as_str() {
            return Err(CallError::StaleETag);
        }
        let fragment = Fragment::parse(fragment).map_err(malformed)?;
        let candidates = read_candidates(fragment.sections.iter().flat_map(|of| &of.candidates));
        let mut ends = fragment.sections.iter().map(|of| of.end_of_candidates);
        let complete = fragment.end_of_candidates || ends.any(|end| end);
        match (any, self.new_credentials(&fragment)?) {
            (false, None) => Ok(Asked::Candidates {
                candidates,
                complete,
            }),
            (true, Some(credentials)) => Ok(Asked::Restart(RemoteIce {
                credentials,
                candidates,
                complete,
            })),
            (false, Some(_)) => Err(unacceptable(
                &"new ICE credentials restart ICE, which takes If-Match: *",
            )),
            (true, None) => Err(unacceptable(
                &"If-Match: * restarts ICE, which takes new ICE credentials",
            )),
        }
    }

    /// The credentials of a fragment, if they are not those of this session.
    fn new_credentials(&self, fragment: &Fragment) -> Result<Option<Credentials>, CallError> {
        let sections = fragment.sections.iter();
        let mut named = sections
            .filter_map(|section| fragment.credentials_for(section))
            .chain(&fragment.credentials);
        let Some(negotiate::Credentials { ufrag, pwd }) = named.next() else {
            return Ok(None);
        };
        if named.any(|other| other.ufrag != *ufrag || other.pwd != *pwd) {
            return Err(unacceptable(
                &"the sections of the fragment have different ICE credentials, and the call has one ICE session",
            ));
        }
        if *ufrag == self.ufrag {
            return Ok(None);
        }
        let credentials = Credentials::new(ufrag.as_str(), pwd.as_str());
        credentials.map(Some).map_err(|error| unacceptable(&error))
    }

    /// The browser has restarted with another user name fragment, and this is our side: the old
    /// entity tag is stale, and the answer to the request tells the new one.
    pub(super) fn restarted(
        &mut self,
        ufrag: String,
        local: &LocalIce,
    ) -> Result<Trickled, CallError> {
        let credentials = negotiate::Credentials {
            ufrag: local.credentials.ufrag().to_owned(),
            pwd: local.credentials.password().to_owned(),
        };
        let section = FragmentSection {
            kind: "audio".to_owned(),
            mid: self.mid.clone().unwrap_or_else(|| "0".to_owned()),
            credentials: Some(credentials),
            candidates: local.candidates.iter().map(ToString::to_string).collect(),
            end_of_candidates: local.complete,
        };
        let fragment = Fragment {
            sections: vec![section],
            ..Fragment::default()
        };
        *self = Self::new(ufrag, self.mid.take())?;
        Ok(Trickled::Restarted {
            etag: self.etag.clone(),
            fragment: fragment.to_string(),
        })
    }
}

/// Candidates that cannot be read are left out: a browser may know kinds that we do not.
pub(super) fn read_candidates<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<Candidate> {
    lines.filter_map(|line| line.parse().ok()).collect()
}
