//! The gateway: joins browsers to SIP phones. `--help` explains everything.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use examples::config::{Arguments, Config, Tls};
use examples::gateway::Gateway;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(Arguments::parse())?;
    let filter = EnvFilter::try_new(&config.log)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Escape codes are for people at a terminal, not for a journal.
    log.with_ansi(std::io::stderr().is_terminal()).init();
    let gateway = Gateway::start(&config).await?;
    welcome(&config, &gateway);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    println!("Ending all calls.");
    gateway.shutdown().await;
    Ok(())
}

fn welcome(config: &Config, gateway: &Gateway) {
    for notice in &config.notices {
        println!("Note: {notice}");
    }
    println!("Crosspoint is ready. Open this page in a browser:");
    println!();
    println!("    https://{}/", page_address(config, gateway));
    println!();
    if let Tls::SelfSigned { .. } = config.http.tls {
        println!("The certificate is self-signed: the browser asks once whether to go on.");
    }
    match &config.sip.server {
        Some(server) => println!("Dial a user of {server}, or 'echo' to hear yourself."),
        None => println!("Dial 'echo' to hear yourself. --sip-server HOST:PORT leads to phones."),
    }
    if let Some(metrics) = gateway.metrics() {
        println!("Metrics: http://{}/metrics", metrics.local_addr());
    }
    println!("Ctrl-C ends all calls and the gateway.");
}

/// What a person can type: a listener on every address is reached by a name, or from here.
fn page_address(config: &Config, gateway: &Gateway) -> String {
    let local = gateway.http().local_addr();
    match (
        config.http.public_names.first(),
        local.ip().is_unspecified(),
    ) {
        (Some(name), _) => format!("{name}:{}", local.port()),
        (None, true) => format!("localhost:{}", local.port()),
        (None, false) => local.to_string(),
    }
}
