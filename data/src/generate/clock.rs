//! How traffic is spread over the day, and how a second is written.

use super::profile::{Profile, Spike};

/// Seconds in a day.
pub const DAY: u64 = 86_400;

/// The usual rate at a second of the day, around 1: low at night, high in the afternoon.
pub fn usual(second: u64) -> f64 {
    let turn = std::f64::consts::TAU * second as f64 / DAY as f64;
    let wave =
        1.0 + 0.75 * (turn - 0.375 * std::f64::consts::TAU).sin() + 0.15 * (2.0 * turn).sin();
    wave.max(0.08)
}

/// How many times the usual rate a spike adds at a second of the day.
pub fn extra(spike: Option<Spike>, second: u64) -> f64 {
    match spike {
        Some(spike) if (spike.start..spike.start + spike.length).contains(&second) => {
            spike.times - 1.0
        }
        _ => 0.0,
    }
}

/// The second of the day (UTC) at which a second after the start falls.
pub fn of_day(start: i64, second: u64) -> u64 {
    (start.rem_euclid(DAY as i64) as u64 + second) % DAY
}

/// How many lines each second of a span has that begins at `start` (seconds since the Unix
/// epoch), so that they add up to `lines`.
pub fn schedule(profile: &Profile, start: i64, days: u32, lines: u64) -> Vec<u32> {
    let seconds = profile.seconds.unwrap_or(u64::from(days.max(1)) * DAY);
    let weight = |second: u64| {
        let second = of_day(start, second);
        if profile.seconds.is_some() {
            1.0
        } else {
            usual(second) * (1.0 + extra(profile.spike, second))
        }
    };
    let total: f64 = (0..seconds).map(weight).sum();
    let (mut sum, mut done) = (0.0, 0);
    (0..seconds)
        .map(|second| {
            sum += weight(second);
            let due =
                if second + 1 == seconds { lines } else { (sum / total * lines as f64) as u64 };
            let now = due.min(lines).saturating_sub(done);
            done += now;
            now as u32
        })
        .collect()
}

/// `10/Mar/2026:14:30:00 +0000`, the time stamp of the Apache formats.
pub fn stamp(epoch: i64) -> String {
    jiff::Timestamp::from_second(epoch)
        .map(|instant| instant.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_adds_up() {
        for (profile, lines) in
            [(Profile::bench(), 1_000_003), (Profile::demo(), 17), (Profile::cardinality(), 5)]
        {
            let sum: u64 =
                schedule(&profile, 0, 2, lines).iter().map(|count| u64::from(*count)).sum();
            assert_eq!(sum, lines);
        }
    }

    #[test]
    fn a_stamp_is_written_as_apache_does() {
        assert_eq!(stamp(1_773_153_000), "10/Mar/2026:14:30:00 +0000");
    }
}
