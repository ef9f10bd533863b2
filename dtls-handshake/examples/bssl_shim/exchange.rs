//! One connection from its beginning to its end, and what is said over it: everything that the
//! runner sends goes back with its bits turned over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use dtls_handshake::{
    AlertDescription, ClientCertificates, CloseCause, Config, Connected, Connection, Event,
    Identity, KeyUpdateRequest, Version,
};

use crate::Failure;
use crate::check::Seen;
use crate::flags::Flags;
use crate::transport::{Order, Transport};

/// The longest datagram where the runner does not say: Ethernet's, less headers.
const USUAL_MTU: usize = 1472;
/// The longest record and what it takes: data is sent in one datagram each, however long.
const DATA_MTU: usize = (1 << 14) + 256;
/// The runner's idea of patience.
const INITIAL_TIMEOUT: Duration = Duration::from_millis(400);
const MAXIMUM_TIMEOUT: Duration = Duration::from_secs(60);
/// The runner knows of no deadline: a timeout that is further away than this is not one of its.
const DEADLINE: Duration = Duration::from_secs(24 * 3600);
const HORIZON: Duration = Duration::from_secs(3600);
/// What is said first, where the runner wants that.
const FIRST_WORDS: &[u8] = b"hello";
/// The end of ServerHello.random of a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: &[u8] = &[0xC8, 0xA8, 0x33, 0x9C];

pub(crate) struct Exchange<'a> {
    flags: &'a Flags,
    transport: Transport,
    connection: Connection,
    now: Instant,
    mtu: usize,
    saw_retry: bool,
    judged: Arc<AtomicBool>,
    is_connected: bool,
}

impl<'a> Exchange<'a> {
    #[allow(clippy::disallowed_methods)] // a program: here time and entropy begin
    pub(crate) fn new(flags: &'a Flags, transport: Transport) -> Result<Self, Failure> {
        let now = Instant::now();
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = since_epoch.map_err(Failure::failed)?.as_nanos();
        // Different each time; nobody attacks this program.
        let mut seed = [0; 32];
        for (to, from) in seed.iter_mut().zip(nanoseconds.to_le_bytes()) {
            *to = from;
        }
        let judged = Arc::new(AtomicBool::new(false));
        let config = config(flags, judged.clone())?;
        let connection = match flags.server {
            true => Connection::server(config, seed, now),
            false => Connection::client(config, seed, now),
        };
        Ok(Self {
            flags,
            transport,
            connection,
            now,
            mtu: flags.mtu.unwrap_or(USUAL_MTU),
            saw_retry: false,
            judged,
            is_connected: false,
        })
    }

    pub(crate) fn run(mut self) -> Result<(), Failure> {
        loop {
            if let Some(cause) = self.drain()? {
                return self.end(cause);
            }
            match self.transport.receive()? {
                Order::Datagram(mut datagram) => {
                    self.look_at(&datagram);
                    let _ = self.connection.handle_datagram(self.now, &mut datagram);
                }
                Order::Pass(time) => {
                    self.transport.acknowledge_time()?;
                    self.now += time;
                    self.connection.handle_timeout(self.now);
                }
                Order::Mtu(mtu) => {
                    self.mtu = mtu;
                    self.connection.set_mtu(mtu);
                }
                Order::ExpectTimeout(expected) => self.check_timeout(expected)?,
                Order::InitialTimeout(timeout) => self.connection.set_initial_timeout(timeout),
                Order::End if self.is_connected => return Ok(()),
                Order::End => return Err(Failure::failed("the runner ended the handshake")),
            }
        }
    }

    /// Hands on what the connection has to say, and answers what came.
    fn drain(&mut self) -> Result<Option<CloseCause>, Failure> {
        loop {
            self.transmit()?;
            let mut data = BytesMut::new();
            if let Some(range) = self.connection.poll_data(&mut data) {
                self.answer(data.get(range).unwrap_or_default())?;
                continue;
            }
            match self.connection.poll_event() {
                Some(Event::Connected(connected)) => self.begin(&connected)?,
                Some(Event::Closed(cause)) => {
                    self.transmit()?;
                    return Ok(Some(cause));
                }
                Some(other) => return Err(Failure::Failed(format!("{other:?}"))),
                None => return Ok(None),
            }
        }
    }

    fn transmit(&mut self) -> Result<(), Failure> {
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut out) {
            let datagram = out.get(range).unwrap_or_default().to_vec();
            self.look_at(&datagram);
            self.transport.send(&datagram)?;
        }
        Ok(())
    }

    fn look_at(&mut self, datagram: &[u8]) {
        self.saw_retry |= datagram.windows(RETRY.len()).any(|part| part == RETRY);
    }

    /// The handshake is over.
    fn begin(&mut self, connected: &Connected) -> Result<(), Failure> {
        self.is_connected = true;
        let seen = Seen {
            retry: self.saw_retry,
            judged: self.judged.load(Ordering::Relaxed),
        };
        self.flags.expected.check(connected, seen)?;
        if self.flags.export_length > 0 {
            let mut exported = vec![0; self.flags.export_length];
            let context = self.flags.export_context.as_bytes();
            self.connection
                .export_keying_material(
                    &connected.peer,
                    &self.flags.export_label,
                    self.flags.uses_export_context.then_some(context),
                    &mut exported,
                )
                .map_err(Failure::failed)?;
            self.send(&exported)?;
        }
        if self.flags.writes_first {
            self.send(FIRST_WORDS)?;
        }
        if self.flags.shuts_down {
            self.connection.close(self.now);
        } else if self.flags.updates_keys_before_read {
            self.update_keys()?;
        }
        Ok(())
    }

    fn answer(&mut self, data: &[u8]) -> Result<(), Failure> {
        if self.flags.updates_keys {
            self.update_keys()?;
        }
        let turned: Vec<_> = data.iter().map(|byte| byte ^ 0xFF).collect();
        self.send(&turned)?;
        if self.flags.updates_keys_before_read {
            self.update_keys()?;
        }
        Ok(())
    }

    fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.connection.set_mtu(DATA_MTU);
        let sent = self.connection.send(self.now, data);
        self.connection.set_mtu(self.mtu);
        sent.map_err(Failure::failed)?;
        self.transmit()
    }

    fn update_keys(&mut self) -> Result<(), Failure> {
        self.connection
            .update_keys(self.now, KeyUpdateRequest::NotRequested)
            .map_err(Failure::failed)
    }

    fn check_timeout(&self, expected: Option<Duration>) -> Result<(), Failure> {
        let next = self.connection.poll_timeout();
        let next = next.map(|at| at.saturating_duration_since(self.now));
        let next = next.filter(|timeout| *timeout < HORIZON);
        if next == expected {
            Ok(())
        } else {
            Err(Failure::Failed(format!(
                "next timeout {next:?}, expected {expected:?}"
            )))
        }
    }

    fn end(self, cause: CloseCause) -> Result<(), Failure> {
        self.transport.finish();
        match cause {
            CloseCause::ClosedByPeer | CloseCause::ClosedLocally if self.is_connected => Ok(()),
            cause => Err(Failure::Failed(format!("{cause:?}"))),
        }
    }
}

fn config(flags: &Flags, judged: Arc<AtomicBool>) -> Result<Config, Failure> {
    let refuses = flags.refuses_peer;
    // What the runner expects of a verifier, and of the lack of one.
    let alert = match flags.has_verifier {
        true => AlertDescription::CertificateUnknown,
        false => AlertDescription::HandshakeFailure,
    };
    let verify = move |_: &[&[u8]]| {
        judged.store(true, Ordering::Relaxed);
        match refuses {
            true => Err(alert),
            false => Ok(()),
        }
    };
    let versions: Vec<_> = [
        (Version::Dtls12, 0xFEFD, flags.no_1_2),
        (Version::Dtls13, 0xFEFC, flags.no_1_3),
    ]
    .into_iter()
    // Later versions have lower numbers.
    .filter(|(_, number, is_off)| {
        !is_off
            && flags.min_version.is_none_or(|min| *number <= min)
            && flags.max_version.is_none_or(|max| *number >= max)
    })
    .map(|(version, ..)| version)
    .collect();
    if versions.is_empty() {
        return Err(Failure::Unimplemented("no version of DTLS left".into()));
    }
    let mut config = match identity(flags)? {
        Some(identity) => Config::new(identity),
        None => Config::without_certificate(),
    };
    if !flags.curves.is_empty() {
        let groups: Vec<_> = flags.curves.iter().map(|curve| (*curve).into()).collect();
        config = config.with_groups(&groups);
    }
    let wanted = flags.client_certificates;
    Ok(config
        .with_versions(&versions)
        .with_client_certificates(wanted.unwrap_or(ClientCertificates::NotRequested))
        .with_peer_verifier(verify)
        .with_srtp_profiles(&flags.srtp_profiles)
        .with_mtu(flags.mtu.unwrap_or(USUAL_MTU))
        .with_initial_timeout(flags.initial_timeout.unwrap_or(INITIAL_TIMEOUT))
        .with_maximum_timeout(MAXIMUM_TIMEOUT)
        .with_handshake_timeout(DEADLINE))
}

fn identity(flags: &Flags) -> Result<Option<Identity>, Failure> {
    let (Some(certificates), Some(key)) = (&flags.certificates, &flags.key) else {
        return Ok(None);
    };
    let (certificates, key) = (std::fs::read(certificates)?, std::fs::read(key)?);
    Identity::from_pem(&certificates, &key)
        .map(Some)
        .map_err(|error| Failure::Unimplemented(error.to_string()))
}
