//! The runner's socket: datagrams in a byte stream, and orders between them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};
use std::time::Duration;

use crate::Failure;

/// What the runner sends.
#[derive(Debug)]
pub(crate) enum Order {
    /// A datagram of the peer.
    Datagram(Vec<u8>),
    /// So much time passes, without a datagram.
    Pass(Duration),
    /// Datagrams are from now on at most so long.
    Mtu(usize),
    /// The next timeout has to be so far away; `None`: there has to be none.
    ExpectTimeout(Option<Duration>),
    /// The initial timeout is from now on this.
    InitialTimeout(Duration),
    /// The runner has nothing more to say.
    End,
}

/// A connection to the runner.
pub(crate) struct Transport(TcpStream);

impl Transport {
    /// Connects to the runner and says which test this is.
    pub(crate) fn connect(ipv6: bool, port: u16, shim_id: u64) -> Result<Self, Failure> {
        let mut stream = match ipv6 {
            true => TcpStream::connect((Ipv6Addr::LOCALHOST, port))?,
            false => TcpStream::connect((Ipv4Addr::LOCALHOST, port))?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(&shim_id.to_le_bytes())?;
        Ok(Self(stream))
    }

    pub(crate) fn send(&mut self, datagram: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(datagram.len()).map_err(Failure::failed)?;
        self.0
            .write_all(&[b"P", &length.to_be_bytes()[..], datagram].concat())?;
        Ok(())
    }

    /// Says that time is about to pass: what is sent from now on is sent after that.
    pub(crate) fn acknowledge_time(&mut self) -> Result<(), Failure> {
        self.0.write_all(b"t")?;
        Ok(())
    }

    /// The next order.
    pub(crate) fn receive(&mut self) -> Result<Order, Failure> {
        let mut code = [0];
        match self.0.read(&mut code) {
            Ok(0) => return Ok(Order::End),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Order::End),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        match &code {
            b"P" => {
                let length = u32::from_be_bytes(self.read()?);
                let mut datagram = vec![0; length as usize];
                self.0.read_exact(&mut datagram)?;
                Ok(Order::Datagram(datagram))
            }
            b"T" => Ok(Order::Pass(self.read_nanoseconds()?)),
            b"M" => Ok(Order::Mtu(u32::from_be_bytes(self.read()?) as usize)),
            b"E" => Ok(Order::ExpectTimeout(
                Some(self.read_nanoseconds()?)
                    .filter(|timeout| *timeout != Duration::from_nanos(u64::MAX)),
            )),
            b"U" => {
                let milliseconds = u32::from_be_bytes(self.read()?);
                Ok(Order::InitialTimeout(Duration::from_millis(
                    milliseconds.into(),
                )))
            }
            other => Err(Failure::Failed(format!("order {other:?} of the runner"))),
        }
    }

    /// Says nothing more, and waits until the runner does not either.
    pub(crate) fn finish(mut self) {
        // The runner may have gone first.
        let _ = self.0.shutdown(Shutdown::Write);
        let mut rest = [0; 4096];
        while matches!(self.0.read(&mut rest), Ok(1..)) {}
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn read_nanoseconds(&mut self) -> Result<Duration, Failure> {
        Ok(Duration::from_nanos(u64::from_be_bytes(self.read()?)))
    }
}
