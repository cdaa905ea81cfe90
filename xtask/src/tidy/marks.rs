//! Requirements of the RFCs: a mark like the one of RFC 9051, section 6.3.9 in the code needs the
//! same mark in a test.
//!
//! `xtask/untested-marks.txt` lists those that have none yet; the list may only shrink. What never
//! happens here: a judgement on whether the test is a good one.

use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const LIST: &str = "xtask/untested-marks.txt";

/// A mark and where it stands, as `path:line`.
type Places = BTreeMap<String, Vec<String>>;

pub fn requirements_have_tests(tree: &Tree) -> Vec<String> {
    let Marks { required, tested } = marks(tree);
    let listed: BTreeSet<&str> = tree
        .text(LIST)
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let untested: BTreeMap<&String, &Vec<String>> = required
        .iter()
        .filter(|(mark, _)| !tested.contains_key(*mark))
        .collect();
    println!(
        "  {} requirements marked, {} of them without a test (cargo xtask tidy --requirements shows all)",
        required.len(),
        untested.len()
    );
    let mut broken: Vec<String> = untested
        .iter()
        .filter(|(mark, _)| !listed.contains(mark.as_str()))
        .map(|(mark, places)| format!("{}: [{mark}] has no test with this mark", places[0]))
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

/// Each requirement with its first place in the code and the tests that show it, in the order of
/// the RFCs; of all RFCs if none is named.
pub fn print(tree: &Tree, rfcs: &[String]) {
    let Marks { required, tested } = marks(tree);
    let is_asked = |mark: &str| {
        let rfc = mark.split(' ').next().unwrap_or_default();
        rfcs.is_empty() || rfcs.iter().any(|asked| asked == rfc)
    };
    let mut rows: Vec<_> = required.iter().filter(|(mark, _)| is_asked(mark)).collect();
    rows.sort_by_key(|(mark, _)| numbers(mark));
    for (mark, places) in &rows {
        println!("{mark}    {}", places[0]);
        match tested.get(*mark) {
            Some(tests) => tests.iter().for_each(|test| println!("    -> {test}")),
            None => println!("    -> no test"),
        }
    }
    let untested = rows.iter().filter(|(mark, _)| !tested.contains_key(*mark));
    println!(
        "{} requirements, {} without a test",
        rows.len(),
        untested.count()
    );
}

/// The numbers of a mark, so that section 10 comes behind section 9.
fn numbers(mark: &str) -> Vec<u32> {
    let words = mark.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

struct Marks {
    /// In product code.
    required: Places,
    /// In tests and dialogues.
    tested: Places,
}

fn marks(tree: &Tree) -> Marks {
    let (mut required, mut tested) = (Places::new(), Places::new());
    for file in &tree.files {
        let is_dialogue = file.path.starts_with("tests/") && file.path.ends_with(".txt");
        if !(is_dialogue || file.is_rust()) || file.path.starts_with("xtask/") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let is_test = is_dialogue || file.is_test_line.get(index).copied().unwrap_or(false);
            for mark in marks_in(line) {
                let place = format!("{}:{}", file.path, index + 1);
                if is_test {
                    tested.entry(mark).or_default().push(place);
                } else if file.is_product() {
                    required.entry(mark).or_default().push(place);
                }
            }
        }
    }
    Marks { required, tested }
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

    #[test]
    fn orders_sections_by_number() {
        let mut marks = [
            "rfc9051 6.3.10",
            "rfc9051 6.3.9",
            "rfc822 4",
            "rfc9051 9: date",
        ];
        marks.sort_by_key(|mark| numbers(mark));
        assert_eq!(
            marks,
            [
                "rfc822 4",
                "rfc9051 6.3.9",
                "rfc9051 6.3.10",
                "rfc9051 9: date"
            ]
        );
    }
}
