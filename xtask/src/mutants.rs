//! Tests the simulator: each patch in `sim/mutants/` breaks the product in one known way, and some
//! seed must notice.
//!
//! A patch begins with lines `breaks: …`, `seeds: N` and perhaps `ci: yes`. What never happens
//! here: a change of the tree that is worked on; patches go onto a copy.

use crate::steps::{Steps, cargo, root, target};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Of address space that a broken server in its simulated world may have: many times what it needs.
const MEMORY_KIB: u32 = 8 * 1024 * 1024;

/// Which mutants to run.
pub enum Which {
    All,
    Ci,
    Only(String),
}

struct Mutant {
    name: String,
    patch: PathBuf,
    breaks: String,
    seeds: u32,
    ci: bool,
}

/// What became of one.
struct Row {
    name: String,
    breaks: String,
    outcome: Result<String, String>,
    seconds: f64,
}

pub fn run(steps: &mut Steps, which: &Which) {
    println!("==== mutants");
    let mutants = match read() {
        Ok(mutants) => mutants,
        Err(reason) => return steps.failed("mutants", &reason),
    };
    let wanted = mutants.iter().filter(|mutant| match which {
        Which::All => true,
        Which::Ci => mutant.ci,
        Which::Only(name) => mutant.name == *name,
    });
    // A patch that the code has grown away from is noticed at once, not when somebody runs all.
    for mutant in &mutants {
        if let Err(reason) = applies(mutant) {
            steps.failed(&format!("mutant {}", mutant.name), &reason);
        }
    }
    if let Err(reason) = borrow_dependencies() {
        println!("dependencies are built anew: {reason}");
    }
    let mut rows = Vec::new();
    for mutant in wanted {
        let began = Instant::now();
        let outcome = one(mutant);
        let row = Row {
            name: mutant.name.clone(),
            breaks: mutant.breaks.clone(),
            outcome,
            seconds: began.elapsed().as_secs_f64(),
        };
        println!("{}", line(&row));
        rows.push(row);
    }
    if rows.is_empty() {
        steps.failed("mutants", "there is no such mutant");
    }
    println!("==== mutants, all");
    for row in &rows {
        println!("{}", line(row));
        match &row.outcome {
            Ok(_) => steps.passed(1),
            Err(reason) => steps.failed(&format!("mutant {}", row.name), reason),
        }
    }
}

fn line(row: &Row) -> String {
    let (word, how) = match &row.outcome {
        Ok(how) => ("caught  ", how),
        Err(how) => ("SURVIVED", how),
    };
    let how = how.lines().next().unwrap_or_default();
    format!(
        "  {word} {:<28} {:>5.0} s  {how}  ({})",
        row.name, row.seconds, row.breaks
    )
}

fn read() -> Result<Vec<Mutant>, String> {
    let folder = root().join("sim/mutants");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut mutants = Vec::new();
    for entry in entries {
        let patch = entry.map_err(|e| e.to_string())?.path();
        if patch
            .extension()
            .is_none_or(|extension| extension != "patch")
        {
            continue;
        }
        let text =
            std::fs::read_to_string(&patch).map_err(|e| format!("{}: {e}", patch.display()))?;
        let word = |name: &str| {
            let mut head = text.lines().take_while(|line| !line.starts_with("diff "));
            head.find_map(|line| line.strip_prefix(name)).map(str::trim)
        };
        let name = patch
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let missing = |what: &str| format!("{name}: no line `{what}`");
        mutants.push(Mutant {
            breaks: word("breaks:")
                .ok_or_else(|| missing("breaks: …"))?
                .to_owned(),
            seeds: word("seeds:")
                .and_then(|seeds| seeds.parse().ok())
                .ok_or_else(|| missing("seeds: N"))?,
            ci: word("ci:") == Some("yes"),
            name,
            patch,
        });
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

fn applies(mutant: &Mutant) -> Result<(), String> {
    let mut check = Command::new("git");
    check.args(["apply", "--check"]).arg(&mutant.patch);
    check.current_dir(root());
    finish(check, "the patch does not apply any more")
}

/// Ok: it was caught, and how. Err: it survived, or could not be tried.
fn one(mutant: &Mutant) -> Result<String, String> {
    let tree = target().join("mutants/tree");
    copy_tree(&tree)?;
    let mut apply = Command::new("git");
    apply.arg("apply").arg(&mutant.patch).current_dir(&tree);
    // The copy lies inside the repository, but is not part of it.
    apply.env("GIT_CEILING_DIRECTORIES", target().join("mutants"));
    finish(apply, "the patch does not apply any more")?;
    let mut build = Command::new(cargo());
    build
        .args(["build", "--quiet", "-p", "sim"])
        .current_dir(&tree)
        .env("CARGO_TARGET_DIR", built_in());
    finish(build, "it does not build")?;
    let seeds = mutant.seeds.to_string();
    // a broken server may go round for ever, and must not take the machine with it
    let bounded = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
    let mut sim = Command::new("sh");
    sim.args(["-c", &bounded]);
    sim.arg(built_in().join("debug/sim"));
    sim.args(["1", "--seeds", &seeds]).current_dir(&tree);
    let output = sim
        .output()
        .map_err(|e| format!("cannot start the simulator: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Err(format!("no law was broken within {seeds} seeds"));
    }
    let broken = said.lines().find(|line| line.contains(": BROKEN: "));
    let panicked = said.lines().find(|line| line.contains("panicked at"));
    broken
        .or(panicked)
        .map(str::to_owned)
        .ok_or_else(|| format!("the simulator failed without a word: {said}"))
}

/// Never the folder of ordinary builds: to Cargo the copy's crates are the same as ours.
fn built_in() -> PathBuf {
    target().join("mutants/build")
}

/// Fills an empty folder of builds with links to what ordinary builds made of the libraries of others:
/// three minutes less. Ours are left out: they are what a mutant changes.
fn borrow_dependencies() -> Result<(), String> {
    let (from, to) = (target().join("debug"), built_in().join("debug"));
    if to.exists() {
        return Ok(());
    }
    let ours: Vec<String> = members()?
        .iter()
        .flat_map(|name| {
            [
                format!("{name}-"),
                format!("lib{}-", name.replace('-', "_")),
            ]
        })
        .collect();
    for folder in ["deps", ".fingerprint", "build"] {
        link_tree(&from.join(folder), &to.join(folder), &|name| {
            !ours.iter().any(|start| name.starts_with(start))
        })
        .map_err(|e| format!("{}: {e}", from.join(folder).display()))?;
    }
    Ok(())
}

fn link_tree(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if !wanted(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &to, &|_| true)?;
        } else {
            std::fs::hard_link(entry.path(), to)?;
        }
    }
    Ok(())
}

/// The names of the workspace's packages.
fn members() -> Result<Vec<String>, String> {
    let mut list = Command::new(cargo());
    list.args([
        "tree",
        "--workspace",
        "--depth",
        "0",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = list
        .current_dir(root())
        .output()
        .map_err(|e| format!("cargo tree: {e}"))?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = lines.lines().filter_map(|line| line.split(' ').next());
    Ok(names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn finish(mut command: Command, otherwise: &str) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{otherwise}\n{said}"))
}

/// Makes the copy like the tree. Files that are the same keep their time, so that little is built.
fn copy_tree(to: &Path) -> Result<(), String> {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root());
    let output = list.output().map_err(|e| format!("git ls-files: {e}"))?;
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = [
        "libs/", "crates/", "sim/", "xtask/", "bench/", "tests/", "Cargo", ".cargo/",
    ];
    let mut copied = BTreeSet::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        if !wanted.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let (from, to) = (root().join(name), to.join(name));
        let Ok(bytes) = std::fs::read(&from) else {
            continue; // removed, but not yet so in the index
        };
        copied.insert(to.clone());
        if std::fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        std::fs::write(&to, bytes).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    remove_others(to, &copied)
}

/// What an earlier copy has and the tree has no more: two files of one name would not build.
fn remove_others(folder: &Path, copied: &BTreeSet<PathBuf>) -> Result<(), String> {
    let failed = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    for entry in std::fs::read_dir(folder).map_err(|e| failed(folder, e))? {
        let path = entry.map_err(|e| failed(folder, e))?.path();
        if path.is_dir() {
            remove_others(&path, copied)?;
        } else if !copied.contains(&path) {
            std::fs::remove_file(&path).map_err(|e| failed(&path, e))?;
        }
    }
    Ok(())
}
