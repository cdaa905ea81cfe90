//! The licences: ours, and those of everything that is built in.
//!
//! `deny.toml` says the same for cargo-deny; this rule needs nothing installed. What never happens
//! here: a network access.

use super::tree::Tree;
use crate::steps::{cargo, root};
use std::collections::BTreeSet;
use std::process::Command;

/// The same list stands in deny.toml; [`dependencies`] checks that.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Of other people; our own are no dependencies.
const MAX_PACKAGES: usize = 330;

pub fn texts_are_there(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, words) in [
        (
            "LICENSE-MIT",
            "Permission is hereby granted, free of charge",
        ),
        ("LICENSE-APACHE", "Apache License"),
        ("deny.toml", "[licenses]"),
        ("CHANGELOG.md", "# Changelog"),
        ("README.md", "# Whimbrel"),
        ("ARCHITECTURE.md", "# "),
    ] {
        if !tree.text(path).is_some_and(|text| text.contains(words)) {
            broken.push(format!("{path}: is not there, or does not say “{words}”"));
        }
    }
    broken
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Where it came from; `None` for our own.
    source: Option<String>,
}

pub fn dependencies(tree: &Tree) -> Vec<String> {
    let metadata = match metadata() {
        Ok(metadata) => metadata,
        Err(reason) => return vec![reason],
    };
    let mut broken = Vec::new();
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("none");
        if !is_permissive(licence) {
            broken.push(format!(
                "{} {}: licence {licence}",
                package.name, package.version
            ));
        }
    }
    let names: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
        .map(|package| (&package.name, &package.version))
        .collect();
    if names.len() > MAX_PACKAGES {
        broken.push(format!("{} packages, {MAX_PACKAGES} at most", names.len()));
    }
    let deny = tree.text("deny.toml").unwrap_or_default();
    for licence in PERMISSIVE {
        if !deny.contains(&format!("\"{licence}\"")) {
            broken.push(format!("deny.toml: {licence} is missing"));
        }
    }
    broken
}

fn metadata() -> Result<Metadata, String> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// An SPDX expression of which one alternative of every part is permissive: `A OR B`, `A AND B`,
/// parentheses, and the old `A/B`.
fn is_permissive(expression: &str) -> bool {
    let text = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let mut at = 0;
    let permissive = alternatives(&words, &mut at);
    permissive && at == words.len()
}

/// `alternatives = both *( "OR" both )`
fn alternatives(words: &[&str], at: &mut usize) -> bool {
    let mut permissive = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        permissive |= both(words, at);
    }
    permissive
}

/// `both = one *( "AND" one )`
fn both(words: &[&str], at: &mut usize) -> bool {
    let mut permissive = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        permissive &= one(words, at);
    }
    permissive
}

/// `one = "(" alternatives ")" / licence [ "WITH" exception ]`
fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let permissive = alternatives(words, at);
        *at += 1;
        return permissive;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return PERMISSIVE.contains(&format!("{word} WITH {exception}").as_str());
    }
    PERMISSIVE.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_licence_expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        ] {
            assert!(is_permissive(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "none", "", "MPL-2.0"] {
            assert!(!is_permissive(bad), "{bad}");
        }
    }
}
