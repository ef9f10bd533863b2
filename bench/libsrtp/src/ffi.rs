//! The part of libsrtp's C interface that is called, as `srtp.h` of version 2 declares it.

#![allow(unsafe_code, reason = "calls into C")]

use std::ffi::{c_int, c_uint, c_ulong, c_void};

// Linked, not called by these names.
extern crate openssl_sys as _;
extern crate srtp2_sys as _;

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct CryptoPolicy {
    pub(crate) cipher_type: u32,
    pub(crate) cipher_key_len: c_int,
    pub(crate) auth_type: u32,
    pub(crate) auth_key_len: c_int,
    pub(crate) auth_tag_len: c_int,
    pub(crate) sec_serv: c_uint,
}

#[repr(C)]
pub(crate) struct Policy {
    pub(crate) ssrc_type: c_uint,
    pub(crate) ssrc_value: c_uint,
    pub(crate) rtp: CryptoPolicy,
    pub(crate) rtcp: CryptoPolicy,
    pub(crate) key: *const u8,
    pub(crate) keys: *mut c_void,
    pub(crate) num_master_keys: c_ulong,
    pub(crate) ekt: *mut c_void,
    pub(crate) window_size: c_ulong,
    pub(crate) allow_repeat_tx: c_int,
    pub(crate) enc_xtn_hdr: *mut c_int,
    pub(crate) enc_xtn_hdr_count: c_int,
    pub(crate) next: *mut Policy,
}

/// `srtp_protect` and its three siblings: session, packet, length in and out.
pub(crate) type Transform = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int;

unsafe extern "C" {
    pub(crate) fn srtp_init() -> c_int;
    pub(crate) fn srtp_create(session: *mut *mut c_void, policy: *const Policy) -> c_int;
    pub(crate) fn srtp_dealloc(session: *mut c_void) -> c_int;
    pub(crate) fn srtp_protect(session: *mut c_void, packet: *mut c_void, len: *mut c_int)
    -> c_int;
    pub(crate) fn srtp_unprotect(
        session: *mut c_void,
        packet: *mut c_void,
        len: *mut c_int,
    ) -> c_int;
    pub(crate) fn srtp_protect_rtcp(
        session: *mut c_void,
        packet: *mut c_void,
        len: *mut c_int,
    ) -> c_int;
    pub(crate) fn srtp_unprotect_rtcp(
        session: *mut c_void,
        packet: *mut c_void,
        len: *mut c_int,
    ) -> c_int;
    pub(crate) fn srtp_crypto_policy_set_rtp_default(policy: *mut CryptoPolicy);
    pub(crate) fn srtp_crypto_policy_set_aes_gcm_128_16_auth(policy: *mut CryptoPolicy);
    pub(crate) fn srtp_crypto_policy_set_aes_gcm_256_16_auth(policy: *mut CryptoPolicy);
}
