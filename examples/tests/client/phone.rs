//! A SIP phone over UDP that does what the test tells it.

use std::net::SocketAddr;

use sdp::Description;
use sdp::attribute::Rtpmap;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::PATIENCE;

/// A phone: its SIP socket and its RTP socket.
pub(crate) struct Phone {
    sip: UdpSocket,
    /// Where its media is.
    pub(crate) rtp: UdpSocket,
}

/// A SIP message as it came, and from where.
pub(crate) struct Message {
    text: String,
    from: SocketAddr,
}

impl Message {
    /// What stands behind the header.
    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }

    /// The header fields of a name, whole.
    fn fields(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n").skip(1);
        let wanted = lines.filter(|line| line.split(':').next() == Some(name));
        wanted.map(|line| format!("{line}\r\n")).collect()
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn value(&self, name: &str) -> String {
        let field = self.fields(name);
        field.split_once(':').unwrap().1.trim().to_owned()
    }
}

impl Phone {
    /// A phone on loopback.
    pub(crate) async fn new() -> Self {
        Self {
            sip: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            rtp: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    /// The phone as a SIP server.
    pub(crate) fn server(&self) -> String {
        self.sip.local_addr().unwrap().to_string()
    }

    /// A description of its media: PCMU as 0 and telephone-event under this number.
    pub(crate) fn sdp(&self, telephone_event: u8) -> String {
        let port = self.rtp.local_addr().unwrap().port();
        format!(
            "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 {telephone_event}\r\n\
             a=rtpmap:{telephone_event} telephone-event/8000\r\n"
        )
    }

    /// Waits for a request of this method; others are passed over.
    pub(crate) async fn request(&self, method: &str) -> Message {
        self.message(&format!("{method} ")).await
    }

    async fn message(&self, start: &str) -> Message {
        let message = async {
            loop {
                let mut buffer = [0; 4096];
                let (length, from) = self.sip.recv_from(&mut buffer).await.unwrap();
                let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
                if text.starts_with(start) {
                    return Message { text, from };
                }
            }
        };
        let message = timeout(PATIENCE, message).await;
        message.unwrap_or_else(|_| panic!("no {start} came"))
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: &Message, status: &str, body: &str) {
        self.answer_as("phone", request, status, body).await;
    }

    /// Answers as the phone of this tag: a proxy may have called several.
    pub(crate) async fn answer_as(&self, tag: &str, request: &Message, status: &str, body: &str) {
        let mut to = request.fields("To");
        if !to.contains("tag=") {
            to = to.replace("\r\n", &format!(";tag={tag}\r\n"));
        }
        let same = ["Via", "From", "Call-ID", "CSeq"].map(|name| request.fields(name));
        let (same, local, length) = (same.concat(), self.server(), body.len());
        let answer = format!(
            "SIP/2.0 {status}\r\n{same}{to}Contact: <sip:phone@{local}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.sip
            .send_to(answer.as_bytes(), request.from)
            .await
            .unwrap();
    }

    /// Waits for a call and picks it up. Answers the INVITE.
    pub(crate) async fn pick_up(&self, sdp: &str) -> Message {
        let invite = self.request("INVITE").await;
        self.answer(&invite, "200 OK", sdp).await;
        self.request("ACK").await;
        invite
    }

    /// Hangs up a call that it has picked up.
    pub(crate) async fn hang_up(&self, invite: &Message) {
        self.hang_up_as(invite, 1).await;
    }

    /// Hangs up with a request of this number.
    pub(crate) async fn hang_up_as(&self, invite: &Message, number: u32) {
        self.send(invite, "BYE", number, "").await;
    }

    /// Sends a request within the call, and waits for its final response.
    pub(crate) async fn ask(
        &self,
        invite: &Message,
        method: &str,
        number: u32,
        sdp: &str,
    ) -> Message {
        self.start(invite, method, number, sdp).await;
        self.outcome(method, number).await
    }

    /// Sends a request within the call.
    pub(crate) async fn start(&self, invite: &Message, method: &str, number: u32, sdp: &str) {
        self.send(invite, method, number, sdp).await;
    }

    /// Waits for the final response to a request.
    pub(crate) async fn outcome(&self, method: &str, number: u32) -> Message {
        loop {
            let response = self.message("SIP/2.0 ").await;
            let is_final = response.status() >= 200;
            if is_final && response.value("CSeq") == format!("{number} {method}") {
                return response;
            }
        }
    }

    /// Takes back a re-INVITE.
    pub(crate) async fn cancel(&self, invite: &Message, number: u32) {
        let branch = format!("INVITE{number}");
        self.send_as(&branch, invite, "CANCEL", number, "").await;
    }

    /// Acknowledges the answer to a re-INVITE.
    pub(crate) async fn acknowledge(&self, invite: &Message, number: u32, sdp: &str) {
        self.send(invite, "ACK", number, sdp).await;
    }

    async fn send(&self, invite: &Message, method: &str, number: u32, sdp: &str) {
        let branch = format!("{method}{number}");
        self.send_as(&branch, invite, method, number, sdp).await;
    }

    async fn send_as(&self, branch: &str, invite: &Message, method: &str, number: u32, sdp: &str) {
        let local = self.server();
        let target = invite.value("Contact");
        let (from, to, id) = (
            invite.value("To"),
            invite.value("From"),
            invite.value("Call-ID"),
        );
        let (target, length) = (target.trim_matches(['<', '>']), sdp.len());
        let request = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch}\r\n\
             From: {from};tag=phone\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {number} {method}\r\n\
             Contact: <sip:phone@{local}>\r\nMax-Forwards: 70\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{sdp}"
        );
        self.sip
            .send_to(request.as_bytes(), invite.from)
            .await
            .unwrap();
    }

    /// The next datagram at its RTP port, and from where it came.
    pub(crate) async fn hear(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 2048];
        let received = timeout(PATIENCE, self.rtp.recv_from(&mut buffer)).await;
        let (length, from) = received.expect("media in time").unwrap();
        (buffer[..length].to_vec(), from)
    }
}

/// Where the offer in an INVITE wants media.
pub(crate) fn media_of(invite: &Message) -> SocketAddr {
    let offer = Description::parse(invite.body()).unwrap();
    SocketAddr::new([127, 0, 0, 1].into(), offer.media()[0].port())
}

/// The number of telephone-event in the offer in an INVITE.
pub(crate) fn keys_of(invite: &Message) -> u8 {
    let offer = Description::parse(invite.body()).unwrap();
    let mut maps = offer.media()[0].all::<Rtpmap>();
    let keys = maps.find(|map| map.encoding == "telephone-event");
    keys.unwrap().payload_type
}
