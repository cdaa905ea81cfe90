//! The catalogues of requirements: `docs/requirements/rfcNNNN.md`, one row for each sentence of that
//! RFC with a MUST.
//!
//! Here lives the reading of the rows. What never happens here: a look at tests.
//!
//! ```text
//! | 4.1.1.1 #2 | what is asked, in our words | server |
//! | 4.1.1.1 #3 | what is asked, in our words | why it does not bind this server |
//! ```

use super::tree::{File, Tree};
use std::collections::BTreeMap;

const FOLDER: &str = "docs/requirements/rfc";

/// One sentence of an RFC.
pub struct Row {
    /// As tests write it, without the brackets.
    pub mark: String,
    pub words: String,
    pub binds: Binds,
    /// `path:line`
    pub place: String,
}

#[derive(PartialEq, Eq, Debug)]
pub enum Binds {
    ThisServer,
    /// The reason.
    Others(String),
}

#[derive(Default)]
pub struct Catalogue {
    pub rows: Vec<Row>,
    /// Rows that cannot be read, or stand where they should not.
    pub broken: Vec<String>,
}

impl Catalogue {
    /// The rows of all RFCs.
    pub fn read(tree: &Tree) -> Catalogue {
        let mut all = Catalogue::default();
        for file in &tree.files {
            let name = file.path.strip_prefix(FOLDER);
            if let Some(rfc) = name.and_then(|name| name.strip_suffix(".md")) {
                all.add(file, rfc);
            }
        }
        all
    }

    pub fn find(&self, mark: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.mark == mark)
    }

    fn add(&mut self, file: &File, rfc: &str) {
        let mut last: BTreeMap<&str, u32> = BTreeMap::new();
        let lines = file.text.lines().enumerate();
        for (index, line) in lines.filter(|(_, line)| is_row(line)) {
            let place = format!("{}:{}", file.path, index + 1);
            let Some((section, number, words, binds)) = cells(line) else {
                self.broken
                    .push(format!("{place}: not | SECTION #N | words | server |"));
                continue;
            };
            let before = last.insert(section, number).unwrap_or(0);
            if number != before + 1 {
                self.broken
                    .push(format!("{place}: #{number} follows #{before}"));
            }
            self.rows.push(Row {
                mark: format!("rfc{rfc} {section} #{number}"),
                words: words.to_owned(),
                binds: match binds {
                    "server" => Binds::ThisServer,
                    reason => Binds::Others(reason.to_owned()),
                },
                place,
            });
        }
    }
}

/// The head of a table and the rule below it are none.
fn is_row(line: &str) -> bool {
    line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| Sentence ")
}

fn cells(line: &str) -> Option<(&str, u32, &str, &str)> {
    let inner = line.trim_end().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let [sentence, words, binds] = cells[..] else {
        return None;
    };
    let (section, number) = sentence.split_once(" #")?;
    let is_whole = ![section, words, binds].contains(&"");
    is_whole.then_some((section, number.parse().ok()?, words, binds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Catalogue {
        let file = File::new("docs/requirements/rfc5321.md", text);
        Catalogue::read(&Tree { files: vec![file] })
    }

    #[test]
    fn reads_what_binds_the_server_and_the_reason_of_what_does_not() {
        let catalogue = read(concat!(
            "Text.\n\n| Sentence | What it asks | Binds |\n|---|---|---|\n",
            "| 2.4 #1 | case of local parts is kept | server |\n",
            "| 2.4 #2 | no 8-bit without 8BITMIME | client |\n",
        ));
        assert!(catalogue.broken.is_empty(), "{:?}", catalogue.broken);
        let first = catalogue.find("rfc5321 2.4 #1").unwrap();
        assert_eq!(first.words, "case of local parts is kept");
        assert_eq!(first.binds, Binds::ThisServer);
        assert_eq!(first.place, "docs/requirements/rfc5321.md:5");
        let second = catalogue.find("rfc5321 2.4 #2").unwrap();
        assert_eq!(second.binds, Binds::Others("client".to_owned()));
        assert!(catalogue.find("rfc5321 2.4 #3").is_none());
    }

    #[test]
    fn says_which_rows_it_cannot_read() {
        for row in [
            "| 2.4 | no number | server |",
            "| 2.4 #x | no number | server |",
            "| 2.4 #1 | nobody said whom it binds | |",
            "| 2.4 #1 | | server |",
            "| 2.4 #1 | a | b | server |",
            "| 2.4 #1 | no end | server",
        ] {
            let catalogue = read(row);
            assert_eq!(catalogue.broken.len(), 1, "{row}");
            assert!(catalogue.rows.is_empty(), "{row}");
        }
    }

    #[test]
    fn says_where_the_count_of_a_section_jumps() {
        let twice = "| 2.4 #1 | a | server |\n| 2.4 #1 | b | server |\n";
        assert_eq!(read(twice).broken.len(), 1);
        let gap = "| 2.4 #1 | a | server |\n| 2.5 #1 | b | server |\n| 2.4 #3 | c | server |\n";
        assert_eq!(
            read(gap).broken,
            ["docs/requirements/rfc5321.md:3: #3 follows #1"]
        );
    }
}
