//! Values of `a=crypto`: what is read prints to text that reads as the same, and makes a key or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use srtp::{CryptoAttribute, MasterKey};

fuzz_target!(|text: &str| {
    if let Ok(crypto) = text.parse::<CryptoAttribute>() {
        let printed = crypto.to_string();
        assert_eq!(
            printed.parse::<CryptoAttribute>().as_ref(),
            Ok(&crypto),
            "{printed}"
        );
        let one = MasterKey::try_from(&crypto).is_ok();
        assert!(!one || crypto.master_keys().is_ok());
    }
});
