//! Who speaks plain HTTP to the HTTPS port is told so, in HTTP.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The answer to any request, RFC 9112.
const ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 40\r\n\
    Connection: close\r\n\
    \r\n\
    this port speaks HTTPS: use https://…\n";

/// How much of the request is read. Closing with bytes unread resets the connection, and the
/// answer may be lost.
const REQUEST_LEN: u64 = 64 * 1024;

/// An acceptor in front of TLS that hands on whatever cannot be HTTP.
#[derive(Debug, Clone)]
pub(super) struct TellPlain {
    time: Duration,
}

impl TellPlain {
    /// The first byte must be there within `time`, and the goodbye over.
    pub(super) fn within(time: Duration) -> Self {
        Self { time }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for TellPlain {
    type Stream = TcpStream;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(TcpStream, S)>> + Send>>;

    fn accept(&self, mut stream: TcpStream, service: S) -> Self::Future {
        let time = self.time;
        Box::pin(async move {
            let mut first = [0];
            timeout(time, stream.peek(&mut first)).await??;
            // A method's name, against the type of a TLS handshake record, 22 (RFC 8446 §5.1).
            if first.iter().all(u8::is_ascii_alphabetic) {
                timeout(time, refuse(&mut stream)).await??;
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok((stream, service))
        })
    }
}

async fn refuse(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    let mut request = stream.take(REQUEST_LEN);
    tokio::io::copy(&mut request, &mut tokio::io::sink()).await?;
    Ok(())
}
