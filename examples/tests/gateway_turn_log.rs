//! What the log says of the TURN server inside the gateway, and what it keeps to itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly
#![allow(clippy::duplicate_mod)] // both folders have the processes

mod client;
mod support;

use client::api::Api;
use client::browser::Caller;
use client::turn::Login;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use support::gateway::Gateway;
use turn_relay::client::{Cause, Event};

#[tokio::test]
async fn the_log_says_who_may_reach_whom_and_has_no_login_in_it() {
    let mut gateway = Gateway::start("log = 'trace'", &[]).await;
    let file = gateway.state.join("https-cert.pem");
    let certificate = CertificateDer::from_pem_file(file).unwrap();
    let origin = gateway.page.trim_end_matches('/').to_owned();
    let api = Api::new(origin, &certificate);

    let login = Login::ask(&api).await;
    let log = gateway.process.output();
    let told = log.lines().find(|line| line.contains("TURN listens on"));
    let told = told.expect("a line about TURN");
    let (udp, tcp) = (login.udp, login.tcp);
    let listens = format!("TURN listens on UDP {udp}, TCP {tcp}; no TLS without tls-cert");
    assert!(told.contains(&listens), "{told}");
    let permitted = told.split_once("it permits ").unwrap().1;
    let permitted = permitted.split_once(" and nothing else").unwrap().0;

    let caller = Caller::new().await;
    let request = api.post("echo", caller.offer());
    let request = request.query(&[("grant", &login.user)]);
    let response = request.send().await.unwrap();
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let answer = response.text().await.unwrap();
    let media = answer
        .lines()
        .find_map(|line| line.strip_prefix("a=candidate:"));
    let fields: Vec<&str> = media.unwrap().split(' ').collect();
    let media = format!("{}:{}", fields[4], fields[5]);
    assert!(permitted.split(", ").any(|one| one == media), "{told}");

    let allocated = login.over_udp().allocate().await;
    let wrong = Login {
        password: "wrong".into(),
        ..login.clone()
    };
    let refused = wrong.over_tcp().event().await;
    assert!(matches!(refused, Event::Ended(Cause::WrongPassword { .. })));
    let hung_up = api.client.delete(api.url(&location)).send().await.unwrap();
    assert!(hung_up.status().is_success());
    allocated.ended().await;
    for line in [
        "TURN allocation made",
        "TURN login refused",
        "TURN allocation over",
    ] {
        let line = gateway.process.line_with(line).await;
        println!("{line}");
    }
    let log = gateway.process.output();
    assert!(log.contains(&format!("Grant({}…)", &login.user[..8])));
    for secret in [&login.password, &login.user] {
        let line = log.lines().find(|line| line.contains(&**secret));
        assert_eq!(line, None, "a login is in the log");
    }
    gateway.close().await;
}
