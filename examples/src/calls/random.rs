//! The randomness of one call.

use zeroize::Zeroizing;

use super::CallError;

/// All the randomness of one call, drawn at once.
pub(super) struct Random {
    pub(super) ice: Zeroizing<[u8; 32]>,
    pub(super) dtls: Zeroizing<[u8; 32]>,
    session: [u8; 8],
    pub(super) ssrc: u32,
    pub(super) phone_ssrc: u32,
    pub(super) to_browser: [u8; 6],
    pub(super) to_phone: [u8; 6],
    /// For the intervals of RTCP.
    pub(super) reports: u64,
    cname: [u8; 8],
}

impl Random {
    pub(super) fn draw() -> Result<Self, CallError> {
        Ok(Self {
            ice: bytes()?.into(),
            dtls: bytes()?.into(),
            session: bytes()?,
            ssrc: u32::from_be_bytes(bytes()?),
            phone_ssrc: u32::from_be_bytes(bytes()?),
            to_browser: bytes()?,
            to_phone: bytes()?,
            reports: u64::from_be_bytes(bytes()?),
            cname: bytes()?,
        })
    }

    /// Our name in RTCP, of this call alone (RFC 7022 §4.2).
    pub(super) fn cname(&self) -> String {
        format!("{:016x}", u64::from_be_bytes(self.cname))
    }

    /// 63 bits (RFC 9429 §5.2.1).
    pub(super) fn session_id(&self) -> u64 {
        u64::from_be_bytes(self.session) >> 1
    }
}

fn bytes<const N: usize>() -> Result<[u8; N], CallError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| CallError::exhausted(&error))?;
    Ok(bytes)
}
