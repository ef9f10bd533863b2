//! Asks a STUN server for our address: `stun-ping stun.example.org`. `--help` explains.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::stun::{Answer, PingError, ping, resolve};
use ice_agent::Transport;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  stun-ping stun.example.org
  stun-ping --count 10 --json 192.0.2.1:3478
  stun-ping --tcp [2001:db8::1]

The exit status is 0 if there was an answer, 1 if there was none, 2 if the question was wrong.";

/// Asks a STUN server under which address it sees us, and how long the answer takes.
#[derive(Debug, Parser)]
#[command(name = "stun-ping", version, after_help = EXAMPLES)]
struct Arguments {
    /// HOST, HOST:PORT or an IP address; port 3478 where none is said
    server: String,
    /// How many times to ask
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Ask over TCP
    #[arg(long)]
    tcp: bool,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 8.0)]
    patience: f64,
    /// One JSON object a line
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
            eprintln!("stun-ping: {}: {error}", arguments.server);
            ExitCode::from(2)
        }
    }
}

/// Whether there was an answer.
async fn run(arguments: &Arguments) -> io::Result<bool> {
    let server = resolve(&arguments.server).await?;
    let patience = Duration::try_from_secs_f64(arguments.patience).map_err(io::Error::other)?;
    let transport = match arguments.tcp {
        true => Transport::Tcp,
        false => Transport::Udp,
    };
    let mut answered = false;
    for number in 1..=arguments.count {
        let answer = ping(server, transport, patience).await;
        answered |= answer.is_ok();
        let line = match arguments.json {
            true => in_json(number, &answer),
            false => in_words(&answer),
        };
        writeln!(io::stdout(), "{line}")?;
        if number < arguments.count {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    Ok(answered)
}

fn in_words(answer: &Result<Answer, PingError>) -> String {
    match answer {
        Ok(answer) => {
            let time = answer.round_trip.map_or("after repetition".into(), |time| {
                format!("in {:.1} ms", time.as_secs_f64() * 1000.0)
            });
            format!("{} is seen as {} {time}", answer.local, answer.mapped)
        }
        Err(error) => error.to_string(),
    }
}

fn in_json(number: u32, answer: &Result<Answer, PingError>) -> String {
    match answer {
        Ok(answer) => json!({
            "number": number,
            "local": answer.local,
            "mapped": answer.mapped,
            "ms": answer.round_trip.map(|time| time.as_secs_f64() * 1000.0),
            "software": answer.software,
        }),
        Err(error) => json!({ "number": number, "error": error.to_string() }),
    }
    .to_string()
}
