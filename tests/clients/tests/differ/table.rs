//! docs/dovecot-differences.md: the names of the rules, and the samples of which both say different things.
//!
//! What never happens here: a reason; those are in the document, for people.

use crate::compare::RULES;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../docs/dovecot-differences.md");

/// Rows of the table below a heading, each with its cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let below = DOCUMENT.split_once(heading).map_or("", |(_, below)| below);
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// Sample and item, such as `plain.eml` and `ENVELOPE`, of which both may say different things.
pub struct Samples {
    rows: BTreeSet<(String, String)>,
    used: BTreeSet<(String, String)>,
}

impl Samples {
    pub fn read() -> Samples {
        let mut all = BTreeSet::new();
        for row in rows("## Samples") {
            let items = row[1].split(", ").map(|item| item.trim_matches('`'));
            all.extend(items.map(|item| (row[0].trim_matches('`').to_owned(), item.to_owned())));
        }
        Samples {
            rows: all,
            used: BTreeSet::new(),
        }
    }

    pub fn has(&mut self, sample: &str, item: &str) -> bool {
        let key = (sample.to_owned(), item.to_owned());
        let is_there = self.rows.contains(&key);
        if is_there {
            self.used.insert(key);
        }
        is_there
    }

    /// Rows that explain nothing any more.
    pub fn unused(&self) -> Vec<&(String, String)> {
        self.rows.difference(&self.used).collect()
    }
}

#[test]
fn every_rule_has_its_row_and_every_row_its_rule() {
    let named: BTreeSet<&str> = rows("## Rules")
        .iter()
        .map(|row| row[0].trim_matches('`'))
        .collect();
    assert_eq!(named, BTreeSet::from(RULES));
}
