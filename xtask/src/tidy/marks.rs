//! Requirements of the RFCs: a mark like the one of RFC 9051, section 6.3.9 in the code needs the
//! same mark in a test.
//!
//! `xtask/untested-marks.txt` lists those that have none yet; the list may only shrink. What never
//! happens here: a judgement on whether the test is a good one.

use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const LIST: &str = "xtask/untested-marks.txt";

pub fn requirements_have_tests(tree: &Tree) -> Vec<String> {
    let (required, tested) = marks(tree);
    let listed: BTreeSet<&str> = tree
        .text(LIST)
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let untested: BTreeMap<&String, &String> = required
        .iter()
        .filter(|(mark, _)| !tested.contains(*mark))
        .collect();
    println!(
        "  {} requirements marked, {} of them without a test (cargo xtask tidy lists them in {LIST})",
        required.len(),
        untested.len()
    );
    let mut broken: Vec<String> = untested
        .iter()
        .filter(|(mark, _)| !listed.contains(mark.as_str()))
        .map(|(mark, place)| format!("{place}: [{mark}] has no test with this mark"))
        .collect();
    for mark in listed {
        if !untested.keys().any(|untested| *untested == mark) {
            broken.push(format!(
                "{LIST}: [{mark}] has a test or is gone; take it off the list"
            ));
        }
    }
    broken
}

/// Marks of product code with their first place, and marks of tests.
fn marks(tree: &Tree) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let mut required = BTreeMap::new();
    let mut tested = BTreeSet::new();
    for file in &tree.files {
        let is_dialogue = file.path.starts_with("tests/") && file.path.ends_with(".txt");
        if !(is_dialogue || file.is_rust()) || file.path.starts_with("xtask/") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let is_test = is_dialogue || file.is_test_line.get(index).copied().unwrap_or(false);
            for mark in marks_in(line) {
                if is_test {
                    tested.insert(mark);
                } else if file.is_product() {
                    let place = format!("{}:{}", file.path, index + 1);
                    required.entry(mark).or_insert(place);
                }
            }
        }
    }
    (required, tested)
}

/// `rfcNNNN x.y` of every such mark in square brackets.
fn marks_in(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in line.match_indices("[rfc") {
        let inner = &line[start + 1..];
        let Some(end) = inner.find(']') else { continue };
        let mark = &inner[..end];
        let Some((rfc, section)) = mark.split_once(' ') else {
            continue;
        };
        let digits = &rfc[3..];
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !section.is_empty() {
            found.push(mark.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_marks() {
        let open = "[rfc";
        let line = format!("// a {open}9051 6.3.9] b {open}1939 5] c {open}x] d");
        assert_eq!(marks_in(&line), ["rfc9051 6.3.9", "rfc1939 5"]);
    }
}
