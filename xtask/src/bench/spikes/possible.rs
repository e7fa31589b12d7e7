//! What could be found at best: by one who knows how much traffic was due, how requests come in visits,
//! when the rise would begin and how long it would last, and has one false alarm a week.

use twofold_data::generate::{Label, VISITS};

/// One false alarm a week, where one looks each minute.
const FALSE: f64 = 1.0 / 10_080.0;

/// The standard deviations of which a normal distribution exceeds [`FALSE`].
const SURE: f64 = 3.72;

/// Where more visits than this are due in the stretch, counts are as good as normally distributed.
const MANY: f64 = 400.0;

/// The chance that the sum of the rise's minutes exceeds what chance alone exceeds once a week.
pub fn of(label: &Label) -> f64 {
    let length = f64::from(label.minutes);
    let (due, more) = (label.usual * length, label.usual * length * (label.times - 1.0));
    let visit: f64 = VISITS.iter().map(|(requests, part)| *requests as f64 * part).sum();
    if due / visit > MANY {
        let squares: f64 =
            VISITS.iter().map(|(requests, part)| (requests * requests) as f64 * part).sum();
        let variance = due * squares / visit;
        return beyond((SURE * variance.sqrt() - more) / (variance + more).sqrt());
    }
    let calm = visits(due / visit);
    let mut left = 1.0;
    // The first count that chance alone reaches no more often than once a week.
    let least = calm.iter().position(|chance| {
        let rare = left <= FALSE;
        left -= chance;
        rare
    });
    let least = least.unwrap_or(calm.len());
    let rise = poisson(more, least);
    // Less than that: so many as usual, and so few more.
    let less: f64 =
        (0..least).map(|usual| calm[usual] * rise[..least - usual].iter().sum::<f64>()).sum();
    1.0 - less
}

/// The chances of 0, 1, 2 … requests where so many visits are due (Panjer 1981).
fn visits(due: f64) -> Vec<f64> {
    let most = (due * 4.0 + 60.0 + 12.0 * due.sqrt()) as usize;
    let mut chances = vec![(-due).exp()];
    for count in 1..most {
        let term = |(requests, part): (u64, f64)| {
            let before = count.checked_sub(requests as usize);
            before.map_or(0.0, |at| requests as f64 * part * chances[at])
        };
        let sum: f64 = VISITS.into_iter().map(term).sum();
        chances.push(due / count as f64 * sum);
    }
    chances
}

/// The chances of 0, 1, 2 … where so many are due, below `count`.
fn poisson(due: f64, count: usize) -> Vec<f64> {
    let mut chances = Vec::with_capacity(count);
    let mut logarithm = -due;
    for number in 0..count {
        if number > 0 {
            logarithm += due.ln() - (number as f64).ln();
        }
        chances.push(logarithm.exp());
    }
    chances
}

/// How often a normal distribution exceeds so many standard deviations (Abramowitz and Stegun 26.2.17).
fn beyond(deviations: f64) -> f64 {
    let x = deviations.abs();
    let t = 1.0 / (1.0 + 0.231_641_9 * x);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    let tail = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum;
    if deviations > 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use twofold_data::generate::Kind;
    use twofold_data::minute::Minute;

    use super::*;

    fn rise(usual: f64, times: f64, minutes: u32) -> f64 {
        let (kind, start, spike) = (Kind::Rise, Minute(0), true);
        of(&Label { kind, start, minutes, times, usual, spike })
    }

    #[test]
    fn chances_add_up_and_vary_as_visits_do() {
        let chances = visits(50.0);
        let mean: f64 = chances.iter().enumerate().map(|(at, chance)| at as f64 * chance).sum();
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9 && (mean - 90.0).abs() < 1e-6);
        assert!((beyond(SURE) - FALSE).abs() < 2e-6 && (beyond(-1.0) - 0.8413).abs() < 1e-4);
    }

    #[test]
    fn a_large_rise_is_sure_and_a_small_one_is_luck() {
        assert!(rise(100.0, 3.0, 10) > 0.999);
        assert!((0.1..0.6).contains(&rise(10.0, 2.0, 3)), "{}", rise(10.0, 2.0, 3));
        assert!(rise(10.0, 1.5, 1) < 0.05 && rise(10.0, 1.0, 3) <= FALSE);
        let (few, many) = (rise(MANY * 1.8 - 1.0, 1.3, 1), rise(MANY * 1.8 + 1.0, 1.3, 1));
        assert!((few - many).abs() < 0.05, "both ways agree: {few} {many}");
    }
}
