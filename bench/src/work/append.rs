//! APPEND by IMAP: each client puts messages into the INBOX of an account of its own.
//!
//! Never here: pipelining, or MULTIAPPEND, which not all peers have; a client waits for its OK.

use crate::Outcome;
use crate::clock::Histogram;
use crate::letter::letter;
use crate::report::{Curve, Goal, Report, Row, Sample, Scale, Unit};
use crate::target::Target;
use crate::wire::Wire;
use crate::work::{self, Meter, Plan, alternate};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECTION: &str = "APPEND";
/// Clients, KiB of a message.
const ROWS: [(usize, usize); 4] = [(1, 8), (16, 8), (64, 8), (16, 100)];
/// Messages that differ, so that no store finds one that it has.
const LETTERS: u64 = 64;

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    for target in targets.iter_mut() {
        target.wipe()?;
    }
    let mut curves: Vec<(&'static str, Vec<(f64, f64)>)> = Vec::new();
    for (clients, kib) in ROWS {
        let row = Row::new(
            SECTION,
            format!("{clients} clients, {kib} KiB"),
            Unit::MESSAGES,
        )
        .goal(Goal::TimesPeers(2.0));
        let commands: Arc<Vec<Vec<u8>>> =
            Arc::new((0..LETTERS).map(|n| command(kib * 1024, n)).collect());
        alternate(targets, plan, report, &row, async |target, _| {
            round(target, clients, plan.round, &commands).await
        })
        .await;
        if kib == 8 {
            work::extend(&mut curves, report, &row, clients as f64);
        }
    }
    report.curve(Curve {
        section: SECTION,
        title: "APPEND of 8 KiB by clients".to_owned(),
        x: ("clients".to_owned(), Scale::Logarithmic),
        y: ("messages/s".to_owned(), Scale::Logarithmic),
        series: curves,
    });
    Ok(())
}

fn command(octets: usize, number: u64) -> Vec<u8> {
    let mut command = format!("APPEND INBOX {{{octets}+}}\r\n").into_bytes();
    command.extend_from_slice(&letter(octets, number));
    command
}

async fn round(
    target: &Target,
    clients: usize,
    time: Duration,
    commands: &Arc<Vec<Vec<u8>>>,
) -> Outcome<Sample> {
    let connected = work::sessions(clients, |client| {
        let (at, login) = (target.imap, target.login(client + 1));
        async move {
            let mut wire = Wire::plain(at).await?;
            wire.imap_login(&login).await?;
            Ok(wire)
        }
    })
    .await?;
    let meter = Meter::begin(target);
    let end = Instant::now() + time;
    let latencies = work::each(connected, |client, wire| {
        let commands = commands.clone();
        append(wire, client, commands, end)
    })
    .await?;
    let mut all = Histogram::new();
    for latency in &latencies {
        all.add(latency);
    }
    Ok(meter.rate(target, all.count()).with_latency(all))
}

async fn append(
    mut wire: Wire,
    client: usize,
    commands: Arc<Vec<Vec<u8>>>,
    end: Instant,
) -> Outcome<Histogram> {
    let mut latency = Histogram::new();
    let mut next = client * 7;
    while Instant::now() < end {
        let begun = Instant::now();
        wire.imap(&commands[next % commands.len()]).await?;
        latency.record(begun.elapsed());
        next += 1;
    }
    // How it says goodbye is no longer measured.
    let _ = wire.imap(b"LOGOUT").await;
    Ok(latency)
}
