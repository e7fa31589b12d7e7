//! The spike detector on series whose spikes are known.

use twofold_data::spike::{Change, Direction, Point, Spike, Watch};

/// A repeatable stream of numbers in [0, 1).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A Poisson count, by the normal approximation where it is good enough.
    fn count(&mut self, mean: f64) -> f64 {
        let normal: f64 = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        (mean + mean.sqrt() * normal).round().max(0.0)
    }
}

/// The usual traffic at a minute of a week: a daily curve, and less on the weekend.
fn usual(minute: i64) -> f64 {
    let turn = std::f64::consts::TAU * minute as f64 / 1440.0;
    let weekend = if minute / 1440 % 7 >= 5 { 0.8 } else { 1.0 };
    200.0 * weekend * (1.0 + 0.7 * (turn - 2.0).sin())
}

/// What a watch finds in `days` days of minutes, each with its factor.
fn found(days: i64, factor: impl Fn(i64) -> f64) -> Vec<Spike> {
    let (mut random, mut watch) = (Random(7), Watch::new(60));
    let mut spikes: Vec<Spike> = Vec::new();
    for minute in 0..days * 1440 {
        let value = random.count(usual(minute) * factor(minute));
        match watch.push(&Point::whole(minute * 60, value), None).1 {
            Some(Change::Opened(spike)) => spikes.push(spike),
            Some(change) => *spikes.last_mut().unwrap() = change.spike().clone(),
            None => {}
        }
    }
    spikes
}

#[test]
fn quiet_weeks_stay_quiet() {
    let spikes = found(21, |_| 1.0);
    assert!(spikes.len() <= 2, "{spikes:#?}");
}

#[test]
fn a_spike_is_one_with_its_minutes() {
    let at = 5 * 1440 + 600;
    let spikes = found(7, |minute| if (at..at + 12).contains(&minute) { 4.0 } else { 1.0 });
    let spike = spikes.iter().find(|spike| spike.start / 60 == at).expect("found where it is");
    assert_eq!((spike.end / 60, spike.steps), (at + 12, 12), "{spike:?}");
    assert!((3.0..5.0).contains(&spike.ratio()), "{spike:?}");
    let near = spikes.iter().filter(|spike| (at - 60..at + 60).contains(&(spike.start / 60)));
    assert_eq!(near.count(), 1, "{spikes:#?}");
}

#[test]
fn a_spike_of_the_first_week_is_not_expected_in_the_second() {
    let first = 4 * 1440 + 600;
    let both = [first, first + 7 * 1440].map(|at| at..at + 60);
    let inside = |minute: &i64| both.iter().any(|spike| spike.contains(minute));
    let spikes = found(14, |minute| if inside(&minute) { 6.0 } else { 1.0 });
    for spike in both {
        let found = spikes.iter().find(|one| one.start / 60 == spike.start);
        let found = found.unwrap_or_else(|| panic!("{spike:?}: {spikes:#?}"));
        assert!(found.steps >= 50 && found.ratio() > 3.0, "{found:#?}");
    }
}

#[test]
fn a_sudden_silence_is_a_spike() {
    let at = 5 * 1440 + 900;
    let spikes = found(7, |minute| if (at..at + 30).contains(&minute) { 0.0 } else { 1.0 });
    let silence = |spike: &&Spike| spike.direction == Direction::Down && spike.observed == 0.0;
    let silence = spikes.iter().find(silence).expect("found");
    assert_eq!((silence.start / 60, silence.end / 60), (at, at + 30));
    assert_eq!(silence.severity.name(), "critical");
}

#[test]
fn a_slow_ramp_is_none_and_a_new_level_is_learnt() {
    let ramp = |minute: i64| 1.0 + ((minute - 7200).clamp(0, 360) as f64 / 360.0);
    let spikes = found(10, ramp);
    let during = |spike: &&Spike| (7100..7700).contains(&(spike.start / 60));
    let up = spikes.iter().filter(during).filter(|spike| spike.direction == Direction::Up);
    assert_eq!(up.count(), 0, "{spikes:#?}");
    let level = |minute: i64| if minute >= 7200 + 600 { 2.5 } else { 1.0 };
    let after: Vec<_> =
        found(14, level).into_iter().filter(|spike| spike.start / 60 >= 7200 + 590).collect();
    assert!((1..=3).contains(&after.len()), "one alarm, not one a minute: {after:#?}");
    assert!(after.iter().all(|spike| spike.start / 60 < 7800 + 3 * 1440), "{after:#?}");
}

/// An office's traffic: next to nothing at night, from half past seven on everything within an hour, and
/// little on weekends. Minute 0 is a Thursday's midnight, as in 1970.
fn office(minute: i64) -> f64 {
    let (hour, day) = ((minute % 1440) as f64 / 60.0, (minute / 1440 + 3) % 7);
    let rush = (hour - 7.5).clamp(0.0, 1.0) - ((hour - 17.0) / 3.0).clamp(0.0, 1.0);
    20.0 + if day >= 5 { 30.0 * rush } else { 380.0 * rush }
}

/// The spikes of an office's traffic times a factor.
fn found_in_office(days: i64, factor: impl Fn(i64) -> f64) -> Vec<Spike> {
    found(days, |minute| factor(minute) * office(minute) / usual(minute))
}

#[test]
fn an_ordinary_monday_morning_is_quiet() {
    let spikes = found_in_office(35, |_| 1.0);
    let after: Vec<_> = spikes.iter().filter(|spike| spike.start / 86_400 >= 12).collect();
    let mornings = after.iter().filter(|spike| (7..11).contains(&(spike.start / 3600 % 24)));
    assert_eq!(mornings.count(), 0, "two weekends teach what a weekend is: {after:#?}");
    assert!(after.len() <= 4, "in three weeks of a restless night: {after:#?}");
    // Without any history the first weekend is news, but not news each minute.
    assert!(spikes.len() <= 12, "{} spikes: {spikes:#?}", spikes.len());
}

#[test]
fn a_holiday_is_no_alarm_each_minute_and_is_soon_forgotten() {
    // The third Tuesday: as quiet as a Sunday.
    let holiday = |minute: i64| minute / 1440 == 19;
    let spikes = found_in_office(35, |minute| if holiday(minute) { 0.15 } else { 1.0 });
    let on: Vec<_> = spikes.iter().filter(|spike| holiday(spike.start / 60)).collect();
    assert!((1..=4).contains(&on.len()), "{} alarms on the holiday: {on:#?}", on.len());
    let after = spikes.iter().filter(|spike| spike.start / 86_400 > 20);
    let mornings: Vec<_> =
        after.filter(|spike| (7..11).contains(&(spike.start / 3600 % 24))).collect();
    assert!(mornings.len() <= 1, "{mornings:#?}");
}

#[test]
fn a_rise_within_a_silence_is_seen() {
    let at = 5 * 1440 + 600;
    let spikes = found(7, |minute| match minute - at {
        0..20 => 0.0,
        20..30 => 6.0,
        _ => 1.0,
    });
    let rise =
        spikes.iter().find(|spike| spike.direction == Direction::Up && spike.start / 60 >= at);
    let rise = rise.expect("found");
    assert!((at + 20..=at + 22).contains(&(rise.start / 60)), "{rise:?}");
    assert!(
        spikes.iter().any(|spike| spike.direction == Direction::Down && spike.start / 60 == at)
    );
}

#[test]
fn a_score_uses_only_what_came_before() {
    let values: Vec<f64> = {
        let mut random = Random(3);
        (0..3000).map(|minute| random.count(usual(minute))).collect()
    };
    let scores = |values: &[f64]| -> Vec<f64> {
        let mut watch = Watch::new(60);
        let points = values.iter().enumerate();
        points
            .map(|(at, value)| watch.push(&Point::whole(at as i64 * 60, *value), None).0.score)
            .collect()
    };
    let whole = scores(&values);
    assert_eq!(scores(&values[..1500]), whole[..1500]);
    assert!(whole.iter().all(|score| (0.0..=1.0).contains(score)));
}

#[test]
fn any_numbers_give_a_score() {
    for step in [1, 60, 300, 86_400, 10 * 86_400] {
        let mut watch = Watch::new(step);
        let odd = [0.0, 1e300, -1e300, 1e-300, 5.5, f64::MAX, f64::MIN, -0.0, 7.0];
        for (index, value) in odd.iter().cycle().take(500).enumerate() {
            // Times stand still and go back, too.
            let at = (index as i64 % 7 - 3) * step;
            let (verdict, _) = watch.push(&Point::whole(at, *value), None);
            assert!((0.0..=1.0).contains(&verdict.score), "{value}: {verdict:?}");
        }
    }
}
