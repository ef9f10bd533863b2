//! Handshakes between two of our own connections over a good link.

mod common;

use common::{Link, Weather, configs};

#[test]
fn client_and_server_connect_and_export_the_same_keys() {
    let mut link = Link::new(configs(), 1, Weather::default()).introduced();
    link.settle();
    let [client, server] = &link.ends;
    assert!(
        client.connected.is_some(),
        "{:?} {:?}",
        client.closed,
        client.connection
    );
    assert!(
        server.connected.is_some(),
        "{:?} {:?}",
        server.closed,
        server.connection
    );
    assert_eq!(client.exported(), server.exported());
    assert_eq!(client.connected.as_ref().unwrap().srtp_profile, Some(7));
}
