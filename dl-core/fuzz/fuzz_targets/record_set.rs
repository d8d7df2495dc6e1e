#![no_main]

use dl_core::testing::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::record_set(data));
