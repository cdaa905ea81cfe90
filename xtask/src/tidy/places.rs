//! Which words may stand in which rooms: the clock, sockets, the disk, the environment.
//!
//! What never happens here: a look at tests; they may do more.

use super::tree::{File, Tree};

/// The files outside store that touch the disk, and why.
const DISK_ELSEWHERE: &[(&str, &str)] = &[
    (
        "crates/whimbrel/src/own_files.rs",
        "reads settings and keys, makes the data folder, writes the ready file, passwords of `try`, a certificate",
    ),
    (
        "crates/whimbrel/src/pop4_command.rs",
        "reads the message, the password and the certificate of a person who speaks POP4 with any server",
    ),
    (
        "crates/whimbrel/src/admin/place.rs",
        "opens the data folder where its path is too long for a socket, and asks whose it is",
    ),
    (
        "crates/whimbrel/src/sendmail/drop_folder.rs",
        "any user's program leaves a file there; the store is not its own",
    ),
    (
        "crates/whimbrel/src/sendmail/taking.rs",
        "looks into the folder where users leave files, and removes what is taken in",
    ),
    (
        "crates/net/src/unix.rs",
        "gives the file of a listening socket its mode, and removes it",
    ),
];

pub fn world_through_net(tree: &Tree) -> Vec<String> {
    let words = [
        "SystemTime",
        "TcpStream",
        "TcpListener",
        "UnixStream",
        "UnixListener",
        "UdpSocket",
        "ToSocketAddrs",
        "tokio::net",
        "getrandom",
        "socket2",
        "rand::",
        "thread_rng",
        "OsRng",
        "process::Command",
        "Command::new",
    ];
    let mut broken = find(tree, &words, |file| file.crate_folder() == "crates/net");
    for file in tree
        .product()
        .filter(|file| file.crate_folder() != "crates/net")
    {
        for (number, line) in file.product_lines() {
            // net::time::Instant is the clock that a simulation owns. It is tokio's; store, which
            // has no arrow to net, uses it by that name.
            let is_store = file.crate_folder() == "crates/store";
            let other_clock =
                line.contains("std::time") || (line.contains("tokio::time") && !is_store);
            if other_clock && has_word(line, "Instant") {
                broken.push(format!(
                    "{}:{number}: an Instant that is not net's",
                    file.path
                ));
            }
        }
    }
    broken
}

pub fn disk_through_store(tree: &Tree) -> Vec<String> {
    let words = [
        "std::fs",
        "tokio::fs",
        "fs::",
        "File::open",
        "File::create",
        "OpenOptions",
    ];
    find(tree, &words, |file| {
        file.crate_folder() == "crates/store"
            || DISK_ELSEWHERE.iter().any(|(path, _)| *path == file.path)
    })
}

pub fn environment_through_whimbrel(tree: &Tree) -> Vec<String> {
    let words = ["std::env", "env::var", "env::args"];
    find(tree, &words, |file| {
        file.crate_folder() == "crates/whimbrel"
    })
}

/// `Admin` opens any account: the doors and post never make one.
pub fn admin_of_the_owner_only(tree: &Tree) -> Vec<String> {
    find(tree, &["Admin::"], |file| {
        ["crates/mail", "crates/whimbrel"].contains(&file.crate_folder())
    })
}

pub fn no_test_switches(tree: &Tree) -> Vec<String> {
    let words = [
        "cfg!(test)",
        "cfg(not(test))",
        "cfg(any(test",
        "cfg_attr(test",
    ];
    find(tree, &words, |_| false)
}

pub fn selects_in_order(tree: &Tree) -> Vec<String> {
    let mut broken = Vec::new();
    for file in tree.product() {
        for (at, found) in file.masked.match_indices("select! {") {
            let rest = file.masked[at + found.len()..].trim_start();
            let number = file.masked[..at].matches('\n').count() + 1;
            let in_test = file.is_test_line.get(number - 1).copied().unwrap_or(false);
            if !in_test && !rest.starts_with("biased;") {
                broken.push(format!("{}:{number}: select! without biased;", file.path));
            }
        }
    }
    broken
}

/// The files that may use a hash map or set, and why their order never shows.
const HASHED: &[(&str, &str)] = &[
    (
        "crates/net/src/serve.rs",
        "sessions by task, looked up only",
    ),
    ("crates/mail/src/account.rs", "asks for members only"),
    (
        "crates/mail/src/auth/proven.rs",
        "forgets by age, not by order",
    ),
    (
        "crates/mail/src/auth/throttle.rs",
        "forgets by score, not by order",
    ),
    ("crates/mail/src/directory/known.rs", "looked up only"),
    ("crates/mail/src/fetch.rs", "asks for members only"),
    ("crates/mail/src/keywords.rs", "looked up only"),
    ("crates/mail/src/resolve.rs", "asks for members only"),
    (
        "crates/mail/src/sessions.rs",
        "looked up, and the least of all",
    ),
    ("crates/mail/src/tree.rs", "looked up only"),
    ("crates/mail/src/upkeep.rs", "asks for members only"),
    ("crates/mail/src/upkeep/threads.rs", "asks for members only"),
    ("crates/mail/src/verify/account.rs", "asks for members only"),
    ("crates/mail/src/verify/mailbox.rs", "asks for members only"),
    ("crates/post/src/envelope.rs", "asks for members only"),
    ("crates/post/src/queue/schedule.rs", "looked up only"),
    ("crates/post/src/queue/work.rs", "looked up only"),
    ("crates/whimbrel/src/accounts.rs", "asks for members only"),
    ("libs/uucp/src/lzw.rs", "looked up only"),
];

pub fn no_order_by_hash(tree: &Tree) -> Vec<String> {
    find(tree, &["HashMap", "HashSet"], |file| {
        HASHED.iter().any(|(path, _)| *path == file.path)
    })
}

pub fn no_allowed_gaps(tree: &Tree) -> Vec<String> {
    let words = [
        "clippy::todo",
        "clippy::unimplemented",
        "clippy::unwrap_used",
    ];
    let mut broken = find(tree, &words, |_| false);
    broken.extend(find(
        tree,
        &["#![allow(unused", "#![allow(dead_code"],
        |_| false,
    ));
    broken
}

/// Product lines with one of the words, except in files that may.
fn find(tree: &Tree, words: &[&str], may: impl Fn(&File) -> bool) -> Vec<String> {
    let mut broken = Vec::new();
    for file in tree.product().filter(|file| !may(file)) {
        for (number, line) in file.product_lines() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                broken.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    broken
}

/// Whether the word stands there and is not the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_that_begin_there() {
        assert!(has_word("use std::fs;", "std::fs"));
        assert!(has_word("let x = fs::read(y);", "fs::"));
        assert!(!has_word("let x = offs::read(y);", "fs::"));
        assert!(!has_word("operand::x", "rand::"));
    }
}
