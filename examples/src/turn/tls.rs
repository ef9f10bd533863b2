//! TLS towards clients: a certificate that can be exchanged while connections go on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};

/// The protocols that clients may ask for by name (RFC 7443).
const ALPN: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// The certificate of the TLS listeners. All clones are the same one.
#[derive(Clone)]
pub struct Certificate(Arc<Current>);

struct Current(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// The server's certificate, with those that vouch for it behind it.
    ///
    /// # Errors
    /// When the key cannot be used, or is not that of the certificate.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        let key = certified(chain, key)?;
        Ok(Self(Arc::new(Current(RwLock::new(key)))))
    }

    /// Shows another one to whoever connects from now on.
    ///
    /// # Errors
    /// As of [`new`](Self::new). The old one stays then.
    pub fn replace(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        let key = certified(chain, key)?;
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// How the listeners speak TLS.
    ///
    /// # Errors
    /// When rustls finds the settings unfit.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
        Ok(Arc::new(config))
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, Error> {
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map(Arc::new)
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}
