//! The command line of `turn-server`.

use std::path::PathBuf;

use clap::Parser;

use super::Settings;

const EXAMPLES: &str = "\
Examples:
  turn-server --config /etc/crosspoint/turn-server.toml
      Relays for those whom the file lets in.
  turn-server --config turn-server.toml --check
      Says what is wrong with the file, or nothing.
  umask 077; turn-server --import-coturn /etc/turnserver.conf > turn-server.toml
      Writes the file that a coturn server's becomes, and says what does not come along.
  turn-server --coturn /etc/turnserver.conf
      Runs from a coturn server's file as it is.

The file holds the same names, and some that the command line lacks; secrets stand in files only.
The smallest one that serves:
  realm = \"example.org\"
  users = [{ name = \"alice\", password = \"change me\" }]
What it may say besides is told in docs/turn-server.md and examples/turn-server.toml.

What the command line says goes before the file, the file before the defaults. SIGTERM ends the
server: no new allocations, the others live on for drain-time seconds; a second one ends it at once.
SIGHUP reads the certificate again; it is read by itself, too, when its file changes.";

/// Relays media for WebRTC clients that cannot reach each other (TURN, RFC 8656).
#[derive(Debug, Default, Parser)]
#[command(name = "turn-server", version, after_long_help = EXAMPLES, after_help = "--help says more.")]
pub struct Arguments {
    /// Read the settings of this TOML file
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["coturn", "import_coturn"])]
    pub config: Option<PathBuf>,
    /// Read the settings of this file of a coturn server
    #[arg(long, value_name = "FILE", conflicts_with = "import_coturn")]
    pub coturn: Option<PathBuf>,
    /// Print this file of a coturn server as a TOML file, and end
    #[arg(long, value_name = "FILE")]
    pub import_coturn: Option<PathBuf>,
    /// Check the settings, say what is wrong, and end
    #[arg(long)]
    pub check: bool,
    /// Everything that can stand in the file as well.
    #[command(flatten)]
    pub settings: Settings,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_its_help_names_every_flag() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        for flag in [
            "--config",
            "--coturn",
            "--import-coturn",
            "--check",
            "--listen-udp",
            "--listen-tls",
            "--relay-address",
            "--relay-ports",
            "--admin-listen",
            "--log",
        ] {
            assert!(help.contains(flag), "{flag}");
        }
    }

    #[test]
    fn secrets_cannot_be_given_on_the_command_line() {
        for flag in [
            "--secrets=a",
            "--users=a:b",
            "--redis=password=a",
            "--postgres=host=a",
        ] {
            let line = ["turn-server", flag];
            assert!(Arguments::try_parse_from(line).is_err(), "{flag}");
        }
    }

    #[test]
    fn one_file_is_read() {
        for line in ["--config a --coturn b", "--coturn a --import-coturn b"] {
            let line = std::iter::once("turn-server").chain(line.split(' '));
            assert!(Arguments::try_parse_from(line).is_err());
        }
    }
}
