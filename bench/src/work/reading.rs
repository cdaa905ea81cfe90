//! A large mailbox: what a client asks of all of it at once, and whether what concerns one message
//! costs the same at any size.
//!
//! Never here: the octets of messages, which are `download`'s.

use crate::Outcome;
use crate::clock::Spread;
use crate::letter::letter;
use crate::report::{Curve, Goal, Report, Row, Sample, Scale, Unit};
use crate::target::Target;
use crate::wire::Wire;
use crate::work::mailbox::{MESSAGE_BYTES, fill, session};
use crate::work::{Meter, Plan, alternate};

const ALL: &str = "A large mailbox";
const ONE: &str = "One message in a mailbox of any size";
/// The account of the large mailbox, and that of the mailboxes of many sizes.
const LARGE: usize = 1;
const SIZES: usize = 2;
/// One command as often as its time can be told.
const SELECTS: usize = 20;
const ONES: usize = 50;
/// Mailboxes of the curve that peers are given too; filling larger ones takes them too long.
const PEERS_FILL: usize = 10_000;

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    for target in targets.iter_mut() {
        target.wipe()?;
    }
    let count = plan.pick(50_000, 5_000, 100);
    large(targets, plan, report, ("INBOX", count)).await?;
    let Some(own) = targets.iter().position(Target::is_whimbrel) else {
        return Ok(());
    };
    let own = &mut targets[own..=own];
    let huge = plan.pick(1_000_000, 50_000, 200);
    large(own, plan, report, ("huge", huge)).await?;
    curves(targets, plan, report).await
}

/// The whole mailbox at once.
async fn large(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    (mailbox, count): (&str, usize),
) -> Outcome<()> {
    println!("  filling {mailbox} with {count} messages");
    for target in targets.iter() {
        fill(target, LARGE, mailbox, count).await?;
        prepare(target, mailbox, count).await?;
    }
    let open = async |target: &Target| open(target, LARGE, mailbox).await;
    let named = |what: &str| format!("{what}, {} messages", spelled(count));
    let twice = |row: Row| row.goal(Goal::TimesPeers(2.0));

    let row = twice(Row::new(ALL, named("SELECT"), Unit::MILLISECONDS));
    let select = format!("SELECT {mailbox}");
    alternate(targets, plan, report, &row, async |target, _| {
        let mut wire = open(target).await?;
        let meter = Meter::begin(target);
        for _ in 0..SELECTS {
            wire.imap(select.as_bytes()).await?;
        }
        Ok(milliseconds(meter.seconds(target, SELECTS as u64)))
    })
    .await;

    let row = twice(Row::new(ALL, named("STORE 1:* +FLAGS"), Unit::SECONDS));
    alternate(targets, plan, report, &row, async |target, _| {
        let mut wire = open(target).await?;
        wire.imap(b"STORE 1:* -FLAGS.SILENT (\\Flagged)").await?;
        timed(&mut wire, target, "STORE 1:* +FLAGS (\\Flagged)", count).await
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
            let mut wire = open(target).await?;
            timed(&mut wire, target, command, responses).await
        })
        .await;
    }
    Ok(())
}

/// Half of the messages are read, and what a server gathers at the first asking is gathered.
async fn prepare(target: &Target, mailbox: &str, count: usize) -> Outcome<()> {
    let mut wire = open(target, LARGE, mailbox).await?;
    let half = (count / 2).max(1);
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

async fn open(target: &Target, account: usize, mailbox: &str) -> Outcome<Wire> {
    let mut wire = session(target, account).await?;
    wire.imap(format!("SELECT {mailbox}").as_bytes()).await?;
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
#[derive(Clone, Copy)]
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

async fn curves(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    let sizes: &[usize] = plan.pick(
        &[1_000, 10_000, 100_000, 1_000_000],
        &[1_000, 10_000, 100_000],
        &[100, 200],
    );
    let mut points: Vec<Vec<(f64, f64)>> = vec![Vec::new(); DEEDS.len()];
    for &size in sizes {
        println!("  filling a mailbox with {size} messages");
        let mailbox = format!("of{size}");
        let some = match size <= PEERS_FILL {
            true => &mut *targets,
            false => own(targets),
        };
        for target in some.iter() {
            fill(target, SIZES, &mailbox, size).await?;
        }
        for ((name, deed), points) in DEEDS.into_iter().zip(&mut points) {
            let name = format!("{name}, {} messages", spelled(size));
            let mut row = Row::new(ONE, name, Unit::MILLISECONDS);
            if size <= PEERS_FILL {
                row = row.goal(Goal::TimesPeers(2.0));
            }
            let mut values = Vec::new();
            alternate(some, plan, report, &row, async |target, round| {
                let mut wire = open(target, SIZES, &mailbox).await?;
                let sample = ones(&mut wire, target, (&mailbox, size), deed, round).await?;
                if target.is_whimbrel() {
                    values.push(sample.value);
                }
                Ok(sample)
            })
            .await;
            points.extend(Spread::of(values).map(|spread| (size as f64, spread.median)));
        }
    }
    let series = DEEDS.iter().map(|(name, _)| *name).zip(points);
    report.curve(Curve {
        section: ONE,
        title: "Whimbrel: one message, by the size of its mailbox".to_owned(),
        x: ("messages in the mailbox".to_owned(), Scale::Logarithmic),
        y: ("ms".to_owned(), Scale::Linear),
        series: series.collect(),
    });
    Ok(())
}

/// Whimbrel alone; nobody, if it is not among them.
fn own(targets: &mut [Target]) -> &mut [Target] {
    match targets.iter().position(Target::is_whimbrel) {
        Some(place) => &mut targets[place..=place],
        None => &mut [],
    }
}

/// The same deed at messages all over the mailbox; milliseconds for each.
async fn ones(
    wire: &mut Wire,
    target: &Target,
    (mailbox, size): (&str, usize),
    deed: Deed,
    round: usize,
) -> Outcome<Sample> {
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
