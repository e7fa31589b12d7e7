//! Lines in the order of writing: event time and lateness.

use std::io::{self, Write};

use super::answers::Answers;
use super::clock::{extra, of_day, schedule, stamp};
use super::population::{HOLES, Population};
use super::profile::Profile;
use super::random::{Random, Weighted};
use super::weeks::{Due, Weeks};

/// The longest that a line is late, in seconds, and one more.
const RING: usize = 1024;

/// A stream of generated traffic.
#[derive(Debug)]
pub struct Traffic {
    profile: Profile,
    start: i64,
    seed: u64,
    population: Population,
    random: Random,
    client: Weighted,
    page: Weighted,
    status: Weighted,
    method: Weighted,
    protocol: Weighted,
    /// The page each client was on last, from 1; 0: none.
    last_page: Vec<u32>,
    /// Lines that are still to be written, by second.
    waiting: Vec<Vec<u8>>,
    /// How many requests have been drawn.
    drawn: u64,
    answers: Answers,
}

const STATUSES: [u16; 12] = [200, 304, 301, 302, 404, 500, 403, 206, 503, 401, 502, 204];
const STATUS_WEIGHTS: [f64; 12] =
    [0.78, 0.07, 0.025, 0.02, 0.055, 0.008, 0.012, 0.012, 0.003, 0.006, 0.002, 0.007];
const METHODS: [&str; 6] = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"];
const METHOD_WEIGHTS: [f64; 6] = [0.9, 0.07, 0.015, 0.007, 0.003, 0.005];
const PROTOCOLS: [&str; 3] = ["HTTP/1.1", "HTTP/2.0", "HTTP/1.0"];

/// The requests of a spike come from these clients, and ask for this page.
const SPIKE_CLIENTS: std::ops::Range<u64> = 200..220;
const SPIKE_PAGE: usize = 12;

/// One request as it was drawn, by index.
struct Drawn {
    client: usize,
    page: Asked,
    status: u16,
    method: usize,
    size: Option<u64>,
    agent: usize,
}

/// Of what traffic a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Usual,
    Rise,
    Scanner,
}

enum Asked {
    Page(usize),
    Hole(usize),
}

impl Traffic {
    /// Traffic from `start` (seconds since the Unix epoch) on.
    pub fn new(profile: Profile, start: i64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let population = Population::new(&profile, &mut random);
        let weighted = |count, skew: f64| Weighted::zipf(if skew == 0.0 { 1 } else { count }, skew);
        Self {
            client: weighted(profile.clients, profile.client_skew),
            page: weighted(profile.pages, profile.page_skew),
            status: Weighted::new(&STATUS_WEIGHTS),
            method: Weighted::new(&METHOD_WEIGHTS),
            protocol: Weighted::new(&[0.7, 0.28, 0.02]),
            last_page: vec![0; profile.clients],
            waiting: vec![Vec::new(); RING],
            drawn: 0,
            answers: Answers::new(&population),
            profile,
            start,
            seed,
            population,
            random,
        }
    }

    /// Writes `lines` lines over `days` days; `progress` hears how many are drawn.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write(
        mut self,
        days: u32,
        lines: u64,
        out: &mut impl Write,
        mut progress: impl FnMut(u64),
    ) -> io::Result<Answers> {
        if self.profile.labelled {
            return self.write_weeks(days, lines, out, progress);
        }
        let schedule = schedule(&self.profile, self.start, days, lines);
        for (second, count) in schedule.iter().enumerate() {
            self.second(second as u64, *count);
            self.flush(second, out)?;
            progress(self.drawn);
        }
        self.finish(schedule.len(), out)
    }

    /// Writes weeks with labelled spikes; of `lines` there are about so many, as the dice fall.
    fn write_weeks(
        mut self,
        days: u32,
        lines: u64,
        out: &mut impl Write,
        mut progress: impl FnMut(u64),
    ) -> io::Result<Answers> {
        let per_minute = lines as f64 / (f64::from(days.max(1)) * 1440.0);
        let weeks = Weeks::new(self.start, days, per_minute, self.seed);
        for (minute, due) in weeks.due.iter().enumerate() {
            for second in 0..60 {
                self.part_of_minute(minute as u64 * 60, second, *due);
                self.flush(minute * 60 + second as usize, out)?;
            }
            progress(self.drawn);
        }
        self.answers.spikes = weeks.labels;
        self.finish(weeks.due.len() * 60, out)
    }

    /// Draws what a second of a minute gets: a sixtieth of everything, in turn.
    fn part_of_minute(&mut self, start: u64, second: u64, due: Due) {
        let share = |count: u32| {
            let count = u64::from(count);
            count * (second + 1) / 60 - count * second / 60
        };
        let epoch = self.start + (start + second) as i64;
        let stamp = stamp(epoch);
        let parts =
            [(Part::Usual, due.usual), (Part::Rise, due.rise), (Part::Scanner, due.scanner)];
        for (part, count) in parts {
            (0..share(count)).for_each(|_| self.one(part, start + second, &stamp));
        }
    }

    /// Writes what is still late after the last second.
    fn finish(mut self, seconds: usize, out: &mut impl Write) -> io::Result<Answers> {
        for second in seconds..seconds + RING {
            self.flush(second, out)?;
        }
        self.answers.name(&self.population);
        Ok(self.answers)
    }

    /// Draws the `count` lines of a second, counted from the start.
    pub(super) fn second(&mut self, second: u64, count: u32) {
        let stamp = stamp(self.start + second as i64);
        let surplus = extra(self.profile.spike, of_day(self.start, second));
        for _ in 0..count {
            let in_spike = surplus > 0.0 && self.random.chance(surplus / (1.0 + surplus));
            self.one(if in_spike { Part::Rise } else { Part::Usual }, second, &stamp);
        }
    }

    /// Draws one line of a second, counted from the start.
    fn one(&mut self, part: Part, second: u64, stamp: &str) {
        let drawn = self.draw(part);
        self.drawn += 1;
        let line = self.line(&drawn, stamp);
        let late = self.lateness();
        match self.broken(&line, stamp, drawn.status) {
            Some((kind, broken)) => {
                self.answers.broken(kind);
                self.put(second, late, &broken);
            }
            None => {
                self.count(&drawn, self.start + second as i64);
                self.put(second, late, &line);
            }
        }
    }

    /// Writes what is due in a second.
    pub(super) fn flush(&mut self, second: usize, out: &mut impl Write) -> io::Result<()> {
        let due = &mut self.waiting[second % RING];
        out.write_all(due)?;
        due.clear();
        Ok(())
    }

    fn put(&mut self, second: u64, late: u64, line: &[u8]) {
        let due = &mut self.waiting[(second + late) as usize % RING];
        due.extend_from_slice(line);
        due.push(b'\n');
    }

    fn lateness(&mut self) -> u64 {
        let chance = self.random.unit();
        if chance < self.profile.late {
            1 + self.random.below(60)
        } else if chance < self.profile.late + self.profile.very_late {
            180 + self.random.below(720)
        } else {
            0
        }
    }

    fn draw(&mut self, part: Part) -> Drawn {
        let random = &mut self.random;
        let in_spike = part == Part::Rise;
        if part == Part::Scanner || !in_spike && random.chance(self.profile.scanner) {
            let hole = random.below(HOLES.len() as u64) as usize;
            let agent = self.population.agents.len() - 11;
            return Drawn {
                client: 77,
                page: Asked::Hole(hole),
                status: 404,
                method: 0,
                size: Some(153),
                agent,
            };
        }
        let next = self.drawn as usize;
        let skewed = |weights: &Weighted, skew: f64, count: usize, random: &mut Random| match skew {
            0.0 => next % count,
            _ => weights.draw(random),
        };
        let mut client =
            skewed(&self.client, self.profile.client_skew, self.profile.clients, random);
        let mut page = skewed(&self.page, self.profile.page_skew, self.profile.pages, random);
        let mut status = STATUSES[self.status.draw(random)];
        if in_spike {
            if random.chance(0.7) {
                client = (SPIKE_CLIENTS.start
                    + random.below(SPIKE_CLIENTS.end - SPIKE_CLIENTS.start))
                    as usize;
            }
            page = if random.chance(0.6) { SPIKE_PAGE } else { page };
            status = if random.chance(0.45) { 500 } else { status };
        }
        let own = usize::from(self.population.agent_of[client]);
        let any = random.below(self.population.agents.len() as u64) as usize;
        let agent = if random.chance(0.9) { own } else { any };
        let bytes = (8.3 + 1.4 * random.normal()).exp().min(5e7) as u64;
        Drawn {
            client,
            page: Asked::Page(page),
            status,
            method: self.method.draw(random),
            size: (status != 304 && status != 204).then_some(bytes),
            agent,
        }
    }

    fn line(&mut self, drawn: &Drawn, stamp: &str) -> Vec<u8> {
        let mut line = Vec::with_capacity(288);
        let random = &mut self.random;
        let user = random.chance(0.01).then(|| random.below(500));
        let (protocol, query) = (PROTOCOLS[self.protocol.draw(random)], random.unit());
        let value = random.below(100_000);
        let path = match drawn.page {
            Asked::Page(page) => self.population.pages[page].as_str(),
            Asked::Hole(hole) => HOLES[hole],
        };
        let _ = write!(line, "{} - ", self.population.clients[drawn.client]);
        let _ = match user {
            Some(user) => write!(line, "user{user}"),
            None => write!(line, "-"),
        };
        let _ = write!(line, " [{stamp}] \"{} {path}", METHODS[drawn.method]);
        let _ = match query {
            query if query < 0.12 => write!(line, "?page={}", value % 50),
            query if query < 0.18 => write!(line, "?q={value}&utm_source=news"),
            _ => Ok(()),
        };
        let _ = write!(line, " {protocol}\" {} ", drawn.status);
        let _ = match drawn.size {
            Some(size) => write!(line, "{size}"),
            None => write!(line, "-"),
        };
        line.extend_from_slice(b" \"");
        self.referrer(drawn, &mut line);
        let _ = write!(line, "\" \"{}\"", self.population.agents[drawn.agent]);
        line
    }

    /// People go on from the page they were on, come from a search engine, or from nowhere.
    fn referrer(&mut self, drawn: &Drawn, line: &mut Vec<u8>) {
        let Asked::Page(page) = drawn.page else { return line.push(b'-') };
        let last = std::mem::replace(&mut self.last_page[drawn.client], page as u32 + 1);
        match self.random.unit() {
            chance if chance < 0.4 => line.push(b'-'),
            chance if chance < 0.55 => line.extend_from_slice(b"https://www.google.com/"),
            _ if last == 0 => line.push(b'-'),
            _ => {
                line.extend_from_slice(b"https://shop.example.com");
                line.extend_from_slice(self.population.pages[last as usize - 1].as_bytes());
            }
        }
    }

    /// One of six kinds of broken line, where the line is to be broken.
    fn broken(&mut self, line: &[u8], stamp: &str, status: u16) -> Option<(usize, Vec<u8>)> {
        if !self.random.chance(self.profile.malformed) {
            return None;
        }
        let kind = self.random.below(6) as usize;
        let number = self.random.below(100_000);
        let text = String::from_utf8_lossy(line);
        let broken = match kind {
            0 => text.chars().take(5 + number as usize % 15).collect(),
            1 => format!("\\x16\\x03\\x01\\x02{number}"),
            2 => String::new(),
            3 => text.replace(&format!("[{stamp}] "), ""),
            4 => text.replace(&format!("\" {status} "), "\" --- "),
            _ => format!(
                "java.lang.IllegalStateException: pool exhausted at Worker.run(Worker.java:{})",
                number % 900
            ),
        };
        Some((kind, broken.into_bytes()))
    }

    fn count(&mut self, drawn: &Drawn, epoch: i64) {
        let page = match drawn.page {
            Asked::Page(page) => page,
            Asked::Hole(hole) => self.population.pages.len() + hole,
        };
        let (client, agent) = (drawn.client, drawn.agent);
        self.answers.request(
            epoch,
            client,
            page,
            agent,
            drawn.status,
            METHODS[drawn.method],
            drawn.size,
        );
    }
}
