//! Mixed sessions: 50 clients that do what mail programs do, one command after the other.
//!
//! Login, list, select, fetch, store, append, expunge. Never here: a pause for thought; the commands
//! follow each other.

use crate::Outcome;
use crate::clock::Histogram;
use crate::letter::letter;
use crate::report::{Goal, Report, Row, Sample, Unit};
use crate::target::{Kind, Syncs, Target};
use crate::wire::Wire;
use crate::work::{self, Meter, Plan, alternate};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECTION: &str = "Mixed sessions";
const CLIENTS: usize = 50;
const OCTETS: usize = 8 * 1024;
/// Messages in each INBOX before the clients come.
const FILLED: u64 = 100;
const FOLDERS: [&str; 3] = ["Work", "Lists", "Receipts"];

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let clients = plan.pick(CLIENTS, CLIENTS, 3);
    let append: Arc<Vec<u8>> = Arc::new(command());
    for target in targets.iter_mut() {
        target.wipe()?;
        fill(target, clients, plan.pick(FILLED, FILLED, 25), &append).await?;
    }
    let what = format!("{CLIENTS} clients: login, list, select, fetch, store, append, expunge");
    let row = Row::new(SECTION, &what, Unit::COMMANDS).goal(Goal::TimesPeers(2.0));
    measure(targets, plan, report, (&row, Syncs::All), &append).await?;
    if targets.iter().any(|target| target.kind == Kind::Peer) {
        let what = what + "; Dovecot's flags not synced";
        let row = Row::new(SECTION, what, Unit::COMMANDS);
        measure(targets, plan, report, (&row, Syncs::Usual), &append).await?;
    }
    Ok(())
}

async fn measure(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    (row, syncs): (&Row, Syncs),
    append: &Arc<Vec<u8>>,
) -> Outcome<()> {
    for target in targets.iter_mut() {
        target.sync(syncs)?;
    }
    let clients = plan.pick(CLIENTS, CLIENTS, 3);
    alternate(targets, plan, report, row, async |target, _| {
        round(target, clients, plan.round, append).await
    })
    .await;
    Ok(())
}

fn command() -> Vec<u8> {
    let mut command = format!("APPEND INBOX {{{OCTETS}+}}\r\n").into_bytes();
    command.extend_from_slice(&letter(OCTETS, 1));
    command
}

/// Each client's account gets the same mailboxes and mail.
async fn fill(
    target: &Target,
    clients: usize,
    messages: u64,
    append: &Arc<Vec<u8>>,
) -> Outcome<()> {
    let filled = work::sessions(clients, |client| {
        let (at, login) = (target.imap, target.login(client + 1));
        let append = append.clone();
        async move {
            let mut wire = Wire::plain(at).await?;
            wire.imap_login(&login).await?;
            for folder in FOLDERS {
                wire.imap(format!("CREATE {folder}").as_bytes()).await?;
            }
            let mut command = append.to_vec();
            for _ in 1..messages {
                // One more in the same APPEND [rfc3502], which all of the servers take.
                command.extend_from_slice(&append[b"APPEND INBOX".len()..]);
            }
            wire.imap(&command).await?;
            wire.imap(b"LOGOUT").await.map(drop)
        }
    });
    filled.await.map(drop)
}

async fn round(
    target: &Target,
    clients: usize,
    time: Duration,
    append: &Arc<Vec<u8>>,
) -> Outcome<Sample> {
    let meter = Meter::begin(target);
    let end = Instant::now() + time;
    let latencies = work::sessions(clients, |client| {
        let append = append.clone();
        let (at, login) = (target.imap, target.login(client + 1));
        async move {
            let mut latency = Histogram::new();
            while Instant::now() < end {
                visit(at, &login, &append, &mut latency).await?;
            }
            Ok(latency)
        }
    })
    .await?;
    let mut all = Histogram::new();
    for latency in &latencies {
        all.add(latency);
    }
    Ok(meter.rate(target, all.count()).with_latency(all))
}

/// From the connection to the goodbye. What it adds it takes away, so that rounds are alike.
async fn visit(
    at: std::net::SocketAddr,
    login: &(String, String),
    append: &[u8],
    latency: &mut Histogram,
) -> Outcome<()> {
    let begun = Instant::now();
    let mut wire = Wire::plain(at).await?;
    wire.imap_login(login).await?;
    latency.record(begun.elapsed());
    let commands: [&[u8]; 12] = [
        b"LIST \"\" *",
        b"SELECT INBOX",
        b"FETCH 1:* (UID FLAGS)",
        b"FETCH 1:20 (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        b"FETCH 1 BODY.PEEK[]",
        b"STORE 1 +FLAGS (\\Flagged)",
        b"STORE 1 -FLAGS (\\Flagged)",
        append,
        b"NOOP",
        b"STORE * +FLAGS (\\Deleted)",
        b"EXPUNGE",
        b"LOGOUT",
    ];
    for command in commands {
        let begun = Instant::now();
        wire.imap(command).await?;
        latency.record(begun.elapsed());
    }
    Ok(())
}
