//! Inner parts with plain interfaces, for the vector tests and the fuzz targets of this
//! workspace. No stability is promised and nothing here is needed to use the crate.

mod crypto;
mod v12;
mod v13;
mod wire;

pub use crypto::{
    aead_open, hkdf_expand, hkdf_expand_label, hkdf_extract, hmac, prf, read_certificate,
    record_number_mask, signature_verifies, suite_hash,
};
pub use v12::{KeySchedule, connected};
pub use v13::{
    FIRST_DATA_EPOCH, KeySchedule13, OpenedRecord, TrafficSecret, age_read, age_written,
    connected_13, reconstruct_sequence,
};
pub use wire::{
    FragmentShape, RecordShape, fragments, read_ack, read_message, read_message_13, reassemble,
    records, speak,
};
