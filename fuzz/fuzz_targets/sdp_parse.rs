//! Any text: reading never panics in either mode, and what was read is written back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdp::{Description, Fragment, Mode, Options};

fuzz_target!(|text: &str| {
    for mode in [Mode::Strict, Mode::Lenient] {
        let options = Options { mode, ..Options::default() };
        let Ok(description) = Description::parse_with(text, options) else { continue };
        assert_eq!(description.to_string(), text);
        let owned = description.clone().into_owned();
        assert_eq!(owned, description);
        let sections = description.media().iter().map(|media| media.section());
        for section in sections.chain([description.session()]) {
            assert_eq!(section.attributes().count(), section.raw_attributes().count());
        }
    }
    if let Ok(fragment) = Fragment::parse(text) {
        assert_eq!(Fragment::parse(&fragment.to_string()), Ok(fragment));
    }
});
