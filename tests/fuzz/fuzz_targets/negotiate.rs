#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirestack_properties::target("negotiate").run(data));
