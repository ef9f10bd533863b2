//! The TURN server. `--help` explains everything.

use std::process::ExitCode;

use clap::Parser;
use examples::turn::config::{Arguments, Config, Settings};
use examples::turn::coturn;
use examples::turn::service::{Service, check, start_log};
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(Arguments::parse())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("turn-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.import_coturn {
        let imported = coturn::import(path)?;
        for warning in imported.warnings() {
            eprintln!("turn-server: {warning}");
        }
        print!("{}", imported.toml());
        // What is wrong with it is said now, not when it is to serve.
        imported.config(Settings::default())?;
        return Ok(());
    }
    let is_check = arguments.check;
    let config = match &arguments.coturn {
        Some(path) => coturn::import(path)?.config(arguments.settings)?,
        None => Config::load(arguments)?,
    };
    if is_check {
        let found = check(&config)?;
        for notice in config.notices.iter().chain(&found) {
            println!("Note: {notice}");
        }
        println!("The settings are sound.");
        return Ok(());
    }
    start_log(&config.log)?;
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    serve(&config).await
}

async fn serve(config: &Config) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut service = Service::start(config).await?;
    for listen in service.server().listening() {
        println!("Listening on {} {}", listen.transport, listen.address);
    }
    for relay in service.server().relays() {
        println!("Relaying at {relay}");
    }
    if let Some(admin) = service.admin() {
        println!("Metrics: http://{admin}/metrics");
    }
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
            _ = hang_up.recv() => service.reload_certificate(),
            _ = terminate.recv() => break,
        }
    }
    tokio::select! {
        () = service.drain() => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
