//! What everybody who is measured can do, and on which bytes.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use bench_harness::Item;

/// The answering side's fragment and the asking side's, of a length that browsers use.
pub(crate) const USERNAME: &str = "9b4f:rUf7";
pub(crate) const PASSWORD: &str = "YH75Fviy6338Vbrhrlp8Yh2L";
pub(crate) const ID: [u8; 12] = [7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
pub(crate) const PRIORITY: u32 = 1_845_501_695;
pub(crate) const TIE_BREAKER: u64 = 0x932f_f9b1_5126_3b36;
pub(crate) const MAPPED: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 55), 45664));

/// A connectivity check with USERNAME, PRIORITY, ICE-CONTROLLING, MESSAGE-INTEGRITY and FINGERPRINT.
pub(crate) const REQUEST: [u8; 88] = include!("request.in");

/// Operations a sample.
const BATCH: usize = 256;

/// Somebody who reads and writes the messages of a connectivity check. Writers return what they
/// wrote.
pub(crate) trait Contender: 'static {
    /// With the key of [`PASSWORD`], where it can be made beforehand.
    fn new() -> Self;
    /// Reads the three attributes and checks FINGERPRINT and MESSAGE-INTEGRITY.
    fn verify(&mut self, request: &[u8]);
    /// Reads the three attributes.
    fn parse(&mut self, request: &[u8]);
    /// Writes [`REQUEST`], perhaps in another order.
    fn build_request(&mut self) -> &[u8];
    /// Writes a response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT.
    fn build_response(&mut self) -> &[u8];
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Verify,
    Parse,
    BuildRequest,
    BuildResponse,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [
        Self::Verify,
        Self::Parse,
        Self::BuildRequest,
        Self::BuildResponse,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verify => "a parse+verify",
            Self::Parse => "b parse only",
            Self::BuildRequest => "c build request",
            Self::BuildResponse => "d build response",
        }
    }
}

/// Adds `C` to an item.
pub(crate) fn add<C: Contender>(item: &mut Item, who: &'static str, operation: Operation) {
    let mut it = C::new();
    let run = move |(): &mut ()| match operation {
        Operation::Verify => (0..BATCH).for_each(|_| it.verify(black_box(&REQUEST))),
        Operation::Parse => (0..BATCH).for_each(|_| it.parse(black_box(&REQUEST))),
        Operation::BuildRequest => (0..BATCH).for_each(|_| {
            black_box(it.build_request());
        }),
        Operation::BuildResponse => (0..BATCH).for_each(|_| {
            black_box(it.build_response());
        }),
    };
    item.add(who, BATCH, || (), run);
}
