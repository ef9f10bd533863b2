//! What `ice-pair` does: gathers candidates, swaps descriptions with another copy, connects, says a
//! few words and hears the other's, and tells why where it cannot.

mod description;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ice_agent::{Event, Failure, State};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::driver::{Ice, IceNews, now};

pub use description::{Description, DescriptionError, END};
pub use server::{InvalidServerUri, ServerUri};

/// Between two words, and how many are said after the first of the other was heard.
const GAP: Duration = Duration::from_millis(100);
const WORDS: u32 = 5;

/// How long one that has finished stays for the other.
const LINGER: Duration = Duration::from_secs(1);

/// How descriptions are swapped.
#[derive(Debug, Clone)]
pub enum Swap {
    /// Ours is printed, the other's is pasted.
    Terminal,
    /// Each copy writes a file in this folder and reads that of the other.
    Folder(PathBuf),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// ICE found no way.
    #[error("{0}")]
    Ice(Box<Failure>),
    /// The other's description.
    #[error("the other's description: {0}")]
    Description(#[from] DescriptionError),
    /// The terminal, or the folder.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The other copy said nothing although a pair works.
    #[error("a pair works, and the other copy said nothing over it in time")]
    Mute,
}

/// Connects, and tells each step to `say`.
///
/// # Errors
/// Why there is no connection.
pub async fn run(
    ice: &mut Ice,
    swap: &Swap,
    patience: Duration,
    mut say: impl FnMut(String),
) -> Result<(), PairError> {
    let ours = gather(ice, &mut say).await;
    let theirs = exchange(swap, &ours, ice).await?;
    let now = now();
    for candidate in theirs.candidates {
        if let Err(refusal) = ice.agent().add_remote_candidate(now, candidate) {
            say(format!("a candidate of the other is not used: {refusal}"));
        }
    }
    ice.agent().end_of_remote_candidates(now);
    let told = ice.agent().set_remote_credentials(now, theirs.credentials);
    told.map_err(io::Error::other)?;
    let talked = tokio::time::timeout(patience, talk(ice, &mut say)).await;
    talked.unwrap_or(Err(PairError::Mute))?;
    // Over TCP the other notices at once when this one is gone.
    let stay = async { while !matches!(ice.next().await, IceNews::Event(Event::Failed(_))) {} };
    let _ = tokio::time::timeout(LINGER, stay).await;
    Ok(())
}

/// Waits until all candidates are there.
async fn gather(ice: &mut Ice, say: &mut impl FnMut(String)) -> Description {
    let mut candidates = Vec::new();
    loop {
        match ice.next().await {
            IceNews::Event(Event::LocalCandidate(candidate)) => candidates.push(candidate),
            IceNews::Event(Event::GatheringComplete) => break,
            IceNews::Event(event) => tell(&event, say),
            IceNews::Data(_) => {}
        }
    }
    for report in ice.agent().servers() {
        say(report.to_string());
    }
    Description {
        credentials: ice.agent().local_credentials().clone(),
        candidates,
    }
}

/// Gives ours away and gets the other's, while the agent lives on.
async fn exchange(
    swap: &Swap,
    ours: &Description,
    ice: &mut Ice,
) -> Result<Description, PairError> {
    let theirs = async {
        match swap {
            Swap::Terminal => {
                let mut out = tokio::io::stdout();
                out.write_all(ours.to_string().as_bytes()).await?;
                out.flush().await?;
                pasted().await
            }
            Swap::Folder(folder) => other_file(folder, ours).await,
        }
    };
    tokio::pin!(theirs);
    loop {
        tokio::select! {
            theirs = &mut theirs => return Ok(theirs?.parse()?),
            _ = ice.next() => {}
        }
    }
}

async fn pasted() -> io::Result<String> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        text.push_str(&line);
        text.push('\n');
        if line.trim() == END {
            break;
        }
    }
    Ok(text)
}

/// Our file is named by our ufrag, with `-` for what may not stand in a name; any other one is the
/// other's.
async fn other_file(folder: &Path, ours: &Description) -> io::Result<String> {
    let own = ours.credentials.ufrag().replace('/', "-") + ".ice";
    let own = folder.join(own);
    // A file that can be seen is whole.
    let hidden = own.with_extension("part");
    tokio::fs::write(&hidden, ours.to_string()).await?;
    tokio::fs::rename(&hidden, &own).await?;
    loop {
        let mut entries = tokio::fs::read_dir(folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            if path != own && path.extension().is_some_and(|end| end == "ice") {
                return tokio::fs::read_to_string(path).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Says words until the other was heard, and a few more for it to hear.
async fn talk(ice: &mut Ice, say: &mut impl FnMut(String)) -> Result<(), PairError> {
    let mut tick = tokio::time::interval(GAP);
    let mut heard = false;
    let mut left = WORDS;
    while left > 0 {
        tokio::select! {
            news = ice.next() => match news {
                IceNews::Event(Event::Failed(failure)) => return Err(PairError::Ice(failure)),
                IceNews::Event(event) => tell(&event, say),
                IceNews::Data(words) if !heard => {
                    heard = true;
                    say(format!("heard: {}", String::from_utf8_lossy(&words)));
                }
                IceNews::Data(_) => {}
            },
            _ = tick.tick() => {
                let words = format!("hello from {}", ice.agent().local_credentials().ufrag());
                let settled = ice.agent().state() == State::Completed;
                if ice.send(words.as_bytes()).is_ok() && heard && settled {
                    left -= 1;
                }
            }
        }
    }
    Ok(())
}

fn tell(event: &Event, say: &mut impl FnMut(String)) {
    match event {
        Event::StateChanged(state) => say(format!("state: {state}")),
        Event::SelectedPair(pair) => say(format!(
            "pair over {}: {} {} <-> {} {}",
            pair.local.protocol,
            pair.local.kind,
            pair.local.address,
            pair.remote.kind,
            pair.remote.address
        )),
        Event::UdpBlocked => say("UDP seems to be blocked".to_owned()),
        Event::Unresolved(candidate) => {
            say(format!("{} is a name, and not used", candidate.address));
        }
        _ => {}
    }
}

/// The evidence of a failure, a line each.
#[must_use]
pub fn evidence(failure: &Failure) -> Vec<String> {
    let servers = failure.servers.iter().map(ToString::to_string);
    let sockets = failure.sockets.iter().map(ToString::to_string);
    let pairs = failure.pairs.iter().map(|pair| {
        format!(
            "{} {} <-> {} {}: {:?}, {} checks sent, {} answered, {} heard, {} refused",
            pair.local.kind,
            pair.local.address,
            pair.remote.kind,
            pair.remote.address,
            pair.state,
            pair.checks_sent,
            pair.answers,
            pair.requests_heard,
            pair.refusals
        )
    });
    servers.chain(sockets).chain(pairs).collect()
}
