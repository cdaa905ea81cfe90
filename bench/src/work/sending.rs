//! Sending: mail for elsewhere, from those who hand it in until all of it is at the server that takes it.
//!
//! Everything goes to one sink, which says yes and keeps nothing; it runs beside the servers and its
//! processor time is not theirs. Never here: the DNS, whose answers would be measured too.

mod waiting;

use crate::Outcome;
use crate::letter::letter;
use crate::report::{Better, Curve, Goal, Report, Row, Sample, Scale, Unit, thousands};
use crate::target::{Road, Sink, Target};
use crate::wire::Wire;
use crate::work::mailbox::at_rest;
use crate::work::{self, Meter, Plan, alternate, extend};
use std::path::Path;
use std::time::{Duration, Instant};

const SECTION: &str = "Sending to a sink";
const WAITING: &str = "Sending while much waits";
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const OCTETS: usize = 8 * 1024;
/// Where it is seen whether what waits makes a delivery dearer.
const USUAL: usize = 16;

/// Octets of memory.
const OCTETS_EACH: Unit = Unit {
    name: "octets of memory",
    better: Better::Less,
    work: ("once", 1.0),
};

/// What the rows need beside the targets.
pub struct Around<'a> {
    /// The peers' folder.
    pub peers: &'a Path,
    /// Whimbrel's release build.
    pub whimbrel: &'a Path,
}

/// A server that sends, and what is sent.
struct Load {
    sink: Sink,
    letter: Vec<u8>,
}

pub async fn run(
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
    around: &Around<'_>,
) -> Outcome<()> {
    let sink = match Sink::start(around.peers) {
        Ok(sink) => sink,
        Err(error) => {
            report.note(SECTION, format!("Not measured: {error}."));
            return Ok(());
        }
    };
    let load = Load {
        sink,
        letter: letter(OCTETS, 7),
    };
    let some = plan.pick(10_000, 10_000, 50);
    for target in targets.iter_mut() {
        target.wipe()?;
    }
    beside(targets, 0, plan, report, &load).await?;
    let mut filled = false;
    for target in targets.iter_mut() {
        load.point(target, USUAL)?;
        filled |= waiting::fill(target, some).await?;
    }
    if filled {
        beside(targets, some, plan, report, &load).await?;
    }
    for target in targets.iter_mut() {
        target.send_by(None)?;
        target.wipe()?;
    }
    let all = plan.pick(1_000_000, 100_000, 500);
    flat([some, all], plan, report, &load, around.whimbrel).await?;
    report.note(
        SECTION,
        "So many sessions hand in messages for one domain, for a second in each round; the time is from the \
         first of them until `smtp-sink` (Debian's postfix package) has them all, and the processor time until \
         the server rests. Each server may use as many connections to the sink as there are sessions.",
    );
    Ok(())
}

/// All targets, by few and by many connections.
async fn beside(
    targets: &mut [Target],
    waiting: usize,
    plan: &Plan,
    report: &mut Report,
    load: &Load,
) -> Outcome<()> {
    let mut rates = Vec::new();
    for connections in CONNECTIONS {
        for target in targets.iter_mut() {
            load.point(target, connections)?;
        }
        let row = Row::new(SECTION, name(connections, waiting), Unit::MESSAGES);
        let row = row.goal(Goal::TimesPeers(5.0));
        alternate(targets, plan, report, &row, async |target, _| {
            load.round(target, plan, connections).await
        })
        .await;
        extend(&mut rates, report, &row, connections as f64);
    }
    if waiting == 0 {
        report.curve(Curve {
            section: SECTION,
            title: "Sending 8 KiB to a sink".to_owned(),
            x: ("connections".to_owned(), Scale::Logarithmic),
            y: ("messages a second".to_owned(), Scale::Logarithmic),
            series: rates,
        });
    }
    Ok(())
}

fn name(connections: usize, waiting: usize) -> String {
    let many = if connections == 1 { "" } else { "s" };
    let name = format!("8 KiB, {connections} connection{many}");
    match waiting {
        0 => name,
        some => format!("{name}, {} wait for dead domains", thousands(some as f64)),
    }
}

/// Three Whimbrels in turn, so that a slow minute strikes them alike: one with nothing that waits, one
/// with some, one with very much.
async fn flat(
    [some, all]: [usize; 2],
    plan: &Plan,
    report: &mut Report,
    load: &Load,
    whimbrel: &Path,
) -> Outcome<()> {
    let mut own = Vec::new();
    let mut bare = 0;
    for (entries, name) in [(0, "with nothing"), (some, "with some"), (all, "with all")] {
        println!("  [{}] a Whimbrel with {entries} waiting", plan.progress);
        let mut target = Target::whimbrel_named(name, whimbrel, &plan.folder.join(name))?;
        load.point(&mut target, USUAL)?;
        waiting::fill(&mut target, entries).await?;
        let held = start(&mut target, entries, plan, report).await?;
        match entries {
            0 => bare = held,
            entries => {
                let each = held.saturating_sub(bare) as f64 / entries as f64;
                let name = format!("one of {} that wait", thousands(entries as f64));
                let row = Row::new(WAITING, name, OCTETS_EACH);
                report.add(&row, "Whimbrel", work::role(&target), &[Sample::of(each)]);
            }
        }
        own.push((target, entries));
    }
    for connections in CONNECTIONS {
        rounds(&mut own, connections, plan, report, load).await?;
    }
    report.note(
        WAITING,
        "Three Whimbrels in turn. What waits are entries with a first attempt behind them and the next one \
         hours away, written to the queue before the server starts: ten domains to a message, ten entries \
         to a domain. The time of a start is until all listeners accept; memory is what the process holds \
         (PSS) with that queue, less what it holds without one. Postfix gets 10,000 waiting messages above; a \
         million, a file for each, would take it half an hour to get and more.",
    );
    Ok(())
}

async fn rounds(
    own: &mut [(Target, usize)],
    connections: usize,
    plan: &Plan,
    report: &mut Report,
    load: &Load,
) -> Outcome<()> {
    let mut samples = vec![Vec::new(); own.len()];
    for (target, _) in own.iter_mut() {
        load.point(target, connections)?;
    }
    println!("  [{}] {WAITING}: {connections} connections", plan.progress);
    for round in 0..plan.rounds.most.min(5) {
        for turn in 0..own.len() {
            let place = (round + turn) % own.len();
            let sample = load.round(&mut own[place].0, plan, connections).await?;
            samples[place].push(sample);
        }
    }
    for ((target, entries), samples) in own.iter().zip(&samples) {
        let row = Row::new(WAITING, name(connections, *entries), Unit::MESSAGES);
        report.add(&row, "Whimbrel", work::role(target), samples);
    }
    Ok(())
}

/// How long a start takes with what waits; gives the memory that is held after it.
async fn start(
    target: &mut Target,
    entries: usize,
    plan: &Plan,
    report: &mut Report,
) -> Outcome<u64> {
    let mut samples = Vec::new();
    for _ in 0..plan.rounds.least {
        target.stop()?;
        let meter = Meter::begin(target);
        target.start_again()?;
        samples.push(meter.seconds(target, 1));
    }
    let name = format!("start with {} waiting", thousands(entries as f64));
    let row = Row::new(WAITING, name, Unit::SECONDS);
    report.add(&row, "Whimbrel", work::role(target), &samples);
    at_rest(target).await;
    Ok(target.memory().pss_bytes)
}

impl Load {
    /// Lets a server send here by so many connections.
    fn point(&self, target: &mut Target, connections: usize) -> Outcome<()> {
        target.send_by(Some(Road {
            sink: self.sink.at,
            connections,
        }))
    }

    /// With the sender's own address in its From field: nobody may hand in mail in another's name.
    fn letter_from(&self, sender: &str) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.letter);
        let lines = text.split_inclusive('\n').map(|line| {
            let is_from = line.starts_with("From: ");
            if is_from {
                format!("From: <{sender}>\r\n")
            } else {
                line.to_owned()
            }
        });
        let mut letter: String = lines.collect();
        letter.push_str(".\r\n");
        letter.into_bytes()
    }

    async fn round(&self, target: &mut Target, plan: &Plan, sessions: usize) -> Outcome<Sample> {
        let before = self.sink.messages();
        let mut wires = Vec::new();
        for number in 0..sessions {
            wires.push((open(target, number + 1).await?, target.address(number + 1)));
        }
        let meter = Meter::begin(target);
        let until = Instant::now() + plan.pick(SENDING, SENDING, plan.round);
        let sent = work::each(wires, |_, (wire, from)| {
            let letter = self.letter_from(&from);
            hand_in(wire, from, until, letter)
        });
        let all = sent.await?.into_iter().sum();
        self.sink.until(before + all).await?;
        let rate = meter.rate(target, all).value;
        rested(target).await;
        let mut sample = meter.rate(target, all);
        sample.value = rate;
        Ok(sample)
    }
}

/// How long messages are handed in.
const SENDING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(50);
/// What a server that rests may use of the processor meanwhile.
const RESTING: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// Until it has noted what became of all messages.
async fn rested(target: &Target) {
    let begun = Instant::now();
    let mut cpu = target.cpu();
    while begun.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
        let now = target.cpu();
        if now.saturating_sub(cpu) < RESTING {
            return;
        }
        cpu = now;
    }
}

/// Logged in where the server wants that; a peer takes what comes from this machine.
async fn open(target: &Target, account: usize) -> Outcome<Wire> {
    let mut wire = Wire::plain(target.submission.unwrap_or(target.smtp)).await?;
    wire.smtp_hello().await?;
    if target.submission.is_some() {
        wire.smtp_login(&target.login(account)).await?;
    }
    Ok(wire)
}

/// One after another until then; says how many.
async fn hand_in(mut wire: Wire, from: String, until: Instant, letter: Vec<u8>) -> Outcome<u64> {
    let envelope = format!("MAIL FROM:<{from}>\r\nRCPT TO:<someone@elsewhere.test>\r\nDATA\r\n");
    let mut messages = 0;
    while messages == 0 || Instant::now() < until {
        wire.send(envelope.as_bytes()).await?;
        for code in [250, 250, 354] {
            wire.expect_reply(code).await?;
        }
        wire.send(&letter).await?;
        wire.expect_reply(250).await?;
        messages += 1;
    }
    wire.smtp(b"QUIT", 221).await?;
    Ok(messages)
}
