//! ENVELOPE of a header, from raw values: nothing is decoded [rfc9051 7.5.2].

use super::field::{self, Fields};
use crate::limits;
use addr::header::{Item, Mailbox, parse_list};
use imap::structure::{Address, Envelope};

/// How much of a header is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All of it, within the limits of each field.
    Full,
    /// A few addresses and short texts: the whole would be too large to keep.
    Short,
    /// Nothing.
    None,
}

pub(super) fn envelope(header: &Fields<'_>, detail: Detail) -> Envelope {
    if detail == Detail::None {
        return Envelope::default();
    }
    let text = |name: &str| {
        let mut value = header.unfolded(name)?;
        if detail == Detail::Short {
            value.truncate(500);
        }
        Some(value)
    };
    let list = |name: &str| {
        let max = if detail == Detail::Full {
            limits::ENVELOPE_ADDRESSES
        } else {
            10
        };
        header
            .first(name)
            .map(|raw| addresses(raw, max))
            .unwrap_or_default()
    };
    Envelope {
        date: text("date"),
        subject: text("subject"),
        from: list("from"),
        sender: list("sender"),
        reply_to: list("reply-to"),
        to: list("to"),
        cc: list("cc"),
        bcc: list("bcc"),
        in_reply_to: text("in-reply-to"),
        message_id: text("message-id"),
    }
}

fn addresses(raw: &[u8], max: usize) -> Vec<Address> {
    let raw = field::unfold_whole(raw);
    let mut out = Vec::new();
    for item in parse_list(&raw).items {
        if out.len() >= max {
            break;
        }
        match item {
            Item::Mailbox(mailbox) => out.push(address(mailbox)),
            Item::Group { name, members } => {
                let start = Address {
                    mailbox: Some(name),
                    ..Address::default()
                };
                out.push(start);
                let room = max.saturating_sub(out.len());
                out.extend(members.into_iter().take(room).map(address));
                out.push(Address::default());
            }
        }
    }
    out
}

fn address(mailbox: Mailbox) -> Address {
    Address {
        name: mailbox.name,
        adl: mailbox.adl,
        mailbox: Some(mailbox.local),
        host: Some(mailbox.host),
    }
}
