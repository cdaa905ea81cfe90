//! Runs programs one after the other, shows where the work is, and counts what passed.
//!
//! What never happens here: a decision about what is run.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// How many lines of a failed step are repeated at the end.
const KEPT_LINES: usize = 400;

#[derive(Default)]
pub struct Steps {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    notes: Vec<String>,
}

impl Steps {
    pub fn new() -> Steps {
        Steps::default()
    }

    pub fn passed(&mut self, count: usize) {
        self.passed += count;
    }

    pub fn failed(&mut self, what: &str, details: &str) {
        println!("FAILED: {what}\n{details}");
        self.failed += 1;
        self.failures.push(what.to_owned());
    }

    /// Said again at the end, such as a program that is not installed.
    pub fn note(&mut self, note: String) {
        println!("{note}");
        self.notes.push(note);
    }

    /// A command of cargo that counts as one test.
    pub fn cargo(&mut self, what: &str, arguments: &[&str], env: &[(&str, &str)]) -> bool {
        let mut command = Command::new(cargo());
        command
            .args(arguments)
            .envs(env.iter().copied())
            .current_dir(root());
        self.command(what, command)
    }

    /// Any command that counts as one test.
    pub fn command(&mut self, what: &str, command: Command) -> bool {
        println!("==== {what}");
        let run = stream(command, |line| println!("    {line}"));
        self.ran(what, run)
    }

    /// Commands that do not disturb each other; each counts as one test.
    pub fn commands_at_once(&mut self, commands: Vec<(String, Command)>) {
        let mut threads = Vec::new();
        for (what, command) in commands {
            println!("==== {what}");
            let run = std::thread::spawn(|| stream(command, |line| println!("    {line}")));
            threads.push((what, run));
        }
        for (what, run) in threads {
            let run = run.join();
            let run = run.unwrap_or_else(|_| Err("the thread that watched it broke".to_owned()));
            self.ran(&what, run);
        }
    }

    fn ran(&mut self, what: &str, run: Result<Run, String>) -> bool {
        match run {
            Ok(run) if run.success => {
                println!("  ok   {what} ({:.1} s)", run.seconds);
                self.passed += 1;
                true
            }
            Ok(run) => {
                self.failed(what, &run.last_lines.join("\n"));
                false
            }
            Err(reason) => {
                self.failed(what, &reason);
                false
            }
        }
    }

    /// `cargo test` with these arguments: every test counts.
    pub fn cargo_test(&mut self, what: &str, arguments: &[&str], env: &[(&str, &str)]) {
        let mut command = Command::new(cargo());
        command
            .args(["test", "--no-fail-fast"])
            .args(arguments)
            .envs(env.iter().copied())
            .current_dir(root());
        let mut count = Count::default();
        println!("==== {what}");
        let run = stream(command, |line| count.line(line));
        let run = match run {
            Ok(run) => run,
            Err(reason) => return self.failed(what, &reason),
        };
        println!(
            "  {} {what}: {} passed, {} failed ({:.1} s)",
            if run.success { "ok  " } else { "FAIL" },
            count.passed,
            count.failed,
            run.seconds
        );
        self.passed += count.passed;
        self.failed += count.failed;
        self.failures.extend(count.failures);
        if !run.success && count.failed == 0 {
            self.failed(what, &run.last_lines.join("\n"));
        }
        if run.success && count.passed == 0 {
            self.failed(what, "no test ran");
        }
    }

    pub fn finish(self) -> ExitCode {
        for note in &self.notes {
            println!("note: {note}");
        }
        for failure in &self.failures {
            println!("failed: {failure}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Reads the words of libtest.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    /// Whether the lines belong to the output of failed tests.
    in_failures: bool,
}

impl Count {
    fn line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.in_failures = false;
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            return;
        }
        if line == "failures:" {
            self.in_failures = true;
        }
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|l| l.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
            println!("    {line}");
        } else if self.in_failures || shows_progress(line) {
            println!("    {line}");
        }
    }
}

/// Everything but the many lines that say that one test went well.
fn shows_progress(line: &str) -> bool {
    let quiet = line.is_empty()
        || line.starts_with("running ")
        || line.starts_with("   Doc-tests")
        || (line.starts_with("test ")
            && (line.ends_with("... ok") || line.contains("- should panic")));
    !quiet
}

fn number_before(text: &str, word: &str) -> usize {
    let Some((before, _)) = text.split_once(word) else {
        return 0;
    };
    before
        .rsplit([' ', '.', ';'])
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

struct Run {
    success: bool,
    seconds: f64,
    last_lines: Vec<String>,
}

/// Runs a command with its output line by line.
fn stream(mut command: Command, mut line: impl FnMut(&str)) -> Result<Run, String> {
    let began = Instant::now();
    let shell_line = format!("{command:?}");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start {shell_line}: {error}"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child
            .stdout
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child
            .stderr
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    for pipe in pipes.into_iter().flatten() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for bytes in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                if sender
                    .send(String::from_utf8_lossy(&bytes).into_owned())
                    .is_err()
                {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut last_lines = Vec::new();
    for text in receiver {
        line(&text);
        if last_lines.len() == KEPT_LINES {
            last_lines.remove(0);
        }
        last_lines.push(text);
    }
    let status = child
        .wait()
        .map_err(|error| format!("{shell_line}: {error}"))?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Run {
        success: status.success(),
        seconds,
        last_lines,
    })
}

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("because xtask lies in the root")
        .to_owned()
}

/// Where Cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_libtest_says() {
        let mut count = Count::default();
        count.line("test a::b ... ok");
        count.line("test a::c ... FAILED");
        count.line("test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured");
        count.line("test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured");
        assert_eq!((count.passed, count.failed), (17, 3));
        assert_eq!(count.failures, ["a::c"]);
    }
}
