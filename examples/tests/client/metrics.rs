//! Reads metrics as Prometheus does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends a request over plain TCP and reads to the end.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// All metrics.
pub(crate) async fn scrape(address: SocketAddr) -> String {
    let request = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = ask(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    answer
}

/// The value of a metric, with its labels, as it stands in the text.
pub(crate) fn value<'a>(text: &'a str, metric: &str) -> &'a str {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {metric} in {text}"))
}

/// What was dropped, by direction and reason.
pub(crate) fn drops(text: &str) -> Vec<(&str, u64)> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("crosspoint_dropped_total"));
    let pairs = lines.map(|line| line.rsplit_once(' ').unwrap());
    pairs
        .map(|(what, count)| (what, count.parse().unwrap()))
        .collect()
}
