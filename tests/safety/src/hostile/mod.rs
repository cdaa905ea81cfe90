//! Hostile peers against the built binary, while honest programs go on: their times, the server's
//! memory, and what is left behind.
//!
//! Attack and quiet take turns, so that the usual time is measured in the same run as the time
//! under attack and a machine that is busy with something else slows both. What never happens here:
//! a judgement on single operations; medians of hundreds are compared.

mod attacks;
mod honest;
mod peer;

use crate::process::{Usage, files_below, usage};
use crate::seeded::Seeded;
use attacks::{ATTACKS, Victim};
use clients::{Server, Start};
use honest::{Done, Honest, Program};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The most memory that the server may ever have in this run; docs/safety.md adds it up.
const MEMORY_MIB: u64 = 900;
/// Honest programs may take so many times as long as usual.
const TIMES: f64 = 2.0;
/// Below this the machine is measured (its scheduling, its disk), not the server: what is faster
/// counts as this.
const LEAST: Duration = Duration::from_millis(10);
const ATTACK: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(4);
/// Until everything that an attack left must be gone.
const CLEANUP: Duration = Duration::from_secs(30);
/// Log and index files come and go.
const SPARE_DESCRIPTORS: usize = 40;
/// The runtime's threads for blocking work end after ten idle seconds.
const SPARE_THREADS: usize = 24;
const USERS: usize = 12;
const PASSWORD: &str = "mallory";

/// Attacks for this long, with those whose name contains `only`. Panics with all that was wrong.
pub fn run(seed: u64, time: Duration, only: &str) {
    println!(
        "hostile peers for {} s, seed {seed} (again: cargo xtask hostile --for {}s --seed {seed})",
        time.as_secs(),
        time.as_secs()
    );
    let place = tempfile::tempdir().expect("because there is room for a folder");
    let data = place.path().join("data");
    let users = USERS.to_string();
    let arguments = ["--accounts", &users, "--password", PASSWORD];
    let server = Start::on(&data).arguments(&arguments).start();
    let honest = Honest::start(&server.ready.listeners, server.alice(), server.bob());
    let siege = Siege::new(server, seed, only);
    let mut times = Times::default();
    let mut wrong = Vec::new();
    let until = Instant::now() + time;
    let mut round = 0;
    // A run whose times are too long goes on for as long again before it is believed.
    let mut last_chance = Some(until + time);
    loop {
        siege.quiet(&honest, &mut times);
        let over = if times.wrong().is_empty() {
            until
        } else {
            last_chance.unwrap_or(until)
        };
        if round > 0 && Instant::now() >= over {
            break;
        }
        if Instant::now() >= until {
            last_chance = last_chance.inspect(|_| println!("  too slow; going on to be sure"));
        }
        round += 1;
        siege.attack(round, &honest, &mut times);
        let attacked = Instant::now();
        wrong.extend(siege.leftovers());
        println!(
            "  {round}: {times}{}; gone after {} ms",
            siege.now(),
            attacked.elapsed().as_millis()
        );
        if honest.has_failed() {
            break;
        }
    }
    honest.end();
    wrong.extend(times.wrong());
    wrong.extend(siege.end(&data, &arguments));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The server and those around it.
struct Siege {
    server: Server,
    victim: Arc<Victim>,
    attackers: Runtime,
    seed: u64,
    only: String,
    at_first: Usage,
}

impl Siege {
    fn new(server: Server, seed: u64, only: &str) -> Siege {
        // LMTP's is the path of a socket, which strangers cannot reach.
        let listeners = server.ready.listeners.iter();
        let listeners = listeners.filter_map(|(name, at)| Some((name.clone(), at.parse().ok()?)));
        let users = (1..=USERS).map(|number| format!("user{number}@example.test"));
        let victim = Victim {
            listeners: listeners.collect(),
            users: users.collect(),
            password: PASSWORD.to_owned(),
        };
        // Attackers have machines of their own; on this one they get what nobody else wants.
        let attackers = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(|| {
                rustix::process::nice(19).expect("because everybody may become nicer");
            })
            .enable_all()
            .build()
            .expect("because a thread can be had");
        let at_first = usage(server.ready.pid).expect("because it runs");
        Siege {
            server,
            victim: Arc::new(victim),
            attackers,
            seed,
            only: only.to_owned(),
            at_first,
        }
    }

    fn usage(&self) -> Usage {
        usage(self.server.ready.pid).expect("because the server outlives its peers")
    }

    fn now(&self) -> String {
        let now = self.usage();
        format!(
            "{} MiB, at most {} MiB, {} threads, {} descriptors",
            now.resident_kib / 1024,
            now.peak_kib / 1024,
            now.threads,
            now.descriptors
        )
    }

    /// The usual times.
    fn quiet(&self, honest: &Honest, times: &mut Times) {
        drop(honest.done());
        wait(QUIET);
        times.quiet.extend(honest.done());
    }

    /// Every attack at once, then none.
    fn attack(&self, round: u64, honest: &Honest, times: &mut Times) {
        let mut tasks = JoinSet::new();
        let mut number = 0;
        let chosen = ATTACKS
            .iter()
            .filter(|(name, ..)| name.contains(&self.only));
        for (_, count, attack) in chosen {
            for _ in 0..*count {
                number += 1;
                let victim = self.victim.clone();
                let mut seeded = Seeded::new(self.seed, round * 100_000 + number);
                let again = async move {
                    loop {
                        let own = Seeded::new(seeded.next(), 0);
                        // How an attack ends says nothing; the server is looked at, not its peers.
                        let _ = attack(victim.clone(), own).await;
                        sleep(Duration::from_millis(20 + seeded.below(200))).await;
                    }
                };
                tasks.spawn_on(again, self.attackers.handle());
            }
        }
        drop(honest.done());
        wait(ATTACK);
        times.attack.extend(honest.done());
        self.attackers.block_on(tasks.shutdown());
    }

    /// What an attack left behind and should not have.
    fn leftovers(&self) -> Vec<String> {
        let until = Instant::now() + CLEANUP;
        // The honest programs have a few connections at any moment.
        let sockets = self.at_first.sockets + 4;
        loop {
            let now = self.usage();
            let mut wrong = Vec::new();
            if now.sockets > sockets {
                wrong.push(format!("{} sockets, {sockets} before", now.sockets));
            }
            if now.descriptors - now.sockets > self.at_first.descriptors + SPARE_DESCRIPTORS {
                wrong.push(format!("{now:?}, at first {:?}", self.at_first));
            }
            if now.threads > self.at_first.threads + SPARE_THREADS {
                wrong.push(format!(
                    "{} threads, at first {}",
                    now.threads, self.at_first.threads
                ));
            }
            if now.peak_kib > MEMORY_MIB * 1024 {
                wrong.push(format!(
                    "{} MiB of memory; {MEMORY_MIB} are allowed",
                    now.peak_kib / 1024
                ));
                return wrong;
            }
            if wrong.is_empty() || Instant::now() > until {
                return wrong;
            }
            wait(Duration::from_millis(50));
        }
    }

    /// The end, and what is left in the data folder: a start removes what nobody owns, so there
    /// must be as many files after it as before.
    fn end(self, data: &std::path::Path, arguments: &[&str]) -> Vec<String> {
        let bodies = data.join("store/bodies");
        let mut wrong = Vec::new();
        let before = files_below(&bodies);
        let stopped = self.server.stop();
        if !stopped.status.success() || stopped.took > Duration::from_secs(3) {
            wrong.push(format!(
                "the stop took {:?}: {}",
                stopped.took, stopped.status
            ));
        }
        let panics = stopped.log.lines().filter(|line| line.contains("panicked"));
        wrong.extend(panics.map(str::to_owned));
        let again = Start::on(data).arguments(arguments).start();
        let after = files_below(&bodies);
        if before != after {
            wrong.push(format!(
                "{} files in {} that nobody owns",
                before - after,
                bodies.display()
            ));
        }
        again.stop();
        println!("  {before} files of large messages, all of them owned");
        wrong
    }
}

/// What honest programs needed.
#[derive(Default)]
struct Times {
    quiet: Vec<Done>,
    attack: Vec<Done>,
}

impl Times {
    fn of(done: &[Done], program: Program) -> (usize, Duration) {
        let own = done.iter().filter(|done| done.program == program);
        let mut took: Vec<Duration> = own.map(|done| done.took).collect();
        took.sort();
        let median = took.get(took.len() / 2).copied().unwrap_or_default();
        (took.len(), median)
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for program in Program::ALL {
            let (count, usual) = Times::of(&self.quiet, program);
            let (under_attack, time) = Times::of(&self.attack, program);
            let allowed = usual.max(LEAST).mul_f64(TIMES);
            if count > 0 && (under_attack == 0 || time > allowed) {
                wrong.push(format!(
                    "{program:?} needs {time:?} under attack, usually {usual:?} \
                     (medians of {under_attack} and {count} operations)"
                ));
            }
        }
        wrong
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for program in Program::ALL {
            let (count, usual) = Times::of(&self.quiet, program);
            let (under_attack, time) = Times::of(&self.attack, program);
            write!(
                f,
                "{program:?} {:.1} ms x{count} -> {:.1} ms x{under_attack}, ",
                usual.as_secs_f64() * 1e3,
                time.as_secs_f64() * 1e3
            )?;
        }
        Ok(())
    }
}

/// A time that is measured, not one that hopes for something to happen meanwhile.
fn wait(time: Duration) {
    let (_open, never) = std::sync::mpsc::channel::<()>();
    // It can only time out: the other end is held above.
    let _ = never.recv_timeout(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(quiet_ms: u64, attack_ms: u64) -> Times {
        let of = |ms| {
            Program::ALL
                .map(|program| Done {
                    program,
                    took: Duration::from_millis(ms),
                })
                .to_vec()
        };
        Times {
            quiet: of(quiet_ms),
            attack: of(attack_ms),
        }
    }

    #[test]
    fn twice_the_usual_time_is_allowed_and_more_is_not() {
        assert!(times(20, 40).wrong().is_empty());
        assert_eq!(times(20, 41).wrong().len(), Program::ALL.len());
        assert!(times(1, 20).wrong().is_empty(), "below 10 ms is noise");
        let mut none = times(20, 20);
        none.attack.clear();
        assert_eq!(none.wrong().len(), Program::ALL.len());
    }
}
