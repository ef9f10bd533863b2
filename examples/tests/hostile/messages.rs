//! Messages of the kinds that no wire shows, as real ones are.

/// What phones send: RTP, a key, and RTCP. None of them is of the calls' sources.
pub(crate) fn rtp() -> Vec<Vec<u8>> {
    let sound = crate::client::rtp::laden_packet(0, 7, &[0xd5; 160]);
    let key = crate::client::rtp::packet(96, 8, &[5, 0x8a, 3, 0x20]);
    // A sender report with a source description, and a goodbye.
    let report = [
        &[0x80, 200, 0, 6, 0, 0, 0, 9][..],
        &[0; 20],
        &[
            0x81, 202, 0, 3, 0, 0, 0, 9, 1, 4, b'n', b'a', b'm', b'e', 0, 0,
        ],
    ]
    .concat();
    let goodbye = vec![0x81, 203, 0, 1, 0, 0, 0, 9];
    vec![sound, key, report, goodbye]
}

/// SIP requests and responses of dialogs that are not there. Every other one has the Call-ID of
/// one that is, but nobody's tags.
pub(crate) fn sip(gateway: &str, call: &str) -> Vec<Vec<u8>> {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
               m=audio 4000 RTP/AVP 0\r\n";
    let message = |first: String, number: usize, method: &str, body: &str| {
        let call = match number % 2 {
            0 => call.to_owned(),
            _ => format!("hostile-{number}"),
        };
        format!(
            "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKhostile{number};rport\r\n\
             From: <sip:a@127.0.0.1>;tag=hostile{number}\r\nTo: <sip:b@127.0.0.1>;tag=none\r\n\
             Call-ID: {call}\r\nCSeq: {number} {method}\r\n\
             Contact: <sip:a@127.0.0.1:9>\r\nMax-Forwards: 70\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let methods = [
        "INVITE", "BYE", "CANCEL", "ACK", "OPTIONS", "UPDATE", "INFO", "NOTIFY",
    ];
    let requests = methods.iter().enumerate().map(|(number, method)| {
        let first = format!("{method} sip:gateway@{gateway} SIP/2.0");
        message(first, number, method, sdp)
    });
    let responses = ["180 Ringing", "200 OK", "401 Unauthorized", "999 What"];
    let responses = responses
        .iter()
        .enumerate()
        .map(|(number, status)| message(format!("SIP/2.0 {status}"), number + 20, "INVITE", sdp));
    requests.chain(responses).collect()
}

/// HTTP requests. The offer lacks its fingerprint, so that none of them begins a call.
pub(crate) fn http(offer: &str) -> Vec<Vec<u8>> {
    let lines = offer.split_inclusive("\r\n");
    let offer: String = lines
        .filter(|line| !line.starts_with("a=fingerprint"))
        .collect();
    let call = "/v1/calls/0123456789abcdef0123456789abcdef";
    let with_body = |first: String, kind: &str, body: &str| {
        format!(
            "{first} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nIf-Match: \"a\"\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef012345\r\n";
    let plain = |first: &str| format!("{first} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let chunked = format!(
        "POST /v1/calls?to=echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{offer}\r\n0\r\n\r\n",
        offer.len()
    );
    // The preface of HTTP/2, SETTINGS, and HEADERS of a GET (RFC 9113, RFC 7541).
    let mut http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    http2.extend(b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x84\x87\x41\x09localhost");
    vec![
        with_body(
            "POST /v1/calls?to=echo".to_owned(),
            "application/sdp",
            &offer,
        ),
        with_body(
            format!("PATCH {call}"),
            "application/trickle-ice-sdpfrag",
            fragment,
        ),
        chunked.into_bytes(),
        plain("GET /"),
        plain(&format!("GET {call}/events")),
        plain(&format!("DELETE {call}")),
        plain("OPTIONS /v1/calls"),
        http2,
    ]
}
