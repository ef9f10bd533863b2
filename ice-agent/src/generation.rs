//! What belongs to one set of local credentials (RFC 8445 §9). A restart begins another one.

use stun_codec::{IntegrityKey, Path};

use crate::checklist::{CheckList, Pair, PairId};
use crate::config::Config;
use crate::credentials::Credentials;
use crate::locals::Locals;
use crate::remotes::Remotes;

/// Which generation: 0 at first, one more with each restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GenerationId(u32);

impl GenerationId {
    /// How many restarts there were before it.
    pub(crate) fn restarts(self) -> u32 {
        self.0
    }
}

/// One set of local credentials, the candidates of both sides that go with it, and their pairs.
/// The sockets behind the candidates are the same in all generations, and so are their ids.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) id: GenerationId,
    pub(crate) credentials: Credentials,
    pub(crate) key: IntegrityKey,
    pub(crate) locals: Locals,
    pub(crate) remotes: Remotes,
    pub(crate) checks: CheckList,
}

impl Generation {
    pub(crate) fn first(config: &Config, credentials: Credentials) -> Self {
        let locals = Locals::new(config.component, credentials.ufrag(), &config.policy);
        Self::new(GenerationId(0), credentials, locals, config)
    }

    /// The next one: new credentials, the candidates of the sockets and relays that are left, nothing of
    /// the peer.
    pub(crate) fn successor(&self, config: &Config, credentials: Credentials) -> Self {
        let id = GenerationId(self.id.0.saturating_add(1));
        let locals = self.locals.bases_only(credentials.ufrag());
        Self::new(id, credentials, locals, config)
    }

    fn new(id: GenerationId, credentials: Credentials, locals: Locals, config: &Config) -> Self {
        Self {
            id,
            key: IntegrityKey::short_term(credentials.password()),
            credentials,
            locals,
            remotes: Remotes::new(config.component, config.max_remote_candidates),
            checks: CheckList::new(config.max_pairs),
        }
    }

    /// The pair that goes this way.
    pub(crate) fn pair_at(&self, path: &Path) -> Option<(PairId, &Pair)> {
        let id = self.checks.find(path)?;
        Some((id, self.checks.get(id)?))
    }
}
