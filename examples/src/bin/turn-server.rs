//! The TURN server. `--help` explains everything.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::turn::config::{Arguments, Config};
use examples::turn::{Options, Report, Server};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;
use turn_relay::server::Event;

/// Reports that wait to be logged.
const REPORTS: usize = 4096;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("turn-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(Arguments::parse())?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .with_writer(std::io::stderr);
    // Escape codes are for people at a terminal, not for a journal.
    log.with_ansi(std::io::stderr().is_terminal()).init();
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    let (tell, mut reports) = mpsc::channel(REPORTS);
    let server = Server::start(Options::from_config(&config)?, &tell)?;
    drop(tell);
    for listen in server.listening() {
        println!("Listening on {} {}", listen.transport, listen.address);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            Some(report) = reports.recv() => tracing::debug!(?report),
            interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
            _ = terminate.recv() => break,
        }
    }
    drain(&config, &server, &mut reports).await;
    Ok(())
}

/// Lets the allocations there are live on to a deadline.
async fn drain(config: &Config, server: &Server, reports: &mut mpsc::Receiver<Report>) {
    let mut left = config.workers.get();
    tracing::info!(seconds = config.drain_time.as_secs(), "draining");
    server.drain(config.drain_time, config.alternate_servers.first().copied());
    let all_gone = async {
        while left > 0 {
            match reports.recv().await {
                Some(report) if report.event == Event::Drained => left -= 1,
                Some(report) => tracing::debug!(?report),
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(config.drain_time + Duration::from_secs(1), all_gone).await;
}
