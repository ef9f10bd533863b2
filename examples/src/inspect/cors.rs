//! What a CORS policy says of requests: one of each a line, as JSON.

use std::io::{self, BufRead, Write};

use cors_policy::{Decision, Origin, Policy, PolicyBuilder, PrivateNetwork, Request};
use serde::{Deserialize, Serialize};

use super::{Fault, Verdict, write_line};

/// A policy as a file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyFile {
    /// Entries of the allow list; empty for every origin, absent for the own origin alone.
    allow: Option<Vec<String>>,
    /// Everybody, answered with `*`.
    public: bool,
    credentials: bool,
    methods: Option<Names>,
    headers: Option<Names>,
    expose: Vec<String>,
    /// Seconds.
    max_age: Option<u32>,
    private_network: bool,
}

/// Names, or `"*"` for any.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    Listed(Vec<String>),
    Any(Star),
}

#[derive(Debug, Deserialize)]
enum Star {
    #[serde(rename = "*")]
    Star,
}

/// Reads a policy, an object in JSON: `allow`, `public`, `credentials`, `methods`, `headers`,
/// `expose`, `max_age`, `private_network`, all of which may be absent.
///
/// # Errors
/// What is wrong with it, and where.
pub fn cors_policy(json: &str) -> Result<Policy, String> {
    let file: PolicyFile = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if file.public && file.allow.is_some() {
        return Err("\"public\" and \"allow\" exclude each other".to_owned());
    }
    let mut builder = match file.allow {
        _ if file.public => Policy::public(),
        Some(entries) => Policy::allow(entries),
        None => Policy::own_origin(),
    };
    builder = match file.methods {
        Some(Names::Listed(names)) => builder.methods(names),
        Some(Names::Any(Star::Star)) => builder.any_method(),
        None => builder,
    };
    builder = match file.headers {
        Some(Names::Listed(names)) => builder.headers(names),
        Some(Names::Any(Star::Star)) => builder.any_header(),
        None => builder,
    };
    let when = |set: bool, on: fn(PolicyBuilder) -> PolicyBuilder, builder| match set {
        true => on(builder),
        false => builder,
    };
    builder = when(file.credentials, PolicyBuilder::credentials, builder);
    builder = when(
        file.private_network,
        PolicyBuilder::private_network,
        builder,
    );
    if let Some(seconds) = file.max_age {
        builder = builder.max_age(seconds);
    }
    builder
        .expose(file.expose)
        .build()
        .map_err(|error| error.to_string())
}

/// A request as a line has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// The origin it was sent to.
    #[serde(default)]
    own_origin: Option<String>,
}

/// What is said of a request.
#[derive(Serialize)]
struct Said<'a> {
    line: usize,
    decision: &'static str,
    /// What the policy answers with; without it the application answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    headers: Vec<(&'static str, &'a str)>,
}

/// Decides about every request of `input`, an object in JSON on each line: `method`, `headers` as
/// pairs of name and value, and `own_origin`, which may be absent. Empty lines and those that
/// begin with `#` are skipped.
///
/// # Errors
/// What reading and writing may fail with.
pub fn cors(policy: &Policy, input: impl BufRead, out: &mut impl Write) -> io::Result<Verdict> {
    let mut verdict = Verdict::Fine;
    for (number, line) in (1..).zip(input.lines()) {
        let line = line?;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match read(&line) {
            Ok((request, own)) => decide(policy, number, &request, own.as_slice(), out)?,
            Err((error, column)) => {
                let fault = Fault {
                    line: number,
                    error,
                    column,
                    offset: None,
                };
                write_line(out, &fault)?;
                verdict = Verdict::Malformed;
            }
        }
    }
    Ok(verdict)
}

/// A request and its own origin, or what is wrong and in which column.
fn read(line: &str) -> Result<(RequestLine, Option<Origin>), (String, Option<usize>)> {
    let request: RequestLine =
        serde_json::from_str(line).map_err(|error| (error.to_string(), Some(error.column())))?;
    let own = request.own_origin.as_deref().map(Origin::parse).transpose();
    let own = own.map_err(|error| (format!("own_origin: {error}"), None))?;
    Ok((request, own))
}

fn decide(
    policy: &Policy,
    line: usize,
    request: &RequestLine,
    own: &[Origin],
    out: &mut impl Write,
) -> io::Result<()> {
    let view = Request::new(&request.method).own_origins(own);
    let view = request.headers.iter().fold(view, |view, (name, value)| {
        view.header(name, value.as_bytes())
    });
    let decision = policy.decide(&view);
    let said = Said {
        line,
        decision: name(&decision),
        status: decision.status(),
        reason: match &decision {
            Decision::Refused(refused) => Some(refused.to_string()),
            _ => None,
        },
        headers: decision.headers().iter().collect(),
    };
    write_line(out, &said)
}

fn name(decision: &Decision<'_>) -> &'static str {
    match decision {
        Decision::NotCors(_) => "not-cors",
        Decision::SameOrigin(_) => "same-origin",
        Decision::Allowed(_) => "allow",
        Decision::Preflight {
            private_network: PrivateNetwork::Withheld,
            ..
        } => "deny-private-network",
        Decision::Preflight { .. } => "allow-preflight",
        Decision::Refused(_) => "deny",
    }
}
