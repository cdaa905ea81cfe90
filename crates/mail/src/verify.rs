//! `whimbrel verify`: walks everything that is kept and says what does not fit. Changes nothing.

mod account;
mod directory;
mod mailbox;

use crate::deliver::Inner;
use crate::limits;
use crate::road;
use store::Fault;

/// What verify found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// Accounts looked at.
    pub accounts: u64,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Entries of change logs looked at.
    pub changes: u64,
    /// Messages on the road, whose bodies are held.
    pub on_the_road: u64,
    /// Bodies read and hashed.
    pub bodies: u64,
    /// Octets that messages point to; a body that two messages share counts twice.
    pub body_bytes: u64,
    /// What does not fit; empty = all is well.
    pub problems: Vec<Problem>,
    /// More problems than are listed.
    pub problems_left_out: u64,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What.
    pub found: String,
    /// What to do.
    pub advice: &'static str,
}

/// The mail is there, a number about it is wrong.
const COUNT: &str = "the mail itself is not affected; restore a backup if the count matters";
/// Something points to what is not there.
const LOST: &str = "restore this mailbox from a backup; keep the damaged folder";
/// The files are not what was written.
const DAMAGE: &str = "check the disk; stop the server, keep a copy of the folder, restore a backup";

impl VerifyReport {
    pub(crate) fn problem(&mut self, place: &str, found: impl Into<String>, advice: &'static str) {
        if self.problems.len() < limits::VERIFY_PROBLEMS {
            self.problems.push(Problem {
                place: place.to_owned(),
                found: found.into(),
                advice,
            });
        } else {
            self.problems_left_out += 1;
        }
    }

    /// Says so if two numbers differ that should be one.
    fn same(&mut self, place: &str, what: &str, kept: u64, counted: u64) {
        if kept != counted {
            self.problem(
                place,
                format!("{what}: kept is {kept}, counted {counted}"),
                COUNT,
            );
        }
    }
}

/// Walks everything: the store's files, the directory, every account.
pub(crate) async fn verify(
    inner: &Inner,
    mut progress: impl FnMut(&str),
) -> Result<VerifyReport, Fault> {
    let mut report = VerifyReport::default();
    progress("reading the store's files");
    let check = inner.db.check().await?;
    report.bodies = check.bodies;
    for damage in check.damage {
        report.problem("the store", damage, DAMAGE);
    }
    progress("reading the directory");
    let accounts = directory::verify(inner, &mut report)?;
    progress("reading what is on the road");
    let problem = |found| report.problem("the road", found, LOST);
    let (on_the_road, bytes) = road::verify(inner, problem)?;
    report.on_the_road = on_the_road;
    report.body_bytes += bytes;
    for (account, address) in accounts {
        let place = format!("account {account} <{address}>");
        let before = (report.mailboxes, report.messages);
        if let Err(fault) = account::verify(inner, account, &place, &mut report).await {
            report.problem(&place, fault.to_string(), DAMAGE);
        }
        report.accounts += 1;
        let (mailboxes, messages) = (report.mailboxes - before.0, report.messages - before.1);
        progress(&format!(
            "{place}: {mailboxes} mailboxes, {messages} messages"
        ));
    }
    Ok(report)
}
