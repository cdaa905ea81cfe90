//! A large mailbox: what a client asks of all of it at once, and whether what concerns one message
//! costs the same at any size.
//!
//! Never here: the octets of messages, which are `download`'s.

use crate::Outcome;
use crate::letter::letter;
use crate::report::{Curve, Goal, Report, Row, Sample, Scale, Unit};
use crate::target::{Kind, Syncs, Target};
use crate::wire::Wire;
use crate::work::mailbox::{
    Has, MESSAGE_BYTES, Mailbox, huge, large, session, sizes, stock, stock_huge,
};
use crate::work::{self, Meter, Plan, alternate};

const ALL: &str = "A large mailbox";
const ONE: &str = "One message";
const FLAT: &str = "One message in a mailbox of any size";
/// One command as often as its time can be told.
const SELECTS: usize = 20;
const ONES: usize = 50;
/// Behind the names of rows that Dovecot does with less.
const UNSYNCED: &str = ", Dovecot's flags not synced";

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    stock(targets, plan).await?;
    whole(targets, plan, report, &large(plan)).await?;
    beside(targets, plan, report).await?;
    let own = own(targets);
    stock_huge(own, plan).await?;
    whole(own, plan, report, &huge(plan)).await?;
    flat(own, plan, report).await
}

/// The whole mailbox at once.
async fn whole(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    mailbox: &Mailbox,
) -> Outcome<()> {
    let count = mailbox.messages;
    for target in targets.iter() {
        prepare(target, mailbox).await?;
    }
    let named = |what: &str| format!("{what}, {} messages", spelled(count));
    let twice = |row: Row| row.goal(Goal::TimesPeers(2.0));

    let row = twice(Row::new(ALL, named("SELECT"), Unit::MILLISECONDS));
    let select = format!("SELECT {}", mailbox.name);
    alternate(targets, plan, report, &row, async |target, _| {
        let mut wire = open(target, mailbox).await?;
        let meter = Meter::begin(target);
        for _ in 0..SELECTS {
            wire.imap(select.as_bytes()).await?;
        }
        Ok(milliseconds(meter.seconds(target, SELECTS as u64)))
    })
    .await;

    let commands = [
        (
            "FETCH 1:* (FLAGS UID ENVELOPE BODYSTRUCTURE)",
            "FETCH 1:* (FLAGS UID ENVELOPE BODYSTRUCTURE)",
            count,
        ),
        ("SEARCH UNSEEN", "SEARCH UNSEEN", 1),
        ("SEARCH by header", "SEARCH SUBJECT \"(77\"", 1),
        ("SEARCH by body", "SEARCH BODY \"nowhere to be found\"", 1),
    ];
    for (name, command, responses) in commands {
        let mut row = Row::new(ALL, named(name), Unit::SECONDS);
        // The index for texts comes later.
        if name != "SEARCH by body" {
            row = twice(row);
        }
        alternate(targets, plan, report, &row, async |target, _| {
            let mut wire = open(target, mailbox).await?;
            timed(&mut wire, target, command, responses).await
        })
        .await;
    }

    let row = twice(Row::new(ALL, named("STORE 1:* +FLAGS"), Unit::SECONDS));
    store_all(targets, plan, report, &row, mailbox, Syncs::All).await?;
    if targets.iter().any(|target| target.kind == Kind::Peer) {
        let row = Row::new(ALL, named("STORE 1:* +FLAGS") + UNSYNCED, Unit::SECONDS);
        store_all(targets, plan, report, &row, mailbox, Syncs::Usual).await?;
    }
    Ok(())
}

async fn store_all(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    row: &Row,
    mailbox: &Mailbox,
    syncs: Syncs,
) -> Outcome<()> {
    for target in targets.iter_mut() {
        target.sync(syncs)?;
    }
    alternate(targets, plan, report, row, async |target, _| {
        let mut wire = open(target, mailbox).await?;
        wire.imap(b"STORE 1:* -FLAGS.SILENT (\\Flagged)").await?;
        let command = "STORE 1:* +FLAGS (\\Flagged)";
        timed(&mut wire, target, command, mailbox.messages).await
    })
    .await;
    Ok(())
}

/// Half of the messages are read, and what a server gathers at the first asking is gathered.
async fn prepare(target: &Target, mailbox: &Mailbox) -> Outcome<()> {
    let mut wire = open(target, mailbox).await?;
    let half = (mailbox.messages / 2).max(1);
    let read = format!("STORE 1:{half} +FLAGS.SILENT (\\Seen)");
    wire.imap(read.as_bytes()).await?;
    for command in [
        "FETCH 1:* (FLAGS UID ENVELOPE BODYSTRUCTURE)",
        "SEARCH SUBJECT \"(77\"",
    ] {
        wire.imap(command.as_bytes()).await?;
    }
    wire.imap(b"LOGOUT").await.map(drop)
}

async fn open(target: &Target, mailbox: &Mailbox) -> Outcome<Wire> {
    let mut wire = session(target, mailbox.account).await?;
    let select = format!("SELECT {}", mailbox.name);
    wire.imap(select.as_bytes()).await?;
    Ok(wire)
}

/// One command that must bring at least so many responses.
async fn timed(
    wire: &mut Wire,
    target: &Target,
    command: &str,
    responses: usize,
) -> Outcome<Sample> {
    let meter = Meter::begin(target);
    let answer = wire.imap(command.as_bytes()).await?;
    let sample = meter.seconds(target, 1);
    match answer.responses >= responses as u64 {
        true => Ok(sample),
        false => Err(format!("{} responses to {command}", answer.responses)),
    }
}

fn milliseconds(mut sample: Sample) -> Sample {
    sample.value *= 1e3;
    sample
}

fn spelled(count: usize) -> String {
    crate::report::thousands(count as f64)
}

/// What is done to one message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Select,
    Append,
    Flag,
    Expunge,
}

const DEEDS: [(&str, Deed); 4] = [
    ("SELECT", Deed::Select),
    ("APPEND", Deed::Append),
    ("STORE", Deed::Flag),
    ("STORE and EXPUNGE", Deed::Expunge),
];

impl Deed {
    /// Whether Dovecot says OK to it before it is on the disk, if it may.
    fn changes_flags(self) -> bool {
        matches!(self, Deed::Flag | Deed::Expunge)
    }
}

/// Beside the peers, at the sizes that they have.
async fn beside(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    for syncs in [Syncs::Usual, Syncs::All] {
        for target in targets.iter_mut() {
            target.sync(syncs)?;
        }
        for (mailbox, _) in sizes(plan).into_iter().filter(|(_, has)| *has == Has::All) {
            for (name, deed) in DEEDS {
                // What is synced anyway is measured once.
                if syncs == Syncs::All && !deed.changes_flags() {
                    continue;
                }
                let row = one_row(name, &mailbox, (deed, syncs));
                alternate(targets, plan, report, &row, async |target, round| {
                    one_round(target, &mailbox, deed, round).await
                })
                .await;
            }
        }
    }
    for target in targets.iter_mut() {
        target.sync(Syncs::Usual)?;
    }
    Ok(())
}

/// Whimbrel alone: the rounds go from size to size and begin again, so that a slow minute strikes all
/// sizes alike.
async fn flat(own: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let Some(target) = own.first_mut() else {
        return Ok(());
    };
    let sizes = sizes(plan);
    let mut series = Vec::new();
    for (name, deed) in DEEDS {
        println!("  [{}] {FLAT}: {name}", plan.progress);
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); sizes.len()];
        for round in 0..plan.rounds.most {
            for ((mailbox, _), samples) in sizes.iter().zip(&mut samples) {
                samples.push(one_round(target, mailbox, deed, round).await?);
            }
        }
        let mut points = Vec::new();
        for ((mailbox, _), samples) in sizes.iter().zip(&samples) {
            let name = format!("{name}, {} messages", spelled(mailbox.messages));
            let row = Row::new(FLAT, name, Unit::MILLISECONDS);
            report.add(&row, target.name, work::role(target), samples);
            let medians = report.medians(&row);
            points.extend(
                medians
                    .first()
                    .map(|(_, ms)| (mailbox.messages as f64, *ms)),
            );
        }
        series.push((name, points));
    }
    report.curve(Curve {
        section: FLAT,
        title: "Whimbrel: one message, by the size of its mailbox".to_owned(),
        x: ("messages in the mailbox".to_owned(), Scale::Logarithmic),
        y: ("ms".to_owned(), Scale::Linear),
        series,
    });
    Ok(())
}

async fn one_round(
    target: &Target,
    mailbox: &Mailbox,
    deed: Deed,
    round: usize,
) -> Outcome<Sample> {
    let mut wire = open(target, mailbox).await?;
    if deed == Deed::Expunge {
        make_up(&mut wire, mailbox).await?;
    }
    ones(&mut wire, target, mailbox, deed, round).await
}

fn one_row(name: &str, mailbox: &Mailbox, (deed, syncs): (Deed, Syncs)) -> Row {
    let name = format!("{name}, {} messages", spelled(mailbox.messages));
    match syncs == Syncs::Usual && deed.changes_flags() {
        true => Row::new(ONE, name + UNSYNCED, Unit::MILLISECONDS),
        false => Row::new(ONE, name, Unit::MILLISECONDS).goal(Goal::TimesPeers(2.0)),
    }
}

/// Whimbrel alone; nobody, if it is not among them.
fn own(targets: &mut [Target]) -> &mut [Target] {
    match targets.iter().position(Target::is_whimbrel) {
        Some(place) => &mut targets[place..=place],
        None => &mut [],
    }
}

/// As many messages more as one round takes away.
async fn make_up(wire: &mut Wire, mailbox: &Mailbox) -> Outcome<()> {
    let mut command = format!("APPEND {}", mailbox.name).into_bytes();
    for number in 0..ONES {
        let message = letter(MESSAGE_BYTES, number as u64);
        command.extend_from_slice(format!(" {{{}+}}\r\n", message.len()).as_bytes());
        command.extend_from_slice(&message);
    }
    wire.imap(&command).await.map(drop)
}

/// The same deed at messages all over the mailbox; milliseconds for each.
async fn ones(
    wire: &mut Wire,
    target: &Target,
    mailbox: &Mailbox,
    deed: Deed,
    round: usize,
) -> Outcome<Sample> {
    let (mailbox, size) = (&mailbox.name, mailbox.messages);
    let meter = Meter::begin(target);
    for number in 0..ONES {
        let place = number * (size / ONES).max(1) % size + 1;
        match deed {
            Deed::Select => {
                wire.imap(format!("SELECT {mailbox}").as_bytes()).await?;
            }
            Deed::Append => {
                let message = letter(MESSAGE_BYTES, (size + number) as u64);
                let command = format!("a APPEND {mailbox} {{{}+}}\r\n", message.len());
                let command = [command.as_bytes(), &message, b"\r\n"].concat();
                wire.send(&command).await?;
                wire.until_tagged(b"a ").await?;
            }
            Deed::Flag => {
                let sign = if round.is_multiple_of(2) { '+' } else { '-' };
                let command = format!("STORE {place} {sign}FLAGS (\\Answered)");
                wire.imap(command.as_bytes()).await?;
            }
            Deed::Expunge => {
                let command = format!("STORE {place} +FLAGS.SILENT (\\Deleted)");
                wire.imap(command.as_bytes()).await?;
                wire.imap(b"EXPUNGE").await?;
            }
        }
    }
    Ok(milliseconds(meter.seconds(target, ONES as u64)))
}
