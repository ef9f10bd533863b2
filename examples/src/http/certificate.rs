//! The certificate of HTTPS: the operator's own, or a self-signed one that is made and kept, so
//! that a browser's exception for it lasts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use crate::config::Tls;

const STATE_DIR: &str = "state-dir";
const CERTIFICATE_FILE: &str = "https-cert.pem";
const KEY_FILE: &str = "https-key.pem";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LIFETIME: Duration = DAY.saturating_mul(365);
/// A kept certificate with less than this to live is made anew: the gateway may run for long.
const RENEWAL: Duration = DAY.saturating_mul(30);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{key}: {}: {source}", path.display())]
    File {
        /// The setting that named it, or its folder.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file has no certificate or key in PEM.
    #[error("{key}: {}: no {expected} in PEM: {source}", path.display())]
    Pem {
        /// The setting that named it, or its folder.
        key: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: rustls::pki_types::pem::Error,
    },
    /// A self-signed certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Making(#[from] rcgen::Error),
    /// The certificate cannot be used, or the key is not its own.
    #[error("the certificate and its key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate with its chain and its key.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// The certificate that the configuration asks for. A self-signed one is kept as long as it
    /// has these names, belongs to its key and is not about to expire at `now`.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn load(tls: &Tls, names: &[String], now: SystemTime) -> Result<Self, CertificateError> {
        let state_dir = match tls {
            Tls::Files { certificate, key } => {
                return Self::read(Named("tls-cert", certificate), Named("tls-key", key));
            }
            Tls::SelfSigned { state_dir } => state_dir,
        };
        let certificate_file = state_dir.join(CERTIFICATE_FILE);
        let key_file = state_dir.join(KEY_FILE);
        match Self::read(
            Named(STATE_DIR, &certificate_file),
            Named(STATE_DIR, &key_file),
        ) {
            Ok(kept) if kept.serves(names, now) => return Ok(kept),
            Ok(_) => tracing::info!("the kept certificate is old or has other names"),
            Err(CertificateError::File { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            // What cannot be read may not be ours to replace.
            Err(error @ CertificateError::File { .. }) => return Err(error),
            Err(error) => tracing::warn!("the kept certificate is damaged: {error}"),
        }
        let (made, certificate_pem, key_pem) = Self::make(names, now)?;
        make_private_dir(state_dir)?;
        replace(&key_file, key_pem.as_bytes(), 0o600)?;
        replace(&certificate_file, certificate_pem.as_bytes(), 0o644)?;
        tracing::info!("made a certificate for {}", names.join(", "));
        Ok(made)
    }

    /// The gateway's own certificate, as DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.chain.first().map_or(&[], |own| own)
    }

    /// The SHA-256 of the gateway's own certificate, as browsers show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.der());
        digest
            .as_ref()
            .iter()
            .enumerate()
            .fold(String::new(), |mut text, (index, byte)| {
                let separator = if index == 0 { "" } else { ":" };
                let _ = write!(text, "{separator}{byte:02X}");
                text
            })
    }

    /// Its chain and its key.
    pub(crate) fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.clone_key())
    }

    /// The TLS side of a server that shows this certificate. No process-wide default is used or
    /// set: another library in the process may bring a provider of its own.
    pub(super) fn server_config(&self) -> Result<ServerConfig, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Reads two files, each with the setting to blame.
    fn read(certificate: Named<'_>, key: Named<'_>) -> Result<Self, CertificateError> {
        let in_pem = certificate.in_pem("certificate");
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate.contents()?)
            .collect::<Result<_, _>>()
            .map_err(&in_pem)?;
        if chain.is_empty() {
            return Err(in_pem(rustls::pki_types::pem::Error::NoItemsFound));
        }
        let key =
            PrivateKeyDer::from_pem_slice(&key.contents()?).map_err(key.in_pem("private key"))?;
        Ok(Self { chain, key })
    }

    fn make(
        names: &[String],
        now: SystemTime,
    ) -> Result<(Self, String, Zeroizing<String>), CertificateError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "Crosspoint");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // The clock of a browser may be behind.
        params.not_before = (now - DAY).into();
        params.not_after = (now + LIFETIME).into();
        let certificate = params.self_signed(&key)?;
        let key_pem = Zeroizing::new(key.serialize_pem());
        let made = Self {
            chain: vec![certificate.der().clone()],
            key: key.into(),
        };
        Ok((made, certificate.pem(), key_pem))
    }

    /// Whether this self-signed certificate will do.
    fn serves(&self, names: &[String], now: SystemTime) -> bool {
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(self.der()) else {
            return false;
        };
        let unix = |time: SystemTime| {
            let since = time
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        };
        let validity = parsed.validity();
        let is_valid = validity.not_before.timestamp() <= unix(now)
            && validity.not_after.timestamp() >= unix(now + RENEWAL);
        let wanted: BTreeSet<_> = names.iter().cloned().collect();
        is_valid && subject_names(&parsed) == wanted && self.server_config().is_ok()
    }
}

/// The names of the subject alternative name extension, addresses as text.
fn subject_names(certificate: &x509_parser::certificate::X509Certificate<'_>) -> BTreeSet<String> {
    let text = |name: &GeneralName<'_>| match *name {
        GeneralName::DNSName(name) => Some(name.to_owned()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    };
    let extension = certificate.subject_alternative_name().ok().flatten();
    extension
        .map(|names| names.value.general_names.iter().filter_map(text).collect())
        .unwrap_or_default()
}

fn make_private_dir(path: &Path) -> Result<(), CertificateError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(at(path))
}

/// Puts a whole new file where one may be: nobody sees half of it, nor ever wider permissions.
fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<(), CertificateError> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&temporary)(error)),
        _ => {}
    }
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()
    });
    written.map_err(at(&temporary))?;
    fs::rename(&temporary, path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CertificateError {
    Named(STATE_DIR, path).failed()
}

/// A file, and the setting that names it or its folder.
#[derive(Clone, Copy)]
struct Named<'a>(&'static str, &'a Path);

impl Named<'_> {
    fn contents(self) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
        fs::read(self.1).map(Zeroizing::new).map_err(self.failed())
    }

    fn failed(self) -> impl FnOnce(io::Error) -> CertificateError {
        let Self(key, path) = self;
        let path = path.to_owned();
        move |source| CertificateError::File { key, path, source }
    }

    fn in_pem(
        self,
        expected: &'static str,
    ) -> impl Fn(rustls::pki_types::pem::Error) -> CertificateError {
        let Self(key, path) = self;
        let path = path.to_owned();
        move |source| CertificateError::Pem {
            key,
            expected,
            path: path.clone(),
            source,
        }
    }
}
