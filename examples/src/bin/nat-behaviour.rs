//! Tells how the NAT on the way to a server behaves: `nat-behaviour stun.example.org`. `--help` explains.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use examples::stun::{behaviour, resolve};
use serde_json::{Value, json};
use stun_codec::discovery::{Behaviour, Inconclusive, Report};

const EXAMPLES: &str = "\
Examples:
  nat-behaviour stun.example.org
  nat-behaviour --json 192.0.2.1:3478

The server must support RFC 5780: it needs two IP addresses. The tests take up to half a minute.
The exit status is 0 if both behaviours were found, 1 if not, 2 if the question was wrong.";

/// Tells how the NAT on the way to a STUN server maps and filters (RFC 5780).
#[derive(Debug, Parser)]
#[command(name = "nat-behaviour", version, after_help = EXAMPLES)]
struct Arguments {
    /// HOST, HOST:PORT or an IP address; port 3478 where none is said
    server: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("nat-behaviour: {}: {error}", arguments.server);
            ExitCode::from(2)
        }
    }
}

/// Whether both behaviours were found.
async fn run(arguments: &Arguments) -> io::Result<bool> {
    let server = resolve(&arguments.server).await?;
    let result = behaviour(server).await?;
    let (is_known, text) = match &result {
        Ok(report) => (
            report.mapping.is_ok() && report.filtering.is_ok(),
            if arguments.json {
                in_json(report).to_string()
            } else {
                in_words(report)
            },
        ),
        Err(failure) if arguments.json => {
            (false, json!({ "error": failure.to_string() }).to_string())
        }
        Err(failure) => (false, failure.to_string()),
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(is_known)
}

fn in_words(report: &Report) -> String {
    let nat = match report.is_translated() {
        true => "there is a NAT on the way",
        false => "no NAT on the way",
    };
    let say = |verdict: &Result<Behaviour, Inconclusive>| match verdict {
        Ok(behaviour) => behaviour.to_string(),
        Err(cause) => format!("not known: {cause}"),
    };
    format!(
        "{} is seen as {}: {nat}\nmapping:   {}\nfiltering: {}",
        report.local,
        report.mapped,
        say(&report.mapping),
        say(&report.filtering)
    )
}

fn in_json(report: &Report) -> Value {
    let say = |verdict: &Result<Behaviour, Inconclusive>| match verdict {
        Ok(behaviour) => json!({ "behaviour": behaviour.to_string() }),
        Err(cause) => json!({ "error": cause.to_string() }),
    };
    json!({
        "local": report.local,
        "mapped": report.mapped,
        "nat": report.is_translated(),
        "mapping": say(&report.mapping),
        "filtering": say(&report.filtering),
    })
}
