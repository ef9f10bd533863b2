//! Inner parts with plain interfaces, for the vector tests and the fuzz targets of this
//! workspace. No stability is promised and nothing here is needed to use the crate.

mod crypto;
mod v12;
mod v13;
mod wire;

pub use crypto::{prf, read_certificate, signature_verifies};
pub use v12::{KeySchedule, connected};
pub use v13::{FIRST_DATA_EPOCH, KeySchedule13, OpenedRecord, TrafficSecret, reconstruct_sequence};
pub use wire::{FragmentShape, RecordShape, fragments, read_message, reassemble, records};
