//! Mailboxes that are looked at until all that was sent shows in them.
//!
//! Logged in before the measurement begins: a login is work of another kind. Never here: a look
//! while messages are still being sent.

use crate::Outcome;
use crate::target::Target;
use crate::wire::Wire;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two looks at a mailbox that is not complete.
const PAUSE: Duration = Duration::from_millis(2);
/// After which nobody believes that the rest still comes.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Watch(BTreeMap<usize, Mailbox>);

struct Mailbox {
    wire: Wire,
    expected: u64,
}

impl Watch {
    /// For a target that keeps nothing.
    pub fn nothing() -> Watch {
        Watch(BTreeMap::new())
    }

    pub async fn begin(target: &Target, accounts: impl Iterator<Item = usize>) -> Outcome<Watch> {
        let mut watched = BTreeMap::new();
        for account in accounts {
            if watched.contains_key(&account) {
                continue;
            }
            let mut wire = Wire::plain(target.imap).await?;
            wire.imap_login(&target.login(account)).await?;
            let expected = messages(&mut wire).await?;
            watched.insert(account, Mailbox { wire, expected });
        }
        Ok(Watch(watched))
    }

    /// So many more are on their way.
    pub fn expect(&mut self, account: usize, messages: u64) {
        if let Some(mailbox) = self.0.get_mut(&account) {
            mailbox.expected += messages;
        }
    }

    pub async fn until_all_show(&mut self) -> Outcome<()> {
        let begun = Instant::now();
        for (account, mailbox) in &mut self.0 {
            loop {
                let there = messages(&mut mailbox.wire).await?;
                let expected = mailbox.expected;
                if there == expected {
                    break;
                }
                if there > expected || begun.elapsed() > PATIENCE {
                    return Err(format!(
                        "mailbox {account} has {there} messages, not {expected}"
                    ));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }
}

async fn messages(wire: &mut Wire) -> Outcome<u64> {
    wire.send(b"a STATUS INBOX (MESSAGES)\r\n").await?;
    let mut messages = None;
    loop {
        let line = wire.line().await?;
        if line.starts_with(b"* STATUS") {
            messages = count(line);
        } else if line.starts_with(b"a OK") {
            return messages.ok_or_else(|| "STATUS told nothing".to_owned());
        } else if line.starts_with(b"a ") {
            return Err(format!("STATUS: {}", String::from_utf8_lossy(line)));
        }
    }
}

fn count(line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?;
    let (_, behind) = line.rsplit_once("MESSAGES ")?;
    behind.split([' ', ')']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_count_of_a_status() {
        assert_eq!(count(b"* STATUS INBOX (MESSAGES 12)"), Some(12));
        assert_eq!(
            count(b"* STATUS \"INBOX\" (UNSEEN 1 MESSAGES 3 RECENT 0)"),
            Some(3)
        );
        assert_eq!(count(b"* STATUS INBOX ()"), None);
    }
}
