//! Which crate may know which, read from the manifests.
//!
//! What never happens here: reading source; Cargo holds what the manifests say.

use super::tree::Tree;

/// The floor of each crate of ours; a dependency must lie on a lower one.
const FLOORS: &[(&str, u8)] = &[
    ("addr", 0),
    ("sasl", 0),
    ("pop", 0),
    ("tally", 0),
    ("smtp", 1),
    ("imap", 1),
    ("uucp", 1),
    ("store", 2),
    ("net", 2),
    ("mail", 3),
    ("post", 4),
    ("smtpd", 5),
    ("imapd", 5),
    ("popd", 5),
    ("httpd", 5),
    ("whimbrel", 6),
];
/// Rooms that know nothing of mail, so none of the words either.
const WORDLESS: &[&str] = &["store", "net"];
/// What every room may know: it counts.
const EVERYWHERE: &[&str] = &["tally"];
/// What makes I/O, time, logging or settings.
const NOT_IN_LIBS: &[&str] = &[
    "tokio",
    "tracing",
    "rustls",
    "socket2",
    "getrandom",
    "rustix",
    "lsm-tree",
    "tokio-rustls",
    "clap",
    "tracing-subscriber",
    "anyhow",
];
const EMPTY_NAMES: &[&str] = &[
    "core",
    "common",
    "util",
    "utils",
    "types",
    "helper",
    "helpers",
    "manager",
    "handler",
    "handlers",
    "processor",
    "context",
    "misc",
    "shared",
];

pub fn arrows_point_down(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, name, dependencies) in manifests(tree) {
        let Some(own) = floor(name) else {
            broken.push(format!(
                "{path}: {name} has no floor in xtask/src/tidy/floors.rs"
            ));
            continue;
        };
        for dependency in dependencies {
            match floor(dependency) {
                Some(other) if other >= own => {
                    broken.push(format!("{path}: {name} must not know {dependency}"));
                }
                Some(_) if WORDLESS.contains(&name) && !EVERYWHERE.contains(&dependency) => {
                    broken.push(format!(
                        "{path}: {name} knows no mail word, so not {dependency}"
                    ));
                }
                _ => {}
            }
        }
    }
    broken
}

pub fn libs_have_no_io(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, name, dependencies) in manifests(tree) {
        for dependency in dependencies {
            if path.starts_with("libs/") && NOT_IN_LIBS.contains(&dependency) {
                broken.push(format!("{path}: {name} must not use {dependency}"));
            }
            if dependency == "anyhow" && name != "whimbrel" {
                broken.push(format!("{path}: anyhow is for whimbrel and xtask only"));
            }
        }
    }
    broken
}

pub fn names_say_something(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for file in &tree.files {
        let is_ours = file.is_rust() || file.path.ends_with("/Cargo.toml");
        let parts = file
            .path
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part));
        for part in parts.filter(|part| is_ours && EMPTY_NAMES.contains(part)) {
            broken.push(format!("{}: {part} says nothing", file.path));
        }
    }
    broken
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, floor)| *floor)
}

/// Path, name and `[dependencies]` of each crate in libs/ and crates/.
fn manifests(tree: &Tree) -> Vec<(&str, &str, Vec<&str>)> {
    let manifests = tree.files.iter().filter(|file| {
        let is_room = file.path.starts_with("libs/") || file.path.starts_with("crates/");
        is_room && file.path.ends_with("/Cargo.toml")
    });
    manifests
        .map(|file| {
            let name = file.path.split('/').nth(1).unwrap_or_default();
            (file.path.as_str(), name, dependencies(&file.text))
        })
        .collect()
}

/// The names in `[dependencies]` and `[target.….dependencies]`; tests may know more.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies" || section.ends_with(".dependencies");
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            names.push(line.split(['.', '=', ' ']).next().unwrap_or_default());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dependencies_without_those_of_tests() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\naddr.workspace = true\n\
                        tokio = { version = \"1\" }\n[dev-dependencies]\nproptest.workspace = true\n";
        assert_eq!(dependencies(manifest), ["addr", "tokio"]);
    }
}
