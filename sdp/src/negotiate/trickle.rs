//! Candidates that come later, and restarts of ICE, as fragments (RFC 8840, RFC 9725 §4.3).

use crate::fragment::{Fragment, FragmentSection};
use crate::negotiate::{Agreed, Credentials, LocalIce, Refusal, Session};

/// What a fragment of the peer says of one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trickle {
    /// The section whose transport it is: [`Agreed::transport`].
    pub section: usize,
    /// New credentials, which restart ICE.
    pub restart: Option<Credentials>,
    /// `candidate:1 1 udp ...`, one each.
    pub candidates: Vec<String>,
    /// Whether no more candidates will follow.
    pub end_of_candidates: bool,
}

impl Session {
    /// What a fragment says, for each transport with ICE in the order of their sections. Sections
    /// that nothing was agreed for are passed over (RFC 8840 §4.3), unless there is one transport
    /// only: then it is meant.
    ///
    /// # Errors
    /// [`Refusal::ManyCredentials`] where a transport would have two.
    pub fn trickle(&self, fragment: &Fragment) -> Result<Vec<Trickle>, Refusal> {
        let transports: Vec<&Agreed> = self.transports().collect();
        let is_only = transports.len() == 1;
        let trickles = transports.iter().map(|transport| {
            let sections = fragment.sections.iter();
            let meant = sections.filter(|section| {
                let agreed = self.named(&section.mid);
                let transport_of = agreed.map(|agreed| agreed.transport);
                is_only || transport_of == Some(transport.section)
            });
            read(transport, fragment, meant)
        });
        trickles.collect()
    }

    /// Notes that ICE was restarted on the transport of a section, with new credentials of the peer,
    /// and writes our side of it. `None` if the section has no ICE.
    pub fn restart(
        &mut self,
        section: usize,
        theirs: &Credentials,
        ours: &LocalIce,
    ) -> Option<Fragment> {
        let tagged = self.transports().find(|agreed| agreed.section == section)?;
        let mid = tagged.mid.clone().unwrap_or_else(|| section.to_string());
        let kind = self.description()?.media().get(section)?.kind().to_owned();
        for agreed in self
            .accepted_mut()
            .filter(|agreed| agreed.transport == section)
        {
            if let Some(ice) = &mut agreed.ice {
                ice.credentials.clone_from(theirs);
                ice.candidates.clear();
                ice.end_of_candidates = false;
            }
        }
        let section = FragmentSection {
            kind,
            mid,
            credentials: Some(ours.credentials.clone()),
            candidates: ours.candidates.clone(),
            end_of_candidates: ours.end_of_candidates,
        };
        Some(Fragment {
            sections: vec![section],
            ..Fragment::default()
        })
    }

    /// The sections that carry a transport with ICE.
    fn transports(&self) -> impl Iterator<Item = &Agreed> {
        let accepted = self
            .agreement()
            .into_iter()
            .flat_map(|agreement| agreement.accepted());
        accepted.filter(|agreed| agreed.transport == agreed.section && agreed.ice.is_some())
    }

    fn named(&self, mid: &str) -> Option<&Agreed> {
        let mut accepted = self.agreement()?.accepted();
        accepted.find(|agreed| agreed.mid.as_deref() == Some(mid))
    }
}

fn read<'f>(
    transport: &Agreed,
    fragment: &'f Fragment,
    sections: impl Iterator<Item = &'f FragmentSection>,
) -> Result<Trickle, Refusal> {
    let mut trickle = Trickle {
        section: transport.section,
        restart: None,
        candidates: Vec::new(),
        end_of_candidates: fragment.end_of_candidates,
    };
    let mut credentials = None;
    for section in sections {
        let own = fragment.credentials_for(section);
        if credentials.is_some() && own.is_some() && own != credentials {
            return Err(Refusal::ManyCredentials);
        }
        credentials = credentials.or(own);
        trickle
            .candidates
            .extend(section.candidates.iter().cloned());
        trickle.end_of_candidates |= section.end_of_candidates;
    }
    let credentials = credentials.or(fragment.credentials.as_ref());
    let known = transport.ice.as_ref().map(|ice| &ice.credentials.ufrag);
    let is_new = |credentials: &&Credentials| Some(&credentials.ufrag) != known;
    trickle.restart = credentials.filter(is_new).cloned();
    Ok(trickle)
}
