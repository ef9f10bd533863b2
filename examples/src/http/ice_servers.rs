//! The STUN and TURN servers that browsers are told: as JSON, and as `Link` fields (RFC 9725 §4.6).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use http::header::{ALLOW, LINK};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::host::Reached;
use super::problem::Problem;
use super::routes::App;
use crate::calls::{CallError, IceServer, Owner};
use crate::turn::embedded::{Embedded, Grant};

/// What `POST` takes (W3C Linked Data Platform §7.1).
pub(super) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// The type of an offer.
pub(super) const SDP: HeaderValue = HeaderValue::from_static("application/sdp");

/// The configured servers, and the embedded one.
#[derive(Debug)]
pub(super) struct IceServers {
    configured: Vec<IceServer>,
    embedded: Option<Arc<Embedded>>,
}

impl IceServers {
    pub(super) fn new(configured: &[IceServer], embedded: Option<Arc<Embedded>>) -> Self {
        Self {
            configured: configured.to_vec(),
            embedded,
        }
    }

    /// Makes the login of a caller who has no call yet, where there is an embedded server.
    fn grant(&self, owner: &Owner) -> Result<Option<Grant>, Problem> {
        let issue = |server: &Arc<Embedded>| server.issue(owner);
        let grant = self.embedded.as_ref().map(issue).transpose();
        grant.map_err(|error| {
            let what = error.to_string();
            CallError::Exhausted { what }.into()
        })
    }

    /// What the holder of a login is told, who reaches the gateway by this name.
    fn told(&self, grant: Option<&Grant>, Reached(host): &Reached) -> Vec<IceServer> {
        let embedded = self.embedded.as_ref().zip(grant);
        let embedded = embedded.map(|(server, grant)| server.ice_server(grant, host));
        embedded
            .into_iter()
            .chain(self.configured.iter().cloned())
            .collect()
    }

    /// Adds a `Link` for each URL.
    pub(super) fn link(&self, headers: &mut HeaderMap, grant: Option<&Grant>, reached: &Reached) {
        for link in self.told(grant, reached).iter().flat_map(links) {
            headers.append(LINK, link);
        }
    }
}

/// `GET /v1/ice-servers`. `grant` names the login of this answer to [`super::routes`]'s `POST`.
pub(super) async fn list(
    owner: Owner,
    reached: Reached,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let grant = app.ice_servers.grant(&owner)?;
    let mut json = json!({ "iceServers": app.ice_servers.told(grant.as_ref(), &reached) });
    if let (Some(object), Some(grant)) = (json.as_object_mut(), grant) {
        object.insert("grant".to_owned(), grant.user.as_ref().into());
    }
    Ok(Json(json).into_response())
}

/// `OPTIONS /v1/calls`, where it is not a preflight: who cannot change its servers after the offer
/// asks before it. The servers' passwords are for those who may call.
pub(super) async fn options(
    owner: Owner,
    reached: Reached,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let grant = app.ice_servers.grant(&owner)?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("OPTIONS, POST"));
    headers.insert(ACCEPT_POST, SDP);
    app.ice_servers.link(headers, grant.as_ref(), &reached);
    Ok(response)
}

/// A link for each URL of a server. One whose name or password no header field can carry is told
/// as JSON only.
fn links(server: &IceServer) -> impl Iterator<Item = HeaderValue> {
    let credentials = match (&server.username, &server.credential) {
        (Some(username), Some(credential)) => {
            quoted(username)
                .zip(quoted(credential))
                .map(|(username, credential)| {
                    format!(
                        "; username={username}; credential={credential}; \
                         credential-type=\"password\""
                    )
                })
        }
        _ => Some(String::new()),
    };
    server.urls.iter().filter_map(move |url| {
        let link = format!("<{url}>; rel=\"ice-server\"{}", credentials.as_ref()?);
        let mut value = HeaderValue::try_from(link).ok()?;
        value.set_sensitive(server.credential.is_some());
        Some(value)
    })
}

/// A quoted-string (RFC 9110 §5.6.4) of printable ASCII.
fn quoted(text: &str) -> Option<String> {
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    printable.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(urls: &[&str], username: Option<&str>, credential: Option<&str>) -> IceServer {
        IceServer {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            username: username.map(str::to_owned),
            credential: credential.map(str::to_owned),
        }
    }

    #[test]
    fn each_url_is_a_link_with_the_credentials_quoted() {
        let found: Vec<_> = links(&server(&["stun:a", "stun:b"], None, None)).collect();
        assert_eq!(
            found,
            [
                "<stun:a>; rel=\"ice-server\"",
                "<stun:b>; rel=\"ice-server\""
            ]
        );
        let turn = server(&["turn:a?transport=udp"], Some("u"), Some("p\"w\\"));
        assert_eq!(
            links(&turn).collect::<Vec<_>>(),
            [
                "<turn:a?transport=udp>; rel=\"ice-server\"; username=\"u\"; \
              credential=\"p\\\"w\\\\\"; credential-type=\"password\""
            ]
        );
    }

    #[test]
    fn what_no_field_can_carry_is_left_out() {
        for password in ["p\u{e4}ss", "a\r\nSet-Cookie: b"] {
            let turn = server(&["turn:a"], Some("u"), Some(password));
            assert_eq!(links(&turn).count(), 0, "{password:?}");
        }
    }
}
