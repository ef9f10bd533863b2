//! Any bytes: reading never panics in either mode, and what was read is written back byte for byte,
//! borrowed and owned. What reads strictly reads leniently.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdp::{Description, Fragment, Mode, Options};

fuzz_target!(|bytes: &[u8]| {
    let mut read = [false; 2];
    for (mode, read) in [Mode::Strict, Mode::Lenient].into_iter().zip(&mut read) {
        let options = Options {
            mode,
            ..Options::default()
        };
        let Ok(description) = Description::parse_bytes(bytes, options) else {
            continue;
        };
        *read = true;
        assert_eq!(description.to_bytes(), bytes);
        let owned = description.clone().into_owned();
        assert_eq!(owned, description);
        let sections = description.media().iter().map(|media| media.section());
        for section in sections.chain([description.session()]) {
            assert_eq!(
                section.attributes().count(),
                section.raw_attributes().count()
            );
        }
    }
    let [strict, lenient] = read;
    assert!(lenient || !strict);
    let text = str::from_utf8(bytes).unwrap_or_default();
    if let Ok(fragment) = Fragment::parse(text) {
        assert_eq!(Fragment::parse(&fragment.to_string()), Ok(fragment));
    }
});
