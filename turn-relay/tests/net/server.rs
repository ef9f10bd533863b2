//! A TURN server by the rules of RFC 8656, as small as it can be: what it refuses a real one refuses.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::attribute::{
    AdditionalAddressFamily, AddressErrorCode, AlternateServer, ChannelNumber, Data, ErrorCode,
    EvenPort, Lifetime, MobilityTicket, Nonce, Realm, RequestedTransport, ReservationToken,
    XorMappedAddress, XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{
    AttributeType, Builder, Class, Encode, Family, IntegrityKey, Message, Method, TransactionId,
};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";

/// What the server does besides the rules.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) realm: String,
    pub(crate) password: String,
    /// Seconds.
    pub(crate) lifetime: u32,
    /// A nonce is good for so long.
    pub(crate) nonce_life: Duration,
    /// Refuses each request for this method with this code.
    pub(crate) refuse: Option<(Method, u16)>,
    pub(crate) redirect: Option<SocketAddr>,
    pub(crate) knows_dont_fragment: bool,
    pub(crate) mobility: bool,
    pub(crate) has_v6: bool,
    /// Says nothing at all.
    pub(crate) dead: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            realm: "example.org".into(),
            password: PASSWORD.into(),
            lifetime: 600,
            nonce_life: Duration::from_secs(3600),
            refuse: None,
            redirect: None,
            knows_dont_fragment: true,
            mobility: true,
            has_v6: true,
            dead: false,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Allocation {
    /// For a repetition of the request that made it.
    id: TransactionId,
    pub(crate) relayed: SocketAddr,
    pub(crate) expires: Instant,
    pub(crate) permissions: HashMap<IpAddr, Instant>,
    pub(crate) channels: HashMap<u16, (SocketAddr, Instant)>,
}

/// A datagram that the server sends: from, to, what.
pub(crate) type Out = (SocketAddr, SocketAddr, Vec<u8>);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) rules: Rules,
    pub(crate) allocations: HashMap<SocketAddr, Allocation>,
    pub(crate) requests: Vec<(Method, bool)>,
    nonce: (Vec<u8>, Instant),
    ports: std::vec::IntoIter<SocketAddr>,
}

impl Server {
    pub(crate) fn new(now: Instant, address: SocketAddr, relayed: Vec<SocketAddr>) -> Self {
        Self {
            address,
            rules: Rules::default(),
            allocations: HashMap::new(),
            requests: Vec::new(),
            nonce: (b"nonce 0".to_vec(), now),
            ports: relayed.into_iter(),
        }
    }

    pub(crate) fn forget_nonce(&mut self, now: Instant) {
        let next = format!("nonce of {} requests", self.requests.len());
        self.nonce = (next.into_bytes(), now);
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.allocations.retain(|_, one| now < one.expires);
    }

    pub(crate) fn handle(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        data: &[u8],
    ) -> Vec<Out> {
        self.expire(now);
        if self.rules.dead {
            return Vec::new();
        }
        if to != self.address {
            return self.relay_back(now, from, to, data);
        }
        if let Some((&[n0, n1, l0, l1], rest)) = data.split_first_chunk::<4>()
            && (0x40..=0x4f).contains(&n0)
        {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let Some(one) = self.allocations.get(&from) else {
                return Vec::new();
            };
            let channel = one.channels.get(&u16::from_be_bytes([n0, n1]));
            return match channel {
                Some((peer, until)) if now < *until && permitted(one, now, peer.ip()) => {
                    vec![(one.relayed, *peer, rest[..length].to_vec())]
                }
                _ => Vec::new(),
            };
        }
        let message = Message::parse(data).expect("a client writes messages");
        match message.class() {
            Class::Request => {
                let answer = self.answer(now, from, &message);
                answer
                    .into_iter()
                    .map(|bytes| (self.address, from, bytes))
                    .collect()
            }
            Class::Indication => {
                assert_eq!(message.method(), Method::SEND);
                let peer = message.attribute::<XorPeerAddress>().unwrap().unwrap().0;
                let payload = message.attribute::<Data<'_>>().unwrap().unwrap().0;
                match self.allocations.get(&from) {
                    Some(one) if permitted(one, now, peer.ip()) => {
                        vec![(one.relayed, peer, payload.to_vec())]
                    }
                    _ => Vec::new(),
                }
            }
            class => panic!("a client sends no {class}"),
        }
    }

    fn relay_back(
        &self,
        now: Instant,
        peer: SocketAddr,
        relayed: SocketAddr,
        data: &[u8],
    ) -> Vec<Out> {
        let found = self
            .allocations
            .iter()
            .find(|(_, one)| one.relayed == relayed);
        let Some((client, one)) = found.filter(|(_, one)| permitted(one, now, peer.ip())) else {
            return Vec::new();
        };
        let channel = one
            .channels
            .iter()
            .find(|(_, (bound, until))| *bound == peer && now < *until);
        let frame = match channel {
            Some((number, _)) => {
                let length = (data.len() as u16).to_be_bytes();
                [&number.to_be_bytes()[..], &length, data].concat()
            }
            None => {
                let mut out = BytesMut::new();
                Builder::indication(&mut out, Method::DATA, TransactionId([9; 12]))
                    .attribute(&XorPeerAddress(peer))
                    .attribute(&Data(data))
                    .finish()
                    .unwrap();
                out.to_vec()
            }
        };
        vec![(self.address, *client, frame)]
    }

    fn answer(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Option<Vec<u8>> {
        let method = request.method();
        if let Some(other) = self.rules.redirect {
            let error = ErrorCode::TRY_ALTERNATE;
            return Some(refuse(request, &error, &[&AlternateServer(other)], None));
        }
        let key = IntegrityKey::long_term(USER, &self.rules.realm, &self.rules.password);
        let proved = request.verify(&key).is_ok();
        self.requests.push((method, proved));
        if now >= self.nonce.1 + self.rules.nonce_life {
            self.forget_nonce(now);
        }
        let nonce = request.attribute::<Nonce<'_>>().unwrap();
        let challenge = match nonce {
            Some(nonce) if nonce.0 != self.nonce.0 => Some(ErrorCode::STALE_NONCE),
            _ if !proved => Some(ErrorCode::UNAUTHENTICATED),
            _ => None,
        };
        if let Some(error) = challenge {
            let (realm, nonce) = (Realm(&self.rules.realm), Nonce(&self.nonce.0));
            return Some(refuse(request, &error, &[&realm, &nonce], None));
        }
        if let Some((_, code)) = self.rules.refuse.filter(|(which, _)| *which == method) {
            let error = ErrorCode {
                code,
                reason: "by rule",
            };
            return Some(refuse(request, &error, &[], Some(&key)));
        }
        let outcome = match method {
            Method::ALLOCATE => self.allocate(now, from, request),
            Method::REFRESH => self.refresh(now, from, request),
            Method::CREATE_PERMISSION => self.permission(now, from, request),
            Method::CHANNEL_BIND => self.channel(now, from, request),
            method => panic!("no server knows {method}"),
        };
        Some(match outcome {
            Ok(attributes) => {
                let attributes: Vec<&dyn Encode> = attributes.iter().map(|one| &**one).collect();
                grant(request, &attributes, &key)
            }
            Err((error, attributes)) => {
                let attributes: Vec<&dyn Encode> = attributes.iter().map(|one| &**one).collect();
                refuse(request, &error, &attributes, Some(&key))
            }
        })
    }

    /// RFC 8656 §7.2.
    fn allocate(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Granted {
        let transport = request.attribute::<RequestedTransport>().unwrap();
        assert_eq!(transport, Some(RequestedTransport::UDP));
        if request.contains(AttributeType::DONT_FRAGMENT) && !self.rules.knows_dont_fragment {
            // Its number in two bytes (RFC 8489 §14.13).
            return Err((
                ErrorCode::UNKNOWN_ATTRIBUTE,
                vec![Box::new(Raw(
                    AttributeType::UNKNOWN_ATTRIBUTES,
                    vec![0, 0x1a],
                ))],
            ));
        }
        if let Some(known) = self.allocations.get(&from) {
            if known.id != request.transaction_id() {
                return Err((ErrorCode::ALLOCATION_MISMATCH, vec![]));
            }
        } else {
            let relayed = self
                .ports
                .next()
                .ok_or((ErrorCode::INSUFFICIENT_CAPACITY, vec![]))?;
            let one = Allocation {
                id: request.transaction_id(),
                relayed,
                expires: now + Duration::from_secs(self.rules.lifetime.into()),
                permissions: HashMap::new(),
                channels: HashMap::new(),
            };
            self.allocations.insert(from, one);
        }
        let relayed = self.allocations[&from].relayed;
        let mut attributes: Vec<Box<dyn Encode>> = vec![
            Box::new(XorRelayedAddress(relayed)),
            Box::new(XorMappedAddress(from)),
            Box::new(Lifetime(self.rules.lifetime)),
        ];
        if let Some(AdditionalAddressFamily(Family::V6)) = request.attribute().unwrap() {
            attributes.push(match self.rules.has_v6 {
                true => Box::new(XorRelayedAddress("[2001:db8::1]:50000".parse().unwrap())),
                false => Box::new(AddressErrorCode {
                    family: Family::V6,
                    error: ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED,
                }),
            });
        }
        if let Some(EvenPort { reserve_next: true }) = request.attribute().unwrap() {
            attributes.push(Box::new(ReservationToken(*b"tokentok")));
        }
        match request.attribute::<MobilityTicket<'_>>().unwrap() {
            None => {}
            Some(_) if !self.rules.mobility => return Err((ErrorCode::MOBILITY_FORBIDDEN, vec![])),
            Some(ticket) => {
                assert!(ticket.0.is_empty());
                attributes.push(Box::new(Raw(
                    AttributeType::MOBILITY_TICKET,
                    from.to_string().into(),
                )));
            }
        }
        Ok(attributes)
    }

    /// RFC 8656 §8.2, RFC 8016 §3.2.2.
    fn refresh(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Granted {
        let mut attributes: Vec<Box<dyn Encode>> = Vec::new();
        if let Some(MobilityTicket(ticket)) = request.attribute().unwrap() {
            let old: SocketAddr = std::str::from_utf8(ticket).unwrap().parse().unwrap();
            let moved = self.allocations.remove(&old);
            let moved = moved.ok_or((ErrorCode::ALLOCATION_MISMATCH, vec![]))?;
            self.allocations.insert(from, moved);
            attributes.push(Box::new(Raw(
                AttributeType::MOBILITY_TICKET,
                from.to_string().into(),
            )));
        }
        let wanted = request.attribute::<Lifetime>().unwrap();
        let one = self
            .allocations
            .get_mut(&from)
            .ok_or((ErrorCode::ALLOCATION_MISMATCH, vec![]))?;
        if wanted == Some(Lifetime(0)) {
            self.allocations.remove(&from);
            attributes.push(Box::new(Lifetime(0)));
        } else {
            one.expires = now + Duration::from_secs(self.rules.lifetime.into());
            attributes.push(Box::new(Lifetime(self.rules.lifetime)));
        }
        Ok(attributes)
    }

    /// RFC 8656 §10.2.
    fn permission(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Granted {
        let one = self
            .allocations
            .get_mut(&from)
            .ok_or((ErrorCode::ALLOCATION_MISMATCH, vec![]))?;
        let peer = request.attribute::<XorPeerAddress>().unwrap().unwrap().0;
        one.permissions
            .insert(peer.ip(), now + Duration::from_secs(300));
        Ok(vec![])
    }

    /// RFC 8656 §12.2.
    fn channel(&mut self, now: Instant, from: SocketAddr, request: &Message<'_>) -> Granted {
        let one = self
            .allocations
            .get_mut(&from)
            .ok_or((ErrorCode::ALLOCATION_MISMATCH, vec![]))?;
        let peer = request.attribute::<XorPeerAddress>().unwrap().unwrap().0;
        let number = request.attribute::<ChannelNumber>().unwrap().unwrap().0;
        assert!((0x4000..=0x4fff).contains(&number));
        let other = one
            .channels
            .iter()
            .any(|(&known, &(bound, _))| (known == number) != (bound == peer));
        if other {
            return Err((ErrorCode::BAD_REQUEST, vec![]));
        }
        one.permissions
            .insert(peer.ip(), now + Duration::from_secs(300));
        one.channels
            .insert(number, (peer, now + Duration::from_secs(600)));
        Ok(vec![])
    }
}

type Granted = Result<Vec<Box<dyn Encode>>, (ErrorCode<'static>, Vec<Box<dyn Encode>>)>;

struct Raw(AttributeType, Vec<u8>);

impl Encode for Raw {
    fn attribute_type(&self) -> AttributeType {
        self.0
    }

    fn encode(
        &self,
        value: &mut stun_codec::ValueWriter<'_>,
    ) -> Result<(), stun_codec::EncodeError> {
        value.bytes(&self.1);
        Ok(())
    }
}

fn permitted(one: &Allocation, now: Instant, peer: IpAddr) -> bool {
    one.permissions.get(&peer).is_some_and(|until| now < *until)
}

fn grant(request: &Message<'_>, attributes: &[&dyn Encode], key: &IntegrityKey) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut builder = Builder::success(&mut out, request);
    for attribute in attributes {
        builder = builder.attribute(*attribute);
    }
    builder.integrity(key).finish().unwrap();
    out.to_vec()
}

fn refuse(
    request: &Message<'_>,
    error: &ErrorCode<'_>,
    attributes: &[&dyn Encode],
    key: Option<&IntegrityKey>,
) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut builder = Builder::error(&mut out, request).attribute(error);
    for attribute in attributes {
        builder = builder.attribute(*attribute);
    }
    match key {
        Some(key) => builder.integrity(key).finish().unwrap(),
        None => builder.finish().unwrap(),
    };
    out.to_vec()
}
