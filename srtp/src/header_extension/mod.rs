//! What is hidden of RTP header extensions (RFC 8285) and CSRC lists.
//!
//! ```text
//! sent:       fixed header | CSRCs | profile, length | elements: id, length, data | payload
//! Clear                                                                             hidden
//! Encrypted                                              data of chosen ones hidden | hidden
//! Cryptex                   hidden                     hidden                         hidden
//! ```
//!
//! Everything is authenticated in each case. `Clear` costs a packet one branch.

mod cryptex;
mod element;
mod ids;

use crate::crypto::{Unsealable, WrongTag};
use crate::error::ProtectError;
use crate::header::EXTENSION_WORD_LEN;
use crate::key::MasterKey;
use crate::transform::PacketId;

pub use ids::ExtensionIds;

/// What is hidden of RTP header extensions: a setting that both sides agree on, by
/// `a=extmap` with `urn:ietf:params:rtp-hdrext:encrypt` or by `a=cryptex`.
///
/// `a=cryptex` says what its writer can *receive* (RFC 9335 §4): the peer's is for our
/// [`Sender`](crate::Sender), our own for our [`Receiver`](crate::Receiver). One packet is never hidden
/// in both ways (RFC 9335 §5), and here one direction is not either: where a description
/// has both, answer with one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderExtensions {
    /// Nothing: header extensions and CSRC lists are authenticated and stay readable (RFC 3711
    /// §3.1). To a receiver a packet of cryptex, which nobody announced, is one with an unknown
    /// kind of extension: AES-CM delivers it as authentic, with a payload that makes no sense,
    /// because the key stream of cryptex begins before it; AEAD refuses it as
    /// [`WrongTag`](crate::UnprotectError::WrongTag).
    #[default]
    Clear,
    /// All elements with their ids and lengths, and the CSRC list (cryptex, RFC 9335).
    ///
    /// A sender hides in every packet what there is to hide. A packet with CSRCs but without an
    /// extension grows by an empty one, 4 bytes, in front of its payload, which moves for it:
    /// a caller that wants no byte moved writes the empty extension itself. Extensions that are
    /// not of RFC 8285, or set application bits, cannot be hidden and are refused
    /// ([`ProtectError::HeaderExtension`]).
    ///
    /// A receiver takes packets with and without cryptex, and gives back the kind of extension
    /// that was there before, the empty one included.
    Cryptex,
    /// The data of the elements with these ids; ids, lengths and other elements stay readable (RFC
    /// 6904).
    ///
    /// Bytes that are no element are never hidden. What an element is, both sides read off bytes
    /// that stay readable, by one rule (RFC 8285 §4.1.2, §4.2, §4.3): elements follow one another,
    /// with zero bytes between them, up to the first that does not fit into the extension, or that
    /// has in a one-byte header the id 15, or the id 0 and a length. An extension that is not of
    /// RFC 8285 has no elements.
    ///
    /// Nothing in a packet says that elements are hidden: a receiver that was not told, or told of other
    /// ids, takes the packet as authentic, with noise for data in these elements.
    Encrypted(ExtensionIds),
}

impl HeaderExtensions {
    /// How many bytes hiding adds to the RTP packet in the first `len` bytes of `buf`: 0 or 4.
    /// Where there is none that can be read, 0: to tell so is for who reads it next.
    #[inline]
    pub(crate) fn growth(&self, buf: &[u8], len: usize) -> Result<usize, ProtectError> {
        match self {
            Self::Clear | Self::Encrypted(_) => Ok(0),
            Self::Cryptex => cryptex::growth(buf.get(..len).unwrap_or_default()),
        }
    }

    /// The most that [`growth`](Self::growth) can be.
    pub(crate) const fn growth_max(&self) -> usize {
        match self {
            Self::Clear | Self::Encrypted(_) => 0,
            Self::Cryptex => EXTENSION_WORD_LEN,
        }
    }

    /// Protects an RTP packet. `buf` is the packet and room for exactly [`growth`](Self::growth)
    /// and tag; the packet comes with a header of `header_len` bytes.
    #[inline]
    pub(crate) fn seal(
        &self,
        key: &MasterKey,
        buf: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        match self {
            Self::Clear => key.rtp.seal_rtp(buf, header_len, id),
            Self::Cryptex => cryptex::seal(&key.rtp, buf, id),
            Self::Encrypted(ids) => {
                // The tag covers elements as they are sent (RFC 6904 §3, RFC 7714 §8.3).
                element::hide(key, buf, id, ids);
                key.rtp.seal_rtp(buf, header_len, id)
            }
        }
    }

    /// Verifies and decrypts an SRTP packet; its tag becomes meaningless.
    #[inline]
    pub(crate) fn open(
        &self,
        key: &MasterKey,
        packet: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        match self {
            Self::Clear => key.rtp.open_rtp(packet, header_len, id),
            Self::Cryptex => cryptex::open(&key.rtp, packet, id),
            Self::Encrypted(ids) => {
                key.rtp.open_rtp(packet, header_len, id)?;
                element::hide(key, packet, id, ids);
                Ok(())
            }
        }
    }
}
