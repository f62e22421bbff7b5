//! Gives any bytes to `spectrum_migrate::fuzzing::thunderbird`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spectrum_migrate::fuzzing::thunderbird(data));
