//! What a failure on the road means: the next host, another try later, or the end.
//!
//! Every failure is put as stage, scope and class (`Failure`), and [`decide`] is the only place that
//! says what follows. What never happens here: I/O, a clock, a random number, a text for people.
//!
//! # Who is to blame
//!
//! | What happened | Scope | Class |
//! |---|---|---|
//! | no connection, connection lost, time-out, a server that breaks SMTP | connection | transient |
//! | greeting, EHLO, STARTTLS or a login refused, 421, TLS that was demanded and is not there | host | as answered; a login always transient |
//! | a server that cannot be sent the message as it is (`Unfit`) | host | permanent |
//! | MAIL, DATA or the content refused | message | as answered |
//! | RCPT refused, or a program's end | recipient | as answered, as its exit code says |
//! | RCPT refused because there are too many in one transaction: 452, or 552 as servers of old say it | transaction | transient [rfc5321 4.5.3.1.10] |
//!
//! # What follows
//!
//! - A refusal for good of message or recipient ends it there: another host of the same domain says the
//!   same, or should. [rfc5321 4.2.5]
//! - Whatever else went wrong before the content ended: the next host. [rfc5321 5.1]
//! - Once the content was sent to its end, no other host is tried in the same attempt: with a 4yz
//!   somebody has looked at the message and wants it later, without an answer it may have been taken.
//! - With no host left: later, while the message lives; for good only if no host gave hope.

use net::Time;
use net::time::Duration;
use smtp::Status;
use smtp::client::{Outcome, Stage as Said};

/// What was being done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Looking for hosts.
    Route,
    Connect,
    /// The handshake and what it has to prove.
    Tls,
    /// Something was said, and its answer was awaited.
    Said(Said),
    /// The server was looked at and is not one for this message.
    Fit,
    /// A program of this machine had the message.
    Program,
}

/// Who is to blame, and so what else would fail in the same way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scope {
    Recipient,
    /// This recipient, beside so many others.
    Transaction,
    Message,
    Host,
    Connection,
}

/// Whether it may be otherwise later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    Transient,
    Permanent,
}

/// One failure, for one recipient.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Failure {
    pub stage: Stage,
    pub scope: Scope,
    pub class: Class,
}

/// The hosts of this attempt that were not tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostsLeft {
    Some,
    None,
}

/// What the hosts tried before in this attempt leave to hope for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// This is the first one, or all before it refused for good.
    NoHope,
    /// One before it failed for now.
    Hope,
}

/// The other recipients of the same transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    SomeTaken,
    NoneTaken,
}

/// Where the attempt stands, for one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub now: Time,
    /// Attempts at this entry before this one.
    pub earlier: u32,
    /// The end of the message's life.
    pub expires: Time,
    pub hosts_left: HostsLeft,
    pub before: Before,
    pub others: Others,
    pub backoff: Backoff,
    /// Any number; spreads what fails together. [rfc5321 4.5.4.1]
    pub random: u64,
}

/// How long to wait between attempts. [rfc5321 4.5.4.1]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// Before the second attempt; each wait is twice the one before it,
    pub first: Duration,
    /// up to this.
    pub most: Duration,
}

impl Default for Backoff {
    /// Two or three attempts in the first half hour, as many servers want one more visit of whom they
    /// do not know; then, as the RFC advises, one every few hours.
    fn default() -> Backoff {
        Backoff {
            first: Duration::from_secs(5 * 60),
            most: Duration::from_secs(3 * 60 * 60),
        }
    }
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Another transaction on the same connection, at once: the server has had enough recipients in
    /// this one.
    Again,
    NextHost,
    Retry(Time),
    Bounce(End),
}

/// Why nothing more is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Refused,
    /// It failed for now, once too late.
    Expired,
}

impl Failure {
    /// What became of a recipient; None if it was taken.
    pub fn of(outcome: &Outcome) -> Option<Failure> {
        let stage = Stage::Said(outcome.stage());
        let Some(reply) = outcome.reply() else {
            let (scope, class) = (Scope::Connection, Class::Transient);
            return Some(Failure {
                stage,
                scope,
                class,
            });
        };
        let class = match outcome.class() {
            smtp::Class::Completion if outcome.stage() == Said::ContentEnd => return None,
            smtp::Class::Permanent => Class::Permanent,
            _ => Class::Transient,
        };
        let scope = match (outcome.stage(), reply.code()) {
            (_, 421) => Scope::Host,
            (Said::Rcpt, 552) => Scope::Transaction,
            // not a mailbox that is full, nor a disk: what the RFC says of it in words, and RFC 3463 in
            // numbers
            (Said::Rcpt, 452) if !matches!(reply.status(), Some(Status(_, 2 | 3, _))) => {
                Scope::Transaction
            }
            (Said::Rcpt, _) => Scope::Recipient,
            (Said::Mail | Said::Data | Said::Content | Said::ContentEnd, _) => Scope::Message,
            (Said::Greeting | Said::Hello | Said::StartTls | Said::Auth | Said::Quit, _) => {
                Scope::Host
            }
        };
        Some(Failure {
            stage,
            scope,
            class,
        })
    }

    /// The connection could not be made, was lost, or took too long, or the server broke the protocol.
    pub fn of_connection(stage: Stage) -> Failure {
        Failure {
            stage,
            scope: Scope::Connection,
            class: Class::Transient,
        }
    }

    /// The server refused to serve at all, by this reply to greeting, EHLO, STARTTLS or AUTH. A login
    /// that is refused is trouble between two operators and not the message's. [rfc4954 4]
    pub fn of_host(said: Said, class: smtp::Class) -> Failure {
        let class = match (said, class) {
            (Said::Auth | Said::StartTls, _) => Class::Transient,
            (_, smtp::Class::Permanent) => Class::Permanent,
            _ => Class::Transient,
        };
        Failure {
            stage: Stage::Said(said),
            scope: Scope::Host,
            class,
        }
    }

    /// TLS was demanded of the host, and it could not be had, or did not prove what was asked. Who
    /// attacks today may be gone tomorrow. [rfc7672 2.2] [rfc8461 5]
    pub fn of_tls() -> Failure {
        Failure {
            stage: Stage::Tls,
            scope: Scope::Host,
            class: Class::Transient,
        }
    }

    /// The host is not one for this message, and another may be.
    pub fn unfit() -> Failure {
        Failure {
            stage: Stage::Fit,
            scope: Scope::Host,
            class: Class::Permanent,
        }
    }

    /// A program did not take it for one recipient.
    pub fn of_program(class: Class) -> Failure {
        Failure {
            stage: Stage::Program,
            scope: Scope::Recipient,
            class,
        }
    }

    /// No hosts: for now, or there never will be any.
    pub fn of_route(class: Class) -> Failure {
        Failure {
            stage: Stage::Route,
            scope: Scope::Message,
            class,
        }
    }
}

/// What follows a failure. [rfc5321 4.2.5] [rfc5321 4.5.4.1] [rfc5321 5.1]
pub fn decide(stage: Stage, scope: Scope, class: Class, attempt: &Attempt) -> Decision {
    match (class, scope) {
        (Class::Permanent, Scope::Recipient | Scope::Message) => Decision::Bounce(End::Refused),
        (_, Scope::Transaction) if attempt.others == Others::SomeTaken => Decision::Again,
        _ if attempt.hosts_left == HostsLeft::Some && may_go_elsewhere(stage) => Decision::NextHost,
        (Class::Permanent, _) if attempt.before == Before::NoHope => Decision::Bounce(End::Refused),
        _ => later(attempt),
    }
}

/// Whether it is certain that nobody has the message, and nobody has judged it.
fn may_go_elsewhere(stage: Stage) -> bool {
    !matches!(
        stage,
        Stage::Route | Stage::Program | Stage::Said(Said::ContentEnd)
    )
}

/// The next attempt: at the end of the message's life at the latest, and after that never.
fn later(attempt: &Attempt) -> Decision {
    if attempt.now >= attempt.expires {
        return Decision::Bounce(End::Expired);
    }
    let at = attempt.now.after(wait(attempt));
    Decision::Retry(at.min(attempt.expires))
}

/// The wait before the next attempt, a quarter of it at random. [rfc5321 4.5.4.1]
fn wait(attempt: &Attempt) -> Duration {
    let Backoff { first, most } = attempt.backoff;
    let doubled = 2u32.saturating_pow(attempt.earlier.min(30));
    let whole = first.saturating_mul(doubled).min(most);
    let spread = u64::try_from(whole.as_micros() / 4).unwrap_or(u64::MAX);
    let random = Duration::from_micros(attempt.random % spread.saturating_add(1));
    (whole - whole / 8).saturating_add(random)
}

#[cfg(test)]
mod tests;
