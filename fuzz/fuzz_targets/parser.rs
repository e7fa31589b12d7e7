//! Any bytes, parsed in every format. The first byte picks the format.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use twofold_data::format::{Format, Parser};
use twofold_data::request::Line;

const MORE: [&str; 6] = [
    "common+microseconds",
    "combined+seconds",
    "vhost-combined+seconds",
    "filebeat:combined",
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $request_time",
    "%v %h %l %u %t \"%m %U%q %H\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D",
];

thread_local! {
    /// Kept over inputs, so that what one leaves behind in a parser meets the next.
    static PARSERS: RefCell<Vec<(Format, Parser)>> = RefCell::new(
        Format::NAMES.into_iter().chain(MORE).filter_map(Format::named)
            .map(|format| (format.clone(), Parser::new(&format)))
            .collect(),
    );
}

fuzz_target!(|input: &[u8]| {
    let Some((pick, record)) = input.split_first() else { return };
    PARSERS.with_borrow_mut(|parsers| {
        let count = parsers.len();
        let (format, parser) = &mut parsers[usize::from(*pick) % count];
        let Line::Request(request) = parser.parse(record) else { return };
        let mut rebuilt = Vec::new();
        if format.rebuild(&request, &mut rebuilt) && rebuilt.len() <= record.len() {
            let again = Parser::new(format).parse(&rebuilt) == Line::Request(request);
            assert!(again, "{}: {}", format.name(), String::from_utf8_lossy(&rebuilt));
        }
    });
});
