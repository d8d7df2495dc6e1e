#![no_main]

use dl_bookkeeper::testing::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::request(data));
