//! The real process killed with SIGKILL at random moments, over and over, and held to what it
//! acknowledged each time.
//!
//! A round: programs deliver, flag, copy, move, append, expunge and delete; at a moment that the
//! seed chooses the server is killed; `whimbrel verify` must find nothing; the server starts again
//! and must show every acknowledged change, and those that were under way whole or not at all. What
//! never happens here: a restart that is not checked.

mod check;
mod ledger;
mod look;
mod workers;

use crate::seeded::{Once, Seeded};
use clients::{Account, Imap, Server, Start};
use ledger::{Ledger, Place};
use look::{Picture, look};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use workers::{Kind, Step, Yard};

/// After so many rounds a new data folder is begun, so that a round costs the same for ever.
const ROUNDS_ON_ONE_FOLDER: u64 = 10;
/// A round that waits for a rare moment is ended after so many steps of any kind.
const MOST_STEPS: u64 = 1_500;
/// Traffic that comes to a halt is a failure of its own.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
const ACCOUNTS: [&str; 5] = ["alice", "bob", "user1", "user2", "user3"];
const MAILBOXES: [(&str, &str); 3] = [("alice", "Copies"), ("alice", "Moved"), ("bob", "Sent")];

/// When the server is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Step,
    nth: u64,
    then: Duration,
}

impl Moment {
    fn choose(seeded: &mut Seeded) -> Moment {
        // Deliveries are what a mail server promises most.
        let kind = match seeded.once_in(2) {
            Once::Now => Kind::Delivery,
            Once::NotNow => *seeded.pick(&Kind::ALL),
        };
        let at = match seeded.once_in(4) {
            Once::Now => Step::Acknowledged(kind),
            Once::NotNow => Step::Asked(kind),
        };
        let usual = match kind {
            Kind::Delivery => 150,
            Kind::Flags => 100,
            _ => 15,
        };
        Moment {
            at,
            nth: 1 + seeded.below(usual),
            then: Duration::from_micros(seeded.below(4_000)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} no. {} + {} µs",
            self.at,
            self.nth,
            self.then.as_micros()
        )
    }
}

/// Kills and checks so many times. Panics when the server has lost something, and says how to do
/// it again.
pub fn rounds(seed: u64, rounds: u64) {
    let began = Instant::now();
    println!(
        "{rounds} rounds, seed {seed} (again: cargo xtask kill --rounds {rounds} --seed {seed})"
    );
    let mut done = 0;
    while done < rounds {
        let place = tempfile::tempdir().expect("because there is room for a folder");
        let data = place.path().join("data");
        let some = ROUNDS_ON_ONE_FOLDER.min(rounds - done);
        on_one_folder(seed, done..done + some, &data);
        done += some;
    }
    println!(
        "{rounds} rounds in {:.0} s, nothing lost",
        began.elapsed().as_secs_f64()
    );
}

fn on_one_folder(seed: u64, rounds: std::ops::Range<u64>, data: &Path) {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut server = start(data);
    make_mailboxes(&server);
    hold_to(&server, &ledger, "the first start");
    for round in rounds {
        let mut seeded = Seeded::new(seed, round);
        let moment = Moment::choose(&mut seeded);
        let pid = server.ready.pid;
        work_until(&server, &ledger, (round, moment), &mut seeded);
        let acknowledged = {
            let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            format!("{:?}", ledger.acknowledged)
        };
        let told = format!("round {round}, pid {pid} killed at {moment}: {acknowledged}");
        println!("{told}");
        server = recover(server, data, &ledger, &told, &mut seeded);
    }
    server.stop();
    verify(data, "the last stop");
}

/// Kills, verifies, starts again (not always in this order, and sometimes the start is killed as
/// well), and holds the server to what it acknowledged.
fn recover(
    server: Server,
    data: &Path,
    ledger: &Arc<Mutex<Ledger>>,
    told: &str,
    seeded: &mut Seeded,
) -> Server {
    server.kill();
    if seeded.once_in(4) == Once::Now {
        let after = Duration::from_micros(seeded.below(60_000));
        println!("  and a start killed after {} µs", after.as_micros());
        Start::on(data).arguments(&ARGUMENTS).start_and_kill(after);
    }
    if seeded.once_in(3) == Once::Now {
        // The server repairs by itself what verify would otherwise have opened first.
        let server = start(data);
        hold_to(&server, ledger, told);
        server.kill();
    }
    verify(data, told);
    let server = start(data);
    hold_to(&server, ledger, told);
    server
}

const ARGUMENTS: [&str; 4] = ["--accounts", "3", "--password", "three-together"];

fn start(data: &Path) -> Server {
    Start::on(data).arguments(&ARGUMENTS).start()
}

fn make_mailboxes(server: &Server) {
    let mut alice = server.imap(server.alice());
    for name in ["Copies", "Moved"] {
        alice.must(&format!("CREATE {name}"));
    }
}

/// All programs work until the moment has come.
fn work_until(
    server: &Server,
    ledger: &Arc<Mutex<Ledger>>,
    (round, moment): (u64, Moment),
    seeded: &mut Seeded,
) {
    let (steps, told) = channel();
    let yard = Yard {
        listeners: server.ready.listeners.clone(),
        accounts: server.ready.accounts.clone(),
        ledger: ledger.clone(),
        steps,
        round,
    };
    let programs = programs(&yard, seeded);
    drop(yard);
    await_moment(&told, moment, &programs);
    server.signal(rustix::process::Signal::KILL);
    // The programs end with their connections; what they were told before is in the ledger then.
    drop(told);
    for program in programs {
        let ended = program.join();
        ended.expect("because a program only ends by a lost connection");
    }
}

fn programs(yard: &Yard, seeded: &mut Seeded) -> Vec<JoinHandle<()>> {
    type Program = Box<dyn FnOnce(&Yard, Seeded) -> std::io::Result<()> + Send>;
    let mut programs: Vec<Program> = Vec::new();
    for number in 0..4 {
        programs.push(Box::new(move |yard, seeded| {
            workers::send(yard, number, seeded)
        }));
    }
    for class in [(5, 0), (5, 1)] {
        programs.push(Box::new(move |yard, seeded| {
            workers::flag(yard, "alice", class, seeded)
        }));
    }
    programs.push(Box::new(|yard, seeded| {
        workers::flag(yard, "bob", (3, 1), seeded)
    }));
    programs.push(Box::new(|yard, seeded| {
        workers::copy_and_move(yard, "alice", seeded)
    }));
    programs.push(Box::new(|yard, seeded| {
        workers::expunge(yard, "alice", seeded)
    }));
    programs.push(Box::new(|yard, seeded| {
        workers::append(yard, "bob", seeded)
    }));
    programs.push(Box::new(|yard, seeded| workers::pop3(yard, "bob", seeded)));
    let run = |program: Program| {
        let (yard, seeded) = (yard.clone(), Seeded::new(seeded.next(), 1));
        std::thread::spawn(move || {
            // An error is the lost connection, which is what ends every program here.
            let _ = program(&yard, seeded);
        })
    };
    programs.into_iter().map(run).collect()
}

fn await_moment(told: &Receiver<Step>, moment: Moment, programs: &[JoinHandle<()>]) {
    let (mut count, mut steps) = (0, 0);
    while count < moment.nth && steps < MOST_STEPS {
        let step = told.recv_timeout(STEP_TIMEOUT);
        let step = step.expect("because the programs go on until the kill");
        steps += 1;
        count += u64::from(step == moment.at);
        let ended = programs
            .iter()
            .filter(|program| program.is_finished())
            .count();
        assert_eq!(
            ended, 0,
            "a program has ended before the kill; its words stand above"
        );
    }
    // The moment lies between two steps: nobody can say where the server is by now.
    let until = Instant::now() + moment.then;
    while told
        .recv_timeout(until.saturating_duration_since(Instant::now()))
        .is_ok()
    {}
}

/// Looks at everything, and fails with all that is wrong.
fn hold_to(server: &Server, ledger: &Arc<Mutex<Ledger>>, told: &str) {
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pictures: BTreeMap<Place, Picture> = BTreeMap::new();
    for name in ACCOUNTS {
        let account: &Account = server.account(name);
        let mut imap = Imap::open(server.at("imap"), &account.address, &account.password);
        let others = MAILBOXES.iter().filter(|(owner, _)| *owner == name);
        let mailboxes = std::iter::once("INBOX").chain(others.map(|(_, mailbox)| *mailbox));
        for mailbox in mailboxes {
            let next = ledger.mailbox(name, mailbox).next.max(1);
            let picture = look(&mut imap, mailbox, next);
            pictures.insert((name.to_owned(), mailbox.to_owned()), picture);
        }
    }
    let wrong = check::check(&mut ledger, &pictures);
    assert!(wrong.is_empty(), "after {told}:\n{}", wrong.join("\n"));
}

/// `whimbrel verify` finds nothing wrong.
fn verify(data: &Path, told: &str) {
    let mut verify = std::process::Command::new(clients::server::binary());
    let ended = verify.args(["verify", "--data"]).arg(data).output();
    let ended = ended.expect("because the binary is there");
    let (out, err) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(
        ended.status.success() && out.contains("all is well"),
        "verify after {told}: {out}{err}"
    );
}
