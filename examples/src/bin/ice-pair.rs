//! Connects two copies of itself: run `ice-pair` in two terminals. `--help` explains.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::driver::{Connections, Ice, Trust, now};
use examples::ice_pair::{PairError, ServerUri, Swap, evidence, run};
use ice_agent::{Agent, Config, Family, Kinds, Local, Policy, Preference};

const EXAMPLES: &str = "\
Examples:
  ice-pair                          in two terminals: paste what each prints into the other
  ice-pair --through /tmp/pair      in two terminals that share a folder, which is empty
  ice-pair --server stun:stun.example.org --server 'turn:turn.example.org?transport=tcp' \\
           --username alice --relay-only

Progress goes to the standard error. The exit status is 0 when both have heard the other, 1 when they
have not, with the cause and the evidence, 2 for settings that cannot be.";

/// Connects two copies of itself by ICE, and says why where that cannot be.
#[derive(Debug, Parser)]
#[command(name = "ice-pair", version, after_help = EXAMPLES)]
struct Arguments {
    /// A STUN or TURN server, such as stun:host:port, turn:host?transport=tcp or turns:host; may be
    /// given more than once
    #[arg(long)]
    server: Vec<ServerUri>,
    /// The user of the TURN servers
    #[arg(long)]
    username: Option<String>,
    /// His password; by default the environment's TURN_PASSWORD, which other users do not see
    #[arg(long)]
    password: Option<String>,
    /// The name that the certificates of TLS servers must have, where it is not that of the server
    #[arg(long)]
    server_name: Option<String>,
    /// Trust the certificates of this PEM file, and nobody else
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Tell and use relayed candidates only
    #[arg(long)]
    relay_only: bool,
    /// Prefer relays to direct ways
    #[arg(long)]
    prefer_relay: bool,
    /// An address of ours to use; by default that of the way out, IPv4 and IPv6
    #[arg(long)]
    address: Vec<IpAddr>,
    /// The lowest and the highest port of our sockets, as in 40000-40100
    #[arg(long, value_parser = ports)]
    ports: Option<(u16, u16)>,
    /// Use TCP between the copies as well
    #[arg(long)]
    tcp: bool,
    /// Use TCP between the copies, and no UDP
    #[arg(long)]
    tcp_only: bool,
    /// A folder through which the descriptions are swapped
    #[arg(long)]
    through: Option<PathBuf>,
    /// Seconds to connect in, once both descriptions are known
    #[arg(long, default_value_t = 40)]
    timeout: u64,
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("{text:?} is not like 40000-40100");
    let (least, most) = text.split_once('-').ok_or_else(wrong)?;
    let least = least.parse().map_err(|_| wrong())?;
    let most = most.parse().map_err(|_| wrong())?;
    (least <= most).then_some((least, most)).ok_or_else(wrong)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let patience = Duration::from_secs(arguments.timeout);
    let swap = match &arguments.through {
        Some(folder) => Swap::Folder(folder.clone()),
        None => Swap::Terminal,
    };
    let mut ice = match prepare(&arguments, patience).await {
        Ok(ice) => ice,
        Err(error) => {
            eprintln!("ice-pair: {error}");
            return ExitCode::from(2);
        }
    };
    // A little more than the agent's own deadline, which names the cause.
    let patience = patience + Duration::from_secs(5);
    let paired = run(&mut ice, &swap, patience, |line| eprintln!("{line}")).await;
    ice.close();
    match paired {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ice-pair: {error}");
            if let PairError::Ice(failure) = error {
                for line in evidence(&failure) {
                    eprintln!("  {line}");
                }
            }
            ExitCode::from(1)
        }
    }
}

async fn prepare(
    arguments: &Arguments,
    deadline: Duration,
) -> Result<Ice, Box<dyn std::error::Error>> {
    let trust = match &arguments.ca {
        Some(file) => Some(Trust::from_file(file)?),
        // Only TLS needs it, which says so where nobody is trusted.
        None => Trust::of_the_system().ok(),
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut agent = Agent::new(config(arguments, deadline).await?, seed)?;
    let now = now();
    let wanted = match &arguments.address[..] {
        [] => vec![Local::Family(Family::V4), Local::Family(Family::V6)],
        some => some.iter().copied().map(Local::Ip).collect(),
    };
    for local in wanted {
        if !arguments.tcp_only {
            agent.gather(now, local)?;
        }
        if arguments.tcp || arguments.tcp_only {
            agent.gather_tcp(now, local)?;
        }
    }
    agent.end_of_local_candidates(now);
    Ok(Ice::new(
        agent,
        trust.map_or_else(Connections::default, Connections::trusting),
    ))
}

/// Both copies begin as controlled: the conflict settles which one controls (RFC 8445 §7.3.1.1).
async fn config(
    arguments: &Arguments,
    deadline: Duration,
) -> Result<Config, Box<dyn std::error::Error>> {
    let password = arguments.password.clone();
    let password = password.or_else(|| std::env::var("TURN_PASSWORD").ok());
    let mut config = Config {
        deadline,
        policy: Policy {
            kinds: match arguments.relay_only {
                true => Kinds::RELAY_ONLY,
                false => Kinds::ALL,
            },
            preference: match arguments.prefer_relay {
                true => Preference::Relayed,
                false => Preference::Direct,
            },
            ports: arguments.ports.map(|(least, most)| least..=most),
            ..Policy::default()
        },
        ..Config::default()
    };
    for uri in &arguments.server {
        let address = uri.resolve().await?;
        let Some(server) = uri.turn_server(address, arguments.server_name.as_deref()) else {
            config.stun_servers.push(address);
            continue;
        };
        // The relay of a server on this machine is reached from the same address.
        let server = match arguments
            .address
            .iter()
            .find(|ip| ip.is_ipv4() == address.is_ipv4())
        {
            Some(ip) => server.with_local(*ip),
            None => server,
        };
        config.turn_servers.push(match &arguments.username {
            Some(username) => {
                server.with_credentials(username, password.clone().unwrap_or_default())
            }
            None => server,
        });
    }
    Ok(config)
}
