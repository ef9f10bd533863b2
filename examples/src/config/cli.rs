//! The command line.

use std::path::PathBuf;

use clap::Parser;

use super::Settings;

const EXAMPLES: &str = "\
Examples:
  gateway
      A page on https://127.0.0.1:8443 for this machine alone; dial 'echo' to hear yourself.
  gateway --sip-server pbx.example.com:5060
      The same page, calling the users of a SIP server.
  gateway --config /etc/crosspoint.toml --listen 0.0.0.0:443
      For everybody in the network who has one of the file's tokens.

The file holds the same names, and some that the command line lacks. These are samples; without a
line there is no such thing, or the default that is named:
  listen = \"0.0.0.0:443\"                     # default: 127.0.0.1:8443
  sip-server = \"pbx.example.com:5060;transport=tcp\"
  sip-user = \"crosspoint\"                    # where the SIP server asks for a password
  sip-password = \"…\"                         # or sip-password-file = \"FILE\"
  sip-tls-ca = \"ca.pem\"                      # needed for transport=tls
  token-file = \"/etc/crosspoint.tokens\"      # one 'name:token' a line
  tokens = [{ name = \"reception\", token = \"at least 16 characters, no spaces\" }]
  media-ports = \"20000-29999\"                # default: 16384-65535
  media-address = [\"192.168.1.10\"]           # of this machine, for browsers; default: all it has
  phone-address = \"10.0.0.10\"                # of this machine, for SIP and the phones' media
  public-names = [\"calls.example.com\"]       # accepted in Host, put into the certificate
  domain-whitelist = [\"https://intranet.example.com\"]  # pages elsewhere that may call
  allow-anonymous = true                     # default: only on loopback, without tokens
  tls-cert = \"cert.pem\"                      # default: a self-signed certificate, in state-dir
  tls-key = \"key.pem\"
  state-dir = \"/var/lib/crosspoint\"          # default: ~/.local/state/crosspoint
  ice-servers = [{ urls = [\"stun:stun.example.com\"] }]
  turn-listen = \"0.0.0.0:3478\"               # default: port 3478 where HTTPS listens
  turn-tls-listen = \"0.0.0.0:5349\"           # default: port 5349 there; needs tls-cert
  turn-host = \"calls.example.com\"            # default: the name by which a browser came here
  metrics-listen = \"127.0.0.1:9464\"          # Prometheus reads http://127.0.0.1:9464/metrics
  max-calls-per-token = 20                   # default: max-calls
  workers = 4                                # media threads; default: one per core
  log = \"info,examples=debug\"                # default: info

These are the defaults:
  codecs = [\"PCMU\", \"PCMA\", \"opus\"]          # the first that the browser has is used
  turn = true                                # false: no embedded TURN server
  turn-realm = \"crosspoint\"
  max-calls = 1000
  max-connections = 1024                     # HTTPS connections at once
  max-event-streams = 2000                   # browsers that follow their calls
  max-body = 65536                           # bytes of SDP in a request
  head-timeout = 10                          # seconds for TLS, and for the head of a request
  idle-timeout = 60                          # seconds a connection may stay without a request
  ring-timeout = 60                          # seconds
  media-timeout = 30                         # seconds without media until a call ends
  packet-time = 20                           # milliseconds of sound in a packet: 10, 20, 40 or 60
  comfort-noise = false                      # true: browsers may send no sound while nobody speaks
  learn-phone-address = false                # true: a phone may send from another port than it told
  dtls-role = \"client\"                       # or \"server\", where the browser leaves the choice
  dtls-versions = [\"1.3\", \"1.2\"]             # the newest that the browser has is used

media-address and phone-address must be addresses of this machine. A public address that a router
translates to one of them (1:1 NAT) cannot be told to browsers yet.

What the command line says goes before the file, the file before the defaults.";

/// Joins browsers to SIP phones.
///
/// Opens a page over HTTPS from which a browser calls the users of a SIP server.
#[derive(Debug, Default, Parser)]
#[command(name = "gateway", version, after_long_help = EXAMPLES, after_help = "--help says more.")]
pub struct Arguments {
    /// Read the settings of this TOML file
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
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
            "--listen",
            "--sip-server",
            "--media-ports",
            "--media-address",
            "--phone-address",
            "--allow-anonymous",
            "--state-dir",
            "--log",
        ] {
            assert!(help.contains(flag), "{flag}");
        }
    }

    #[test]
    fn tokens_cannot_be_given_on_the_command_line() {
        for flag in ["--token=0123456789abcdef", "--tokens=0123456789abcdef"] {
            assert!(
                Arguments::try_parse_from(["gateway", flag]).is_err(),
                "{flag}"
            );
        }
    }

    #[test]
    fn flags_become_settings() {
        let line = "gateway --config a.toml --listen [::1]:1 --media-address 10.0.0.1 fd00::1 \
                    --allow-anonymous --log debug";
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(arguments.config, Some(PathBuf::from("a.toml")));
        assert_eq!(arguments.settings.listen.as_deref(), Some("[::1]:1"));
        assert_eq!(arguments.settings.media_address.map(|a| a.len()), Some(2));
        assert_eq!(arguments.settings.allow_anonymous, Some(true));
        assert_eq!(arguments.settings.log.as_deref(), Some("debug"));
    }
}
