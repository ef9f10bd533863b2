//! A decision allocates nothing: proved by counting.
//!
//! Alone in its file, so that no other test allocates beside it.
#![allow(unsafe_code)] // A counting allocator is an `unsafe` trait.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use cors_policy::{Origin, Policy, Request};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn deciding_allocates_nothing() {
    let list = Policy::allow(["https://a.example", "b.example", "*.c.example"])
        .credentials()
        .any_header()
        .methods(["GET", "PATCH", "DELETE"])
        .expose(["Location"])
        .max_age(600);
    let policies = [
        list.build().unwrap(),
        Policy::allow([""; 0]).build().unwrap(),
    ];
    let own = [Origin::parse("https://gw.example").unwrap()];
    let origins = [
        "https://a.example",
        "http://b.example:81",
        "https://x.c.example",
        "https://gw.example",
        "https://evil.example",
        "null",
        "garbage",
    ];
    let mut decided = 0;
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    for policy in &policies {
        for origin in origins {
            for method in ["GET", "OPTIONS"] {
                let request = Request::new(method)
                    .own_origins(&own)
                    .own_host("https", "gw.example:443")
                    .header("Origin", origin.as_bytes())
                    .header("Access-Control-Request-Method", b"PATCH")
                    .header("Access-Control-Request-Headers", b"if-match,content-type");
                decided += policy.decide(&request).headers().len();
            }
        }
    }
    let after = ALLOCATIONS.load(Ordering::SeqCst);
    assert!(decided > 0);
    assert_eq!(after - before, 0);
}
