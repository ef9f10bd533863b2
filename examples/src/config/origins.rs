//! Which pages may call from a browser.

use cors_policy::Policy;

use super::ConfigError;

/// What scripts of other origins may use of the API, and how long browsers may remember it.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];
const HEADERS: [&str; 3] = ["Authorization", "Content-Type", "If-Match"];
const EXPOSED: [&str; 3] = ["Location", "Link", "ETag"];
const MAX_AGE_SECONDS: u32 = 600;

/// The policy for `domain-whitelist`: absent for the gateway's own page only, empty for any page.
pub(super) fn policy(whitelist: Option<&[String]>) -> Result<Policy, ConfigError> {
    let origins = match whitelist {
        None => Policy::own_origin(),
        Some(entries) => Policy::allow(entries),
    };
    origins
        .methods(METHODS)
        .headers(HEADERS)
        .expose(EXPOSED)
        .max_age(MAX_AGE_SECONDS)
        .build()
        .map_err(|problem| {
            let value = whitelist.unwrap_or_default().join(", ");
            ConfigError::invalid("domain-whitelist", value, problem)
        })
}
