//! The change log: one entry per transaction of an account, with its time and what was before.
//! Views, and later every protocol's own idea of changes, read it.

use crate::before::{self, Before, Run};
use crate::codec::{Damaged, Decoded, Reader, Record, Writer};
use crate::flags::Flags;
use crate::ids::{MailboxId, ModSeq};
use crate::keywords::Keywords;
use crate::name::{MailboxName, SpecialUse};
use crate::state::{MailboxRecord, MailboxState};
use net::Time;

/// Of an entry. 1 named each message.
const VERSION: u8 = 2;

/// One transaction's entry.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeEntry {
    /// Its number.
    pub modseq: ModSeq,
    /// When.
    pub at: Time,
    /// What changed, with what was before.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Messages came in.
    Added {
        /// Where.
        mailbox: MailboxId,
        /// Their UIDs.
        uids: Vec<u32>,
    },
    /// Flags changed.
    Flags {
        /// Where.
        mailbox: MailboxId,
        /// The flags before.
        before: Vec<(u32, Flags)>,
    },
    /// Messages were expunged or moved away.
    Expunged {
        /// Where.
        mailbox: MailboxId,
        /// The flags before.
        before: Vec<(u32, Flags)>,
    },
    /// A mailbox was made.
    MailboxCreated {
        /// Which.
        mailbox: MailboxId,
        /// Its name.
        name: MailboxName,
    },
    /// A mailbox was deleted, its messages with it.
    MailboxDeleted {
        /// Which.
        mailbox: MailboxId,
        /// Its name.
        name: MailboxName,
    },
    /// A mailbox was renamed.
    MailboxRenamed {
        /// Which.
        mailbox: MailboxId,
        /// Its old name.
        before: MailboxName,
    },
    /// A mailbox got another special use, or lost it.
    MailboxAssigned {
        /// Which.
        mailbox: MailboxId,
        /// What it was for.
        before: Option<SpecialUse>,
    },
    /// A name was subscribed.
    Subscribed {
        /// The name.
        name: MailboxName,
    },
    /// A name was unsubscribed.
    Unsubscribed {
        /// The name.
        name: MailboxName,
    },
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogEntry {
    pub at: Time,
    pub changes: Vec<LogChange>,
}

/// A change as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LogChange {
    /// `runs`: first UID and how many.
    Added {
        mailbox: MailboxId,
        runs: Vec<Run>,
    },
    Flags {
        mailbox: MailboxId,
        before: Before,
    },
    /// What became of the messages decides whether they count as history.
    Expunged {
        mailbox: MailboxId,
        fate: Fate,
        before: Before,
    },
    Created {
        mailbox: MailboxId,
        name: String,
    },
    /// The rows of its messages, below `state.uid_next`, stay until this entry is forgotten.
    Deleted {
        mailbox: MailboxId,
        name: String,
        record: MailboxRecord,
        state: MailboxState,
    },
    Renamed {
        mailbox: MailboxId,
        before: String,
        record: MailboxRecord,
    },
    /// Another special use; `record` is what was before.
    Assigned {
        mailbox: MailboxId,
        record: MailboxRecord,
    },
    Subscribed {
        name: String,
    },
    Unsubscribed {
        name: String,
    },
}

/// What became of expunged messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Gone; kept as history.
    Removed,
    /// In another mailbox now.
    Moved,
}

impl Record for LogEntry {
    const WHAT: &'static str = "an entry of the change log";
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.time(self.at).len(self.changes.len());
        for change in &self.changes {
            change.write(&mut w);
        }
        w.into_vec()
    }
    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let at = r.time()?;
        let count = r.count()?;
        let changes = (0..count)
            .map(|_| LogChange::read(&mut r))
            .collect::<Decoded<_>>()?;
        Ok(Self { at, changes })
    }
}

impl LogChange {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Added { mailbox, runs } => {
                w.u8(1).uint(mailbox.0).len(runs.len());
                for (first, count) in runs {
                    w.uint(*first).uint(*count);
                }
            }
            Self::Flags { mailbox, before } => {
                w.u8(2).uint(mailbox.0);
                before.write(w);
            }
            Self::Expunged {
                mailbox,
                fate,
                before,
            } => {
                w.u8(if *fate == Fate::Removed { 3 } else { 4 })
                    .uint(mailbox.0);
                before.write(w);
            }
            Self::Created { mailbox, name } => {
                w.u8(5).uint(mailbox.0).str(name);
            }
            Self::Deleted {
                mailbox,
                name,
                record,
                state,
            } => {
                w.u8(6).uint(mailbox.0).str(name);
                record.write(w);
                state.write(w);
            }
            Self::Renamed {
                mailbox,
                before,
                record,
            } => {
                w.u8(7).uint(mailbox.0).str(before);
                record.write(w);
            }
            Self::Assigned { mailbox, record } => {
                w.u8(10).uint(mailbox.0);
                record.write(w);
            }
            Self::Subscribed { name } => {
                w.u8(8).str(name);
            }
            Self::Unsubscribed { name } => {
                w.u8(9).str(name);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Decoded<Self> {
        let tag = r.u8()?;
        if matches!(tag, 8 | 9) {
            let name = r.str()?.to_owned();
            return Ok(match tag {
                8 => Self::Subscribed { name },
                _ => Self::Unsubscribed { name },
            });
        }
        let mailbox = MailboxId(r.u32()?);
        match tag {
            1 => {
                let count = r.count()?;
                let runs = (0..count)
                    .map(|_| Ok((r.u32()?, r.u32()?)))
                    .collect::<Decoded<_>>()?;
                Ok(Self::Added { mailbox, runs })
            }
            2 => Ok(Self::Flags {
                mailbox,
                before: Before::read(r)?,
            }),
            3 => Ok(Self::Expunged {
                mailbox,
                fate: Fate::Removed,
                before: Before::read(r)?,
            }),
            4 => Ok(Self::Expunged {
                mailbox,
                fate: Fate::Moved,
                before: Before::read(r)?,
            }),
            5 => Ok(Self::Created {
                mailbox,
                name: r.str()?.to_owned(),
            }),
            6 => Ok(Self::Deleted {
                mailbox,
                name: r.str()?.to_owned(),
                record: MailboxRecord::read(r)?,
                state: MailboxState::read(r)?,
            }),
            7 => Ok(Self::Renamed {
                mailbox,
                before: r.str()?.to_owned(),
                record: MailboxRecord::read(r)?,
            }),
            10 => Ok(Self::Assigned {
                mailbox,
                record: MailboxRecord::read(r)?,
            }),
            _ => Err(Damaged),
        }
    }

    /// The mailbox whose messages it is about.
    pub fn mailbox(&self) -> Option<MailboxId> {
        match self {
            Self::Added { mailbox, .. }
            | Self::Flags { mailbox, .. }
            | Self::Expunged { mailbox, .. }
            | Self::Created { mailbox, .. }
            | Self::Deleted { mailbox, .. }
            | Self::Renamed { mailbox, .. }
            | Self::Assigned { mailbox, .. } => Some(*mailbox),
            Self::Subscribed { .. } | Self::Unsubscribed { .. } => None,
        }
    }

    /// How many messages it names.
    pub fn messages(&self) -> u64 {
        let count =
            |runs: &mut dyn Iterator<Item = Run>| runs.map(|(_, count)| u64::from(count)).sum();
        match self {
            Self::Added { runs, .. } => count(&mut runs.iter().copied()),
            Self::Flags { before, .. } | Self::Expunged { before, .. } => count(&mut before.runs()),
            _ => 0,
        }
    }

    /// As others see it.
    pub fn told(&self, keywords: &Keywords) -> Option<Change> {
        let flags = |before: &Before| {
            let told = |(uid, set)| (uid, keywords.flags(set));
            let mut told: Vec<(u32, Flags)> = before.iter().map(told).collect();
            told.sort_unstable_by_key(|(uid, _)| *uid);
            told
        };
        let name = |name: &str| MailboxName::try_from(name).ok();
        Some(match self {
            Self::Added { mailbox, runs } => Change::Added {
                mailbox: *mailbox,
                uids: before::uids(runs).collect(),
            },
            Self::Flags { mailbox, before } => Change::Flags {
                mailbox: *mailbox,
                before: flags(before),
            },
            Self::Expunged {
                mailbox, before, ..
            } => Change::Expunged {
                mailbox: *mailbox,
                before: flags(before),
            },
            Self::Created {
                mailbox,
                name: text,
            } => Change::MailboxCreated {
                mailbox: *mailbox,
                name: name(text)?,
            },
            Self::Deleted {
                mailbox,
                name: text,
                ..
            } => Change::MailboxDeleted {
                mailbox: *mailbox,
                name: name(text)?,
            },
            Self::Renamed {
                mailbox, before, ..
            } => Change::MailboxRenamed {
                mailbox: *mailbox,
                before: name(before)?,
            },
            Self::Assigned { mailbox, record } => Change::MailboxAssigned {
                mailbox: *mailbox,
                before: record.special_use,
            },
            Self::Subscribed { name: text } => Change::Subscribed { name: name(text)? },
            Self::Unsubscribed { name: text } => Change::Unsubscribed { name: name(text)? },
        })
    }
}
