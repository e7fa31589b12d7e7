//! What a batch run says of spikes that the live minutes showed: confirmed, or withdrawn and why.

mod site;

use serde_json::{Value, json};
use site::Site;
use twofold_data::generate::Profile;
use twofold_data::minute::Minute;
use twofold_data::spike::{Direction, Quantity, Series, Severity, Spike};
use twofold_serving::index::Index;
use twofold_serving::spikes::{Bots, Found, Review, SpikeRow, Standing, causes, list, put_rows};

/// The first minute of the generated day.
const DAY: Minute = Minute(1_773_100_800 / 60);

const LENGTH: i64 = 10;

/// A spike of the requests in ten minutes from `start` on, as a judge of live minutes wrote it.
fn written(start: Minute, observed: f64, expected: f64, bots: f64) -> SpikeRow {
    let direction = if observed > expected { Direction::Up } else { Direction::Down };
    let spike = Spike {
        start: start.start_ms() / 1000,
        end: start.start_ms() / 1000 + LENGTH * 60,
        closed: true,
        ending: None,
        steps: LENGTH as u64,
        observed,
        expected,
        peak: observed,
        peak_at: start.start_ms() / 1000,
        score: 0.9,
        surprise: 9.0,
        direction,
        severity: Severity::Warning,
    };
    let series = Series::whole(Quantity::Requests);
    let mut row = SpikeRow::new("access", &series, start, &spike, Found::Speed);
    row.causes.bots = Some(Bots { during: bots, before: bots });
    row
}

/// What the generator made of ten minutes, a minute.
fn made(answers: &Value, start: Minute) -> f64 {
    let minutes = (start.0..start.0 + LENGTH).map(|minute| Minute(minute).to_string());
    let counts = minutes.map(|minute| answers["per_minute"][&minute].as_f64().unwrap_or(0.0));
    counts.sum::<f64>() / LENGTH as f64
}

fn review(index: &dyn Index, row: &SpikeRow) -> Review {
    let listed = list(index, DAY, Minute(DAY.0 + 1440)).unwrap();
    let one = listed.into_iter().find(|listed| listed.row.id == row.id).expect("it is stored");
    one.review.expect("it is reviewed")
}

#[test]
fn each_spike_is_confirmed_or_withdrawn_with_the_reason() {
    let site = Site::new();
    let answers = json!(site.generate(Profile::demo(), 40_000, 11));
    let [lost, low, people] = [9, 10, 11].map(|hour| Minute(DAY.0 + hour * 60));
    // The demo has six times the traffic from half past two on.
    let real = Minute(DAY.0 + 14 * 60 + 30);
    // A first run says what part bots have, as the live layer knows it, too.
    let other = Site::new();
    std::fs::copy(site.log(), other.log()).unwrap();
    other.archive();
    other.batch(&other.index());
    let row = written(people, made(&answers, people), 1.0, 0.0);
    let part = causes(&other.index(), &row).unwrap().bots.unwrap().during;
    let rows = [
        written(lost, 0.0, made(&answers, lost), part),
        written(low, made(&answers, low), made(&answers, low) / 3.0, part),
        written(people, made(&answers, people), made(&answers, people) / 3.0, part + 0.4),
        written(real, made(&answers, real), made(&answers, real) / 6.0, part),
    ];
    let index = site.index();
    put_rows(&index, &rows, 1).unwrap();
    site.archive();
    site.batch(&index);
    let [lost, low, people, real] = rows.each_ref().map(|row| review(&index, row));
    assert_eq!(real.standing, Standing::Confirmed, "{real:?}");
    for (review, reason) in
        [(lost, "late data"), (low, "estimate off"), (people, "bots reclassified")]
    {
        assert_eq!(review.standing, Standing::Withdrawn, "{review:?}");
        assert!(review.reason.starts_with(reason), "{review:?}");
    }
}
