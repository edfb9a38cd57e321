#![no_main]

use analyzer::run::results::parse;
use analyzer::text::error_chain;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(error) = parse(Path::new("results.json"), data) {
        assert!(error_chain(&error).contains("results.json"));
    }
});
