//! Sizes and first lines of files, and what tests may not do.
//!
//! What never happens here: a look at what the code means.

use super::mask::closing_brace;
use super::tree::Tree;

const MAX_FILE_LINES: usize = 1_000;
const MAX_FUNCTION_LINES: usize = 100;

pub fn file_size(tree: &Tree) -> Vec<String> {
    let sizes = tree
        .rust()
        .map(|file| (&file.path, file.text.lines().count()));
    sizes
        .filter(|(_, lines)| *lines > MAX_FILE_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect()
}

pub fn function_size(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for file in tree.rust() {
        for (name, line, length) in functions(&file.masked) {
            if length > MAX_FUNCTION_LINES {
                broken.push(format!("{}:{line}: {name} has {length} lines", file.path));
            }
        }
    }
    broken
}

pub fn file_header(tree: &Tree) -> Vec<String> {
    let without = tree.rust().filter(|file| !file.text.starts_with("//!"));
    without
        .map(|file| format!("{}: the first line does not begin with //!", file.path))
        .collect()
}

pub fn unsafe_forbidden(tree: &Tree) -> Vec<String> {
    let is_root = |path: &str| path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    let without = tree.rust().filter(|file| {
        is_root(&file.path)
            && !file
                .masked
                .lines()
                .any(|line| line == "#![forbid(unsafe_code)]")
    });
    without
        .map(|file| format!("{}: no #![forbid(unsafe_code)]", file.path))
        .collect()
}

pub fn no_ignored_tests(tree: &Tree) -> Vec<String> {
    lines_with(tree, &["#[ignore"], &[])
}

pub fn no_sleeps_in_tests(tree: &Tree) -> Vec<String> {
    // Time that is paused passes at once and in order, so a sleep there is a condition.
    let paused = ["start_paused", "time::pause"];
    lines_with(
        tree,
        &["thread::sleep", "time::sleep(", "sleep_ms"],
        &paused,
    )
}

/// Test lines with one of the words, in files that have none of the excuses.
fn lines_with(tree: &Tree, words: &[&str], excuses: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in tree
        .rust()
        .filter(|file| !excuses.iter().any(|word| file.masked.contains(word)))
    {
        for (number, line) in file.test_lines() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    broken
}

/// Name, first line and number of lines of every function with a body.
fn functions(masked: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in masked.match_indices("fn ") {
        let before = masked[..at].bytes().next_back();
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let rest = &masked[at + 3..];
        let name_end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let Some(open) = body_start(&masked[at..]) else {
            continue;
        };
        if name_end == 0 {
            continue;
        }
        let Some(close) = closing_brace(&masked[at..], open) else {
            continue;
        };
        let first = masked[..at].matches('\n').count() + 1;
        let length = masked[at..at + close].matches('\n').count() + 1;
        found.push((&rest[..name_end], first, length));
    }
    found
}

/// Where the body opens; `None` for a declaration that ends in `;`.
fn body_start(from_fn: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (index, byte) in from_fn.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(index),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_functions() {
        let source = "trait T { fn a(&self, x: [u8; 4]); }\nfn b(x: [u8; 4]) {\n  {\n  }\n}\n";
        assert_eq!(functions(source), [("b", 2, 4)]);
    }
}
