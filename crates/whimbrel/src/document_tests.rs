//! That documents name only commands and options that the program takes.
//!
//! What never happens here: a command that runs.

use crate::Arguments;
use clap::{Command, CommandFactory};
use std::fs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");

/// What stands in backticks, and the lines of code blocks.
fn pieces_of_code(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        match number % 2 {
            0 => pieces.extend(part.split('`').skip(1).step_by(2).map(str::to_owned)),
            _ => pieces.extend(part.lines().map(str::to_owned)),
        }
    }
    pieces
}

/// The words behind each `whimbrel` that begins a command.
fn commands(code: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let begins = |at: &usize| {
        let before = at.checked_sub(1).map(|before| words[before]);
        words[*at] == "whimbrel" && before.is_none_or(|word| word == "sudo" || word.ends_with(':'))
    };
    let ends = |word: &&str| ["#", "|", ">", "<", "&&", "…"].contains(word);
    let of = |at: usize| {
        words[at + 1..]
            .iter()
            .copied()
            .take_while(|word| !ends(word))
    };
    let starts = (0..words.len()).filter(begins);
    starts.map(|at| of(at).collect()).collect()
}

/// What of a command the program does not know.
fn unknown<'a>(words: &[&'a str]) -> Option<&'a str> {
    let mut command: Command = Arguments::command();
    // gives each subcommand the options that all have
    command.build();
    for word in words {
        let word = word.trim_matches(['[', ']', ',']);
        // what reads its words by a table of its own
        let reads_its_own = clap::Arg::is_trailing_var_arg_set;
        if command.get_arguments().any(reads_its_own) {
            return None;
        }
        if let Some(option) = word.strip_prefix("--") {
            let option = option.split('=').next().unwrap_or_default();
            let is_it = |argument: &clap::Arg| argument.get_long() == Some(option);
            if !command.get_arguments().any(is_it) {
                return Some(word);
            }
        } else if command.has_subcommands() {
            match command.find_subcommand(word) {
                Some(next) => command = next.clone(),
                // stands for any
                None if word.bytes().all(|octet| octet.is_ascii_uppercase()) => return None,
                None => return Some(word),
            }
        }
    }
    None
}

#[test]
fn documents_name_commands_that_there_are() {
    let folder = fs::read_dir(format!("{ROOT}docs")).unwrap();
    let mut documents: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    documents.extend(["README.md", "ARCHITECTURE.md"].map(|name| format!("{ROOT}{name}").into()));
    let mut found = 0;
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        let pieces = pieces_of_code(&text);
        for words in pieces.iter().flat_map(|code| commands(code)) {
            found += 1;
            let unknown = unknown(&words);
            assert_eq!(
                unknown,
                None,
                "{}: whimbrel {}",
                path.display(),
                words.join(" ")
            );
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn what_a_command_does_not_know_is_found() {
    let check = |text: &str, expected: Option<&str>| {
        let pieces = pieces_of_code(text);
        let mut commands = pieces.iter().flat_map(|code| commands(code));
        assert_eq!(unknown(&commands.next().unwrap()), expected, "{text}");
    };
    check("`whimbrel account set ann --login off`", None);
    check(
        "```\nsudo whimbrel account paint ann # x\n```",
        Some("paint"),
    );
    check("`whimbrel account set ann --colour red`", Some("--colour"));
    check("`whimbrel paint`", Some("paint"));
}
