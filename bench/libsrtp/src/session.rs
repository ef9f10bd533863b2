//! A session of libsrtp, in safe terms.

#![allow(unsafe_code, reason = "calls into C")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;

use crate::ffi;

/// What libsrtp calls a crypto policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// AES-128 in counter mode, HMAC-SHA1 with 80 bits.
    AesCm128HmacSha1_80,
    /// AES-128-GCM with 128 bits.
    AeadAes128Gcm,
    /// AES-256-GCM with 128 bits.
    AeadAes256Gcm,
}

/// What a session is for: any SSRC of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It opens.
    In,
    /// It protects.
    Out,
}

/// The most bytes that libsrtp writes behind a packet here: tag and index word.
const TRAILER: usize = 20;

/// A session with a replay window of 128.
pub struct Session(*mut c_void);

impl Session {
    /// A session under one master key, which is key and salt.
    ///
    /// # Panics
    /// When libsrtp refuses it.
    #[must_use]
    pub fn new(protection: Protection, direction: Direction, key: &[u8]) -> Self {
        static INIT: Once = Once::new();
        // SAFETY: it takes nothing, and is called once.
        INIT.call_once(|| assert_eq!(unsafe { ffi::srtp_init() }, 0));
        let (set, key_len): (unsafe extern "C" fn(*mut _), _) = match protection {
            Protection::AesCm128HmacSha1_80 => (ffi::srtp_crypto_policy_set_rtp_default, 30),
            Protection::AeadAes128Gcm => (ffi::srtp_crypto_policy_set_aes_gcm_128_16_auth, 28),
            Protection::AeadAes256Gcm => (ffi::srtp_crypto_policy_set_aes_gcm_256_16_auth, 44),
        };
        assert_eq!(key.len(), key_len, "{protection:?}");
        let mut crypto = MaybeUninit::uninit();
        // SAFETY: it writes every field of the policy that it is given.
        let crypto = unsafe {
            set(crypto.as_mut_ptr());
            crypto.assume_init()
        };
        let policy = ffi::Policy {
            // `ssrc_any_inbound`, `ssrc_any_outbound`.
            ssrc_type: if direction == Direction::In { 2 } else { 3 },
            ssrc_value: 0,
            rtp: crypto,
            rtcp: crypto,
            key: key.as_ptr(),
            keys: ptr::null_mut(),
            num_master_keys: 0,
            ekt: ptr::null_mut(),
            window_size: 128,
            allow_repeat_tx: 0,
            enc_xtn_hdr: ptr::null_mut(),
            enc_xtn_hdr_count: 0,
            next: ptr::null_mut(),
        };
        let mut session = ptr::null_mut();
        // SAFETY: the policy is whole, and its key as long as its cipher wants; both are copied.
        let status = unsafe { ffi::srtp_create(&raw mut session, &policy) };
        assert_eq!(status, 0, "srtp_create, {protection:?}");
        Self(session)
    }

    /// Protects the RTP packet in the first `len` bytes of `buf`; gives its length then.
    ///
    /// # Panics
    /// When libsrtp refuses it, or `buf` has no room for a trailer.
    pub fn protect_rtp(&mut self, buf: &mut [u8], len: usize) -> usize {
        assert!(len + TRAILER <= buf.len());
        self.call(ffi::srtp_protect, buf, len)
    }

    /// Opens the SRTP packet in the first `len` bytes of `buf`; gives its length then.
    ///
    /// # Panics
    /// When libsrtp refuses it.
    pub fn unprotect_rtp(&mut self, buf: &mut [u8], len: usize) -> usize {
        self.call(ffi::srtp_unprotect, buf, len)
    }

    /// Protects the RTCP packet in the first `len` bytes of `buf`; gives its length then.
    ///
    /// # Panics
    /// When libsrtp refuses it, or `buf` has no room for a trailer.
    pub fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> usize {
        assert!(len + TRAILER <= buf.len());
        self.call(ffi::srtp_protect_rtcp, buf, len)
    }

    /// Opens the SRTCP packet in the first `len` bytes of `buf`; gives its length then.
    ///
    /// # Panics
    /// When libsrtp refuses it.
    pub fn unprotect_rtcp(&mut self, buf: &mut [u8], len: usize) -> usize {
        self.call(ffi::srtp_unprotect_rtcp, buf, len)
    }

    fn call(&mut self, transform: ffi::Transform, buf: &mut [u8], len: usize) -> usize {
        assert!(len <= buf.len());
        let mut len = len as c_int;
        // SAFETY: the session is alive, `buf` holds `len` bytes, and a trailer more if one is written.
        let status = unsafe { transform(self.0, buf.as_mut_ptr().cast(), &raw mut len) };
        assert_eq!(status, 0);
        len as usize
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the session is alive, and nobody uses it after this.
        unsafe { ffi::srtp_dealloc(self.0) };
    }
}
