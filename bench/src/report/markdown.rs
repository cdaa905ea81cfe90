//! The whole report as one Markdown document.
//!
//! Never here: a figure that was not measured in this run.

use super::{Figure, Line, Report, Role, Row, words};
use std::fmt::Write;

/// Where and how the figures came to be.
pub struct Setting {
    pub date: String,
    pub commit: String,
    /// Label and value: processor, memory, kernel, disk.
    pub machine: Vec<(String, String)>,
    /// Name and version of each target.
    pub targets: Vec<(String, String)>,
    /// How long rounds are and how many.
    pub rounds: String,
}

/// What each cell of a table shows.
struct Measure {
    title: fn(&Row) -> String,
    cell: fn(&Row, &Figure) -> Option<String>,
    ratio: fn(&Line, Role) -> Option<f64>,
    /// What stands behind the ratios: how many rounds there were, in the table that tells the spread.
    rounds: fn(&Line) -> Option<String>,
}

const MEASURES: &[Measure] = &[
    Measure {
        title: |row| {
            format!(
                "{} (median, and where the middle half of the rounds lies)",
                row.unit.name
            )
        },
        cell: |_, figure| {
            let spread = figure.value;
            let (low, high) = (words::number(spread.low), words::number(spread.high));
            Some(match low == high {
                true => words::number(spread.median),
                false => format!("{} ({low}–{high})", words::number(spread.median)),
            })
        },
        ratio: Line::ratio,
        rounds: |line| Some(line.rounds()),
    },
    Measure {
        title: |row| format!("processor seconds of the server for {}", row.unit.work.0),
        cell: |row, figure| Some(words::number(figure.cpu_s_per_unit? * row.unit.work.1)),
        ratio: Line::cpu_ratio,
        rounds: |_| None,
    },
    Measure {
        title: |_| "latency, p50 / p99".to_owned(),
        cell: |_, figure| {
            let (p50, p99) = (words::duration(figure.p50?), words::duration(figure.p99?));
            Some(format!("{p50} / {p99}"))
        },
        ratio: |_, _| None,
        rounds: |_| None,
    },
];

impl Report {
    /// `plots` is the folder of the pictures, as the document sees it.
    pub fn markdown(&self, setting: &Setting, plots: &str) -> String {
        let mut out = String::new();
        out.push_str("# Benchmarks\n\n");
        out.push_str(
            "<!-- Made by `cargo xtask bench`; what is changed here by hand is lost at the next run. -->\n\n",
        );
        out.push_str(SET_UP);
        machine(&mut out, setting);
        for section in self.sections() {
            self.section(&mut out, section, plots);
        }
        out
    }

    fn section(&self, out: &mut String, section: &'static str, plots: &str) {
        let _ = write!(out, "\n## {section}\n");
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.row.section == section)
            .collect();
        for measure in MEASURES {
            let mut titles: Vec<String> = Vec::new();
            for line in &lines {
                let title = (measure.title)(&line.row);
                let is_told = line
                    .figures
                    .iter()
                    .any(|figure| (measure.cell)(&line.row, figure).is_some());
                if is_told && !titles.contains(&title) {
                    titles.push(title);
                }
            }
            for title in titles {
                let some: Vec<&Line> = lines
                    .iter()
                    .copied()
                    .filter(|line| (measure.title)(&line.row) == title)
                    .collect();
                let _ = write!(out, "\n{title}:\n\n");
                table(out, measure, &some);
            }
        }
        goals(out, &lines);
        for curve in self.curves.iter().filter(|curve| curve.section == section) {
            let _ = write!(out, "\n![{}]({plots}/{})\n", curve.title, curve.file_name());
        }
        let notes: Vec<&str> = self
            .notes
            .iter()
            .filter(|(of, _)| *of == section)
            .map(|(_, text)| text.as_str())
            .collect();
        if !notes.is_empty() {
            out.push('\n');
        }
        for note in notes {
            let _ = writeln!(out, "- {note}");
        }
    }
}

const SET_UP: &str = "\
One load generator drives every server over loopback, on the same machine and the same disk, in one
run: the rounds of each row go from target to target and begin again, so that a slow minute of the
machine strikes all. A row has at least three rounds if nothing else is said, and more where they
scatter. Every server writes durably: 250 and OK come after the sync, with the settings that its package
or its manual gives for that; none is made faster by leaving it out. Dovecot does not sync changed flags
before its OK unless `mail_fsync = always` is set, so rows that change flags are measured with it, and
once more as Dovecot comes. Whimbrel runs as `whimbrel try` with its defaults. The peers are Debian's
packages, each in a root of its own, with process limits raised so that the sessions fit.

The limits stand beside them: the same octets appended to one file and synced in groups, and a null
server that only says the protocol's yes. Server and generator share the machine's cores, so the
processor seconds of the server for the same work tell more than the rates do; ratios above 1 mean that
Whimbrel is better.

`cargo xtask bench --install` (once, as root) and `cargo xtask bench` make this file again.
";

impl Line {
    /// `3`, or `1–3` where targets had different ones.
    fn rounds(&self) -> String {
        let rounds = || self.figures.iter().map(|figure| figure.rounds);
        let (least, most) = (rounds().min().unwrap_or(0), rounds().max().unwrap_or(0));
        match least == most {
            true => most.to_string(),
            false => format!("{least}–{most}"),
        }
    }
}

fn machine(out: &mut String, setting: &Setting) {
    out.push_str("\n| | |\n|---|---|\n");
    let own = [
        ("date", &setting.date),
        ("commit", &setting.commit),
        ("rounds", &setting.rounds),
    ];
    for (label, value) in own {
        let _ = writeln!(out, "| {label} | {value} |");
    }
    for (label, value) in setting.machine.iter().chain(&setting.targets) {
        let _ = writeln!(out, "| {label} | {value} |");
    }
}

fn table(out: &mut String, measure: &Measure, lines: &[&Line]) {
    let mut targets: Vec<(&'static str, Role)> = Vec::new();
    for figure in lines.iter().flat_map(|line| &line.figures) {
        let is_told = lines.iter().any(|line| {
            let own = line
                .figures
                .iter()
                .filter(|own| own.target == figure.target);
            own.filter_map(|own| (measure.cell)(&line.row, own))
                .next()
                .is_some()
        });
        if is_told && !targets.iter().any(|(name, _)| *name == figure.target) {
            targets.push((figure.target, figure.role));
        }
    }
    targets.sort_by_key(|(_, role)| *role as u8);
    let has = |role| {
        lines
            .iter()
            .any(|line| (measure.ratio)(line, role).is_some())
    };
    let ratios: Vec<(Role, &str)> = [
        (Role::Peer, "to the best peer"),
        (Role::Limit, "to the limit"),
    ]
    .into_iter()
    .filter(|(role, _)| has(*role))
    .collect();
    let titles = targets.iter().map(|(name, _)| *name);
    let tells_rounds = lines.iter().any(|line| (measure.rounds)(line).is_some());
    let titles: Vec<&str> = titles
        .chain(ratios.iter().map(|(_, title)| *title))
        .chain(tells_rounds.then_some("rounds"))
        .collect();
    let _ = writeln!(out, "| | {} |", titles.join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(titles.len()));
    for line in lines {
        let cells = targets.iter().map(|(name, _)| {
            let figure = line.figures.iter().find(|figure| figure.target == *name);
            let cell = figure.and_then(|figure| (measure.cell)(&line.row, figure));
            cell.unwrap_or_else(|| "–".to_owned())
        });
        let ratios = ratios.iter().map(|(role, _)| {
            let ratio = (measure.ratio)(line, *role);
            ratio.map_or_else(|| "–".to_owned(), words::times)
        });
        let cells: Vec<String> = cells.chain(ratios).chain((measure.rounds)(line)).collect();
        let _ = writeln!(out, "| {} | {} |", line.row.name, cells.join(" | "));
    }
}

fn goals(out: &mut String, lines: &[&Line]) {
    let mut rows = String::new();
    for line in lines {
        for goal in &line.row.goals {
            let Some((is_reached, got)) = line.reached(*goal) else {
                continue;
            };
            let _ = writeln!(
                rows,
                "| {} | {} | {} | {} |",
                line.row.name,
                words::goal(&line.row, *goal),
                words::got(&line.row, *goal, got),
                if is_reached { "yes" } else { "**no**" }
            );
        }
    }
    if !rows.is_empty() {
        out.push_str("\n| | to reach | got | reached |\n|---|---|---:|---|\n");
        out.push_str(&rows);
    }
}
