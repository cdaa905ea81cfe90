//! Bodies of messages, by IMAP and POP3, to one client and to many.
//!
//! Never here: what a client learns of messages without their octets, which is `reading`'s.

use crate::Outcome;
use crate::report::{Goal, Report, Row, Sample, Unit};
use crate::target::Target;
use crate::wire::Wire;
use crate::work::mailbox::{MESSAGE_BYTES, READER_COUNT, READERS, reader, session, stock};
use crate::work::{Meter, Plan, alternate, each};
use std::time::{Duration, Instant};

const SECTION: &str = "Download of messages of 1 KiB";
const SESSIONS: [usize; 2] = [1, READER_COUNT];
/// A round takes mailboxes by IMAP so often, all in all, so that its time can be told.
const OFTEN: usize = 64;

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let count = reader(plan, 0).messages;
    stock(targets, plan).await?;
    for protocol in [Protocol::Imap, Protocol::Pop] {
        for clients in SESSIONS {
            let many = if clients == 1 { "session" } else { "sessions" };
            let name = format!("{}, {clients} {many}", protocol.name());
            let row = Row::new(SECTION, name, Unit::MESSAGES).goal(Goal::TimesPeers(2.0));
            alternate(targets, plan, report, &row, async |target, _| {
                round(target, protocol, clients, count, plan.round).await
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

/// All clients log in first; then each takes the messages of its own mailbox.
async fn round(
    target: &Target,
    protocol: Protocol,
    clients: usize,
    count: usize,
    time: Duration,
) -> Outcome<Sample> {
    let mut wires = Vec::new();
    for number in 0..clients {
        wires.push(open(target, protocol, READERS + number).await?);
    }
    let meter = Meter::begin(target);
    let until = Instant::now() + time;
    let taken = each(wires, |_, wire| async move {
        match protocol {
            Protocol::Imap => {
                // Fewer with one client, which has less of the machine.
                let times = (OFTEN / clients).min(OFTEN / 4);
                take_all(wire, count, times).await
            }
            Protocol::Pop => take_some(wire, count, until).await,
        }
    })
    .await?;
    let messages = taken.iter().map(|(messages, _)| messages).sum();
    let octets: u64 = taken.iter().map(|(_, octets)| octets).sum();
    let sample = meter.rate(target, messages);
    let least = messages * MESSAGE_BYTES as u64;
    match octets >= least {
        true => Ok(sample),
        false => Err(format!("{octets} octets came of {least}")),
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

/// All messages, so many times: how many came, and their octets.
async fn take_all(mut wire: Wire, count: usize, times: usize) -> Outcome<(u64, u64)> {
    let mut octets = 0;
    for _ in 0..times {
        let answer = wire.imap(b"FETCH 1:* BODY.PEEK[]").await?;
        octets += answer.literal_octets;
    }
    Ok(((count * times) as u64, octets))
}

/// One after the other, again from the first on when all have come, up to that moment.
async fn take_some(mut wire: Wire, count: usize, until: Instant) -> Outcome<(u64, u64)> {
    let (mut messages, mut octets) = (0, 0);
    for number in (1..=count).cycle() {
        octets += wire.pop_lines(format!("RETR {number}").as_bytes()).await?;
        messages += 1;
        if Instant::now() >= until {
            break;
        }
    }
    // How it says goodbye is no longer of interest.
    let _ = wire.pop(b"QUIT").await;
    Ok((messages, octets))
}
