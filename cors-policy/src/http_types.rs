//! From and to the types of the crate `http`.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::decision::Headers;
use crate::request::Request;

impl<'a> Request<'a> {
    /// A request with this method and these header fields. Its own origin is still to be said:
    /// [`own_origins`](Self::own_origins), [`own_host`](Self::own_host).
    pub fn from_http(method: &'a Method, headers: &'a HeaderMap) -> Self {
        let mut request = Self::new(method.as_str());
        for (name, value) in headers {
            request.add(name.as_str(), value.as_bytes());
        }
        request
    }
}

/// As [`Request::from_http`].
impl<'a> From<&'a Parts> for Request<'a> {
    fn from(head: &'a Parts) -> Self {
        Self::from_http(&head.method, &head.headers)
    }
}

/// As [`Request::from_http`].
impl<'a, B> From<&'a http::Request<B>> for Request<'a> {
    fn from(request: &'a http::Request<B>) -> Self {
        Self::from_http(request.method(), request.headers())
    }
}

impl Headers<'_> {
    /// Name and value of each line as HTTP types.
    pub fn to_http(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
        // Every value was a field value before, or was checked when the policy was built.
        self.iter().filter_map(|(name, value)| {
            let value = HeaderValue::from_str(value).ok()?;
            Some((HeaderName::from_static(name), value))
        })
    }

    /// Adds the lines to those of a response, which may have its own `Vary`.
    pub fn append_to(&self, headers: &mut HeaderMap) {
        for (name, value) in self.to_http() {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn a_request_of_http_is_seen_and_its_answer_keeps_its_own_vary() {
        let policy = Policy::allow(["https://a.example"])
            .max_age(5)
            .build()
            .unwrap();
        let request = http::Request::options("/x")
            .header("origin", "https://a.example")
            .header("access-control-request-method", "POST")
            .body(())
            .unwrap();
        let view = Request::from(&request);
        let decision = policy.decide(&view);
        assert_eq!(decision.status(), Some(204));
        let mut headers = HeaderMap::from_iter([(http::header::VARY, "Accept".parse().unwrap())]);
        decision.headers().append_to(&mut headers);
        assert_eq!(headers.get_all("vary").iter().count(), 2);
        assert_eq!(headers["access-control-allow-origin"], "https://a.example");
        assert_eq!(headers["access-control-max-age"], "5");
        assert_eq!(decision.headers().to_http().count(), headers.len() - 1);
    }
}
