//! Requirements of the RFCs: what a catalogue says of this server, and a mark like the one of
//! RFC 9051, section 6.3.9 in the code, need the same mark in a test.
//!
//! `xtask/untested-marks.txt` lists those that have none yet; the list may only shrink. What never
//! happens here: a judgement on whether the test is a good one.

use super::catalogue::{Binds, Catalogue};
use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const LIST: &str = "xtask/untested-marks.txt";

/// A mark and where it stands, as `path:line`.
type Places = BTreeMap<String, Vec<String>>;

pub fn requirements_have_tests(tree: &Tree) -> Vec<String> {
    let marks = Marks::read(tree);
    let untested = marks.untested();
    println!(
        "  {} requirements, {} of them without a test (cargo xtask tidy --requirements shows all)",
        marks.required.len(),
        untested.len()
    );
    marks.broken(tree.text(LIST).unwrap_or_default())
}

/// Each requirement with our words for it, or its first place in the code, and the tests that show
/// it, in the order of the RFCs; of all RFCs if none is named.
pub fn print(tree: &Tree, rfcs: &[String]) {
    let is_asked = |mark: &str| {
        let rfc = mark.split(' ').next().unwrap_or_default();
        rfcs.is_empty() || rfcs.iter().any(|asked| asked == rfc)
    };
    for line in Marks::read(tree).lines(is_asked) {
        println!("{line}");
    }
}

struct Marks {
    catalogue: Catalogue,
    /// In product code, and in catalogues if it binds this server.
    required: Places,
    /// In tests and dialogues.
    tested: Places,
}

impl Marks {
    fn read(tree: &Tree) -> Marks {
        let catalogue = Catalogue::read(tree);
        let (mut required, mut tested) = (Places::new(), Places::new());
        for row in &catalogue.rows {
            if row.binds == Binds::ThisServer {
                let places = required.entry(row.mark.clone()).or_default();
                places.push(row.place.clone());
            }
        }
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
        Marks {
            catalogue,
            required,
            tested,
        }
    }

    fn untested(&self) -> BTreeMap<&str, &[String]> {
        let rows = self.required.iter();
        rows.filter(|(mark, _)| !self.tested.contains_key(*mark))
            .map(|(mark, places)| (mark.as_str(), places.as_slice()))
            .collect()
    }

    /// What tidy complains about; `list` is the text of [`LIST`].
    fn broken(&self, list: &str) -> Vec<String> {
        let listed: BTreeSet<&str> = list
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let untested = self.untested();
        let mut broken = self.catalogue.broken.clone();
        for (mark, places) in &untested {
            if !listed.contains(mark) {
                broken.push(format!(
                    "{}: [{mark}] has no test with this mark",
                    places[0]
                ));
            }
        }
        for (mark, places) in self.required.iter().chain(&self.tested) {
            if mark.contains(" #") && self.catalogue.find(mark).is_none() {
                broken.push(format!("{}: [{mark}] stands in no catalogue", places[0]));
            }
        }
        for mark in listed {
            if !untested.contains_key(mark) {
                broken.push(format!(
                    "{LIST}: [{mark}] has a test or is gone; take it off the list"
                ));
            }
        }
        broken
    }

    /// The lines of `--requirements`.
    fn lines(&self, is_asked: impl Fn(&str) -> bool) -> Vec<String> {
        let catalogued = self.catalogue.rows.iter().map(|row| &row.mark);
        let all: BTreeSet<&String> = self.required.keys().chain(catalogued).collect();
        let mut all: Vec<&String> = all.into_iter().filter(|mark| is_asked(mark)).collect();
        all.sort_by_cached_key(|mark| order(mark));
        let (mut binding, mut untested) = (0, 0);
        let mut lines = Vec::new();
        for mark in &all {
            let row = self.catalogue.find(mark);
            let words = match (row, self.required.get(*mark)) {
                (Some(row), _) => &row.words,
                (None, Some(places)) => &places[0],
                (None, None) => continue,
            };
            lines.push(format!("{mark}    {words}"));
            if let Some(tests) = self.tested.get(*mark) {
                lines.extend(tests.iter().map(|test| format!("    -> {test}")));
            }
            match row.map(|row| &row.binds) {
                Some(Binds::Others(reason)) => lines.push(format!("    not ours: {reason}")),
                _ => {
                    binding += 1;
                    if !self.tested.contains_key(*mark) {
                        untested += 1;
                        lines.push("    -> no test".to_owned());
                    }
                }
            }
        }
        lines.push(format!(
            "{binding} requirements, {untested} without a test; {} more bind others",
            all.len() - binding
        ));
        lines
    }
}

/// So that section 10 comes behind section 9, and Appendix A behind both.
fn order(mark: &str) -> Vec<u32> {
    const APPENDICES: u32 = 1_000;
    let words = mark.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| match word.as_bytes() {
            &[letter @ b'A'..=b'Z'] => Some(APPENDICES + u32::from(letter)),
            _ => word.trim_start_matches("rfc").parse().ok(),
        })
        .collect()
}

/// `rfcNNNN x.y` of every such mark in square brackets; with several numbers of sentences behind it,
/// `rfcNNNN x.y #1 #2`, one for each.
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
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || section.is_empty() {
            continue;
        }
        match mark.split_once(" #") {
            Some((section, numbers)) => {
                let numbers = numbers.split(" #");
                found.extend(numbers.map(|number| format!("{section} #{number}")));
            }
            None => found.push(mark.to_owned()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::File;
    use super::*;

    /// So that this file has no mark itself.
    const OPEN: &str = "[rfc";

    fn tree(catalogue: &str, code: &str, dialogue: &str) -> Marks {
        Marks::read(&Tree {
            files: vec![
                File::new("docs/requirements/rfc1939.md", catalogue),
                File::new("libs/pop/src/reply.rs", code),
                File::new("tests/dialogs/pop3/greeting.txt", dialogue),
            ],
        })
    }

    #[test]
    fn reads_marks() {
        let line = format!("// a {OPEN}9051 6.3.9] b {OPEN}1939 5] c {OPEN}x] d");
        assert_eq!(marks_in(&line), ["rfc9051 6.3.9", "rfc1939 5"]);
    }

    #[test]
    fn a_mark_may_name_several_sentences() {
        let line = format!("# a {OPEN}1939 3 #1 #4] b {OPEN}1939 5 #2]");
        assert_eq!(
            marks_in(&line),
            ["rfc1939 3 #1", "rfc1939 3 #4", "rfc1939 5 #2"]
        );
    }

    #[test]
    fn orders_sections_by_number() {
        let mut marks = [
            "rfc9051 A.1 #1",
            "rfc9051 6.3.10",
            "rfc9051 6.3.9 #10",
            "rfc9051 6.3.9 #9",
            "rfc822 4",
            "rfc9051 9: date",
        ];
        marks.sort_by_key(|mark| order(mark));
        assert_eq!(
            marks,
            [
                "rfc822 4",
                "rfc9051 6.3.9 #9",
                "rfc9051 6.3.9 #10",
                "rfc9051 6.3.10",
                "rfc9051 9: date",
                "rfc9051 A.1 #1",
            ]
        );
    }

    #[test]
    fn what_a_catalogue_says_of_the_server_needs_a_test() {
        let catalogue = "| 3 #1 | a | server |\n| 3 #2 | b | server |\n| 3 #3 | c | client |\n";
        let marks = tree(catalogue, "", &format!("# {OPEN}1939 3 #2]\n"));
        assert_eq!(
            marks.broken(""),
            ["docs/requirements/rfc1939.md:1: [rfc1939 3 #1] has no test with this mark"]
        );
        assert!(marks.broken("# those\nrfc1939 3 #1\n").is_empty());
        // the list only shrinks
        assert_eq!(marks.broken("rfc1939 3 #1\nrfc1939 3 #2\n").len(), 1);
    }

    #[test]
    fn a_sentence_that_no_catalogue_has_is_an_error_in_code_and_test() {
        let catalogue = "| 3 #1 | a | client |\n";
        let dialogue = format!("# {OPEN}1939 3 #1] {OPEN}1939 3 #2] {OPEN}5321 2.4 #1]\n");
        let marks = tree(catalogue, &format!("// {OPEN}1939 3 #7]\n"), &dialogue);
        let broken = marks.broken("rfc1939 3 #7\n");
        assert_eq!(
            broken,
            [
                "libs/pop/src/reply.rs:1: [rfc1939 3 #7] stands in no catalogue",
                "tests/dialogs/pop3/greeting.txt:1: [rfc1939 3 #2] stands in no catalogue",
                "tests/dialogs/pop3/greeting.txt:1: [rfc5321 2.4 #1] stands in no catalogue",
            ]
        );
    }

    #[test]
    fn a_mark_in_the_code_needs_a_test_as_well() {
        let marks = tree("", &format!("// {OPEN}1939 3]\n"), "");
        assert_eq!(
            marks.broken(""),
            ["libs/pop/src/reply.rs:1: [rfc1939 3] has no test with this mark"]
        );
        let dialogue = format!("# {OPEN}1939 3]\n");
        let marks = tree("", &format!("// {OPEN}1939 3]\n"), &dialogue);
        assert!(marks.broken("").is_empty());
    }

    #[test]
    fn prints_requirement_words_and_tests() {
        let catalogue = "| 3 #1 | a | server |\n| 3 #2 | b | server |\n| 3 #3 | c | client |\n";
        let code = format!("// {OPEN}1939 3]\n");
        let marks = tree(catalogue, &code, &format!("# {OPEN}1939 3 #2]\n"));
        assert_eq!(
            marks.lines(|_| true),
            [
                "rfc1939 3    libs/pop/src/reply.rs:1",
                "    -> no test",
                "rfc1939 3 #1    a",
                "    -> no test",
                "rfc1939 3 #2    b",
                "    -> tests/dialogs/pop3/greeting.txt:1",
                "rfc1939 3 #3    c",
                "    not ours: client",
                "3 requirements, 2 without a test; 1 more bind others",
            ]
        );
        assert_eq!(marks.lines(|mark| mark.starts_with("rfc5321")).len(), 1);
    }
}
