//! Any text as a format's name, and any lines to detect a format in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twofold_data::format::{Format, Options, detect};

fuzz_target!(|input: &[u8]| {
    let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').take(20).collect();
    if let Some(found) = detect(&lines) {
        assert!(found.matched > 0 && found.matched <= found.of && found.of <= lines.len());
        assert_eq!(Format::named(&found.format.name()), Some(found.format));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let options = Options { name: text.to_owned(), ..Options::default() };
    if let Ok(Some(format)) = options.format() {
        assert_eq!(Format::named(&format.name()), Some(format));
    }
});
