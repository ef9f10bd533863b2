//! A certificate authority of the tests, and browsers that trust it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::process::Command;

use super::process::Scratch;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An authority, and the one certificate that it has signed.
#[derive(Debug)]
pub(crate) struct Authority(Scratch);

impl Authority {
    /// Makes an authority and a certificate for these names.
    #[allow(clippy::disallowed_methods)] // a certificate needs the date
    pub(crate) fn for_names(names: &[&str]) -> Self {
        let folder = Scratch::new("authority");
        let now = SystemTime::now();
        let valid = |params: &mut CertificateParams| {
            (params.not_before, params.not_after) = ((now - DAY).into(), (now + DAY).into());
        };
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        valid(&mut ca);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(DnType::CommonName, "Test CA");
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut leaf = CertificateParams::new(names).unwrap();
        valid(&mut leaf);
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.join("ca.pem"), ca_pem).unwrap();
        std::fs::write(folder.join("cert.pem"), leaf.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        Self(folder)
    }

    /// The authority's own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// The certificate that it has signed.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.join("cert.pem")
    }

    /// The key of [`certificate`](Self::certificate).
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    /// The gateway's settings for its certificate.
    pub(crate) fn settings(&self) -> String {
        let (certificate, key) = (self.certificate(), self.key());
        format!(
            "tls-cert = '{}'\ntls-key = '{}'\n",
            certificate.display(),
            key.display()
        )
    }
}

/// Puts an authority into the database of a browser's profile (NSS), made if there is none.
pub(crate) async fn trust(database: &Path, ca: &Path) -> Result<(), String> {
    std::fs::create_dir_all(database).map_err(|error| error.to_string())?;
    let database = format!("sql:{}", database.display());
    let new = ["-N", "--empty-password"].map(str::to_owned).to_vec();
    let add = ["-A", "-t", "C,,", "-n", "test", "-i"].map(str::to_owned);
    let add = [add.to_vec(), vec![ca.display().to_string()]].concat();
    for arguments in [new, add] {
        let mut certutil = Command::new("certutil");
        let done = certutil.args(["-d", &database]).args(&arguments).output();
        let done = done.await.map_err(|error| error.to_string())?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(format!("certutil {arguments:?}: {said}"));
        }
    }
    Ok(())
}
