//! The runner's flags, as far as this crate has what they speak of.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use dtls_handshake::ClientCertificates;

use crate::Failure;

/// What the runner wants.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    pub(crate) asks_for_handshaker: bool,
    pub(crate) ipv6: bool,
    pub(crate) port: u16,
    pub(crate) shim_id: u64,

    pub(crate) server: bool,
    /// The identity is told in the form of one of several to choose from.
    pub(crate) is_credential: bool,
    pub(crate) certificates: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) client_certificates: Option<ClientCertificates>,
    pub(crate) refuses_peer: bool,
    pub(crate) has_verifier: bool,
    pub(crate) min_version: Option<u16>,
    pub(crate) max_version: Option<u16>,
    pub(crate) no_1_2: bool,
    pub(crate) no_1_3: bool,
    pub(crate) curves: Vec<u16>,
    pub(crate) srtp_profiles: Vec<u16>,
    pub(crate) mtu: Option<usize>,
    pub(crate) initial_timeout: Option<Duration>,

    pub(crate) writes_first: bool,
    pub(crate) shuts_down: bool,
    pub(crate) updates_keys: bool,
    pub(crate) updates_keys_before_read: bool,
    pub(crate) export_length: usize,
    pub(crate) export_label: String,
    pub(crate) export_context: String,
    pub(crate) uses_export_context: bool,

    pub(crate) expected: Expected,
}

/// What has to hold once connected.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) version: Option<u16>,
    pub(crate) cipher_suite: Option<u16>,
    pub(crate) group: Option<u16>,
    pub(crate) no_certificate: bool,
    pub(crate) peer_judged: bool,
    pub(crate) retry: Option<bool>,
}

impl Flags {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut flags = Self::default();
        let mut is_dtls = false;
        while let Some(name) = arguments.next() {
            if name == "-dtls" {
                is_dtls = true;
            } else if name == "-new-x509-credential" {
                flags.begin_credential()?;
            } else if !flags.set(&name) {
                let value = arguments
                    .next()
                    .ok_or_else(|| Failure::Unimplemented(name.clone()))?;
                flags.set_value(&name, &value)?;
            }
        }
        if !is_dtls && !flags.asks_for_handshaker {
            return Err(Failure::Unimplemented("TLS".into()));
        }
        Ok(flags)
    }

    /// An identity comes. There is one, and none to choose from.
    fn begin_credential(&mut self) -> Result<(), Failure> {
        if self.is_credential || self.certificates.is_some() {
            return Err(Failure::Unimplemented("several certificates".into()));
        }
        self.is_credential = true;
        Ok(())
    }

    /// A flag without a value. `false` when it is none of these.
    fn set(&mut self, name: &str) -> bool {
        match name {
            "-is-handshaker-supported" => self.asks_for_handshaker = true,
            "-ipv6" => self.ipv6 = true,
            "-server" => self.server = true,
            "-require-any-client-certificate" => {
                self.client_certificates = Some(ClientCertificates::Required);
            }
            "-verify-peer" => {
                self.client_certificates
                    .get_or_insert(ClientCertificates::Optional);
            }
            "-verify-fail" => self.refuses_peer = true,
            "-use-custom-verify-callback" => self.has_verifier = true,
            "-no-tls12" => self.no_1_2 = true,
            "-no-tls13" => self.no_1_3 = true,
            "-shim-writes-first" => self.writes_first = true,
            "-shim-shuts-down" => self.shuts_down = true,
            "-key-update" => self.updates_keys = true,
            "-key-update-before-read" => self.updates_keys_before_read = true,
            "-use-export-context" => self.uses_export_context = true,
            "-expect-no-peer-cert" => self.expected.no_certificate = true,
            "-expect-verify-result" => self.expected.peer_judged = true,
            "-expect-hrr" => self.expected.retry = Some(true),
            "-expect-no-hrr" => self.expected.retry = Some(false),
            // How another library is called; or what holds here in any case.
            "-async"
            | "-implicit-handshake"
            | "-use-old-client-cert-callback"
            | "-expect-extended-master-secret"
            | "-expect-no-session"
            | "-no-ticket"
            | "-no-tls1"
            | "-renegotiate-freely" => {}
            _ => return false,
        }
        true
    }

    fn set_value(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            "-port" => self.port = parse(value)?,
            "-shim-id" => self.shim_id = parse(value)?,
            "-cert-file" => self.certificates = Some(value.into()),
            "-key-file" => self.key = Some(value.into()),
            // Whom to trust says the verifier.
            "-trust-cert" => {}
            // The only one, as the runner counts them.
            "-expect-selected-credential" if value == "0" && self.is_credential => {}
            "-min-version" => self.min_version = Some(parse(value)?),
            "-max-version" => self.max_version = Some(parse(value)?),
            "-curves" => self.curves.push(parse(value)?),
            "-srtp-profiles" => self.srtp_profiles = srtp_profiles(value)?,
            "-mtu" => self.mtu = Some(parse(value)?),
            "-initial-timeout-duration-ms" => {
                self.initial_timeout = Some(Duration::from_millis(parse(value)?));
            }
            "-export-keying-material" => self.export_length = parse(value)?,
            "-export-label" => self.export_label = value.into(),
            "-export-context" => self.export_context = value.into(),
            "-expect-version" => self.expected.version = Some(parse(value)?),
            "-expect-cipher" => self.expected.cipher_suite = Some(parse(value)?),
            "-expect-curve-id" => self.expected.group = Some(parse(value)?),
            _ => return Err(Failure::Unimplemented(name.into())),
        }
        Ok(())
    }
}

fn parse<T: FromStr>(value: &str) -> Result<T, Failure> {
    value
        .parse()
        .map_err(|_| Failure::Unimplemented(format!("value {value}")))
}

fn srtp_profiles(names: &str) -> Result<Vec<u16>, Failure> {
    let profile = |name| match name {
        "SRTP_AES128_CM_SHA1_80" => Ok(0x0001),
        "SRTP_AES128_CM_SHA1_32" => Ok(0x0002),
        "SRTP_AEAD_AES_128_GCM" => Ok(0x0007),
        "SRTP_AEAD_AES_256_GCM" => Ok(0x0008),
        other => Err(Failure::Unimplemented(other.into())),
    };
    names.split(':').map(profile).collect()
}
