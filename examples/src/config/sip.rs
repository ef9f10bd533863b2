//! The settings of the phone side: the SIP server, and what only means something beside one.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::value::{each, parse, seconds, with};
use super::{Codec, ConfigError, Settings, Sip, file, login, network};
use crate::sip::{Server, Transport};

const RING_TIMEOUT: i64 = 60;

/// Checks the settings of the phone side.
pub(super) fn sip(settings: &Settings, notices: &mut Vec<String>) -> Result<Sip, ConfigError> {
    let server = settings.sip_server.as_deref();
    let server = server.map(|text| parse("sip-server", text)).transpose()?;
    let local = settings.phone_address.as_deref();
    let local = with("phone-address", local, network::media_address)?;
    if server.is_none() {
        refuse_without_server(settings)?;
    }
    Ok(Sip {
        tls_roots: tls_roots(server.as_ref(), settings.sip_tls_ca.as_deref())?,
        server,
        local,
        credentials: login::login(settings, notices)?,
        codecs: codecs(settings.codecs.as_deref())?,
        ring_timeout: seconds("ring-timeout", settings.ring_timeout, RING_TIMEOUT)?,
    })
}

/// Who sets one of these expects calls to leave this machine, and they would not.
fn refuse_without_server(settings: &Settings) -> Result<(), ConfigError> {
    let keys = [
        ("phone-address", settings.phone_address.is_some()),
        ("sip-user", settings.sip_user.is_some()),
        ("sip-password", settings.sip_password.is_some()),
        ("sip-password-file", settings.sip_password_file.is_some()),
        ("sip-tls-ca", settings.sip_tls_ca.is_some()),
    ];
    match keys.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((present, _)) => Err(ConfigError::Alone {
            present,
            missing: "sip-server",
        }),
    }
}

fn codecs(names: Option<&[String]>) -> Result<Vec<Codec>, ConfigError> {
    match names {
        None => Ok(Codec::ALL.to_vec()),
        Some([]) => Err(ConfigError::invalid("codecs", "[]", "a call needs a codec")),
        Some(names) => each("codecs", names, |name| name.parse()),
    }
}

fn tls_roots(server: Option<&Server>, ca: Option<&Path>) -> Result<Option<Vec<u8>>, ConfigError> {
    const KEY: &str = "sip-tls-ca";
    let Some(path) = ca else {
        return match server {
            Some(server) if server.transport() == Transport::Tls => {
                let problem = "a SIP server over TLS needs sip-tls-ca, the file with its CA";
                Err(ConfigError::invalid("sip-server", server, problem))
            }
            _ => Ok(None),
        };
    };
    let pem = file::read_bytes(KEY, path)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(certificates);
    match usable {
        0 => {
            let problem = "there is no certificate in PEM in it";
            Err(ConfigError::invalid(KEY, path.display(), problem))
        }
        _ => Ok(Some(pem)),
    }
}
