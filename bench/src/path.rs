//! The main paths, each run so many times in one process over the memory engine, so that valgrind can
//! count their instructions: a figure that does not hang on what else a machine does.
//!
//! Never here: a clock. How the counts are taken and compared is `count`'s.

mod house;

use crate::Outcome;
use crate::letter::letter;
use crate::wire::Wire;
use house::House;

/// One way through the house.
pub struct Path {
    pub name: &'static str,
    /// What one time is.
    pub what: &'static str,
    /// How often it is run to be counted, so that all paths take about as long.
    pub times: u32,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    /// A message by SMTP, to so many recipients.
    Deliver {
        octets: usize,
        recipients: usize,
    },
    Append {
        octets: usize,
    },
    /// One command, in an INBOX of so many messages of so many octets.
    Imap {
        command: &'static [u8],
        messages: u32,
        octets: usize,
    },
    /// A message by POP3.
    Retrieve {
        octets: usize,
    },
}

const KIB: usize = 1_024;

pub const PATHS: &[Path] = &[
    Path {
        name: "deliver",
        what: "a message of 8 KiB by SMTP to one INBOX",
        times: 40,
        way: Way::Deliver {
            octets: 8 * KIB,
            recipients: 1,
        },
    },
    Path {
        name: "deliver-100-kib",
        what: "a message of 100 KiB by SMTP to one INBOX",
        times: 5,
        way: Way::Deliver {
            octets: 100 * KIB,
            recipients: 1,
        },
    },
    Path {
        name: "deliver-to-50",
        what: "a message of 8 KiB by SMTP to 50 INBOXes",
        times: 4,
        way: Way::Deliver {
            octets: 8 * KIB,
            recipients: 50,
        },
    },
    Path {
        name: "append",
        what: "an APPEND of 8 KiB",
        times: 40,
        way: Way::Append { octets: 8 * KIB },
    },
    Path {
        name: "select",
        what: "SELECT of an INBOX of 1,000",
        times: 40,
        way: Way::Imap {
            command: b"SELECT INBOX",
            messages: 1_000,
            octets: KIB,
        },
    },
    Path {
        name: "fetch-flags",
        what: "FETCH 1:* (FLAGS) of 1,000",
        times: 4,
        way: Way::Imap {
            command: b"FETCH 1:* (FLAGS)",
            messages: 1_000,
            octets: KIB,
        },
    },
    Path {
        name: "fetch-list",
        what: "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE) of 1,000",
        times: 4,
        way: Way::Imap {
            command: b"FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)",
            messages: 1_000,
            octets: KIB,
        },
    },
    Path {
        name: "fetch-body",
        what: "FETCH BODY.PEEK[] of 8 KiB",
        times: 200,
        way: Way::Imap {
            command: b"FETCH 1 (BODY.PEEK[])",
            messages: 1,
            octets: 8 * KIB,
        },
    },
    Path {
        name: "store-all",
        what: "STORE 1:* of a flag in an INBOX of 1,000",
        times: 2,
        // Its opposite follows each time, or the second would change nothing.
        way: Way::Imap {
            command: b"STORE 1:* +FLAGS (\\Flagged)",
            messages: 1_000,
            octets: KIB,
        },
    },
    Path {
        name: "search-unseen",
        what: "SEARCH UNSEEN in an INBOX of 1,000",
        times: 10,
        way: Way::Imap {
            command: b"SEARCH UNSEEN",
            messages: 1_000,
            octets: KIB,
        },
    },
    Path {
        name: "retr",
        what: "RETR of 8 KiB",
        times: 200,
        way: Way::Retrieve { octets: 8 * KIB },
    },
];

/// Walks a path so many times. Setting up is the same however often that is.
pub async fn walk(name: &str, times: u32) -> Outcome<()> {
    let path = PATHS.iter().find(|path| path.name == name);
    let path = path.ok_or_else(|| format!("no path {name}"))?;
    let house = House::open().await?;
    match path.way {
        Way::Deliver { octets, recipients } => deliver(&house, octets, recipients, times).await,
        Way::Append { octets } => {
            let mut wire = logged_in(&house).await?;
            append(&mut wire, octets, times).await
        }
        Way::Imap {
            command,
            messages,
            octets,
        } => {
            let mut wire = logged_in(&house).await?;
            fill(&mut wire, messages, octets).await?;
            for _ in 0..times {
                wire.imap(command).await?;
                if command.starts_with(b"STORE") {
                    wire.imap(b"STORE 1:* -FLAGS (\\Flagged)").await?;
                }
            }
            Ok(())
        }
        Way::Retrieve { octets } => {
            let mut wire = logged_in(&house).await?;
            append(&mut wire, octets, 1).await?;
            let mut wire = house.pop();
            wire.pop_login(&house::login()).await?;
            for _ in 0..times {
                wire.pop_lines(b"RETR 1").await?;
            }
            Ok(())
        }
    }
}

async fn deliver(house: &House, octets: usize, recipients: usize, times: u32) -> Outcome<()> {
    let mut wire = house.smtp();
    wire.smtp_hello().await?;
    // The same each time: writing it is no part of the path.
    let message = [&letter(octets, 1)[..], b".\r\n"].concat();
    for _ in 0..times {
        wire.smtp(b"MAIL FROM:<a@example.net>", 250).await?;
        for recipient in 1..=recipients {
            let to = format!("RCPT TO:<user{recipient}@example.test>");
            wire.smtp(to.as_bytes(), 250).await?;
        }
        wire.smtp(b"DATA", 354).await?;
        wire.send(&message).await?;
        wire.expect_reply(250).await?;
    }
    Ok(())
}

async fn logged_in(house: &House) -> Outcome<Wire> {
    let mut wire = house.imap();
    wire.imap_login(&house::login()).await?;
    Ok(wire)
}

async fn append(wire: &mut Wire, octets: usize, times: u32) -> Outcome<()> {
    let mut command = format!("APPEND INBOX {{{octets}+}}\r\n").into_bytes();
    command.extend_from_slice(&letter(octets, 1));
    for _ in 0..times {
        wire.imap(&command).await?;
    }
    Ok(())
}

/// One message is appended and copied until there are enough.
async fn fill(wire: &mut Wire, messages: u32, octets: usize) -> Outcome<()> {
    append(wire, octets, 1).await?;
    wire.imap(b"SELECT INBOX").await?;
    let mut there = 1;
    while there < messages {
        let more = there.min(messages - there);
        wire.imap(format!("COPY 1:{more} INBOX").as_bytes()).await?;
        wire.imap(b"NOOP").await?;
        there += more;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_path_can_be_walked() {
        for path in PATHS {
            walk(path.name, 1)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", path.name));
        }
    }
}
