//! The repository's files, read once.
//!
//! What never happens here: a rule.

use super::mask::mask;
use crate::steps::root;
use std::process::Command;

pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of strings blanked, line for line the same.
    pub masked: String,
    /// For each line whether it is test code.
    pub is_test_line: Vec<bool>,
}

impl File {
    pub fn new(path: &str, text: impl Into<String>) -> File {
        let text = text.into();
        let masked = if path.ends_with(".rs") {
            mask(&text)
        } else {
            String::new()
        };
        let is_test_line = test_lines(path, &masked);
        File {
            path: path.to_owned(),
            text,
            masked,
            is_test_line,
        }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// In `libs/` or `crates/`: what is shipped.
    pub fn is_product(&self) -> bool {
        self.is_rust() && (self.path.starts_with("libs/") || self.path.starts_with("crates/"))
    }

    /// The folder of its crate: `libs/smtp`, `crates/net`, `tests/dialogs`, `xtask`.
    pub fn crate_folder(&self) -> &str {
        let cuts: Vec<usize> = self
            .path
            .match_indices('/')
            .map(|(index, _)| index)
            .collect();
        let two_levels = ["libs/", "crates/", "tests/"];
        let level = usize::from(
            two_levels
                .iter()
                .any(|folder| self.path.starts_with(folder)),
        );
        cuts.get(level).map_or("", |&cut| &self.path[..cut])
    }

    /// Masked product lines with their numbers; test code left out.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.masked.lines().enumerate();
        lines
            .filter(|(index, _)| !self.is_test_line.get(*index).copied().unwrap_or(false))
            .map(|(index, line)| (index + 1, line))
    }

    /// Masked test lines with their numbers.
    pub fn test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.masked.lines().enumerate();
        lines
            .filter(|(index, _)| self.is_test_line.get(*index).copied().unwrap_or(false))
            .map(|(index, line)| (index + 1, line))
    }
}

pub struct Tree {
    pub files: Vec<File>,
}

impl Tree {
    /// What git knows or would know; nothing that is built.
    pub fn read() -> Result<Tree, String> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ])
            .current_dir(root())
            .output()
            .map_err(|error| format!("git ls-files: {error}"))?;
        if !listed.status.success() {
            return Err("git ls-files failed: tidy looks at a git checkout".to_owned());
        }
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let files = names
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter_map(read)
            .collect();
        Ok(Tree { files })
    }

    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub fn product(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_product())
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
    }
}

/// A file that is deleted but still known, or is not text, is no file of the tree.
fn read(path: &str) -> Option<File> {
    let bytes = std::fs::read(root().join(path)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(File::new(path, text))
}

/// A whole file when it lies in a folder of tests or is called so; else the `#[cfg(test)]` items.
fn test_lines(path: &str, masked: &str) -> Vec<bool> {
    let count = masked.lines().count();
    let is_test_file = path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs");
    if is_test_file {
        return vec![true; count];
    }
    let mut lines = vec![false; count];
    for (start, _) in masked.match_indices("#[cfg(test)]") {
        let rest = &masked[start..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|at| open < at) => {
                start + super::mask::closing_brace(rest, open).unwrap_or(rest.len() - 1)
            }
            (_, Some(semicolon)) => start + semicolon,
            _ => masked.len(),
        };
        let first = masked[..start].matches('\n').count();
        let last = masked[..end].matches('\n').count();
        for line in lines.iter_mut().take(last + 1).skip(first) {
            *line = true;
        }
    }
    lines
}
