//! TLS of the connections that a state machine asks for: whom to trust, and what is wrong with a
//! certificate, by its name.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ice_agent::OpenError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where systems keep the certificates of those whom they trust.
const OF_THE_SYSTEM: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Whom the system trusts.
    ///
    /// # Errors
    /// When its list is not where it is looked for, or has nobody.
    pub fn of_the_system() -> io::Result<Self> {
        let found = OF_THE_SYSTEM
            .iter()
            .map(Path::new)
            .find(|path| path.exists());
        let missing = || io::Error::other("the system's list of trusted certificates is not found");
        Self::from_file(found.ok_or_else(missing)?)
    }

    /// Those whose certificates stand in a PEM file, and nobody else.
    ///
    /// # Errors
    /// When the file cannot be read, or has no certificate.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
        // Some lists have certificates that are none for this.
        let (added, _) = roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if added == 0 {
            let none = format!("{} has no certificate", path.display());
            return Err(io::Error::other(none));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// Speaks TLS on a connection.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        server_name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(server_name.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.0))
            .connect(name, stream)
            .await
    }
}

/// What is wrong with the server's certificate, if that is what is wrong.
pub(super) fn certificate_error(error: &io::Error) -> Option<OpenError> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(wrong) = inner else {
        return None;
    };
    Some(match wrong {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => OpenError::CertificateExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            OpenError::CertificateName
        }
        // Of an unknown issuer, self-signed, revoked, badly signed.
        _ => OpenError::CertificateUntrusted,
    })
}
