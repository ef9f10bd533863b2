//! Who asks: bearer tokens (RFC 6750).
//!
//! A handler that takes an [`Owner`] cannot be reached by anybody who may not call.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::problem::Problem;
use super::routes::App;
use crate::calls::Owner;
use crate::config::Tokens;

impl FromRequestParts<App> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        owner(&parts.headers, &app.tokens, app.anonymous)
    }
}

fn owner(headers: &HeaderMap, tokens: &Tokens, anonymous: bool) -> Result<Owner, Problem> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    match (fields.next(), fields.next()) {
        (None, _) if anonymous => Ok(Owner::Anonymous),
        (None, _) => Err(Problem::unauthorized("calls need a bearer token", "Bearer")),
        (Some(field), None) => bearer(field)
            .and_then(|token| tokens.find(token))
            .map(|name| Owner::Token(name.clone()))
            .ok_or_else(wrong_token),
        (Some(_), Some(_)) => Err(wrong_token()),
    }
}

fn wrong_token() -> Problem {
    let detail = "the Authorization field has no token that is known here";
    Problem::unauthorized(detail, "Bearer error=\"invalid_token\"")
}

/// The token of `Bearer TOKEN`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(field: &HeaderValue) -> Option<&str> {
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Token};

    fn ask(fields: &[&str], anonymous: bool) -> Option<Owner> {
        let mut tokens = Tokens::default();
        tokens
            .add(Token::new("a", Secret::new("0123456789abcdef")).unwrap())
            .unwrap();
        let value = |field: &&str| (AUTHORIZATION, HeaderValue::from_str(field).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in fields.iter().map(value) {
            headers.append(name, value);
        }
        owner(&headers, &tokens, anonymous).ok()
    }

    #[test]
    fn only_a_known_token_or_none_where_none_is_needed() {
        let known = Some(Owner::Token("a".into()));
        assert_eq!(ask(&["Bearer 0123456789abcdef"], false), known);
        assert_eq!(ask(&["bearer 0123456789abcdef"], true), known);
        assert_eq!(ask(&[], true), Some(Owner::Anonymous));
        assert_eq!(ask(&[], false), None);
        for wrong in [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
        ] {
            assert_eq!(ask(&[wrong], true), None, "{wrong}");
        }
        assert_eq!(ask(&["Bearer 0123456789abcdef", "Bearer x"], true), None);
    }
}
