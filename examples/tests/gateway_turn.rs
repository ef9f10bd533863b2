//! The TURN server inside the gateway, asked by a TURN client of our own: who may use it, and for what.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

mod client;

use std::net::SocketAddr;
use std::time::Duration;

use client::Server;
use client::browser::Caller;
use client::turn::Login;
use examples::config::Settings;
use examples::driver::now;
use reqwest::{Method, StatusCode};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use turn_relay::client::{Cause, Event};

/// A gateway on loopback whose TURN server has free ports.
async fn gateway() -> Server {
    Server::with(Settings {
        turn: Some(true),
        turn_listen: Some("127.0.0.1:0".into()),
        workers: Some(2),
        ..Settings::default()
    })
    .await
}

/// Where the gateway takes media, as its answer says.
fn media_of(answer: &str) -> SocketAddr {
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix("a=candidate:"));
    let fields: Vec<&str> = line.unwrap().split(' ').collect();
    SocketAddr::new(fields[4].parse().unwrap(), fields[5].parse().unwrap())
}

/// Calls the echo, under a grant.
async fn call(server: &Server, grant: &str) -> (client::Call, Vec<String>) {
    let caller = Caller::new().await;
    let request = server.post("echo", caller.offer());
    let response = request.query(&[("grant", grant)]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let links = response
        .headers()
        .get_all("link")
        .iter()
        .map(text)
        .collect();
    let header = |name| text(&response.headers()[name]);
    let (url, etag) = (server.url(&header("location")), header("etag"));
    let answer = response.text().await.unwrap();
    (client::Call { url, etag, answer }, links)
}

#[tokio::test]
async fn only_the_gateways_media_can_be_reached_through_it() {
    let server = gateway().await;
    let login = Login::ask(&server).await;
    let (call, _) = call(&server, &login.user).await;
    let media = media_of(&call.answer);
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for client in [login.over_udp(), login.over_tcp()] {
        let mut client = client.allocate().await;
        client.0.allocation().permit(now(), media.ip()).unwrap();
        assert_eq!(client.event().await, Event::Permitted(media.ip()));
        client.0.allocation().bind_channel(now(), media).unwrap();
        assert_eq!(client.event().await, Event::ChannelBound(media));

        for other in ["127.0.0.2", "192.0.2.1", "8.8.8.8"] {
            let peer = other.parse().unwrap();
            client.0.allocation().permit(now(), peer).unwrap();
            let Event::PermissionRefused { peer: at, cause } = client.event().await else {
                panic!("a permission for {peer}");
            };
            assert_eq!((at, code(&cause)), (peer, 403));
        }
        // At the same address, other ports are others: the listener itself, a stranger's.
        for peer in [login.udp, stranger.local_addr().unwrap()] {
            client.0.allocation().bind_channel(now(), peer).unwrap();
            let Event::ChannelRefused { peer: at, cause } = client.event().await else {
                panic!("a channel to {peer}");
            };
            assert_eq!((at, code(&cause)), (peer, 403));
            let _ = client.0.send(b"let me in", peer);
        }
        client
            .0
            .send(b"an indication", stranger.local_addr().unwrap())
            .unwrap();
    }
    let mut heard = [0; 100];
    let heard = timeout(Duration::from_millis(300), stranger.recv_from(&mut heard)).await;
    assert!(heard.is_err(), "a stranger hears {heard:?}");
    server.hang_up(&call).await;
}

#[tokio::test]
async fn a_login_ends_with_its_call_and_takes_its_allocations_along() {
    let server = gateway().await;
    let login = Login::ask(&server).await;
    let before = login.over_udp().allocate().await;
    let (call, links) = call(&server, &login.user).await;
    let told = format!(
        "username=\"{}\"; credential=\"{}\"",
        login.user, login.password
    );
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| link.contains(&told)), "{links:?}");
    let during = login.over_tcp().allocate().await;

    let other = Login::ask(&server).await;
    let others = other.over_udp().allocate().await;
    server.hang_up(&call).await;
    for client in [before, during] {
        let cause = client.ended().await;
        let known = matches!(cause, Cause::WrongPassword { .. } | Cause::ConnectionLost);
        assert!(known, "{cause:?}");
    }
    let refused = login.over_udp().event().await;
    assert!(
        matches!(refused, Event::Ended(Cause::WrongPassword { .. })),
        "{refused:?}"
    );
    // Others go on.
    let mut others = others;
    let gateway = [127, 0, 0, 1].into();
    others.0.allocation().permit(now(), gateway).unwrap();
    assert_eq!(others.event().await, Event::Permitted(gateway));
}

#[tokio::test]
async fn each_caller_has_a_login_of_his_own() {
    let server = gateway().await;
    let (first, second) = (Login::ask(&server).await, Login::ask(&server).await);
    assert_ne!(
        (&first.user, &first.password),
        (&second.user, &second.password)
    );
    let options = server
        .client
        .request(Method::OPTIONS, server.url("/v1/calls"));
    let options = options.send().await.unwrap();
    let links: Vec<_> = options.headers().get_all("link").iter().collect();
    assert_eq!(links.len(), 2, "{links:?}");

    // A call that names none has one of its own.
    let (call, links) = call(&server, "none-of-yours").await;
    let name = |link: &str| link.split('"').nth(3).unwrap().to_owned();
    let own = name(&links[0]);
    assert!(
        own != first.user
            && own != second.user
            && own != name(options.headers()["link"].to_str().unwrap())
    );
    server.hang_up(&call).await;
    first.over_udp().allocate().await;
    let wrong = Login {
        password: second.password.clone(),
        ..first.clone()
    };
    let refused = wrong.over_udp().event().await;
    assert!(
        matches!(refused, Event::Ended(Cause::WrongPassword { .. })),
        "{refused:?}"
    );
}

fn code(cause: &Cause) -> u16 {
    match cause {
        Cause::Refused { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}
