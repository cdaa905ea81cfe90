//! Mail that was delivered here, found again by what people know of it.
//!
//! There is no index for it, so that a delivery writes nothing more than the mailbox needs: the
//! records of messages are read, the newest of each mailbox first, up to a bound. What never
//! happens here: a body that is read, a change.

use crate::codec::damaged;
use crate::deliver::{Inner, Mail};
use crate::ids::{AccountId, EmailId, MailboxId};
use crate::keys::{self, READY, directory as key};
use crate::name::MailboxName;
use crate::proof::Admin;
use crate::ready::{DeliveredEnvelope, KeptField, Ready};
use crate::{limits, rows, tree, upkeep};
use addr::Address;
use std::collections::BTreeMap;
use store::Fault;

/// By what a delivered message is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sought {
    /// The id in its Received field, which its sender was told.
    Id(String),
    /// Its Message-ID field, without angle brackets.
    MessageId(String),
    /// Its sender or recipient.
    Address(Address),
}

/// A delivered message in one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    pub account: AccountId,
    pub envelope: DeliveredEnvelope,
    /// The id that its sender was told.
    pub id: Option<String>,
    /// Its Message-ID field.
    pub message_id: Option<String>,
    pub bytes: u64,
    /// Where it is or was; at least one.
    pub places: Vec<ArrivalPlace>,
}

/// One place of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArrivalPlace {
    /// None: the mailbox has been deleted.
    pub mailbox: Option<MailboxName>,
    pub uid: u32,
    pub presence: Presence,
}

/// Whether a message can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    There,
    /// Expunged or moved; the history has it still.
    Gone,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// The newest first.
    pub found: Vec<Arrival>,
    /// Whether more messages were kept than were looked at.
    pub is_cut: bool,
}

impl Mail {
    /// Delivered messages, at most `limit`, the newest first.
    pub async fn arrivals(
        &self,
        _: &Admin,
        sought: &Sought,
        limit: usize,
    ) -> Result<Arrivals, Fault> {
        let mut search = Search {
            sought,
            found: BTreeMap::new(),
            left: limits::ARRIVALS_READ,
        };
        for account in upkeep::accounts(&self.inner, key::ACCOUNTS)? {
            search.account(&self.inner, account).await?;
        }
        let is_cut = search.left == 0;
        let mut found: Vec<Arrival> = search.found.into_values().collect();
        found.sort_by_key(|arrival| std::cmp::Reverse(arrival.envelope.at));
        found.truncate(limit);
        Ok(Arrivals { found, is_cut })
    }
}

struct Search<'a> {
    sought: &'a Sought,
    found: BTreeMap<(AccountId, EmailId), Arrival>,
    /// Messages that may still be looked at.
    left: usize,
}

impl Search<'_> {
    async fn account(&mut self, inner: &Inner, account: AccountId) -> Result<(), Fault> {
        let look = inner.moment(account);
        for row in crate::codec::Look::below(&look, READY).rev() {
            let Some(left) = self.left.checked_sub(1) else {
                return Ok(());
            };
            self.left = left;
            if left.is_multiple_of(limits::EDIT_MESSAGES) {
                tokio::task::yield_now().await;
            }
            let (key, value) = row?;
            let place = keys::mailbox_of(&key).zip(keys::last_u32(&key));
            let (mailbox, uid) = place.ok_or_else(|| damaged("a message", &key))?;
            let ready = Ready::new(&inner.db, mailbox, uid, value.bytes().clone())?;
            let Some(envelope) = ready.delivered() else {
                continue;
            };
            let id = received_id(&ready);
            let message_id = message_id(&ready);
            if !self.is_sought(&envelope, id.as_deref(), message_id.as_deref()) {
                continue;
            }
            let place = place_of(&look, mailbox, uid)?;
            let arrival = self.found.entry((account, ready.email_id()));
            let arrival = arrival.or_insert_with(|| Arrival {
                account,
                envelope,
                id,
                message_id,
                bytes: ready.size(),
                places: Vec::new(),
            });
            arrival.places.push(place);
        }
        Ok(())
    }

    fn is_sought(
        &self,
        envelope: &DeliveredEnvelope,
        id: Option<&str>,
        message_id: Option<&str>,
    ) -> bool {
        match self.sought {
            Sought::Id(sought) => id == Some(sought),
            Sought::MessageId(sought) => message_id == Some(sought),
            Sought::Address(sought) => {
                let is_it = |text: &String| {
                    let address: Option<Address> = text.parse().ok();
                    address.is_some_and(|address| address.key() == sought.key())
                };
                is_it(&envelope.sender) || is_it(&envelope.recipient)
            }
        }
    }
}

fn place_of(
    look: &crate::codec::Moment,
    mailbox: MailboxId,
    uid: u32,
) -> Result<ArrivalPlace, Fault> {
    let node = tree::node(look, mailbox)?;
    let name = node.map(|node| tree::name(look, &node)).transpose()?;
    let is_there = rows::rows(look, mailbox, &[uid])?
        .iter()
        .any(Option::is_some);
    Ok(ArrivalPlace {
        uid,
        presence: match name.is_some() && is_there {
            true => Presence::There,
            false => Presence::Gone,
        },
        mailbox: name,
    })
}

/// The id in the Received field that stands first: ours.
fn received_id(ready: &Ready) -> Option<String> {
    let prefix = ready.prefix();
    let text = std::str::from_utf8(&prefix).ok()?;
    let received = text.split_once("Received: ")?.1;
    let mut words = received.split_ascii_whitespace();
    words.find(|word| *word == "id")?;
    words.next().map(|id| id.trim_end_matches(';').to_owned())
}

/// What the Message-ID field says, of the body or of what was added before it; without brackets.
fn message_id(ready: &Ready) -> Option<String> {
    let text = match ready.kept_field("message-id") {
        KeptField::Value(value) => String::from_utf8_lossy(value).into_owned(),
        KeptField::Absent | KeptField::Unknown => {
            let prefix = String::from_utf8_lossy(&ready.prefix()).into_owned();
            let mut lines = prefix.lines();
            lines.find_map(|line| line.strip_prefix("Message-ID:").map(str::to_owned))?
        }
    };
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    Some(bare.to_owned())
}
