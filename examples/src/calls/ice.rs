//! A call's ICE session as HTTP sees it: its entity tag, and the fragments of both sides
//! (RFC 8840, RFC 9725 §4.3).

use ice_agent::{Candidate, Credentials};

use sdp::{Fragment, negotiate};

use super::browser::{malformed, unacceptable};
use super::{CallError, ETag, Trickled};
use crate::session::{LocalIce, RemoteIce};

/// The ICE session of a call. A restart begins another.
#[derive(Debug)]
pub(super) struct IceSession {
    etag: ETag,
    /// What both sides have said.
    negotiation: negotiate::Session,
}

/// What the browser asks for with a fragment.
#[derive(Debug)]
pub(super) enum Asked {
    /// To take these candidates.
    Candidates {
        candidates: Vec<Candidate>,
        complete: bool,
    },
    /// To restart the ICE of a media section.
    Restart { section: usize, remote: RemoteIce },
}

impl IceSession {
    /// The first one, of what was agreed with the browser.
    pub(super) fn new(negotiation: negotiate::Session) -> Result<Self, CallError> {
        let etag = ETag::random().map_err(|error| CallError::exhausted(&error))?;
        Ok(Self { etag, negotiation })
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
        let trickled = self.negotiation.trickle(&fragment);
        let trickled = trickled.map_err(|error| unacceptable(&error))?;
        // A call has one transport.
        let one = trickled.into_iter().next().ok_or(CallError::Unknown)?;
        let candidates = read_candidates(one.candidates.iter());
        let complete = one.end_of_candidates;
        match (any, one.restart) {
            (false, None) => Ok(Asked::Candidates {
                candidates,
                complete,
            }),
            (true, Some(negotiate::Credentials { ufrag, pwd })) => Ok(Asked::Restart {
                section: one.section,
                remote: RemoteIce {
                    credentials: Credentials::new(ufrag, pwd)
                        .map_err(|error| unacceptable(&error))?,
                    candidates,
                    complete,
                },
            }),
            (false, Some(_)) => Err(unacceptable(
                &"new ICE credentials restart ICE, which takes If-Match: *",
            )),
            (true, None) => Err(unacceptable(
                &"If-Match: * restarts ICE, which takes new ICE credentials",
            )),
        }
    }

    /// The browser has restarted the ICE of a section with these credentials, and this is our side:
    /// the old entity tag is stale, and the answer to the request tells the new one.
    pub(super) fn restarted(
        &mut self,
        section: usize,
        theirs: &Credentials,
        local: &LocalIce,
    ) -> Result<Trickled, CallError> {
        let theirs = described_credentials(theirs);
        let ours = describe(local);
        let fragment = self.negotiation.restart(section, &theirs, &ours);
        let fragment = fragment.ok_or(CallError::Unknown)?;
        self.etag = ETag::random().map_err(|error| CallError::exhausted(&error))?;
        Ok(Trickled::Restarted {
            etag: self.etag.clone(),
            fragment: fragment.to_string(),
        })
    }
}

/// Our side of ICE, as descriptions have it.
pub(super) fn describe(local: &LocalIce) -> negotiate::LocalIce {
    negotiate::LocalIce {
        credentials: described_credentials(&local.credentials),
        candidates: local.candidates.iter().map(ToString::to_string).collect(),
        end_of_candidates: local.complete,
        lite: false,
    }
}

fn described_credentials(credentials: &Credentials) -> negotiate::Credentials {
    negotiate::Credentials {
        ufrag: credentials.ufrag().to_owned(),
        pwd: credentials.password().to_owned(),
    }
}

/// Candidates that cannot be read are left out: a browser may know kinds that we do not.
pub(super) fn read_candidates<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<Candidate> {
    lines.filter_map(|line| line.parse().ok()).collect()
}
