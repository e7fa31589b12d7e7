//! One source, several consumers: each gets what it lacks, once.

use std::io::Cursor;
use std::time::Duration;

use twofold_speed::source::file::FileSource;
use twofold_speed::source::{Delivery, Mode, Position, Positions, Shared, Source, share};

use crate::{Site, Story, at, lines};

fn resume(position: Position) -> Positions {
    Box::new(move |_| Ok(position))
}

fn read_all(consumers: Vec<Shared>) -> Vec<Story> {
    let read = |mut source: Shared| {
        let mut story = Story::default();
        story.read_to_end(&mut source);
        story
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            consumers.into_iter().map(|source| scope.spawn(move || read(source))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn each_consumer_resumes_where_it_was() {
    let site = Site::new();
    let text = lines("shared", 0, 20_000);
    let all = {
        site.write("access.log", &text);
        site.read(&["access.log"], &[]).records
    };
    let end = text.len() as u64;
    let cases =
        [at(all[100].1), at(0), at(all[15_000].1), at(end), Position { offset: end, ended: true }];
    let mut options = site.options(&["-"], Mode::Follow);
    options.chunk = 4096;
    let stdin = Box::new(Cursor::new(text.clone().into_bytes()));
    let consumers = share(cases.map(resume).into(), |positions| {
        FileSource::with_stdin(options, site.store(), positions, stdin)
    });
    let stories = read_all(consumers.unwrap());
    for (story, position) in stories.iter().zip(cases) {
        let expected: Vec<_> = all.iter().filter(|record| record.1 >= position.offset).collect();
        assert_eq!(story.records.iter().collect::<Vec<_>>(), expected);
        assert_eq!((story.started[0].1, &story.ended[..]), (position.offset, &[0][..]));
    }
}

#[test]
fn one_consumer_goes_and_the_other_goes_on() {
    let site = Site::new();
    site.write("access.log", lines("shared", 0, 20_000));
    let mut options = site.options(&["access.log"], Mode::ToEnd);
    options.chunk = 4096;
    let consumers = share(vec![resume(at(0)), resume(at(0))], |positions| {
        FileSource::open(options, site.store(), positions)
    });
    let mut consumers = consumers.unwrap();
    drop(consumers.remove(0));
    assert_eq!(read_all(consumers)[0].records.len(), 20_000);
}

#[test]
fn nobody_is_caught_up_before_everything_was_delivered() {
    let site = Site::new();
    site.write("access.log", lines("shared", 0, 20_000));
    let mut options = site.options(&["access.log"], Mode::Follow);
    options.chunk = 4096;
    let consumers =
        share(vec![resume(at(0))], |positions| FileSource::open(options, site.store(), positions));
    let mut source = consumers.unwrap().remove(0);
    let mut records = 0;
    loop {
        match source.poll(Duration::ZERO).unwrap() {
            Delivery::Records(batch) => records += batch.spans.len(),
            Delivery::CaughtUp => break,
            _ => {}
        }
    }
    assert_eq!(records, 20_000);
    site.append("access.log", "more\n");
    while !matches!(source.poll(Duration::from_millis(10)).unwrap(), Delivery::Records(_)) {}
}
