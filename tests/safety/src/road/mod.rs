//! The real process killed with SIGKILL while its queue is full, over and over: what it
//! acknowledged gets to the next server, or its sender is told.
//!
//! A round: users submit for elsewhere, to a smarthost that takes what comes or lets it wait; at a
//! moment that the seed chooses the server is killed, and started again. At the end the queue drains.
//! Each acknowledged message is then there; a second copy only where the kill fell between the
//! smarthost's 250 and the server's record of it; and each failure was told once. What never happens
//! here: a look into the data folder.

mod sink;

use crate::letters::letter;
use crate::seeded::{Once, Seeded};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clients::{Account, Server, Smtp, Start};
use sink::{Copy, Gate, NOBODY, Sink, Taken};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const SENDERS: u64 = 4;
/// Nothing that is under way takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the queue is looked at while it drains.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What was taken within so long is noted together, and then synced (docs/safety.md).
const NOTED_TOGETHER: Duration = Duration::from_millis(50);
/// Until threads that are ready run, here and in the server.
const MARGIN: Duration = Duration::from_millis(100);
/// More would not show more, and cost time.
const MOST_SUBMITTED: usize = 250;
const PEOPLE: [&str; 3] = ["zoe@far.example", "yann@far.example", "xenia@away.example"];

/// How often senders were told of a failure, by the id of the message.
type Reports = BTreeMap<String, usize>;

/// What users were told.
#[derive(Default)]
struct Ledger {
    /// By token.
    letters: BTreeMap<String, Sent>,
    /// By round.
    lives: BTreeMap<u64, Life>,
}

/// One life of the server.
#[derive(Default)]
struct Life {
    /// None: it ended well.
    killed: Option<Instant>,
    /// How long an acknowledgement took, which has a sync of its own in it.
    slowest: Duration,
}

impl Life {
    /// Whether what was taken then may have had no durable note at the kill.
    fn may_be_unnoted(&self, taken: Instant) -> bool {
        let window = NOTED_TOGETHER + 2 * self.slowest + MARGIN;
        self.killed.is_some_and(|killed| taken + window >= killed)
    }
}

#[derive(Clone, Default, Debug)]
struct Sent {
    to: Vec<&'static str>,
    octets: usize,
    /// The ids under which it was acknowledged.
    ids: Vec<String>,
}

#[derive(Clone)]
struct Yard {
    submission: String,
    account: Account,
    ledger: Arc<Mutex<Ledger>>,
    steps: Sender<()>,
    round: u64,
}

/// Kills so many times, and checks at the end. Panics when something was lost, sent again without
/// need, or not told, and says how to do it again.
pub fn rounds(seed: u64, rounds: u64) {
    let began = Instant::now();
    println!(
        "{rounds} rounds, seed {seed} (again: cargo xtask kill-queue --rounds {rounds} --seed {seed})"
    );
    let place = tempfile::tempdir().expect("because there is room for a folder");
    let data = place.path().join("data");
    let (sink, ledger) = (Sink::start(), Arc::new(Mutex::new(Ledger::default())));
    for round in 0..rounds {
        let told = one(&data, &sink, &ledger, round, &mut Seeded::new(seed, round));
        println!("round {round}: {told}");
    }
    let (bell, _rung) = channel();
    sink.begin(rounds, Gate::Open, bell);
    let server = start(&data, &sink);
    until_drained(&server);
    let reports = reports(&server);
    server.stop();
    let taken = sink.taken();
    let wrong = check(
        &ledger.lock().unwrap_or_else(PoisonError::into_inner),
        &taken,
        &reports,
    );
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    let copies: usize = taken.values().map(Vec::len).sum();
    println!(
        "{} messages for one recipient, {} second copies, {} reports, in {:.0} s: nothing lost",
        taken.len(),
        copies - taken.len(),
        reports.len(),
        began.elapsed().as_secs_f64()
    );
}

fn start(data: &Path, sink: &Sink) -> Server {
    Start::on(data)
        .arguments(&["--smarthost", &sink.address])
        .start()
}

/// One life of the server: users submit until the moment has come. Says when it was.
fn one(
    data: &Path,
    sink: &Sink,
    ledger: &Arc<Mutex<Ledger>>,
    round: u64,
    seeded: &mut Seeded,
) -> String {
    let gate = match seeded.once_in(2) {
        Once::Now => Gate::Closed,
        Once::NotNow => Gate::Open,
    };
    let ((steps, acknowledged), (bell, taken)) = (channel(), channel());
    sink.begin(round, gate, bell);
    let server = start(data, sink);
    let yard = Yard {
        submission: server.at("submission").to_owned(),
        account: server.bob().clone(),
        ledger: ledger.clone(),
        steps,
        round,
    };
    let programs: Vec<JoinHandle<()>> = (0..SENDERS).map(|n| sender(&yard, n, seeded)).collect();
    drop(yard);
    let submitted = 1 + seeded.below(120);
    wait_for(&acknowledged, submitted);
    let mut told = format!("{gate:?}, {submitted} acknowledged");
    // One whose queue has filled is killed as it is, or while the queue drains.
    if seeded.once_in(3) != Once::Now {
        sink.set(Gate::Open);
        let count = 1 + seeded.below(submitted);
        wait_for(&taken, count);
        told.push_str(&format!(", then {count} taken"));
    }
    let micros = seeded.below(4_000);
    // The moment lies between two steps: nobody can say where the server is by now.
    let until = Instant::now() + Duration::from_micros(micros);
    while taken
        .recv_timeout(until.saturating_duration_since(Instant::now()))
        .is_ok()
    {}
    let killed = Some(Instant::now());
    server.kill();
    for program in programs {
        program
            .join()
            .expect("because a program only ends by a lost connection");
    }
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    ledger.lives.entry(round).or_default().killed = killed;
    format!("{told}, killed after {micros} µs more")
}

fn wait_for(steps: &Receiver<()>, count: u64) {
    for _ in 0..count {
        let step = steps.recv_timeout(PATIENCE);
        step.expect("because mail goes on until the kill");
    }
}

fn sender(yard: &Yard, number: u64, seeded: &mut Seeded) -> JoinHandle<()> {
    let (yard, seeded) = (yard.clone(), Seeded::new(seeded.next(), number));
    std::thread::spawn(move || {
        // An error is the lost connection, which is what ends every program here.
        let _ = yard.send(number, seeded);
    })
}

impl Yard {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits until the connection is lost: first again what got no answer in an earlier round.
    fn send(&self, number: u64, mut seeded: Seeded) -> std::io::Result<()> {
        let mut smtp = Smtp::try_connect(&self.submission)?;
        let words = format!("\0{}\0{}", self.account.address, self.account.password);
        let reply = smtp.try_command(&format!("AUTH PLAIN {}", STANDARD.encode(words)))?;
        assert!(reply.starts_with("235 "), "{reply}");
        let unanswered: Vec<String> = {
            let ledger = self.ledger();
            let lost = ledger
                .letters
                .iter()
                .filter(|(_, sent)| sent.ids.is_empty());
            let mine = lost.skip(usize::try_from(number).unwrap_or(0)).step_by(4);
            mine.map(|(token, _)| token.clone()).collect()
        };
        for token in unanswered {
            self.send_one(&mut smtp, &token)?;
        }
        for count in 0..MOST_SUBMITTED {
            let token = format!("r{}s{number}n{count}e", self.round);
            let to = match seeded.below(10) {
                0..6 => vec![*seeded.pick(&PEOPLE)],
                6..9 => PEOPLE.to_vec(),
                _ => vec![PEOPLE[0], NOBODY],
            };
            let octets = match seeded.below(20) {
                // larger than what a body may be to lie in the log
                0 => 200_000,
                _ => usize::try_from(seeded.below(4_000)).unwrap_or(0),
            };
            let sent = Sent {
                to,
                octets,
                ..Sent::default()
            };
            self.ledger().letters.insert(token.clone(), sent);
            self.send_one(&mut smtp, &token)?;
        }
        // the end of the connection is the kill
        smtp.try_reply().map(drop)
    }

    fn send_one(&self, smtp: &mut Smtp, token: &str) -> std::io::Result<()> {
        let sent = self.ledger().letters[token].clone();
        let octets = letter(token, sent.octets);
        let began = Instant::now();
        let reply = smtp.try_mail(&self.account.address, &sent.to, &octets)?;
        let id = reply.strip_prefix("250 2.0.0 ");
        let id = id.unwrap_or_else(|| panic!("{token}: {reply}")).to_owned();
        let mut ledger = self.ledger();
        let life = ledger.lives.entry(self.round).or_default();
        life.slowest = life.slowest.max(began.elapsed());
        if let Some(sent) = ledger.letters.get_mut(token) {
            sent.ids.push(id);
        }
        drop(ledger);
        // The round may be over already.
        let _ = self.steps.send(());
        Ok(())
    }
}

fn until_drained(server: &Server) {
    let began = Instant::now();
    loop {
        let mut list = std::process::Command::new(clients::server::binary());
        let listed = list
            .args(["queue", "list", "--data"])
            .arg(&server.data)
            .output();
        let listed = listed.expect("because the binary is there");
        let out = String::from_utf8_lossy(&listed.stdout).into_owned();
        if out == "Mail queue is empty\n" {
            return;
        }
        let late = began.elapsed() > PATIENCE;
        assert!(!late, "the queue does not drain: {out}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// How often the sender of each message was told of a failure, by id.
fn reports(server: &Server) -> Reports {
    let mut imap = server.imap(server.bob());
    imap.must("EXAMINE INBOX");
    let mut reports = Reports::new();
    for response in imap.must("UID FETCH 1:* (UID BODY.PEEK[])").untagged {
        let text = String::from_utf8_lossy(&response);
        let about = text.split_once("X-Whimbrel-Id: ");
        let about = about.and_then(|(_, rest)| rest.split_whitespace().next());
        if let (true, Some(id)) = (text.contains("Action: failed"), about) {
            *reports.entry(id.to_owned()).or_default() += 1;
        }
    }
    reports
}

/// Everything that is not as it should be, one sentence each.
fn check(ledger: &Ledger, taken: &Taken, reports: &Reports) -> Vec<String> {
    let mut wrong = Vec::new();
    for (token, sent) in &ledger.letters {
        for (id, to) in sent
            .ids
            .iter()
            .flat_map(|id| sent.to.iter().map(move |to| (id, *to)))
        {
            let is_told = reports.contains_key(id);
            let is_there = taken.contains_key(&(id.clone(), to.to_owned()));
            match to == NOBODY {
                true if !is_told => wrong.push(format!("{token} ({id}): nobody was told of {to}")),
                false if !is_there => wrong.push(format!("{token} ({id}) for {to} is lost")),
                _ => {}
            }
        }
    }
    for (id, count) in reports.iter().filter(|(_, count)| **count > 1) {
        wrong.push(format!("{id}: the sender was told {count} times"));
    }
    again(taken, &ledger.lives, &mut wrong);
    wrong
}

/// Second copies: only of what may not have been noted when the server was killed.
fn again(taken: &Taken, lives: &BTreeMap<u64, Life>, wrong: &mut Vec<String>) {
    for (what, copies) in taken {
        let read = |(_, copy): &(usize, &Copy)| copy.reply_was_read;
        for (at, copy) in copies.iter().enumerate().filter(read) {
            let later = &copies[at + 1..];
            if later.iter().any(|later| later.round == copy.round) {
                wrong.push(format!(
                    "{what:?} was sent again in one life of the server: {copies:?}"
                ));
            }
            let life = lives.get(&copy.round);
            if !later.is_empty() && !life.is_some_and(|life| life.may_be_unnoted(copy.at)) {
                wrong.push(format!(
                    "{what:?} was sent again, though it was taken long before the kill: {copies:?}"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message was taken so often, and the server was killed in round 0, a while after all that.
    fn case(copies: &[Copy], told: usize) -> Vec<String> {
        case_killed(copies, Duration::from_millis(10), told)
    }

    fn case_killed(copies: &[Copy], later: Duration, told: usize) -> Vec<String> {
        let (mut ledger, mut taken) = (Ledger::default(), Taken::new());
        let sent = Sent {
            to: vec![PEOPLE[0], NOBODY],
            octets: 1,
            ids: vec!["i".to_owned()],
        };
        ledger.letters.insert("t".to_owned(), sent);
        if let Some(last) = copies.last() {
            let life = Life {
                killed: Some(last.at + later),
                slowest: Duration::ZERO,
            };
            ledger.lives.insert(0, life);
            taken.insert(("i".to_owned(), PEOPLE[0].to_owned()), copies.to_vec());
        }
        let reports = (told > 0).then(|| ("i".to_owned(), told));
        check(&ledger, &taken, &reports.into_iter().collect())
    }

    #[test]
    fn lost_repeated_and_untold_messages_are_noticed() {
        let at = Instant::now();
        let copy = |round, reply_was_read| Copy {
            round,
            at,
            reply_was_read,
        };
        let none: [String; 0] = [];
        assert_eq!(case(&[copy(0, true)], 1), none);
        let repeated = [copy(0, true), copy(1, true)];
        assert_eq!(case(&repeated, 1), none, "killed before the note");
        let late = case_killed(&repeated, Duration::from_secs(1), 1);
        assert!(late[0].contains("long before the kill"), "{late:?}");
        assert_eq!(
            case(&[copy(0, false), copy(0, true)], 1),
            none,
            "the 250 was lost"
        );
        assert!(case(&[], 1)[0].contains("is lost"));
        assert!(case(&[copy(0, true), copy(0, true)], 1)[0].contains("in one life"));
        assert!(case(&[copy(0, true)], 0)[0].contains("nobody was told"));
        assert!(case(&[copy(0, true)], 2)[0].contains("told 2 times"));
    }
}
