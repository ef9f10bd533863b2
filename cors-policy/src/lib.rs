//! CORS decisions (Fetch standard) with exact response headers.
#![forbid(unsafe_code)]
