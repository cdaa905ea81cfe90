//! What the machine is, for the report.
//!
//! Never here: a name that tells whose it is.

use crate::report::Setting;
use crate::target::Target;
use crate::work::Plan;
use std::process::Command;

pub fn setting(plan: &Plan, targets: &[Target]) -> Setting {
    Setting {
        date: said("date", &["-u", "+%F"]),
        commit: said("git", &["describe", "--always", "--dirty"]),
        machine: vec![
            ("processor".to_owned(), processor()),
            ("memory".to_owned(), memory()),
            ("kernel".to_owned(), kernel()),
            ("disk".to_owned(), disk(plan)),
        ],
        targets: targets
            .iter()
            .map(|target| (target.name.to_owned(), target.version()))
            .collect(),
        rounds: rounds(plan),
    }
}

fn rounds(plan: &Plan) -> String {
    let (least, most) = (plan.rounds.least, plan.rounds.most);
    let count = match least == most {
        true => format!("{most} of each row"),
        false => format!(
            "{least} to {most} of each row (fewer where its section says so), the more the rounds scatter"
        ),
    };
    format!(
        "{count}; alternating; {} ms where the work has no end of its own",
        plan.round.as_millis()
    )
}

/// The first line that a program prints, or nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = text
        .lines()
        .filter_map(|line| line.strip_prefix("model name"));
    let names: Vec<&str> = names
        .map(|name| name.trim_start_matches([' ', '\t', ':']))
        .collect();
    match names.first() {
        Some(name) => format!("{} × {name}", names.len()),
        None => "unknown".to_owned(),
    }
}

/// Without what whoever built it wrote behind the version.
fn kernel() -> String {
    let told = said("uname", &["-sr"]);
    told.split('-').next().unwrap_or_default().to_owned()
}

fn memory() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: f64 = line
        .and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap_or(0.0);
    format!("{:.1} GiB", kib / 1024.0 / 1024.0)
}

/// The kind of file system below the folder.
fn disk(plan: &Plan) -> String {
    let folder = plan.folder.to_string_lossy();
    said("stat", &["-f", "-c", "%T", &folder])
}
