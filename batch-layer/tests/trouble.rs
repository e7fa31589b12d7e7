//! The audit against what can happen to an archive; exports and lines of any bytes.

mod site;

use proptest::prelude::*;
use site::Site;
use twofold_batch::archive::Archive;
use twofold_batch::audit::{Audit, Unasked, audit};
use twofold_batch::export::export;
use twofold_batch::lines::lines;
use twofold_data::class::PageRules;
use twofold_data::generate::Profile;
use twofold_serving::api::LineFilter;

fn audited(site: &Site) -> Audit {
    let archive = Archive::open(site.store("archive")).unwrap();
    audit(&archive, &site.index(), &Unasked).unwrap()
}

fn exported(site: &Site) -> Vec<u8> {
    let mut out = Vec::new();
    export(&Archive::open(site.store("archive")).unwrap(), &mut out, |_| ()).unwrap();
    out
}

fn site() -> Site {
    let site = Site::new();
    site.generate(Profile::demo(), 5_000, 2);
    site.archive();
    site.batch(&site.index());
    site
}

#[test]
fn a_whole_archive_is_in_order() {
    let audit = audited(&site());
    assert!(audit.ok, "{audit:?}");
    assert_eq!((audit.records, audit.archived, audit.pending), (5_000, 5_000, 0));
    assert!(audit.minutes > 1_000);
}

#[test]
fn a_deleted_file_is_missing_not_double() {
    let site = site();
    let file = &site.files()[5];
    std::fs::remove_file(file).unwrap();
    let audit = audited(&site);
    assert!(!audit.ok && audit.missing > 1 && audit.duplicated == 0, "{audit:?}");
    assert!(audit.findings.iter().any(|finding| finding.contains("are in no file")), "{audit:?}");
}

#[test]
fn a_copied_file_is_double() {
    let site = site();
    let files = site.files();
    let name =
        files[5].file_name().unwrap().to_str().unwrap().replace("-0000000000", "-0000000001");
    std::fs::copy(&files[5], files[5].with_file_name(name)).unwrap();
    let audit = audited(&site);
    assert!(!audit.ok && audit.duplicated > 0 && audit.missing == 0, "{audit:?}");
}

#[test]
fn records_that_no_generation_covers_are_pending() {
    let site = Site::new();
    site.generate(Profile::demo(), 2_000, 2);
    site.archive();
    let audit = audited(&site);
    assert!(audit.ok, "{audit:?}");
    assert_eq!((audit.archived, audit.pending), (2_000, 2_000));
}

/// A crash between putting a file and saying so: the file counts nevertheless.
#[test]
fn an_export_does_not_believe_a_lagging_hint() {
    let site = site();
    let hint = site.folder().join("archive/ends/access-00000.json");
    let mut end: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&hint).unwrap()).unwrap();
    let archive = Archive::open(site.store("archive")).unwrap();
    let origin = &archive.partitions().unwrap()[0].0;
    let third = &archive.files(&origin.partition, 0).unwrap()[3];
    end["last_file"] = third.meta.predecessor.clone().into();
    end["next_offset"] = third.meta.first_offset.into();
    std::fs::write(&hint, end.to_string()).unwrap();
    assert!(exported(&site) == std::fs::read(site.log()).unwrap());
}

#[test]
fn lines_finds_what_a_plain_search_finds() {
    let site = site();
    let log = std::fs::read_to_string(site.log()).unwrap();
    let archive = Archive::open(site.store("archive")).unwrap();
    let filter = LineFilter {
        status: Some(404),
        contains: Some("wp-login".into()),
        limit: usize::MAX,
        ..LineFilter::default()
    };
    let (found, _) = lines(&archive, &filter, PageRules::default()).unwrap();
    let expected: Vec<&str> =
        log.lines().filter(|line| line.contains("\" 404 ") && line.contains("wp-login")).collect();
    let found: Vec<&str> = found.iter().map(|line| line.line.as_str()).collect();
    assert_eq!(found, expected);
    let malformed = LineFilter { malformed: true, limit: 3, ..LineFilter::default() };
    assert!(lines(&archive, &malformed, PageRules::default()).unwrap().0.len() <= 3);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_bytes_come_back_byte_for_byte(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(b"\r\n".to_vec()), Just(b"\n\n".to_vec()), Just(b"\xff\xfe\n".to_vec()),
                Just(b"1.2.3.4 - - [10/Mar/2026:14:30:00 +0000] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"x\"\n".to_vec()),
                Just(b"::1 - u v [10/Mar/2026:15:30:00 -0130] \"\" 400 - \"-\" \"\"\n".to_vec()),
            ],
            1..40,
        )
    ) {
        let site = Site::new();
        let mut log = b"# a line that tells this file from others\n".to_vec();
        log.extend(pieces.concat());
        std::fs::write(site.log(), &log).unwrap();
        site.archive();
        prop_assert!(exported(&site) == log);
        site.batch(&site.index());
        let audit = audited(&site);
        prop_assert!(audit.ok, "{:?}", audit);
    }
}
