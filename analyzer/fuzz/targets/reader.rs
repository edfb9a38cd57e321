#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| analyzer::read::fuzz::reader(data));
