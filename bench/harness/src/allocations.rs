//! Counts the allocations of the calling thread, for every program that links this crate.

#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

/// Takes note of an allocation, or of one that replaces `freed` bytes.
fn count(bytes: usize, freed: usize) {
    // A thread that is ending has no counter any more, and nobody who reads it.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    change(bytes, freed);
}

/// A layout has at most `isize::MAX` bytes: both casts lose nothing.
fn change(bytes: usize, freed: usize) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes as isize - freed as isize));
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count(len, layout.size());
        // SAFETY: as the caller's.
        unsafe { System.realloc(place, layout, len) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        change(0, layout.size());
        // SAFETY: as the caller's.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread has allocated or reallocated so far.
#[must_use]
pub fn allocations() -> u64 {
    COUNT.with(Cell::get)
}

/// How many bytes this thread has allocated and not freed; less than nothing where it has freed what
/// others allocated.
#[must_use]
pub fn live_bytes() -> isize {
    LIVE.with(Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let before = allocations();
        drop(std::hint::black_box(vec![1u8; 100]));
        assert_eq!(allocations() - before, 1);
        let before = live_bytes();
        let mut bytes = std::hint::black_box(vec![1u8; 100]);
        bytes.reserve_exact(400);
        assert_eq!(live_bytes() - before, 500);
        drop(bytes);
        assert_eq!(live_bytes(), before);
    }
}
