//! What documents name: files and folders of this repository, and commands of `cargo xtask`.
//!
//! The commands of the program itself are checked by its own test, which knows its arguments. What
//! never happens here: a look at whether a sentence is true.

use super::tree::{File, Tree};
use clap::CommandFactory;
use std::path::Path;

pub fn name_what_is_there(tree: &Tree) -> Vec<String> {
    let documents = tree.files.iter().filter(|file| is_document(&file.path));
    documents
        .flat_map(|document| {
            let missing = missing(tree, document).into_iter();
            missing.map(|what| format!("{}: there is no {what}", document.path))
        })
        .collect()
}

/// What was measured or decided at its time is told as it was then.
fn is_document(path: &str) -> bool {
    let of_then = ["CHANGELOG.md", "docs/decisions/", "docs/benchmarks"];
    path.ends_with(".md") && !of_then.iter().any(|begin| path.starts_with(begin))
}

fn missing(tree: &Tree, document: &File) -> Vec<String> {
    // the end of a piece of code ends a command
    let text = document.text.replace('`', " ` ");
    let words: Vec<&str> = words(&text).collect();
    let commands: Vec<String> = words
        .windows(3)
        .filter(|three| three[..2] == ["cargo", "xtask"] && !is_command(three[2]))
        .map(|three| format!("`cargo xtask {}`", three[2]))
        .collect();
    let paths = words.into_iter().filter(|word| is_path(tree, word));
    let paths = paths.filter(|path| !is_there(tree, path));
    let links = links(&document.text).filter(|link| !leads_somewhere(tree, document, link));
    let named = paths.chain(links).map(str::to_owned);
    named.chain(commands).collect()
}

fn is_command(word: &str) -> bool {
    let arguments = crate::Arguments::command();
    let is_word = !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_lowercase());
    !is_word || arguments.find_subcommand(word).is_some()
}

/// Without the marks and stops around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_edge = |c: char| c.is_whitespace() || "()[]\"'|,;:<>".contains(c);
    let words = text.split(is_edge);
    let words = words.map(|word| word.trim_end_matches(['.', '*', '/']));
    words.filter(|word| !word.is_empty())
}

/// A path of this repository: below one of its folders, or a file of Rust. Patterns are none.
fn is_path(tree: &Tree, word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if word.starts_with('.') || !word.chars().all(is_plain) || word.contains("NNNN") {
        return false;
    }
    let folder = word.split_once('/').map(|(folder, _)| format!("{folder}/"));
    let is_ours = |folder: String| tree.files.iter().any(|file| file.path.starts_with(&folder));
    word.ends_with(".rs") || folder.is_some_and(is_ours)
}

/// A file, a folder, or how the path of a file ends.
fn is_there(tree: &Tree, path: &str) -> bool {
    let (ending, folder) = (format!("/{path}"), format!("{path}/"));
    tree.files
        .iter()
        .map(|file| &file.path)
        .any(|known| known == path || known.starts_with(&folder) || (known.ends_with(&ending)))
}

/// What links of this repository lead to.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':'))
}

fn leads_somewhere(tree: &Tree, document: &File, link: &str) -> bool {
    let mut path = Path::new(&document.path).parent().map(Path::to_path_buf);
    for part in link.split('/') {
        path = match part {
            "" | "." => path,
            ".." => path.and_then(|path| path.parent().map(Path::to_path_buf)),
            part => path.map(|path| path.join(part)),
        };
    }
    let path = path.unwrap_or_default();
    let path = path.to_string_lossy();
    let folder = format!("{path}/");
    let mut known = tree.files.iter().map(|file| &file.path);
    known.any(|known| *known == path || known.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let files = vec![
            File::new("docs/tour.md", text),
            File::new("README.md", ""),
            File::new("crates/smtpd/src/cmd/content.rs", ""),
        ];
        let broken = name_what_is_there(&Tree { files });
        let begin = "docs/tour.md: there is no ";
        let named: Vec<_> = broken.iter().map(|one| one.replace(begin, "")).collect();
        assert_eq!(named, expected, "{text}");
    }

    #[test]
    fn finds_paths_that_are_gone() {
        check("`cmd/content.rs`, and (crates/smtpd).", &[]);
        check(
            "`crates/smtpd/src/cmd/gone.rs`",
            &["crates/smtpd/src/cmd/gone.rs"],
        );
        check("gone.rs: here", &["gone.rs"]);
        check(
            "and/or, docs/requirements/rfcNNNN.md, /etc/aliases, docs/*.md",
            &[],
        );
    }

    #[test]
    fn finds_links_that_lead_nowhere() {
        check(
            "[a](../README.md#b) [c](tour.md) [d](https://e.example) [f](#g)",
            &[],
        );
        check("[a](README.md)", &["README.md"]);
    }

    #[test]
    fn finds_commands_that_are_gone() {
        check("`cargo xtask tidy`, `cargo xtask` for all", &[]);
        check("`cargo xtask polish --all`", &["`cargo xtask polish`"]);
    }
}
