//! Whimbrel and Dovecot side by side: the same commands to both, and the same answers from both, but for
//! what docs/dovecot-differences.md explains.
//!
//! What never happens here: a difference that is passed over without a named rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "a test says what it left out")]

mod compare;
mod generate;
mod peer;
mod table;
mod tree;

use clients::{Server, samples};
use compare::{Said, is_explained, said};
use peer::{Command, Peer};

/// Both servers, in the same state.
struct Both {
    whimbrel: Peer,
    dovecot: Peer,
    /// What differed.
    differences: Vec<String>,
}

impl Both {
    fn start(server: &Server) -> Option<Both> {
        let mut dovecot = Peer::dovecot()?;
        // Whimbrel's INBOX has a welcome.
        let welcome = Command::text("APPEND INBOX ").literal(&samples::message("x", "x"));
        dovecot.ask(&welcome);
        dovecot.next_tag = 1;
        Some(Both {
            whimbrel: Peer::whimbrel(server),
            dovecot,
            differences: Vec::new(),
        })
    }

    /// Asks both, keeps what differs, and gives Dovecot's answer.
    fn ask(&mut self, command: &Command) -> peer::Answer {
        let (difference, answer) = self.compare(command);
        self.differences.extend(difference);
        answer
    }

    /// What differs in the two answers, if anything, and Dovecot's.
    fn compare(&mut self, command: &Command) -> (Option<String>, peer::Answer) {
        // shown when the test fails
        println!("{}", command.words());
        let ours = self.whimbrel.ask(command);
        let theirs = self.dovecot.ask(command);
        let (one, other) = (said(command, &ours), said(command, &theirs));
        if one == other || is_explained(&one, &other) {
            return (None, theirs);
        }
        let text = difference(
            &command.words(),
            (&one, &ours.status),
            (&other, &theirs.status),
        );
        println!("{text}");
        (Some(text), theirs)
    }

    fn text(&mut self, text: &str) -> peer::Answer {
        self.ask(&Command::text(text))
    }

    fn end(self, seed: &str) {
        let shown = self.differences.join("\n");
        assert!(self.differences.is_empty(), "{seed}:\n{shown}");
    }
}

fn difference(command: &str, ours: (&Said, &str), theirs: (&Said, &str)) -> String {
    let mut text = format!("{command}\n");
    if ours.0.status != theirs.0.status {
        text += &format!("  ours   {}\n  theirs {}\n", ours.1, theirs.1);
    }
    let both = [("ours  ", ours.0, theirs.0), ("theirs", theirs.0, ours.0)];
    for (whose, said, other) in both {
        let only = said
            .untagged
            .iter()
            .filter(|text| !other.untagged.contains(text));
        only.for_each(|response| text += &format!("  {whose} * {}\n", cut(response)));
    }
    text
}

/// Long texts are shown by their beginning.
fn cut(text: &str) -> String {
    text.chars().take(900).collect()
}

/// What is asked of every sample.
const ITEMS: [&str; 27] = [
    "RFC822.SIZE",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "BODY",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]",
    "BODY.PEEK[1.HEADER]",
    "BODY.PEEK[1.TEXT]",
    "BODY.PEEK[2]",
    "BODY.PEEK[2.MIME]",
    "BODY.PEEK[2.HEADER]",
    "BODY.PEEK[2.TEXT]",
    "BODY.PEEK[1.1]",
    "BODY.PEEK[2.1]",
    "BODY.PEEK[2.1.MIME]",
    "BODY.PEEK[HEADER.FIELDS (Subject From X-None)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (Received Subject)]",
    "BODY.PEEK[]<10.20>",
    "BODY.PEEK[TEXT]<0.5>",
    "BINARY.SIZE[1]",
    "BINARY.PEEK[1]",
    "BINARY.PEEK[1]<2.5>",
    "BINARY.SIZE[2]",
    "BINARY.PEEK[2]",
];

#[test]
fn both_say_the_same_of_every_sample() {
    let server = Server::start();
    let Some(mut both) = Both::start(&server) else {
        return;
    };
    let mut explained = table::Samples::read();
    both.text("CREATE samples");
    both.text("SELECT samples");
    for (name, message) in samples::all() {
        if message.contains(&0) {
            continue;
        }
        let append = "APPEND samples (\\Seen) \"01-Nov-2026 10:20:30 +0100\" ";
        both.ask(&Command::text(append).literal(&samples::with_line_ends(&message)));
        for item in ITEMS {
            let (difference, _) = both.compare(&Command::text(format!("FETCH * {item}")));
            if let Some(difference) = difference
                && !explained.has(&name, item)
            {
                both.differences.push(format!("{name}: {difference}"));
            }
        }
    }
    let unused = explained.unused();
    assert!(unused.is_empty(), "these differ no more: {unused:?}");
    both.end("samples");
}

/// Seeds that the tests try by themselves, and commands for each.
const SEEDS: u64 = 3;
const COMMANDS: usize = 300;

#[test]
fn both_say_the_same_to_generated_commands() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text: String| text.parse().ok())
    };
    let seeds = match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let server = Server::start();
        let Some(mut both) = Both::start(&server) else {
            return;
        };
        let mut generator = generate::Generator::new(seed);
        for command in generator.set_up() {
            both.ask(&command);
        }
        for _ in 0..COMMANDS {
            let command = generator.next();
            let answer = both.ask(&command);
            generator.heard(&command, &answer);
            if command.words().contains("STORE") {
                both.text("UID FETCH 1:* (FLAGS)");
            }
            // What follows a difference is one too.
            if !both.differences.is_empty() {
                break;
            }
        }
        both.end(&format!("SEED={seed}"));
    }
}
