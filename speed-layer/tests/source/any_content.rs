//! Any content, cut anyhow, resumed anywhere: the records are the same.

use proptest::prelude::*;
use twofold_speed::source::Mode;

use crate::{Site, Story, Told, at, gz};

/// Text with many line ends, carriage returns and any other characters.
fn content() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => Just("\n".to_owned()),
        1 => Just("\r\n".to_owned()),
        3 => "[a-c \r\0é]{0,40}",
        1 => "[x-z]{200,700}",
    ];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

/// What the records are, by the definition.
fn expected(text: &str, limit: usize) -> Vec<Told> {
    let mut told = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (bytes, ended) = match line.strip_suffix('\n') {
            Some(bytes) => (bytes.as_bytes(), true),
            None => (line.as_bytes(), false),
        };
        let mut rest = bytes;
        while rest.len() > limit {
            let (piece, after) = rest.split_at(limit);
            told.push((0, offset, String::from_utf8_lossy(piece).into_owned(), true));
            (rest, offset) = (after, offset + limit as u64);
        }
        told.push((0, offset, String::from_utf8_lossy(rest).into_owned(), !ended));
        offset += rest.len() as u64 + u64::from(ended);
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_depend_on_the_content_alone(
        text in content(),
        chunk in 1usize..900,
        limit in 50usize..900,
        resume in any::<prop::sample::Index>(),
        compressed in any::<bool>(),
    ) {
        prop_assume!(!text.is_empty());
        let site = Site::new();
        site.write("access.log", if compressed { gz(&text) } else { text.clone().into_bytes() });
        let mut options = site.options(&["access.log"], Mode::ToEnd);
        (options.chunk, options.record_limit) = (chunk, limit);
        let expected = expected(&text, limit);
        let read = |from: u64| {
            let mut story = Story::default();
            story.read_to_end(&mut site.open(options.clone(), &[(0, at(from))]));
            story.records
        };
        prop_assert_eq!(&read(0), &expected);
        let from = resume.index(expected.len());
        prop_assert_eq!(&read(expected[from].1)[..], &expected[from..]);
    }
}
