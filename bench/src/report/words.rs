//! Figures as people read them.
//!
//! Never here: a table.

use super::{Figure, Goal, Row};
use std::time::Duration;

/// Three digits that say something, thousands apart: `12,300`, `0.0456`.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let power = value.abs().log10().floor() as i32;
    if power < 2 {
        let digits = (2 - power).clamp(0, 9) as usize;
        return format!("{value:.digits$}");
    }
    let unit = 10f64.powi((power - 2).max(0));
    thousands((value / unit).round() * unit)
}

/// `1234567` as `1,234,567`.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{} s", number(seconds))
    } else if seconds >= 1e-3 {
        format!("{} ms", number(seconds * 1e3))
    } else {
        format!("{} µs", number(seconds * 1e6))
    }
}

pub fn times(ratio: f64) -> String {
    format!("{} ×", number(ratio))
}

/// One line for the terminal.
pub fn figure(row: &Row, figure: &Figure) -> String {
    let spread = figure.value;
    let mut text = format!(
        "{:<28} {:>9} {} ({} to {})",
        figure.target,
        number(spread.median),
        row.unit.name,
        number(spread.low),
        number(spread.high)
    );
    if let Some(cpu) = figure.cpu_s_per_unit {
        let (work, count) = row.unit.work;
        text.push_str(&format!(", {} CPU s for {work}", number(cpu * count)));
    }
    if let (Some(p50), Some(p99)) = (figure.p50, figure.p99) {
        text.push_str(&format!(", p50 {}, p99 {}", duration(p50), duration(p99)));
    }
    text
}

/// What is wanted, in words.
pub fn goal(row: &Row, goal: Goal) -> String {
    match goal {
        Goal::TimesPeers(wanted) => format!("at least {} the best peer", times(wanted)),
        Goal::OfNull(wanted) => format!("at least {} the null server", times(wanted)),
        Goal::AtMost(wanted) => format!("at most {} {}", number(wanted), row.unit.name),
        Goal::P99Under(wanted) => format!("p99 under {}", duration(wanted)),
        Goal::ProcessorAtMost(wanted) => {
            let (work, _) = row.unit.work;
            format!("at most {} CPU s for {work}", number(wanted))
        }
    }
}

/// What was got, in the same measure.
pub fn got(row: &Row, goal: Goal, value: f64) -> String {
    match goal {
        Goal::TimesPeers(_) | Goal::OfNull(_) => times(value),
        Goal::AtMost(_) => format!("{} {}", number(value), row.unit.name),
        Goal::P99Under(_) => duration(Duration::from_secs_f64(value / 1e3)),
        Goal::ProcessorAtMost(_) => format!("{} CPU s", number(value)),
    }
}
