//! Origins: no panic, and what parses is written back to an equal origin.
#![no_main]

use cors_policy::{Origin, OriginOrNull, SerializedOrigin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = OriginOrNull::parse(text);
    if let Ok(view) = SerializedOrigin::parse(text) {
        assert_eq!(view.as_str(), text);
        let origin = view.to_origin();
        assert_eq!(view, origin);
        assert_eq!(Origin::parse(&origin.to_string()), Ok(origin));
    }
    if let Ok(Some(origin)) = Origin::of_url(text) {
        assert_eq!(Origin::of_url(&origin.to_string()), Ok(Some(origin)));
    }
});
