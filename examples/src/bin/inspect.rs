//! Shows what a message says: `inspect sdp FILE`, `inspect stun FILE`, `inspect rtp FILE`, `inspect srtp
//! --profile NAME --key-file FILE`. `--help` explains.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use examples::inspect::{self, RtpOptions, SdpOptions, Secrets, SrtpKeys, SrtpOptions, Verdict};
use sdp::{Limits, Mode};
use srtp::Profile;
use zeroize::Zeroizing;

/// The longest key file, in bytes.
const KEY_FILE_MAX: usize = 65_536;

const EXAMPLES: &str = "\
Examples:
  inspect sdp offer.sdp --strict
  inspect stun checks.hex
  inspect rtp --telephone-event 101 < call.hex
  inspect cors --policy policy.json < requests.jsonl
  inspect srtp --profile AEAD_AES_128_GCM --key-file call.key < call.hex

Datagrams are hexadecimal text, one a line: 0001002c, 0x0001002c, 00:01:00:2c or 0x00, 0x01, 0x00, 0x2c.
Spaces, tabs, colons and commas may stand between the digits; empty lines and those that begin with
'#' are skipped.

A CORS policy is a JSON object with any of 'allow' (a list; empty for every origin, absent for the own
origin alone), 'public', 'credentials', 'methods' and 'headers' (a list or \"*\"), 'expose', 'max_age'
and 'private_network'. A request is one on a line:
  {\"method\":\"POST\",\"headers\":[[\"Origin\",\"https://a.example\"]],\"own_origin\":\"https://gw.example\"}

One JSON object a line. What is malformed is a line with 'error' and where it is; everything else is
read all the same, and the exit status is 1.";

const KEY_FILE: &str = "\
The key file is text, one key a line; empty lines and those that begin with '#' are skipped:
  d41f...e3               master key and master salt as hexadecimal digits, the key first
  d41f...07               what a DTLS handshake exports (RFC 5764): the client's and the server's key
  inline:MTIz...|2^20|1:4 as a=crypto has it (RFC 4568), or the whole attribute
A packet is tried under each; 'key' tells which one opened it, from 1.

Profiles: AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, AES_256_CM_HMAC_SHA1_80,
AES_256_CM_HMAC_SHA1_32, AEAD_AES_128_GCM, AEAD_AES_256_GCM, SRTP_NULL_HMAC_SHA1_80,
SRTP_NULL_HMAC_SHA1_32.

One JSON object a line: what the packet is, and 'plain', the packet as it was before it was
protected. What does not open is a line with 'error' and why, and the exit status is 1. Keys are
never shown; payloads are.";

/// Shows what session descriptions, STUN messages, RTP and SRTP packets say.
#[derive(Debug, Parser)]
#[command(name = "inspect", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Show passwords, keys, payloads and DTMF digits
    #[arg(long, global = true)]
    show_secrets: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Session descriptions (RFC 8866)
    Sdp(SdpArguments),
    /// STUN and TURN messages (RFC 8489, RFC 8656) and ChannelData
    Stun {
        /// The datagrams; '-' is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// RTP and RTCP headers (RFC 3550), protected or not
    Rtp {
        /// The datagrams; '-' is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// Read this payload type as telephone-event (RFC 4733)
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(..128))]
        telephone_event: Option<u8>,
    },
    /// What a CORS policy (Fetch standard) says of requests
    Cors {
        /// The policy
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// The requests; '-' is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// Decrypts SRTP and SRTCP (RFC 3711, RFC 7714)
    #[command(after_help = KEY_FILE)]
    Srtp(SrtpArguments),
}

#[derive(Debug, Args)]
struct SrtpArguments {
    /// The datagrams; '-' is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// How packets are protected
    #[arg(long, value_name = "NAME", value_parser = profile)]
    profile: Profile,
    /// The keys, as told below
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Hexadecimal digits of the MKI that packets carry; inline: keys tell their own
    #[arg(long, value_name = "HEX", value_parser = mki)]
    mki: Option<Mki>,
    /// The roll-over counter at the first packet of each stream
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    roc: u32,
    /// The ids of header extensions that are encrypted (RFC 6904). Cryptex (RFC 9335) shows itself
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    encrypted_extensions: Vec<u8>,
}

/// A master key identifier of the command line.
#[derive(Debug, Clone)]
struct Mki(Vec<u8>);

fn mki(text: &str) -> Result<Mki, String> {
    inspect::bytes(text).map(Mki)
}

/// The profile of a name as SDES writes it, or as the registry of DTLS does: with `SRTP_` before it, and
/// `AES128_CM` for `AES_CM_128`.
fn profile(name: &str) -> Result<Profile, srtp::UnknownProfile> {
    let bare = name.strip_prefix("SRTP_").unwrap_or(name);
    let bare = bare.replace("AES128_CM", "AES_CM_128");
    let parsed = bare.parse();
    parsed.or_else(|_| {
        format!("SRTP_{bare}")
            .parse()
            .map_err(|_| srtp::UnknownProfile::Name(name.into()))
    })
}

#[derive(Debug, Args)]
struct SdpArguments {
    /// The descriptions; '-' is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// Forgive nothing
    #[arg(long, conflicts_with = "lenient")]
    strict: bool,
    /// Forgive what real peers are known for, and tell the first such fault, the default
    #[arg(long)]
    lenient: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Malformed) => ExitCode::FAILURE,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inspect: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<Verdict> {
    let secrets = match arguments.show_secrets {
        true => Secrets::Shown,
        false => Secrets::Hidden,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let verdict = match &arguments.what {
        What::Sdp(sdp) => descriptions(sdp, secrets, &mut out),
        What::Stun { file } => inspect::stun(open(file)?, &mut out, secrets),
        What::Rtp {
            file,
            telephone_event,
        } => {
            let options = RtpOptions {
                secrets,
                telephone_event: *telephone_event,
            };
            inspect::rtp(open(file)?, &mut out, options)
        }
        What::Cors { policy, file } => {
            let json = std::fs::read_to_string(policy).map_err(|error| named(policy, &error))?;
            let policy = inspect::cors_policy(&json)
                .map_err(|problem| named(policy, &io::Error::other(problem)))?;
            inspect::cors(&policy, open(file)?, &mut out)
        }
        What::Srtp(srtp) => inspect::srtp(open(&srtp.file)?, &mut out, keys(srtp)?),
    }?;
    out.flush()?;
    Ok(verdict)
}

fn descriptions(
    arguments: &SdpArguments,
    secrets: Secrets,
    out: &mut impl Write,
) -> io::Result<Verdict> {
    let mode = match arguments.strict {
        true => Mode::Strict,
        false => Mode::Lenient,
    };
    let mut verdict = Verdict::Fine;
    for path in &arguments.files {
        let name = path.display().to_string();
        let text = open(path).and_then(|file| read(file).map_err(|error| named(path, &error)))?;
        if inspect::sdp(&name, &text, out, SdpOptions { mode, secrets })? == Verdict::Malformed {
            verdict = Verdict::Malformed;
        }
    }
    Ok(verdict)
}

fn keys(arguments: &SrtpArguments) -> io::Result<SrtpKeys> {
    let path = &arguments.key_file;
    let file = File::open(path).map_err(|error| named(path, &error))?;
    // With room for all of it: a text that grows leaves its beginning behind in memory.
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_MAX + 1));
    let read = file.take(KEY_FILE_MAX as u64 + 1).read_to_string(&mut text);
    if read.map_err(|error| named(path, &error))? > KEY_FILE_MAX {
        let problem = format!("a key file has no more than {KEY_FILE_MAX} bytes");
        return Err(named(path, &io::Error::other(problem)));
    }
    let extensions = &arguments.encrypted_extensions;
    let options = SrtpOptions {
        profile: arguments.profile,
        mki: arguments.mki.as_ref().map(|Mki(mki)| mki.clone()),
        roc: arguments.roc,
        encrypted_extensions: (!extensions.is_empty())
            .then(|| extensions.iter().copied().collect()),
    };
    let keys = SrtpKeys::read(&text, &options);
    keys.map_err(|error| named(path, &io::Error::other(error)))
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| named(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// As much as a description may have, and one byte more to tell that it has more.
fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let most = Limits::default().bytes as u64 + 1;
    let mut text = Vec::new();
    from.take(most).read_to_end(&mut text)?;
    Ok(text)
}
