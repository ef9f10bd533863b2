//! The certificate's files: read again when they change, and judged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use crate::turn::Certificate;
use crate::turn::config::Tls;

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(2);

const DAY: f64 = 86_400.0;

/// What the operator is told about early, in days.
const SOON: f64 = 14.0;

/// A certificate whose files are watched.
#[derive(Debug)]
pub(super) struct Watched {
    files: Tls,
    shown: Certificate,
    name: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the files held when they were read last, whether it was of use or not.
    seen: Option<Contents>,
    /// When the certificate that is shown expires, in seconds since 1970.
    expires: Option<i64>,
    reloads: u64,
    failures: u64,
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contents")
    }
}

/// How a certificate is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Health {
    /// Days until it expires; negative afterwards.
    pub(super) days: f64,
    pub(super) reloads: u64,
    pub(super) failures: u64,
}

impl Watched {
    /// `shown` was made of these files. The name is that which the certificate should be for.
    pub(super) fn new(files: Tls, shown: Certificate, name: Option<String>) -> Self {
        let watched = Self {
            files,
            shown,
            name,
            state: Mutex::default(),
        };
        watched.read(true);
        watched.lock().reloads = 0;
        watched
    }

    /// Looks at the files until the server ends.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.read(false);
        }
    }

    pub(super) fn health(&self) -> Health {
        let state = self.lock();
        let seconds = state.expires.unwrap_or_default() - unix_now();
        Health {
            days: seconds as f64 / DAY,
            reloads: state.reloads,
            failures: state.failures,
        }
    }

    /// Shows what the files hold, if that is new or `always`. What is of no use changes nothing, and is
    /// said once.
    pub(super) fn read(&self, always: bool) {
        let mut state = self.lock();
        let contents = match self.contents() {
            Ok(contents) => contents,
            Err(problem) => {
                // Said once, however long it stays away.
                if state.seen.take().is_none() && !always {
                    return;
                }
                state.failures += 1;
                tracing::error!("{problem}; the old certificate stays");
                return;
            }
        };
        if !always && state.seen.as_ref() == Some(&contents) {
            return;
        }
        let is_first = state.expires.is_none();
        let used = self.show(&contents, is_first);
        state.seen = Some(contents);
        match used {
            Ok(expires) => {
                (state.expires, state.reloads) = (Some(expires), state.reloads + 1);
                let days = (expires - unix_now()) as f64 / DAY;
                tracing::info!(days = days.floor(), "the certificate is in use");
                if days < SOON {
                    tracing::warn!(days = days.floor(), "the certificate expires soon");
                }
            }
            Err(problem) => {
                state.failures += 1;
                let certificate = self.files.certificate.display();
                tracing::error!("{certificate}: {problem}; the old certificate stays");
            }
        }
    }

    fn contents(&self) -> Result<Contents, String> {
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Contents {
            certificate: read(&self.files.certificate)?,
            key: Zeroizing::new(read(&self.files.key)?),
        })
    }

    /// Tells when it expires. The first one is shown anyway, even if it has.
    fn show(&self, contents: &Contents, is_first: bool) -> Result<i64, String> {
        let chain = CertificateDer::pem_slice_iter(&contents.certificate);
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let own = chain.first().ok_or("there is no certificate")?.clone();
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|error| format!("{}: {error}", self.files.key.display()))?;
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&own).map_err(|error| error.to_string())?;
        let expires = parsed.validity().not_after.timestamp();
        if expires < unix_now() && !is_first {
            return Err("it has expired".into());
        }
        if let Some(name) = self.name.as_deref().filter(|name| !is_for(&parsed, name)) {
            tracing::warn!("the certificate is not for {name}: clients will refuse it");
        }
        self.shown
            .replace(chain, key)
            .map_err(|error| error.to_string())?;
        Ok(expires)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is for a DNS name (RFC 9525 §6.3): itself, or with one label for a star.
fn is_for(certificate: &X509Certificate<'_>, name: &str) -> bool {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.map(|names| names.value.general_names.as_slice());
    names
        .unwrap_or_default()
        .iter()
        .any(|general| match general {
            GeneralName::DNSName(dns) => match dns.strip_prefix("*.") {
                Some(parent) => {
                    let own = name.split_once('.').map(|(_, parent)| parent);
                    own.is_some_and(|own| own.eq_ignore_ascii_case(parent))
                }
                None => dns.eq_ignore_ascii_case(name),
            },
            _ => false,
        })
}

#[allow(clippy::disallowed_methods)] // certificates are held against the time of the day
fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}
