//! Commands from a seed: the same seed gives the same commands to the same answers.
//!
//! What never happens here: a command whose answer depends on the time.

use crate::peer::{Answer, Command, Piece};
use clients::samples;

const MAILBOXES: [&str; 5] = ["work", "older", "other", "Entw&APw-rfe", "\"with space\""];
const RETURN: [&str; 5] = ["MIN", "MAX", "COUNT", "ALL", "SAVE"];
/// One of these is there, with a mailbox below it.
const TREE: [&str; 3] = ["tree/one", "tree/uno", "tree/een"];
const FLAGS: [&str; 8] = [
    "\\Seen",
    "\\Flagged",
    "\\Deleted",
    "\\Answered",
    "\\Draft",
    "$Label1",
    "$Forwarded",
    "Later",
];
const WORDS: [&str; 8] = [
    "subject",
    "hello",
    "\"Hello W\"",
    "bob",
    "zzz",
    "plain",
    "\"\"",
    "example",
];
const FIELDS: [&str; 5] = ["Subject", "From", "X-None", "Content-Type", "Message-ID"];
const DATES: [&str; 5] = [
    "1-Nov-2026",
    "2-Nov-2026",
    "3-Nov-2026",
    "31-Dec-1999",
    "1-Jan-2030",
];
const ITEMS: [&str; 26] = [
    "FLAGS",
    "UID",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]",
    "BODY.PEEK[2]",
    "BODY.PEEK[HEADER.FIELDS (Subject To)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (To)]",
    "BODY.PEEK[]<3.20>",
    "BODY.PEEK[TEXT]<0.10000>",
    "BODY[TEXT]<2.3>",
    "RFC822.HEADER",
    "RFC822.TEXT",
    "BODY[HEADER]",
    "BODY.PEEK[]<100000.5>",
    "BINARY.PEEK[1]",
    "BINARY.SIZE[1]",
    "BINARY.PEEK[1]<2.5>",
    "BINARY[]",
];
const PATTERNS: [&str; 12] = [
    "*",
    "%",
    "work*",
    "work%",
    "tree/%",
    "%/%",
    "*two",
    "INBOX",
    "inbox",
    "\"with space\"",
    "\"\"",
    "W*",
];

pub struct Generator {
    state: u64,
    /// Messages in the selected mailbox, and its next UID.
    count: u64,
    next_uid: u64,
    selected: Option<String>,
    is_read_only: bool,
    messages: Vec<Vec<u8>>,
}

impl Generator {
    pub fn new(seed: u64) -> Generator {
        let usual = [
            "plain.eml",
            "rfc822_in_rfc822.eml",
            "eight_bit_utf8.eml",
            "encoded_words.eml",
        ];
        let all = samples::all().into_iter();
        let mut messages: Vec<Vec<u8>> = all
            .filter(|(name, _)| usual.contains(&name.as_str()))
            .map(|(_, message)| samples::with_line_ends(&message))
            .collect();
        messages.push(samples::message("Hello World", "Hello"));
        Generator {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            count: 0,
            next_uid: 1,
            selected: None,
            is_read_only: false,
            messages,
        }
    }

    pub fn set_up(&mut self) -> Vec<Command> {
        let mut commands: Vec<Command> =
            ["work", "older", "other", "tree", "tree/one", "tree/one/two"]
                .iter()
                .map(|name| Command::text(format!("CREATE {name}")))
                .collect();
        // Whimbrel subscribes by itself.
        let usual = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"];
        commands.extend(usual.map(|name| Command::text(format!("SUBSCRIBE {name}"))));
        for _ in 0..5 {
            commands.push(self.append("work"));
        }
        commands
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from((self.state >> 20) % (bound as u64)).expect("because it is below one")
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn some(&mut self, of: &[&str], most: usize) -> String {
        let count = self.below(most + 1);
        let mut chosen: Vec<&str> = (0..count).map(|_| self.one(of)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.join(" ")
    }

    fn append(&mut self, mailbox: &str) -> Command {
        let flags = self.some(&FLAGS, 3);
        let (day, hour) = (1 + self.below(3), 10 + self.below(10));
        let at = self.below(self.messages.len());
        let head = format!("APPEND {mailbox} ({flags}) \"{day:02}-Nov-2026 {hour}:20:30 +0000\" ");
        Command::text(head).literal(&self.messages[at].clone())
    }

    /// Two messages, or neither [rfc3502 3].
    fn append_two(&mut self, mailbox: &str) -> Command {
        let (first, second) = (self.append(mailbox), self.append(""));
        let mut pieces = first.pieces;
        let mut more = second.pieces.into_iter();
        if let Some(Piece::Text(head)) = more.next() {
            // without the command and the mailbox
            pieces.push(Piece::Text(head.replacen("APPEND ", "", 1)));
        }
        pieces.extend(more);
        Command { pieces }
    }

    /// LIST with selection and return options [rfc5258 3], and with STATUS [rfc5819 2].
    fn extended_list(&mut self) -> String {
        let select = self.one(&[
            "",
            "(SUBSCRIBED) ",
            "(SUBSCRIBED RECURSIVEMATCH) ",
            "() ",
            "(SPECIAL-USE) ",
        ]);
        let (one, other) = (self.one(&PATTERNS[..9]), self.one(&PATTERNS[..9]));
        let give = self.one(&[
            "",
            " RETURN (SUBSCRIBED)",
            " RETURN (CHILDREN)",
            " RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)",
            " RETURN (STATUS (MESSAGES UNSEEN))",
            " RETURN (STATUS (UIDNEXT) SUBSCRIBED)",
        ]);
        match self.below(2) {
            0 => format!("LIST {select}\"\" {one}{give}"),
            _ => format!("LIST {select}\"\" ({one} {other}){give}"),
        }
    }

    /// A set of numbers up to about this one.
    fn set(&mut self, most: u64) -> String {
        let most = usize::try_from(most).expect("because it is small").max(1);
        let (low, high) = (1 + self.below(most), 1 + self.below(most));
        match self.below(6) {
            0 => "*".to_owned(),
            1 => "1:*".to_owned(),
            2 => format!("{low}:{high}"),
            3 => format!("{low},{high}"),
            4 => format!("{low}:*"),
            _ => low.to_string(),
        }
    }

    /// `UID ` or nothing, and a set that fits.
    fn numbers(&mut self) -> (&'static str, String) {
        if self.below(8) == 0 {
            // what the last SEARCH saved [rfc5182 2]
            return (self.one(&["", "UID "]), "$".to_owned());
        }
        if self.count == 0 || self.below(2) == 0 {
            ("UID ", self.set(self.next_uid))
        } else {
            ("", self.set(self.count))
        }
    }

    pub fn next(&mut self) -> Command {
        let mailbox = self.one(&MAILBOXES);
        let (uid, set) = self.numbers();
        // Without a mailbox most commands are bad, and Dovecot ends after 20 of those.
        let kind = match self.below(30) {
            7..=18 | 23..=26 if self.selected.is_none() => 3,
            kind => kind,
        };
        let text = match kind {
            0..=2 => return self.append(mailbox),
            24..=26 => format!(
                "{uid}SEARCH RETURN ({}) {}",
                self.some(&RETURN, 3),
                self.key(2)
            ),
            27..=28 => self.extended_list(),
            29 => return self.append_two(mailbox),
            3..=5 => format!("SELECT {mailbox}"),
            6 => format!("EXAMINE {mailbox}"),
            7..=9 => {
                let how = self.one(&["FLAGS", "+FLAGS", "-FLAGS", "FLAGS.SILENT", "+FLAGS.SILENT"]);
                format!("{uid}STORE {set} {how} ({})", self.some(&FLAGS, 3))
            }
            10..=12 => {
                let items = self.some(&ITEMS, 4);
                let items = if items.is_empty() {
                    "ALL".to_owned()
                } else {
                    format!("({items})")
                };
                format!("{uid}FETCH {set} {items}")
            }
            13..=15 => format!("{uid}SEARCH {}", self.key(3)),
            16 => format!("{uid}COPY {set} {mailbox}"),
            // Dovecot moves out of a mailbox that is open read-only.
            17 if self.is_read_only => "NOOP".to_owned(),
            17 => format!("{uid}MOVE {set} {mailbox}"),
            18 => match self.below(3) {
                0 => format!("UID EXPUNGE {}", self.set(self.next_uid)),
                _ => "EXPUNGE".to_owned(),
            },
            19 => {
                let pattern = self.one(&PATTERNS);
                // The root of a reference is left open, and what LSUB says of none.
                let (what, reference) = match pattern {
                    "\"\"" => ("LIST", "\"\""),
                    _ => (
                        self.one(&["LIST", "LSUB"]),
                        self.one(&["\"\"", "tree/", "tree"]),
                    ),
                };
                format!("{what} {reference} {pattern}")
            }
            20 => format!("STATUS {mailbox} (MESSAGES UIDNEXT UNSEEN SIZE)"),
            // Dovecot ends a session whose mailbox goes.
            21 | 22 if self.is_below(mailbox) => "NOOP".to_owned(),
            21 => match self.below(3) {
                0 => format!("CREATE {mailbox}"),
                1 => format!("DELETE {mailbox}"),
                // Dovecot subscribes to mailboxes that are there, Whimbrel to others too [rfc3501 6.3.6].
                _ => {
                    let what = self.one(&["SUBSCRIBE", "UNSUBSCRIBE"]);
                    format!("{what} {}", self.one(&["Archive", "Drafts", "Sent"]))
                }
            },
            22 if self.below(3) == 0 => {
                let (from, to) = (self.one(&TREE), self.one(&TREE));
                format!("RENAME {from} {to}")
            }
            22 => format!("RENAME {mailbox} {}", self.one(&MAILBOXES)),
            _ => self.one(&["NOOP", "CHECK", "CLOSE", "UNSELECT"]).to_owned(),
        };
        Command::text(text)
    }

    /// Whether this mailbox or one within it is selected.
    fn is_below(&self, mailbox: &str) -> bool {
        let selected = self.selected.as_deref().unwrap_or_default();
        selected == mailbox || selected.starts_with(&format!("{mailbox}/"))
    }

    /// A search key [rfc3501 6.4.4].
    fn key(&mut self, depth: usize) -> String {
        let kinds = if depth == 0 { 8 } else { 11 };
        match self.below(kinds) {
            0 => self
                .one(&[
                    "ALL",
                    "SEEN",
                    "UNSEEN",
                    "FLAGGED",
                    "UNFLAGGED",
                    "DELETED",
                    "UNDELETED",
                    "ANSWERED",
                    "UNANSWERED",
                    "DRAFT",
                    "UNDRAFT",
                ])
                .to_owned(),
            1 => format!(
                "{} {}",
                self.one(&["KEYWORD", "UNKEYWORD"]),
                self.one(&["$Label1", "Later", "None"])
            ),
            2 => format!(
                "{} {}",
                self.one(&["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"]),
                self.one(&DATES)
            ),
            3 => format!(
                "{} {}",
                self.one(&["SUBJECT", "FROM", "TO", "CC", "BCC", "BODY", "TEXT"]),
                self.one(&WORDS)
            ),
            4 => format!(
                "{} {}",
                self.one(&["LARGER", "SMALLER"]),
                self.one(&["0", "100", "300", "1000"])
            ),
            5 => format!("UID {}", self.set(self.next_uid)),
            6 if self.count > 0 => self.set(self.count),
            6 | 7 => format!("HEADER {} {}", self.one(&FIELDS), self.one(&WORDS)),
            8 => format!("NOT {}", self.key(depth - 1)),
            9 => format!("OR {} {}", self.key(depth - 1), self.key(depth - 1)),
            _ => format!("({} {})", self.key(depth - 1), self.key(depth - 1)),
        }
    }

    /// Learns how many messages there are.
    pub fn heard(&mut self, command: &Command, answer: &Answer) {
        let words = command.words();
        let is_ok = answer.status.starts_with("OK");
        if words.starts_with("SELECT")
            || words.starts_with("EXAMINE")
            || (is_ok && (words == "CLOSE" || words == "UNSELECT"))
        {
            (self.count, self.next_uid) = (0, 1);
            let name = words.split_once(' ').map(|(_, name)| name.to_owned());
            self.selected = name.filter(|_| is_ok);
            self.is_read_only = words.starts_with("EXAMINE");
        }
        for response in &answer.untagged {
            let text = String::from_utf8_lossy(response);
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            match words.as_slice() {
                [count, "EXISTS"] => {
                    let count: u64 = count.parse().unwrap_or(0);
                    self.next_uid += count.saturating_sub(self.count);
                    self.count = count;
                }
                [_, "EXPUNGE"] => self.count -= 1,
                ["OK", "[UIDNEXT", uid, ..] => {
                    self.next_uid = uid.trim_end_matches(']').parse().unwrap_or(1);
                }
                _ => {}
            }
        }
    }
}
