//! Curves as SVG pictures.
//!
//! Never here: a library for it; a few lines and words are all that is drawn.

use super::words;
use std::fmt::Write;

/// How the values of an axis are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    Linear,
    Logarithmic,
}

/// What a row's figure does while something grows.
#[derive(Clone, Debug)]
pub struct Curve {
    pub section: &'static str,
    pub title: String,
    pub x: (String, Scale),
    pub y: (String, Scale),
    /// A line for each target.
    pub series: Vec<(&'static str, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// Left, right, top, bottom of the field.
const FIELD: (f64, f64, f64, f64) = (80.0, 520.0, 50.0, 340.0);
/// Told apart by people who do not see all colours (Okabe and Ito).
const COLOURS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
];

/// From values to places.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, scale: Scale, from: f64, to: f64) -> Axis {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let high = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let (low, high) = match scale {
            Scale::Linear => (0.0, nice(high)),
            Scale::Logarithmic => {
                let low = values
                    .iter()
                    .copied()
                    .filter(|value| *value > 0.0)
                    .fold(high, f64::min);
                (low, if high > low { high } else { low * 10.0 })
            }
        };
        Axis {
            scale,
            low,
            high,
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
            }
        };
        self.from + part * (self.to - self.from)
    }

    /// Where lines with a number stand.
    fn marks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=4).map(|n| self.high * f64::from(n) / 4.0).collect(),
            Scale::Logarithmic => {
                let first = self.low.log10().ceil() as i32;
                let last = self.high.log10().floor() as i32;
                let mut marks: Vec<f64> = (first..=last).map(|power| 10f64.powi(power)).collect();
                if marks.len() < 2 {
                    marks = vec![self.low, self.high];
                }
                marks
            }
        }
    }
}

/// The next of 1, 2, 4, 5, 8 times a power of ten.
fn nice(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let step = steps.iter().find(|step| **step * unit >= value);
    step.unwrap_or(&10.0) * unit
}

impl Curve {
    /// From the title: small letters, digits and hyphens.
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for letter in self.title.to_lowercase().chars() {
            if letter.is_ascii_alphanumeric() {
                name.push(letter);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        format!("{}.svg", name.trim_end_matches('-'))
    }

    pub fn svg(&self) -> String {
        let (left, right, top, bottom) = FIELD;
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let x = Axis::over(points().map(|point| point.0), self.x.1, left, right);
        let y = Axis::over(points().map(|point| point.1), self.y.1, bottom, top);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut out, (left, 24.0), "start", &self.title);
        self.grid(&mut out, &x, &y);
        for (number, (name, points)) in self.series.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let places: Vec<(f64, f64)> = points
                .iter()
                .map(|p| (x.place(p.0), y.place(p.1)))
                .collect();
            line(&mut out, colour, &places);
            let beside = top + 20.0 * number as f64;
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"4\" fill=\"{colour}\"/>",
                right + 16.0,
                beside - 6.0
            );
            text(&mut out, (right + 34.0, beside), "start", name);
        }
        out.push_str("</svg>\n");
        out
    }

    fn grid(&self, out: &mut String, x: &Axis, y: &Axis) {
        let (left, right, top, bottom) = FIELD;
        let stroke = "stroke=\"#cccccc\" stroke-width=\"1\"";
        for mark in y.marks() {
            let at = y.place(mark);
            let _ = writeln!(out, "<path d=\"M{left:.1} {at:.1}H{right:.1}\" {stroke}/>");
            text(out, (left - 8.0, at + 4.0), "end", &words::number(mark));
        }
        for mark in x.marks() {
            let at = x.place(mark);
            let _ = writeln!(out, "<path d=\"M{at:.1} {top:.1}V{bottom:.1}\" {stroke}/>");
            text(out, (at, bottom + 18.0), "middle", &words::number(mark));
        }
        text(
            out,
            ((left + right) / 2.0, bottom + 40.0),
            "middle",
            &self.x.0,
        );
        text(out, (left, top - 10.0), "start", &self.y.0);
    }
}

fn line(out: &mut String, colour: &str, places: &[(f64, f64)]) {
    let mut path = String::new();
    for (index, (x, y)) in places.iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        );
    }
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222222\">{words}</text>"
    );
}
