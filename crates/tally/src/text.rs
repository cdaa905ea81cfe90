//! The table and the numbers as text: Prometheus' exposition format, and the page for people.
//!
//! What never happens here: counting.

use crate::table::{Kind, MAX_LABELS, Metric, Row, TABLE};
use crate::{Histogram, Labels};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Text format 0.0.4. Unlabelled metrics are there from the start, as 0.
pub(crate) fn of(
    numbers: &BTreeMap<(Metric, Labels), u64>,
    histograms: &BTreeMap<Metric, Histogram>,
) -> String {
    let mut text = String::new();
    for row in TABLE {
        let (name, help, kind) = (row.name, row.help, kind_word(row.kind));
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        match row.kind {
            Kind::Histogram(bounds) => {
                let empty = Histogram::default();
                let histogram = histograms.get(&row.metric).unwrap_or(&empty);
                write_histogram(&mut text, name, bounds, histogram);
            }
            Kind::Counter | Kind::Gauge => write_numbers(&mut text, row, numbers),
        }
    }
    text
}

fn write_numbers(text: &mut String, row: &Row, numbers: &BTreeMap<(Metric, Labels), u64>) {
    let name = row.name;
    if row.labels.is_empty() {
        let labels = Labels::default();
        let value = numbers.get(&(row.metric, labels)).copied().unwrap_or(0);
        let _ = writeln!(text, "{name} {value}");
        return;
    }
    let first = (row.metric, [""; MAX_LABELS]);
    let of_row = numbers
        .range(first..)
        .take_while(|((m, _), _)| *m == row.metric);
    for ((_, values), value) in of_row {
        let labels: Vec<String> = row
            .labels
            .iter()
            .zip(values)
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
    }
}

fn write_histogram(text: &mut String, name: &str, bounds: &[f64], histogram: &Histogram) {
    for (index, bound) in bounds.iter().enumerate() {
        let count = histogram.up_to.get(index).copied().unwrap_or(0);
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}");
    }
    let Histogram { count, sum, .. } = histogram;
    let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(text, "{name}_sum {sum}\n{name}_count {count}");
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

/// The table as a page: docs/metrics.md is exactly this.
pub fn document() -> String {
    let mut text = String::from(PAGE_BEGINS);
    for row in TABLE {
        let labels: Vec<String> = row.labels.iter().map(|l| format!("`{l}`")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            row.name,
            kind_word(row.kind),
            row.unit,
            labels.join(", "),
            row.help
        );
    }
    text
}

const PAGE_BEGINS: &str = "# Metrics

What a running server counts, in Prometheus' text format at `/metrics` of the listener `metrics`.
Counters begin at 0 with every start. Labels have only values that stand in the program's tables
(listeners, commands, mechanisms, classes); nothing that a peer sends becomes one.

This page is made from the table in `crates/tally/src/table.rs`:
`cargo test -p tally` fails when it is stale and says how to renew it.

| Name | Kind | Unit | Labels | What it counts |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tally;

    #[test]
    fn a_number_appears_with_its_labels_help_and_kind() {
        let tally = Tally::new();
        tally.add(Metric::Connections, &["imaps"], 2);
        tally.count(Metric::Connections, &["smtp"]);
        let open = tally.number(Metric::Sessions, &["smtp"]).held();
        let text = tally.text();
        for line in [
            "# TYPE whimbrel_connections_total counter",
            "whimbrel_connections_total{listener=\"imaps\"} 2",
            "whimbrel_connections_total{listener=\"smtp\"} 1",
            "whimbrel_sessions{listener=\"smtp\"} 1",
            "whimbrel_commits_total 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        drop(open);
        assert!(
            tally
                .text()
                .contains("whimbrel_sessions{listener=\"smtp\"} 0")
        );
        // Another server's counters are its own.
        assert!(!Tally::new().text().contains("imaps"));
    }

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let tally = Tally::new();
        for seconds in [0.0004, 0.004, 7.0, 100.0] {
            tally.observe(Metric::SyncSeconds, seconds);
        }
        let text = tally.text();
        for line in [
            "whimbrel_store_sync_seconds_bucket{le=\"0.0005\"} 1",
            "whimbrel_store_sync_seconds_bucket{le=\"0.005\"} 2",
            "whimbrel_store_sync_seconds_bucket{le=\"10\"} 3",
            "whimbrel_store_sync_seconds_bucket{le=\"+Inf\"} 4",
            "whimbrel_store_sync_seconds_count 4",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn the_page_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let there = std::fs::read_to_string(path).unwrap_or_default();
        let page = document();
        let renewed = format!("{}/metrics.md", std::env::temp_dir().display());
        if there != page {
            std::fs::write(&renewed, &page).expect("because the temporary folder takes files");
        }
        assert!(
            there == page,
            "docs/metrics.md is stale: cp {renewed} docs/metrics.md"
        );
    }
}
