//! The honest programs whose time counts: one delivers by SMTP, one reads by IMAP, one by POP3.
//! Each of their operations is a whole one, from the connection to the goodbye.
//!
//! What never happens here: haste; between two operations a program rests as people do.

use crate::letters::{letter, token_in};
use clients::{Account, Imap, Pop3, Smtp};
use std::collections::BTreeMap;
use std::io::Result;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two operations of one program.
const REST: Duration = Duration::from_millis(15);
/// An operation that takes longer is a failure of its own, whatever the medians say.
const LONGEST: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Program {
    Sender,
    ImapReader,
    Pop3Reader,
}

impl Program {
    pub const ALL: [Program; 3] = [Program::Sender, Program::ImapReader, Program::Pop3Reader];
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    pub program: Program,
    pub took: Duration,
}

/// All honest programs, at work until they are dropped.
pub struct Honest {
    stop: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    done: Receiver<Done>,
}

#[derive(Clone)]
struct Place {
    listeners: BTreeMap<String, String>,
    sender_to: Account,
    reader: Account,
}

impl Honest {
    pub fn start(listeners: &BTreeMap<String, String>, alice: &Account, bob: &Account) -> Honest {
        let (told, done) = channel();
        let (mut stop, mut threads) = (Vec::new(), Vec::new());
        for program in Program::ALL {
            let place = Place {
                listeners: listeners.clone(),
                sender_to: alice.clone(),
                reader: match program {
                    Program::Pop3Reader => bob.clone(),
                    _ => alice.clone(),
                },
            };
            let (stop_one, stopped) = channel();
            let told = told.clone();
            stop.push(stop_one);
            threads.push(std::thread::spawn(move || {
                work(program, &place, &told, &stopped);
            }));
        }
        Honest {
            stop,
            threads,
            done,
        }
    }

    /// What was done since the last question.
    pub fn done(&self) -> Vec<Done> {
        self.done.try_iter().collect()
    }

    /// Whether one of them has failed.
    pub fn has_failed(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Lets each finish its operation. Panics if one of them had failed.
    pub fn end(self) -> Vec<Done> {
        drop(self.stop);
        for thread in self.threads {
            thread.join().expect("because honest programs are served");
        }
        self.done.iter().collect()
    }
}

fn work(program: Program, place: &Place, told: &Sender<Done>, stopped: &Receiver<()>) {
    for number in 0_u64.. {
        let began = Instant::now();
        let outcome = match program {
            Program::Sender => send(place, number),
            Program::ImapReader => read_by_imap(place),
            Program::Pop3Reader => read_by_pop3(place),
        };
        let took = began.elapsed();
        outcome.unwrap_or_else(|error| panic!("{program:?} was not served: {error}"));
        assert!(took < LONGEST, "{program:?} waited {took:?}");
        // Nobody may listen any more.
        let _ = told.send(Done { program, took });
        // Only the end of the run closes this channel.
        if stopped.recv_timeout(REST) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// A message to alice, and every tenth to bob as well.
fn send(place: &Place, number: u64) -> Result<()> {
    let mut smtp = Smtp::try_connect(&place.listeners["smtp"])?;
    let token = format!("honest{number}e");
    let to: &[&str] = match number % 10 {
        0 => &["alice@example.test", "bob@example.test"],
        _ => &["alice@example.test"],
    };
    let reply = smtp.try_mail("carol@client.example.org", to, &letter(&token, 4_000))?;
    assert!(reply.starts_with("250 "), "{reply}");
    debug_assert!(to.contains(&place.sender_to.address.as_str()));
    Ok(())
}

/// The newest message, whole.
fn read_by_imap(place: &Place) -> Result<()> {
    let (at, reader) = (&place.listeners["imap"], &place.reader);
    let mut imap = Imap::log_in(at, &reader.address, &reader.password)?;
    for command in [
        "SELECT INBOX",
        "FETCH * (FLAGS ENVELOPE BODY.PEEK[])",
        "LOGOUT",
    ] {
        let answer = imap.try_command(command)?;
        assert!(answer.is_ok(), "{command}: {}", answer.status);
    }
    Ok(())
}

/// The oldest message that is not the welcome, whole; it goes away when there are more.
fn read_by_pop3(place: &Place) -> Result<()> {
    let (at, reader) = (&place.listeners["pop3"], &place.reader);
    let mut pop3 = Pop3::log_in(at, &reader.address, &reader.password)?;
    let stat = pop3.try_must("STAT")?;
    let count: u32 = stat
        .split(' ')
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{stat}"));
    if count > 1 {
        let message = pop3.try_lines("RETR 2")?.join(&b"\r\n"[..]);
        assert!(token_in(&message).is_some(), "it is an honest message");
    }
    if count > 20 {
        pop3.try_must("DELE 2")?;
    }
    pop3.try_must("QUIT")?;
    Ok(())
}
