//! Instruction counts of the main paths, by valgrind, and a file of them that is a guard: a path
//! that grows by more than a quarter is told.
//!
//! Each path is walked once and twice as often; the difference is what walking costs, without the
//! setting up. Never here: seconds.

use crate::Outcome;
use crate::path::{PATHS, Path};
use crate::report::thousands;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Other processors take other ways through some libraries, so a guard needs room.
const MARGIN: f64 = 0.25;

/// The C library copies memory in the same way on every processor.
const SAME_COPIES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM";

#[derive(clap::Args)]
pub struct CountArguments {
    /// The counts that are kept.
    #[arg(long, value_name = "FILE", default_value = "bench/instructions.txt")]
    file: PathBuf,
    /// Compare with the file, and fail if a path has grown.
    #[arg(long)]
    check: bool,
    /// Only these paths; nothing is written.
    paths: Vec<String>,
}

/// Counts all, on as many cores as there are.
pub fn run(arguments: &CountArguments) -> Outcome<()> {
    let named = |path: &&Path| {
        arguments.paths.is_empty() || arguments.paths.iter().any(|name| name == path.name)
    };
    let paths: Vec<&Path> = PATHS.iter().filter(named).collect();
    let counts = count(&paths)?;
    if arguments.check {
        let text = std::fs::read_to_string(&arguments.file);
        let text = text.map_err(|error| format!("{}: {error}", arguments.file.display()))?;
        return check(&paths, &counts, &read(&text));
    }
    let text = words(&paths, &counts);
    print!("{text}");
    match arguments.paths.is_empty() {
        true => std::fs::write(&arguments.file, text)
            .map_err(|error| format!("{}: {error}", arguments.file.display())),
        false => Ok(()),
    }
}

/// Instructions of one time of each path.
fn count(paths: &[&Path]) -> Outcome<Vec<u64>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = Vec::new();
    for some in paths.chunks(cores) {
        let counted = std::thread::scope(|scope| {
            let started: Vec<_> = some.iter().map(|path| scope.spawn(|| once(path))).collect();
            let ended = started.into_iter().map(|counting| counting.join());
            ended
                .map(|count| count.expect("because it does not panic"))
                .collect::<Outcome<Vec<u64>>>()
        })?;
        counts.extend(counted);
    }
    Ok(counts)
}

fn once(path: &Path) -> Outcome<u64> {
    let (few, many) = (
        instructions(path, path.times)?,
        instructions(path, path.times * 2)?,
    );
    Ok(many.saturating_sub(few) / u64::from(path.times))
}

/// Of a whole process that walks the path so often.
fn instructions(path: &Path, times: u32) -> Outcome<u64> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("valgrind");
    command.env("GLIBC_TUNABLES", SAME_COPIES);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command
        .arg(own)
        .args(["path", path.name, &times.to_string()]);
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("valgrind: {error}; it is a Debian package"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    match count {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(format!("valgrind on the path {}:\n{said}", path.name)),
    }
}

fn words(paths: &[&Path], counts: &[u64]) -> String {
    let mut text = String::from(
        "# Instructions of each path, client and server together. Made by `cargo xtask bench --count`;\n\
         # `cargo xtask test` fails when one has grown by more than a quarter.\n",
    );
    for (path, count) in paths.iter().zip(counts) {
        let count = thousands(*count as f64);
        let _ = writeln!(text, "{:<16} {count:>12}  # {}", path.name, path.what);
    }
    text
}

fn read(text: &str) -> BTreeMap<&str, u64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, count) = (words.next()?, words.next()?);
            Some((name, count.replace(',', "").parse().ok()?))
        })
        .collect()
}

/// Says what each path costs against what is kept.
fn check(paths: &[&Path], counts: &[u64], kept: &BTreeMap<&str, u64>) -> Outcome<()> {
    let mut grown = Vec::new();
    for (path, count) in paths.iter().zip(counts) {
        let Some(before) = kept.get(path.name) else {
            grown.push(format!("{}: not in the file", path.name));
            continue;
        };
        let change = *count as f64 / *before as f64 - 1.0;
        println!(
            "{:<16} {:>12} ({:+.1} %)",
            path.name,
            thousands(*count as f64),
            change * 100.0
        );
        if change > MARGIN {
            grown.push(format!(
                "{}: {before} instructions before, {count} now",
                path.name
            ));
        } else if change < -MARGIN {
            println!("{:<16} is that much quicker: renew the file", "");
        }
    }
    match grown.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}\nIf that has a good reason, `cargo xtask bench --count` renews the file.",
            grown.join("\n")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<&'static Path> {
        PATHS.iter().collect()
    }

    #[test]
    fn reads_what_it_writes() {
        let counts: Vec<u64> = (0..PATHS.len() as u64).map(|n| n * 1_234_567).collect();
        let text = words(&all(), &counts);
        let kept = read(&text);
        assert_eq!(kept.len(), PATHS.len());
        for (path, count) in PATHS.iter().zip(counts) {
            assert_eq!(kept.get(path.name), Some(&count));
        }
    }

    #[test]
    fn a_path_that_grows_by_more_than_a_quarter_is_told() {
        let text = words(&all(), &vec![1_000; PATHS.len()]);
        let kept = read(&text);
        let mut now = vec![1_250; PATHS.len()];
        assert_eq!(check(&all(), &now, &kept), Ok(()));
        now[2] = 1_251;
        let told = check(&all(), &now, &kept).unwrap_err();
        assert!(
            told.contains(PATHS[2].name) && !told.contains(PATHS[1].name),
            "{told}"
        );
    }

    #[test]
    fn a_path_that_nobody_counted_is_told() {
        let counts = vec![1_000; PATHS.len()];
        assert!(check(&all(), &counts, &BTreeMap::new()).is_err());
    }
}
