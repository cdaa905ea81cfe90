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
const REST: Duration = Duration::from_secs(1);
/// The part of the free memory that sessions may take.
const SPARING: f64 = 0.7;

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
    let [some, many] = plan.pick([2_000, 15_000], [500, 2_000], [10, 20]);
    // Memory does not scatter as times do.
    let thrice = plan.at_most(3);
    let once = plan.at_most(1);
    for privacy in [Privacy::Plain, Privacy::Tls] {
        let mut needs = Needs::new();
        let all = Sessions::new(some, privacy);
        all.measure(targets, &thrice, report, &mut needs).await;
        let all = Sessions::new(many, privacy);
        // Whimbrel is the first. The others need minutes to open so many.
        let (own, peers) = targets.split_at_mut(1);
        all.measure(own, &thrice, report, &mut needs).await;
        all.measure(peers, &once, report, &mut needs).await;
    }
    report.note(
        SECTION,
        "A session's memory is what all processes of the server hold (PSS) with so many sessions, less \
         what they hold with none, divided by their number. The kernel's memory for sockets, processes \
         and page tables is not in it.",
    );
    Ok(())
}

/// So many of one kind.
#[derive(Clone, Copy)]
struct Sessions {
    count: usize,
    privacy: Privacy,
}

impl Sessions {
    fn new(count: usize, privacy: Privacy) -> Sessions {
        Sessions { count, privacy }
    }

    fn name(self) -> String {
        let word = match self.privacy {
            Privacy::Plain => "plain",
            Privacy::Tls => "TLS",
        };
        format!("{} sessions, {word}", thousands(self.count as f64))
    }

    fn row(self) -> Row {
        let most_kib = match self.privacy {
            Privacy::Plain => 16.0,
            Privacy::Tls => 48.0,
        };
        Row::new(SECTION, self.name(), KIB).goal(Goal::AtMost(most_kib))
    }

    /// As many of them as fit by what is known of the needs, which are known better afterwards.
    async fn measure(
        self,
        targets: &mut [Target],
        plan: &Plan,
        report: &mut Report,
        needs: &mut Needs,
    ) {
        let mut in_all: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
        let mut notes = Vec::new();
        alternate(targets, plan, report, &self.row(), async |target, _| {
            let need = needs.get(target.name).copied().unwrap_or(0.0);
            let count = self.count.min(fitting(need));
            let held = measure(target, plan, count, self.privacy).await?;
            needs.insert(target.name, need.max(held.kib_of_machine));
            match count == self.count {
                true => {
                    let samples = in_all.entry(target.name).or_default();
                    samples.push(Sample::of(held.mib_in_all));
                }
                false => notes.push(self.fewer(target.name, count, need)),
            }
            Ok(held.one)
        })
        .await;
        for note in notes {
            report.note(SECTION, note);
        }
        let row = Row::new(SECTION, format!("{}, in all", self.name()), MIB);
        for target in targets.iter() {
            let samples = in_all.remove(target.name).unwrap_or_default();
            report.add(&row, target.name, work::role(target), &samples);
        }
    }

    fn fewer(self, target: &str, count: usize, kib: f64) -> String {
        let gib = self.count as f64 * kib / 1_024.0 / 1_024.0;
        format!(
            "{}: {target} would need some {gib:.0} GiB of the machine's memory, the kernel's part \
             included; it was measured with {} sessions.",
            self.name(),
            thousands(count as f64)
        )
    }
}

/// KiB of the machine's memory that a session of each target takes, the kernel's part included: only
/// to know how many fit, for whatever else runs on the machine moves it.
type Needs = BTreeMap<&'static str, f64>;

/// How many sessions go into the memory of this machine.
fn fitting(kib: f64) -> usize {
    let fitting = available_kib() * SPARING / kib.max(1.0);
    (fitting / 100.0).floor().max(1.0) as usize * 100
}

fn available_kib() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let free = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    free.unwrap_or(0.0)
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

/// What sessions took.
struct Held {
    /// KiB and processor time for one of them.
    one: Sample,
    mib_in_all: f64,
    kib_of_machine: f64,
}

async fn measure(
    target: &mut Target,
    plan: &Plan,
    count: usize,
    privacy: Privacy,
) -> Outcome<Held> {
    // What an earlier round has left in its memory is gone.
    target.start_again()?;
    // Everybody once, so that what is made once for an account or a thread is there before.
    drop(open(target, ACCOUNTS, privacy).await?);
    tokio::time::sleep(REST).await;
    let before = target.memory().pss_bytes;
    let available = available_kib();
    let held = open(target, count, privacy).await?;
    tokio::time::sleep(REST).await;
    let kib_of_machine = (available - available_kib()).max(0.0) / count as f64;
    let all = target.memory().pss_bytes;
    let (cpu, begun) = (target.cpu(), Instant::now());
    let watched = plan.pick(4_000, 4_000, 50);
    tokio::time::sleep(Duration::from_millis(watched)).await;
    let used = target.cpu().saturating_sub(cpu).as_secs_f64();
    let seconds = begun.elapsed().as_secs_f64();
    drop(held);
    let mut one = Sample::of(all.saturating_sub(before) as f64 / 1_024.0 / count as f64);
    one.cpu_s_per_unit = Some(used / seconds / count as f64);
    Ok(Held {
        one,
        mib_in_all: all as f64 / f64::from(1 << 20),
        kib_of_machine,
    })
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
