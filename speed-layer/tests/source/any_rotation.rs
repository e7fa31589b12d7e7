//! Any sequence of writing, rotating, compressing and restarting: each line once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use twofold_speed::source::file::FileSource;
use twofold_speed::source::{Delivery, Mode, Position, Source};

use crate::{Site, Story, gz, lines};

#[derive(Debug, Clone)]
enum Step {
    /// Writes so many lines; the last one in two halves, with some polls between.
    Write(usize),
    Rename,
    CopyTruncate,
    /// Compresses the youngest rotated file that is not compressed.
    Compress,
    Poll(usize),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1usize..200).prop_map(Step::Write),
        2 => Just(Step::Rename),
        1 => Just(Step::CopyTruncate),
        1 => Just(Step::Compress),
        4 => (1usize..20).prop_map(Step::Poll),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..25)
}

struct World {
    site: Site,
    source: Option<FileSource>,
    known: BTreeMap<u32, Position>,
    story: Story,
    read: Vec<String>,
    written: usize,
}

impl World {
    fn new() -> Self {
        let site = Site::new();
        site.write("access.log", "");
        let known = BTreeMap::new();
        let mut world = Self {
            site,
            source: None,
            known,
            story: Story::default(),
            read: Vec::new(),
            written: 0,
        };
        world.restart();
        world
    }

    fn restart(&mut self) {
        let known: Vec<_> = self.known.iter().map(|(number, at)| (*number, *at)).collect();
        let mut options = self.site.options(&["access.log"], Mode::Follow);
        (options.grace, options.poll_every) = (Duration::from_millis(20), Duration::from_millis(1));
        options.scan_every = Duration::from_millis(3);
        self.story = Story::default();
        self.source = Some(self.site.open(options, &known));
    }

    fn poll(&mut self) {
        let delivery = self.source.as_mut().unwrap().poll(Duration::from_millis(1)).unwrap();
        match &delivery {
            Delivery::Records(batch) => {
                let position = Position { offset: batch.next_offset, ended: false };
                self.known.insert(batch.partition.number, position);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                self.read.extend(batch.records().map(|record| text(record.bytes)));
            }
            Delivery::Ended(partition) => {
                self.known.entry(partition.number).or_default().ended = true;
            }
            _ => {}
        }
        self.story.take(delivery);
    }

    /// Moves every rotated file on, so that `.1` is free.
    fn make_room(&self) {
        for n in (1..60).rev() {
            for end in ["", ".gz"] {
                let from = self.site.path(&format!("access.log.{n}{end}"));
                if from.exists() {
                    let to = self.site.path(&format!("access.log.{}{end}", n + 1));
                    fs::rename(from, to).unwrap();
                }
            }
        }
    }

    fn compress(&self) {
        let plain =
            (1..60).map(|n| self.site.path(&format!("access.log.{n}"))).find(|p| p.exists());
        let Some(plain) = plain else { return };
        let to =
            plain.with_file_name(format!("{}.gz", plain.file_name().unwrap().to_string_lossy()));
        fs::write(&to, gz(&fs::read_to_string(&plain).unwrap())).unwrap();
        // gzip keeps the times.
        let before = SystemTime::now() - Duration::from_secs(60);
        File::options().append(true).open(&to).unwrap().set_modified(before).unwrap();
        fs::remove_file(plain).unwrap();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write(count) => {
                let text = lines("any", self.written, self.written + count);
                self.written += count;
                let (start, end) = text.split_at(text.len() - 7);
                self.site.append("access.log", start);
                (0..3).for_each(|_| self.poll());
                self.site.append("access.log", end);
            }
            Step::Rename => {
                self.make_room();
                self.site.rename("access.log", "access.log.1");
                self.site.write("access.log", "");
            }
            Step::CopyTruncate => {
                self.make_room();
                fs::copy(self.site.path("access.log"), self.site.path("access.log.1")).unwrap();
                self.site.write("access.log", "");
            }
            Step::Compress => self.compress(),
            Step::Poll(times) => (0..*times).for_each(|_| self.poll()),
            Step::Restart => self.restart(),
        }
    }

    fn settle(&mut self) {
        let start = Instant::now();
        while self.read.len() < self.written && start.elapsed() < Duration::from_secs(10) {
            self.poll();
        }
        (0..20).for_each(|_| self.poll());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn each_line_is_read_once(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.settle();
        let mut read = std::mem::take(&mut world.read);
        read.sort_unstable();
        let written: Vec<_> = lines("any", 0, world.written).lines().map(str::to_owned).collect();
        prop_assert_eq!(read, written);
        prop_assert_eq!(world.story.losses(), 0);
    }
}
