//! Disk use: what mail of 8 KiB takes, once the server has put its house in order.
//!
//! Never here: mail that was deleted.

use crate::Outcome;
use crate::letter::{hardly_compressible, letter};
use crate::report::{Goal, Report, Row, Sample, Unit};
use crate::target::{ACCOUNTS, Target};
use crate::wire::Wire;
use crate::work::mailbox::session;
use crate::work::{self, Plan, alternate};
use std::time::{Duration, Instant};

const SECTION: &str = "Disk use";
const OCTETS: usize = 8 * 1_024;
const SESSIONS: usize = 16;
/// In one session, one after the other.
const MESSAGES: usize = 20;
/// A disk that has not changed for so long will not change.
const QUIET: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(900);

/// Makes a message of so many octets.
type Make = fn(usize, u64) -> Vec<u8>;

/// What the messages are made of, and the most that may be taken for an octet.
const KINDS: [(&str, Make, f64); 2] = [
    ("text", letter, 1.10),
    ("what hardly compresses", hardly_compressible, 1.35),
];

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    // Files do not scatter as times do.
    let plan = plan.at_most(1);
    let count = plan.pick(6_000, 4_000, 200);
    for (word, make, most) in KINDS {
        let name = format!("messages of 8 KiB of {word}");
        let row = Row::new(SECTION, name, Unit::OCTETS_PER_OCTET).goal(Goal::AtMost(most));
        alternate(targets, &plan, report, &row, async |target, _| {
            measure(target, count, make).await
        })
        .await;
    }
    report.note(
        SECTION,
        "Blocks of all files that hold mail and what belongs to it, less those of a server without \
         mail, for each octet that was sent; after a restart, when nothing changes any more.",
    );
    Ok(())
}

async fn measure(target: &mut Target, count: usize, make: Make) -> Outcome<Sample> {
    target.wipe()?;
    visit_all(target).await?;
    let empty = at_rest(target).await?;
    work::sessions(SESSIONS, |session| {
        let at = target.smtp;
        let addresses: Vec<_> = (1..=ACCOUNTS).map(|n| target.address(n)).collect();
        async move {
            let numbers: Vec<usize> = (session..count).step_by(SESSIONS).collect();
            for some in numbers.chunks(MESSAGES) {
                let mut wire = Wire::plain(at).await?;
                wire.smtp_hello().await?;
                for number in some {
                    let message = make(OCTETS, *number as u64);
                    send(&mut wire, &addresses[number % ACCOUNTS], &message).await?;
                }
                wire.smtp(b"QUIT", 221).await?;
            }
            Ok(())
        }
    })
    .await?;
    all_there(target, count).await?;
    target.start_again()?;
    let full = at_rest(target).await?;
    let mail = (count * OCTETS) as f64;
    Ok(Sample::of(full.saturating_sub(empty) as f64 / mail))
}

/// Everybody has been there once: a server that makes an INBOX at the first mail puts off what two
/// deliveries bring at the same moment.
async fn visit_all(target: &Target) -> Outcome<()> {
    for number in 1..=ACCOUNTS {
        let mut wire = session(target, number).await?;
        wire.imap(b"SELECT INBOX").await?;
        wire.imap(b"LOGOUT").await?;
    }
    Ok(())
}

async fn send(wire: &mut Wire, to: &str, message: &[u8]) -> Outcome<()> {
    wire.smtp(b"MAIL FROM:<sender@example.net> BODY=8BITMIME", 250)
        .await?;
    wire.smtp(format!("RCPT TO:<{to}>").as_bytes(), 250).await?;
    wire.smtp(b"DATA", 354).await?;
    wire.send(message).await?;
    wire.smtp(b".", 250).await
}

/// Waits until all messages are in their mailboxes and not in a queue.
async fn all_there(target: &Target, count: usize) -> Outcome<()> {
    let begun = Instant::now();
    for number in 1..=ACCOUNTS {
        let due = count / ACCOUNTS + usize::from(number <= count % ACCOUNTS);
        let mut wire = session(target, number).await?;
        while messages(&mut wire).await? < due {
            if begun.elapsed() > PATIENCE {
                return Err("messages do not come to their mailboxes".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        wire.imap(b"LOGOUT").await?;
    }
    Ok(())
}

async fn messages(wire: &mut Wire) -> Outcome<usize> {
    wire.send(b"a STATUS INBOX (MESSAGES)\r\n").await?;
    let line = wire.line().await?;
    let text = String::from_utf8_lossy(line).into_owned();
    wire.until_tagged(b"a ").await?;
    let count = text.split("(MESSAGES ").nth(1);
    let count = count.and_then(|rest| rest.trim_end_matches(')').trim().parse().ok());
    count.ok_or_else(|| format!("the server said: {text}"))
}

/// Octets on the disk once they stay the same.
async fn at_rest(target: &Target) -> Outcome<u64> {
    let begun = Instant::now();
    let (mut bytes, mut since) = (target.disk_bytes(), Instant::now());
    while since.elapsed() < QUIET {
        if begun.elapsed() > PATIENCE {
            return Err("its files do not come to rest".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = target.disk_bytes();
        if now != bytes {
            (bytes, since) = (now, Instant::now());
        }
    }
    Ok(bytes)
}
