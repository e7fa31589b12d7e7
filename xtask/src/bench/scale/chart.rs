//! A chart as SVG: logarithmic sizes to the right, values upwards.

use serde::{Deserialize, Serialize};

/// What was measured, and what the axes mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// One sentence.
    pub title: String,
    /// What grows to the right.
    pub across: String,
    /// What is measured upwards, with its unit.
    pub upwards: String,
    /// The lines.
    pub series: Vec<Series>,
    /// On what machine, with what load.
    pub machine: String,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Size and value.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Told apart without seeing colours, too: the lines are dashed differently.
const STROKES: [(&str, &str); 4] =
    [("#0b6e99", "none"), ("#c2571a", "6 4"), ("#5b7d1e", "2 3"), ("#7a4fa3", "10 3 2 3")];

impl Chart {
    /// The chart as an SVG document.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\" role=\"img\">\n<title>{0}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{0}</text>\n",
            escape(&self.title)
        );
        svg += &self.axes();
        for (at, series) in self.series.iter().enumerate() {
            svg += &self.line(series, at);
        }
        svg + "</svg>\n"
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.series.iter().flat_map(|series| &series.points)
    }

    /// Powers of ten around all sizes.
    fn decades(&self) -> (i32, i32) {
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        self.points().for_each(|(x, _)| (least, most) = (least.min(*x), most.max(*x)));
        let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        (from, to.max(from + 1))
    }

    /// A round number above all values.
    fn top(&self) -> f64 {
        let most = self.points().fold(0.0, |most: f64, (_, y)| most.max(*y)).max(1e-9);
        let unit = 10f64.powf(most.log10().floor());
        [1.0, 2.0, 5.0, 10.0]
            .map(|times| times * unit)
            .into_iter()
            .find(|top| *top >= most)
            .unwrap_or(most)
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (from, to) = self.decades();
        let across = (x.log10() - f64::from(from)) / f64::from(to - from);
        let height = HEIGHT - TOP - BOTTOM;
        (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / self.top() * height)
    }

    fn axes(&self) -> String {
        let mut svg = String::new();
        let (from, to) = self.decades();
        for decade in from..=to {
            let (x, bottom) = self.place((10f64.powi(decade), 0.0));
            svg += &format!(
                "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
                bottom + 18.0,
                short(10f64.powi(decade))
            );
        }
        for part in 0..=4 {
            let value = self.top() * f64::from(part) / 4.0;
            let (_, y) = self.place((10f64.powi(from), value));
            svg += &format!(
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        }
        svg + &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <text x=\"14\" y=\"{:.1}\" transform=\"rotate(-90 14 {:.1})\" text-anchor=\"middle\">{}</text>\n",
            WIDTH - RIGHT,
            HEIGHT - 12.0,
            escape(&self.across),
            HEIGHT / 2.0,
            HEIGHT / 2.0,
            escape(&self.upwards)
        )
    }

    fn line(&self, series: &Series, at: usize) -> String {
        let (colour, dashes) = STROKES[at % STROKES.len()];
        let places: Vec<(f64, f64)> =
            series.points.iter().map(|point| self.place(*point)).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let mut svg = format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>\n",
            path.join(" ")
        );
        for (x, y) in places {
            svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n");
        }
        svg + &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>\n",
            LEFT + 10.0,
            TOP + 14.0 * (at as f64 + 1.0),
            escape(&series.name)
        )
    }
}

/// `10 k`, `0.25`.
fn short(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        1e6.. => format!("{:.0} M", value / 1e6),
        1e3.. => format!("{:.0} k", value / 1e3),
        10.0.. => format!("{value:.0}"),
        _ => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_within_the_axes() {
        let points = vec![(1e3, 0.0), (5e5, 3.0), (1e7, 7.5)];
        let series = vec![Series { name: "a & b".into(), points: points.clone() }];
        let text = String::from;
        let chart = Chart {
            title: text("t"),
            across: text("x"),
            upwards: text("y"),
            series,
            machine: text("m"),
        };
        for point in points {
            let (x, y) = chart.place(point);
            assert!((LEFT..=WIDTH - RIGHT).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y));
        }
        assert!(chart.svg().contains("a &amp; b"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.25, 2.0, 40.0, 1e4, 1e7].map(short),
            ["0", "0.25", "2", "40", "10 k", "10 M"]
        );
    }
}
