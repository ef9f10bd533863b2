//! Packets that browsers and servers sent: all are read, and written again byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod support;

use std::fs;

use bytes::BytesMut;
use stun_codec::attribute::AnyAttribute;
use stun_codec::{AttributeType, Builder, Message, is_stun};
use support::shared;

/// Every line of every `.hex` file of one capture per datagram.
fn datagrams(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = shared(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".hex") && !name.ends_with(".segments.hex")
        })
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            fs::read_to_string(path)
                .unwrap()
                .lines()
                .map(|line| (name.clone(), hex::decode(line.trim()).unwrap()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Copies a message attribute by attribute, each by its type; only FINGERPRINT is made anew.
fn copy(message: &Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut builder = Builder::new(
        &mut out,
        message.class(),
        message.method(),
        message.transaction_id(),
    );
    for attribute in message.attributes() {
        if attribute.attribute_type != AttributeType::FINGERPRINT {
            let typed = AnyAttribute::read(attribute, message.transaction_id());
            builder = builder.attribute(&typed.expect("a right value"));
        }
    }
    let closed = if message.has_fingerprint() {
        builder.fingerprint()
    } else {
        builder.finish()
    };
    closed.unwrap();
    out.to_vec()
}

#[test]
fn packets_come_back_equal() {
    for (folder, at_least) in [
        ("captures/packets/stun", 134),
        ("captures/packets/turn", 30),
    ] {
        let datagrams = datagrams(folder);
        let (mut messages, mut unnamed) = (0, Vec::new());
        for (name, wire) in &datagrams {
            // Relays also carry ChannelData.
            if !is_stun(wire) {
                continue;
            }
            let message = Message::parse(wire)
                .unwrap_or_else(|error| panic!("{name}: {error}: {}", hex::encode(wire)));
            unnamed.extend(
                message
                    .attributes()
                    .map(|attribute| attribute.attribute_type)
                    .filter(|attribute| !attribute.is_known()),
            );
            assert_eq!(hex::encode(copy(&message)), hex::encode(wire), "{name}");
            messages += 1;
        }
        unnamed.sort();
        unnamed.dedup();
        println!(
            "{folder}: {messages} messages of {} packets, not named: {unnamed:?}",
            datagrams.len()
        );
        assert!(datagrams.is_empty() || messages >= at_least, "{messages}");
    }
}
