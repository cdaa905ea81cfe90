//! Sessions that wait: what thousands of them, in IDLE on their INBOX, take of the memory and of the
//! processor.
//!
//! Never here: work beside the waiting.

use crate::Outcome;
use crate::report::{Better, Goal, Report, Row, Sample, Unit, thousands};
use crate::target::{ACCOUNTS, Target};
use crate::wire::Wire;
use crate::work::{self, Plan, alternate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECTION: &str = "Idle sessions";
/// How many come at a time.
const AT_A_TIME: usize = 32;
/// In each INBOX, so that there is something to have a picture of.
const MESSAGES: usize = 10;
const MESSAGE: &[u8] = b"APPEND INBOX {20+}\r\nSubject: x\r\n\r\nHello\r\n";
/// Until allocators and timers have come to rest.
const REST: Duration = Duration::from_secs(2);

const KIB: Unit = Unit {
    name: "KiB for a session",
    better: Better::Less,
    work: ("1,000 sessions for a minute", 1_000.0 * 60.0),
};
const MIB: Unit = Unit {
    name: "MiB in all",
    better: Better::Less,
    work: ("once", 1.0),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Privacy {
    Plain,
    Tls,
}

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    for target in targets.iter_mut() {
        target.wipe()?;
        fill(target).await?;
    }
    // Memory does not scatter as times do.
    let plan = Plan {
        rounds: plan.rounds.min(2),
        folder: plan.folder.clone(),
        ..*plan
    };
    let mut dearest: Vec<f64> = Vec::new();
    for count in plan.pick([2_000, 15_000], [500, 2_000], [10, 20]) {
        for privacy in [Privacy::Plain, Privacy::Tls] {
            let (word, most_kib) = match privacy {
                Privacy::Plain => ("plain", 16.0),
                Privacy::Tls => ("TLS", 48.0),
            };
            let name = format!("{} sessions, {word}", thousands(count as f64));
            let row = Row::new(SECTION, &name, KIB).goal(Goal::AtMost(most_kib));
            let mut in_all: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
            let most = dearest.iter().copied().fold(0.0, f64::max);
            // Whimbrel is the first.
            let targets = match fits(count, most) {
                true => &mut *targets,
                false => {
                    report.note(SECTION, left_out(&name, count, most));
                    &mut targets[..1]
                }
            };
            alternate(targets, &plan, report, &row, async |target, _| {
                let (one, mib) = measure(target, &plan, count, privacy).await?;
                let samples = in_all.entry(target.name).or_default();
                samples.push(Sample::of(mib));
                dearest.push(one.value);
                Ok(one)
            })
            .await;
            let row = Row::new(SECTION, format!("{name}, in all"), MIB);
            for target in targets.iter() {
                let samples = in_all.remove(target.name).unwrap_or_default();
                report.add(&row, target.name, work::role(target), &samples);
            }
        }
    }
    report.note(
        SECTION,
        "A session's memory is what all processes of the server hold (PSS) with so many sessions, less \
         what they hold with none, divided by their number. The kernel's memory for sockets is not in it.",
    );
    Ok(())
}

/// Whether this machine has the memory for so many sessions of the dearest server, and half of it to
/// spare.
fn fits(count: usize, kib: f64) -> bool {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let free = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    free.is_some_and(|free| count as f64 * kib < free / 2.0)
}

fn left_out(name: &str, count: usize, kib: f64) -> String {
    let gib = count as f64 * kib / 1_024.0 / 1_024.0;
    format!("{name}: the peers are left out; one of them would take {gib:.0} GiB.")
}

/// Mail for everybody.
async fn fill(target: &Target) -> Outcome<()> {
    work::sessions(ACCOUNTS, |number| {
        let (at, login) = (target.imap, target.login(number + 1));
        async move {
            let mut wire = Wire::plain(at).await?;
            wire.imap_login(&login).await?;
            for _ in 0..MESSAGES {
                wire.imap(MESSAGE).await?;
            }
            wire.imap(b"LOGOUT").await.map(drop)
        }
    })
    .await
    .map(drop)
}

/// KiB and processor time for a session, and MiB in all.
async fn measure(
    target: &mut Target,
    plan: &Plan,
    count: usize,
    privacy: Privacy,
) -> Outcome<(Sample, f64)> {
    // What an earlier round has left in its memory is gone.
    target.start_again()?;
    // Everybody once, so that what is made once for an account or a thread is there before.
    drop(open(target, ACCOUNTS, privacy).await?);
    tokio::time::sleep(REST).await;
    let before = target.memory().pss_bytes;
    let held = open(target, count, privacy).await?;
    tokio::time::sleep(REST).await;
    let all = target.memory().pss_bytes;
    let (cpu, begun) = (target.cpu(), Instant::now());
    let watched = plan.pick(20_000, 5_000, 50);
    tokio::time::sleep(Duration::from_millis(watched)).await;
    let used = target.cpu().saturating_sub(cpu).as_secs_f64();
    let seconds = begun.elapsed().as_secs_f64();
    drop(held);
    let mut one = Sample::of(all.saturating_sub(before) as f64 / 1_024.0 / count as f64);
    one.cpu_s_per_unit = Some(used / seconds / count as f64);
    Ok((one, all as f64 / f64::from(1 << 20)))
}

/// Sessions in IDLE; they end when they are dropped.
async fn open(target: &Target, count: usize, privacy: Privacy) -> Outcome<Vec<Vec<Wire>>> {
    let logins: Arc<Vec<_>> = Arc::new((1..=ACCOUNTS).map(|n| target.login(n)).collect());
    let at = match privacy {
        Privacy::Plain => target.imap,
        Privacy::Tls => target.imaps.ok_or("it has no door with TLS")?,
    };
    work::sessions(AT_A_TIME, |first| {
        let logins = logins.clone();
        async move {
            let mut wires = Vec::new();
            for number in (first..count).step_by(AT_A_TIME) {
                let mut wire = match privacy {
                    Privacy::Plain => Wire::plain(at).await?,
                    Privacy::Tls => Wire::tls(at).await?,
                };
                wire.imap_login(&logins[number % ACCOUNTS]).await?;
                wire.imap(b"SELECT INBOX").await?;
                wire.send(b"a IDLE\r\n").await?;
                wire.expect(b"+").await?;
                wires.push(wire);
            }
            Ok(wires)
        }
    })
    .await
}
