//! The report with figures that were not measured.

use super::*;

fn samples(values: &[f64], cpu: f64) -> Vec<Sample> {
    let sample = |value: &f64| Sample {
        value: *value,
        cpu_s_per_unit: Some(cpu),
        latency: None,
    };
    values.iter().map(sample).collect()
}

fn report() -> Report {
    let row = Row::new("Delivery", "64 sessions", Unit::MESSAGES)
        .goal(Goal::TimesPeers(25.0))
        .goal(Goal::OfNull(0.5));
    let mut report = Report::new();
    report.add(&row, "slow", Role::Peer, &samples(&[375.0], 0.0049));
    report.add(
        &row,
        "null server",
        Role::Limit,
        &samples(&[20_000.0], 0.00005),
    );
    report.add(
        &row,
        "Whimbrel",
        Role::Whimbrel,
        &samples(&[9_000.0, 10_000.0, 11_000.0], 0.000098),
    );
    report.add(&row, "slower", Role::Peer, &samples(&[331.0], 0.0052));
    report
}

#[test]
fn compares_with_the_best_peer_and_with_the_limit() {
    let report = report();
    let line = &report.lines[0];
    let close = |got: Option<f64>, wanted: f64| assert!((got.unwrap() / wanted - 1.0).abs() < 1e-9);
    close(line.ratio(Role::Peer), 10_000.0 / 375.0);
    close(line.cpu_ratio(Role::Peer), 50.0);
    close(line.ratio(Role::Limit), 0.5);
    assert!(line.reached(Goal::TimesPeers(49.0)).unwrap().0);
    assert!(!line.reached(Goal::TimesPeers(51.0)).unwrap().0);
    assert!(line.reached(Goal::OfNull(0.5)).unwrap().0);
    assert!(
        line.reached(Goal::P99Under(Duration::from_millis(5)))
            .is_none()
    );
}

#[test]
fn less_is_better_for_seconds() {
    assert_eq!(times(Better::Less, 0.1, 0.4), Some(4.0));
    assert_eq!(times(Better::More, 0.1, 0.4), Some(0.25));
    assert_eq!(times(Better::Less, 0.0, 0.4), None);
}

#[test]
fn tables_have_a_column_for_each_target_and_ratio() {
    let setting = Setting {
        date: "2026-01-01".to_owned(),
        commit: "abc".to_owned(),
        machine: vec![("processor".to_owned(), "two".to_owned())],
        targets: Vec::new(),
        rounds: "one".to_owned(),
    };
    let text = report().markdown(&setting, "benchmarks");
    let wanted = "\
| | Whimbrel | slow | slower | null server | to the best peer | to the limit | rounds |
|---|---:|---:|---:|---:|---:|---:|---:|
| 64 sessions | 10,000 (9,500–10,500) | 375 | 331 | 20,000 | 26.7 × | 0.500 × | 1–3 |
";
    assert!(text.contains(wanted), "{text}");
    assert!(
        text.contains("| 64 sessions | at least 25.0 × the best peer | 50.0 × | yes |"),
        "{text}"
    );
}

#[test]
fn numbers_have_three_digits_that_say_something() {
    for (value, expect) in [
        (0.0, "0"),
        (0.012_345, "0.0123"),
        (1.0, "1.00"),
        (99.94, "99.9"),
        (123.4, "123"),
        (1_234.0, "1,230"),
        (1_234_567.0, "1,230,000"),
    ] {
        assert_eq!(words::number(value), expect);
    }
    assert_eq!(words::duration(Duration::from_micros(1_500)), "1.50 ms");
}

#[test]
fn a_curve_names_its_file_and_draws_every_point() {
    let curve = Curve {
        section: "Delivery",
        title: "Delivery of 8 KiB, by sessions".to_owned(),
        x: ("sessions".to_owned(), Scale::Logarithmic),
        y: ("messages/s".to_owned(), Scale::Linear),
        series: vec![("a & b", vec![(1.0, 5.0), (16.0, 50.0), (64.0, 70.0)])],
    };
    assert_eq!(curve.file_name(), "delivery-of-8-kib-by-sessions.svg");
    let svg = curve.svg();
    assert_eq!(svg.matches("<circle").count(), 3);
    assert!(svg.contains("a &amp; b") && !svg.contains("NaN"));
}
