//! CreatePermission (RFC 8656 §10.2) and ChannelBind (§12.2): who is let in.

use std::net::{IpAddr, SocketAddr};

use stun_codec::attribute::{ChannelNumber, ErrorCode, XorPeerAddress};
use stun_codec::{AttributeType, Decode, Family};

use super::allocate::read;
use super::allocation::{Allocation, Live};
use super::event::{Denied, Event};
use super::peers::Refusal;
use super::relay::Relay;
use super::relayed::Relayed;
use super::request::Request;
use super::slots::Key;

impl Relay {
    pub(super) fn on_create_permission(&mut self, request: &Request<'_>) -> Relayed {
        let outcome = self
            .own(request)
            .and_then(|key| self.create_permission(request, key));
        match outcome {
            Ok(()) => self.desk.grant(&request.asked, &[]),
            Err(code) => self.desk.refuse(&request.asked, &code.into()),
        }
    }

    /// All of the addresses, or none.
    fn create_permission(
        &mut self,
        request: &Request<'_>,
        key: Key,
    ) -> Result<(), ErrorCode<'static>> {
        let attributes = request.message.attributes();
        let peers = attributes.filter(|raw| raw.attribute_type == AttributeType::XOR_PEER_ADDRESS);
        let id = request.message.transaction_id();
        // The port does not matter (RFC 8656 §9).
        let ips = peers.map(|raw| XorPeerAddress::decode(raw.value, id).map(|peer| peer.0.ip()));
        let ips: Result<Vec<IpAddr>, _> = ips.collect();
        let ips = ips.map_err(|_| ErrorCode::BAD_REQUEST)?;
        if ips.is_empty() {
            return Err(ErrorCode::BAD_REQUEST);
        }
        if ips.len() > self.config.max_peers {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        let live = self.allocations.get_mut(key).and_then(Allocation::live_mut);
        let live = live.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        let mut permitted = Vec::with_capacity(ips.len());
        for &ip in &ips {
            check_family(live, ip)?;
            let Some(ports) = self.config.policy.ports_of(ip) else {
                self.desk.tell(denied(live, ip, None));
                return Err(ErrorCode::FORBIDDEN);
            };
            permitted.push((ip, ports));
        }
        if !live
            .peers
            .has_room(request.now, &ips, self.config.max_peers)
        {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        for (ip, ports) in permitted {
            live.peers.permit(request.now, ip, ports);
        }
        Ok(())
    }

    pub(super) fn on_channel_bind(&mut self, request: &Request<'_>) -> Relayed {
        let outcome = self
            .own(request)
            .and_then(|key| self.bind_channel(request, key));
        match outcome {
            Ok(()) => self.desk.grant(&request.asked, &[]),
            Err(code) => self.desk.refuse(&request.asked, &code.into()),
        }
    }

    fn bind_channel(&mut self, request: &Request<'_>, key: Key) -> Result<(), ErrorCode<'static>> {
        let ChannelNumber(number) = read(&request.message)?.ok_or(ErrorCode::BAD_REQUEST)?;
        let XorPeerAddress(peer) = read(&request.message)?.ok_or(ErrorCode::BAD_REQUEST)?;
        // RFC 8656 §12 has them up to 0x4FFF; clients of RFC 5766 §11 take all of these.
        if !(0x4000..=0x7fff).contains(&number) {
            return Err(ErrorCode::BAD_REQUEST);
        }
        let live = self.allocations.get_mut(key).and_then(Allocation::live_mut);
        let live = live.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        let (now, limit) = (request.now, self.config.max_peers);
        // RFC 6062 §5: no channels where there are no datagrams.
        if live.is_stream {
            return Err(ErrorCode::BAD_REQUEST);
        }
        let ports = permitted_ports(&self.config.policy, live, peer);
        if ports == Err(ErrorCode::FORBIDDEN) {
            let event = denied(live, peer.ip(), Some(peer.port()));
            self.desk.tell(event);
        }
        let ports = ports?;
        live.peers
            .check_binding(now, number, peer)
            .map_err(code_of)?;
        if !live.peers.has_room(now, &[peer.ip()], limit) {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        live.peers.bind(now, number, peer, limit).map_err(code_of)?;
        live.peers.permit(now, peer.ip(), ports);
        Ok(())
    }
}

/// Whether a channel may lead there, and what else its permission covers.
fn permitted_ports(
    policy: &super::PeerPolicy,
    live: &Live,
    peer: SocketAddr,
) -> Result<super::peers::Ports, ErrorCode<'static>> {
    check_family(live, peer.ip())?;
    match policy.permits(peer) {
        true => policy.ports_of(peer.ip()).ok_or(ErrorCode::FORBIDDEN),
        false => Err(ErrorCode::FORBIDDEN),
    }
}

fn denied(live: &Live, peer: IpAddr, port: Option<u16>) -> Event {
    Event::Denied(Box::new(Denied {
        id: live.id,
        user: live.owner.identity.user.clone(),
        client: live.path,
        peer,
        port,
    }))
}

/// RFC 8656 §10.2, §12.2: 443 where there is no relayed address of the peer's family.
fn check_family(live: &Live, ip: IpAddr) -> Result<(), ErrorCode<'static>> {
    match live.side(Family::of(ip)) {
        Some(_) => Ok(()),
        None => Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH),
    }
}

fn code_of(refusal: Refusal) -> ErrorCode<'static> {
    match refusal {
        Refusal::Bound => ErrorCode::BAD_REQUEST,
        Refusal::Full => ErrorCode::INSUFFICIENT_CAPACITY,
    }
}
