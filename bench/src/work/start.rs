//! Start after a kill: how long nobody can look at his mail.
//!
//! The page cache stays as it was; that a power cut loses nothing is shown elsewhere
//! (docs/safety.md). Never here: an orderly stop before a start that is measured.

use crate::Outcome;
use crate::letter::letter;
use crate::report::{Goal, Report, Row, Sample, Unit, thousands};
use crate::target::{ACCOUNTS, Target};
use crate::wire::Wire;
use crate::work::mailbox::{stock, stock_huge, stocked_messages};
use crate::work::{self, Meter, Plan, alternate};

const SECTION: &str = "Start after a kill";
const OCTETS: usize = 1_024;
const SESSIONS: usize = 16;
/// Messages of one APPEND.
const AT_ONCE: usize = 100;
/// Between two kills, each time so many more: what was just written, and what the index on the disk
/// does not hold yet, is little at one time and much at another.
const BETWEEN: usize = 1_000;

pub async fn run(targets: &mut [Target], plan: &Plan, report: &mut Report) -> Outcome<()> {
    stock(targets, plan).await?;
    if let Some(own) = targets.iter_mut().find(|target| target.is_whimbrel()) {
        stock_huge(std::slice::from_mut(own), plan).await?;
    }
    let messages = |target: &Target| thousands(stocked_messages(target, plan) as f64);
    let own = targets.iter().find(|target| target.is_whimbrel());
    let others = targets.iter().find(|target| !target.is_whimbrel());
    let mut name = own.map(messages).unwrap_or_default() + " messages";
    if let Some(other) = others {
        name = format!("{name}; the others {}", messages(other));
    }
    let row = Row::new(SECTION, name, Unit::SECONDS).goal(Goal::AtMost(1.0));
    alternate(targets, plan, report, &row, async |target, round| {
        let more = BETWEEN * (1 + 4 * round);
        fill(target, plan.pick(more, more, 100), round as u64 + 1).await?;
        start(target).await
    })
    .await;
    report.note(
        SECTION,
        "All processes of a server are killed right after messages have come in; the time is from its \
         start to the end of the first LOGIN and SELECT. The page cache is warm. The others are given \
         less: they would need hours to get a million messages.",
    );
    Ok(())
}

/// So many messages, spread over all accounts.
async fn fill(target: &Target, count: usize, seed: u64) -> Outcome<()> {
    let commands = count.div_ceil(AT_ONCE);
    work::sessions(SESSIONS.min(ACCOUNTS), |session| {
        let at = target.imap;
        let logins: Vec<_> = (session..ACCOUNTS)
            .step_by(SESSIONS)
            .map(|account| (account, target.login(account + 1)))
            .collect();
        async move {
            for (account, login) in logins {
                let mut wire = Wire::plain(at).await?;
                wire.imap_login(&login).await?;
                for command in (account..commands).step_by(ACCOUNTS) {
                    let first = (seed << 32) + (command * AT_ONCE) as u64;
                    let messages = AT_ONCE.min(count - command * AT_ONCE);
                    wire.imap(&append(first, messages)).await?;
                }
                wire.imap(b"LOGOUT").await?;
            }
            Ok(())
        }
    })
    .await
    .map(drop)
}

/// One APPEND with many messages [rfc3502], which all of the servers take.
fn append(first: u64, messages: usize) -> Vec<u8> {
    let mut command = b"APPEND INBOX".to_vec();
    for number in first..first + messages as u64 {
        command.extend_from_slice(format!(" {{{OCTETS}+}}\r\n").as_bytes());
        command.extend_from_slice(&letter(OCTETS, number));
    }
    command
}

async fn start(target: &mut Target) -> Outcome<Sample> {
    target.kill()?;
    let meter = Meter::begin(target);
    target.start_again()?;
    let mut wire = Wire::plain(target.imap).await?;
    wire.imap_login(&target.login(1)).await?;
    wire.imap(b"SELECT INBOX").await?;
    Ok(meter.seconds(target, 1))
}
