//! Bodies of messages, by IMAP and POP3, to one client and to many.
//!
//! Never here: what a client learns of messages without their octets, which is `reading`'s.

use crate::Outcome;
use crate::report::{Goal, Report, Row, Sample, Unit};
use crate::target::Target;
use crate::wire::Wire;
use crate::work::mailbox::{MESSAGE_BYTES, fill, session};
use crate::work::{Meter, Plan, alternate, each};

const SECTION: &str = "Download of messages of 1 KiB";
/// The accounts whose INBOX is read, from this one on.
const FIRST: usize = 11;
const SESSIONS: [usize; 2] = [1, 16];

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let count = plan.pick(5_000, 1_000, 20);
    for target in targets.iter_mut() {
        target.wipe()?;
    }
    println!("  filling {} mailboxes with {count} messages", SESSIONS[1]);
    for target in targets.iter() {
        for number in 0..SESSIONS[1] {
            fill(target, FIRST + number, "INBOX", count).await?;
        }
    }
    for protocol in [Protocol::Imap, Protocol::Pop] {
        for clients in SESSIONS {
            let many = if clients == 1 { "session" } else { "sessions" };
            let name = format!("{}, {clients} {many}", protocol.name());
            let row = Row::new(SECTION, name, Unit::MESSAGES).goal(Goal::TimesPeers(2.0));
            alternate(targets, plan, report, &row, async |target, _| {
                round(target, protocol, clients, count).await
            })
            .await;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Imap,
    Pop,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Imap => "IMAP FETCH 1:* BODY.PEEK[]",
            Protocol::Pop => "POP3 RETR, one after the other",
        }
    }
}

/// All clients log in first; then each takes every message of its own mailbox.
async fn round(
    target: &Target,
    protocol: Protocol,
    clients: usize,
    count: usize,
) -> Outcome<Sample> {
    let mut wires = Vec::new();
    for number in 0..clients {
        wires.push(open(target, protocol, FIRST + number).await?);
    }
    let meter = Meter::begin(target);
    let octets = each(wires, |_, wire| take_all(wire, protocol, count)).await?;
    let sample = meter.rate(target, (clients * count) as u64);
    let least = (clients * count * MESSAGE_BYTES) as u64;
    match octets.iter().sum::<u64>() >= least {
        true => Ok(sample),
        false => Err(format!("{octets:?} octets came of {least}")),
    }
}

async fn open(target: &Target, protocol: Protocol, account: usize) -> Outcome<Wire> {
    match protocol {
        Protocol::Imap => {
            let mut wire = session(target, account).await?;
            wire.imap(b"SELECT INBOX").await?;
            Ok(wire)
        }
        Protocol::Pop => {
            let mut wire = Wire::plain(target.pop).await?;
            wire.pop_login(&target.login(account)).await?;
            Ok(wire)
        }
    }
}

/// The octets of all messages.
async fn take_all(mut wire: Wire, protocol: Protocol, count: usize) -> Outcome<u64> {
    match protocol {
        Protocol::Imap => {
            let answer = wire.imap(b"FETCH 1:* BODY.PEEK[]").await?;
            Ok(answer.literal_octets)
        }
        Protocol::Pop => {
            let mut octets = 0;
            for number in 1..=count {
                octets += wire.pop_lines(format!("RETR {number}").as_bytes()).await?;
            }
            wire.pop(b"QUIT").await?;
            Ok(octets)
        }
    }
}
