//! The settings of the HTTPS side: who may call, from where, and under which names.

use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::value::with;
use super::{
    ConfigError, Http, IceServerEntry, Settings, Tls, Token, TokenEntry, Tokens, file, limits,
    network, origins, state_dir,
};
use crate::calls::IceServer;

/// Where HTTPS listens when nothing is said.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

/// Checks the settings of the HTTPS side.
pub(super) fn http(settings: &Settings, notices: &mut Vec<String>) -> Result<Http, ConfigError> {
    let listen = settings.listen.as_deref();
    let listen = with("listen", listen, network::socket_address)?.unwrap_or(LISTEN);
    let limits = limits::read(settings)?;
    let tokens = tokens(settings, notices)?;
    let is_local = listen.ip().is_loopback();
    let allow_anonymous = settings.allow_anonymous.unwrap_or(false);
    if !is_local && tokens.is_empty() && !allow_anonymous {
        return Err(ConfigError::NoTokens { listen });
    }
    let anonymous = allow_anonymous || tokens.is_empty();
    if anonymous && !is_local {
        notices.push(format!(
            "anybody who reaches {listen} can call without a token"
        ));
    }
    let cors = origins::policy(settings.domain_whitelist.as_deref())?;
    if cors.admits_every_origin() {
        if anonymous {
            return Err(ConfigError::AnyOriginAnonymous);
        }
        notices.push("domain-whitelist is empty: a page of any origin can call".to_owned());
    }
    Ok(Http {
        listen,
        limits,
        public_names: public_names(settings.public_names.as_deref().unwrap_or_default())?,
        tls: tls(settings)?,
        tokens,
        anonymous,
        cors,
        ice_servers: settings
            .ice_servers
            .iter()
            .flatten()
            .map(ice_server)
            .collect::<Result<_, _>>()?,
    })
}

fn tokens(settings: &Settings, notices: &mut Vec<String>) -> Result<Tokens, ConfigError> {
    let mut tokens = Tokens::default();
    for TokenEntry { name, token } in settings.tokens.iter().flatten() {
        Token::new(name, token.clone())
            .and_then(|token| tokens.add(token))
            .map_err(|problem| ConfigError::Secret {
                key: "tokens",
                whose: name.clone(),
                problem,
            })?;
    }
    if let Some(path) = &settings.token_file {
        file::read_tokens(path, &mut tokens)?;
        if file::is_readable_by_others(path) {
            notices.push(format!("token-file: any user can read {}", path.display()));
        }
    }
    Ok(tokens)
}

fn public_names(names: &[String]) -> Result<Vec<String>, ConfigError> {
    for name in names {
        if !network::is_host(name) {
            let problem = "expected a host name, without scheme and port";
            return Err(ConfigError::invalid("public-names", name, problem));
        }
    }
    Ok(names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn tls(settings: &Settings) -> Result<Tls, ConfigError> {
    match (settings.tls_cert.clone(), settings.tls_key.clone()) {
        (Some(certificate), Some(key)) => Ok(Tls::Files { certificate, key }),
        (Some(_), None) => Err(ConfigError::Alone {
            present: "tls-cert",
            missing: "tls-key",
        }),
        (None, Some(_)) => Err(ConfigError::Alone {
            present: "tls-key",
            missing: "tls-cert",
        }),
        (None, None) => settings
            .state_dir
            .clone()
            .or_else(|| state_dir::default(|name| env::var_os(name)))
            .map(|state_dir| Tls::SelfSigned { state_dir })
            .ok_or(ConfigError::NoStateDir),
    }
}

fn ice_server(entry: &IceServerEntry) -> Result<IceServer, ConfigError> {
    const KEY: &str = "ice-servers";
    let IceServerEntry {
        urls,
        username,
        credential,
    } = entry;
    if urls.is_empty() {
        return Err(ConfigError::invalid(
            KEY,
            "urls = []",
            "a server needs a URL",
        ));
    }
    for url in urls {
        // RFC 7064 and RFC 7065.
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        let quotable = |b: u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"');
        match scheme {
            // They stand in `Link` fields, between angle brackets.
            Some(_) if !url.bytes().all(quotable) => {
                let problem = "expected a URL, without spaces, quotes and angle brackets";
                return Err(ConfigError::invalid(KEY, url, problem));
            }
            Some("stun" | "stuns") => {}
            Some("turn" | "turns") if username.is_some() && credential.is_some() => {}
            Some("turn" | "turns") => {
                let problem = "a TURN server needs username and credential";
                return Err(ConfigError::invalid(KEY, url, problem));
            }
            _ => {
                let problem = "expected stun:, stuns:, turn: or turns:";
                return Err(ConfigError::invalid(KEY, url, problem));
            }
        }
    }
    let credential = credential.as_ref();
    Ok(IceServer {
        urls: urls.clone(),
        username: username.clone(),
        credential: credential.map(|secret| secret.reveal().to_owned()),
    })
}
