//! Measures one thing done by several, side by side: time and allocations of each operation.
//!
//! An [`Item`] is one thing to do, with everybody who does it. [`Item::run`] takes samples of all of
//! them in turns, so that a disturbance of the machine meets everybody alike, and gives the median of
//! each. [`measure`] does so with all items of a group and prints what the program `table` reads.
//!
//! Time is the CPU time of the thread: what other processes take does not count. Allocations are
//! those of Rust's allocator: a C library that calls `malloc` itself is not seen.

mod allocations;
mod clock;
mod item;

pub use allocations::{allocations, live_bytes};
pub use clock::CpuTime;
pub use item::{Item, Measurement, Settings, measure};

/// The name under which our own crate stands in every item.
pub const OURS: &str = "ours";

/// The name of the bare primitives that our own crate uses, called on the same bytes and nothing else.
pub const FLOOR: &str = "floor";
