//! Verifying a mailbox: rows, bitmaps, counts and bodies agree.

use super::account::Log;
use super::{COUNT, DAMAGE, LOST, VerifyReport};
use crate::bits::{self, Kind};
use crate::codec::{Look, Moment, decode};
use crate::deliver::Inner;
use crate::flags::SystemFlags;
use crate::ids::{MailboxId, ModSeq};
use crate::keys;
use crate::mailbox;
use crate::parts::PartTree;
use crate::record::{Head, Sect};
use crate::rows::{BLOCK_UIDS, Block, ShownRanges, block_of};
use crate::state::{FlagRow, Forms, MailboxState};
use crate::tree::Node;
use roaring::RoaringBitmap;
use std::collections::HashSet;
use store::Fault;

/// What a mailbox adds to its account.
pub(super) struct Found {
    pub bytes: u64,
    pub messages: u64,
    pub highest_modseq: ModSeq,
}

/// What the rows of a mailbox say.
#[derive(Default)]
struct Counted {
    all: RoaringBitmap,
    unseen: RoaringBitmap,
    deleted: RoaringBitmap,
    bytes: u64,
    forms: Forms,
}

pub(super) async fn verify(
    inner: &Inner,
    look: &Moment,
    node: &Node,
    log: &Log,
    keywords: usize,
    place: &str,
    report: &mut VerifyReport,
) -> Result<Found, Fault> {
    let state = mailbox::state(look, node.id)?;
    // Rows of a deleted incarnation lie in blocks below; those past UIDNEXT are not there yet.
    let old = log.old_uid_next.get(&node.id).copied().unwrap_or(0);
    let from = old.div_ceil(BLOCK_UIDS).saturating_mul(BLOCK_UIDS);
    let mut counted = Counted::default();
    let mut shown = ShownRanges::default();
    let blocks = keys::flags(node.id, block_of(from))..=keys::flags(node.id, u32::MAX);
    for block in look.range(blocks) {
        let (key, value) = block?;
        let number = keys::last_u32(&key).unwrap_or_default();
        let block = decode::<Block>(&key, &value)?;
        let is_there = |uid| (from..state.uid_next).contains(&uid);
        for (uid, row) in block.rows(number).filter(|(uid, _)| is_there(*uid)) {
            let row = shown.complete(look, node.id, (uid, row.clone()))?;
            counted.add(uid, &row);
            let place = format!("{place} UID {uid}");
            verify_row(&row, (state.highest_modseq, keywords), &place, report);
            verify_message(inner, look, (node.id, uid), &row, &place, report)?;
            report.messages += 1;
        }
        tokio::task::yield_now().await;
    }
    compare(look, node.id, &state, &counted, place, report)?;
    Ok(Found {
        bytes: state.bytes,
        messages: state.messages.into(),
        highest_modseq: state.highest_modseq,
    })
}

impl Counted {
    fn add(&mut self, uid: u32, row: &FlagRow) {
        self.all.insert(uid);
        if !row.flags.system.contains(SystemFlags::SEEN) {
            self.unseen.insert(uid);
        }
        if row.flags.system.contains(SystemFlags::DELETED) {
            self.deleted.insert(uid);
        }
        self.bytes += row.size;
        self.forms.add(row.form);
    }
}

fn verify_row(
    row: &FlagRow,
    (highest_modseq, keywords): (ModSeq, usize),
    place: &str,
    report: &mut VerifyReport,
) {
    let is_unknown = |number: &u16| usize::from(*number) >= keywords;
    if row.flags.keywords.iter().any(is_unknown) {
        report.problem(place, "it has a keyword without a name", COUNT);
    }
    let modseq = row.modseq;
    if modseq > highest_modseq || modseq == ModSeq(0) {
        let found = format!("its modseq {modseq} is not the mailbox's");
        report.problem(place, found, COUNT);
    }
}

fn verify_message(
    inner: &Inner,
    look: &Moment,
    (mailbox, uid): (MailboxId, u32),
    row: &FlagRow,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), Fault> {
    let Some(value) = look.value(&keys::ready(mailbox, uid))? else {
        report.problem(place, "its record is missing", LOST);
        return Ok(());
    };
    let Ok(head) = Head::read(&value) else {
        report.problem(place, "its record cannot be read", DAMAGE);
        return Ok(());
    };
    if PartTree::decode(head.section(&value, Sect::Parts), head.prefix_len()).is_err() {
        report.problem(place, "its part map cannot be read", DAMAGE);
    }
    if head.size() != row.size {
        let found = format!("its size is {} or {}", head.size(), row.size);
        report.problem(place, found, COUNT);
    }
    if head.form != row.form {
        let found = format!("its form is {:?} or {:?}", head.form, row.form);
        report.problem(place, found, COUNT);
    }
    match inner.db.body_len(head.body)? {
        None => report.problem(place, format!("its body {} is missing", head.body.0), LOST),
        Some(len) if len != head.body_len => {
            let found = format!("its body has {len} octets, not {}", head.body_len);
            report.problem(place, found, LOST);
        }
        Some(len) => report.body_bytes += len,
    }
    Ok(())
}

fn compare(
    look: &Moment,
    id: MailboxId,
    state: &MailboxState,
    counted: &Counted,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), Fault> {
    let kinds = [
        (Kind::All, &counted.all, state.messages, "messages"),
        (
            Kind::Unseen,
            &counted.unseen,
            state.unseen,
            "unseen messages",
        ),
        (
            Kind::Deleted,
            &counted.deleted,
            state.deleted,
            "messages marked as deleted",
        ),
    ];
    for (kind, rows, count, what) in kinds {
        let bitmap = bits::load(look, (id, state.uid_next), kind)?;
        if bitmap != *rows {
            let differing: Vec<u32> = (&bitmap ^ rows).iter().take(5).collect();
            let found = format!("the bitmap of {what} differs from the rows at UIDs {differing:?}");
            report.problem(place, found, LOST);
        }
        report.same(place, what, count.into(), rows.len());
    }
    report.same(place, "octets", state.bytes, counted.bytes);
    let (kept, found) = (state.forms, counted.forms);
    report.same(
        place,
        "open last lines",
        kept.open.into(),
        found.open.into(),
    );
    report.same(
        place,
        "headers of UTF-8",
        kept.utf8.into(),
        found.utf8.into(),
    );
    if state.recent_from > state.uid_next {
        report.problem(place, "messages to come are no longer recent", COUNT);
    }
    Ok(())
}

/// Rows of mailboxes that are neither there nor kept as history.
pub(super) fn verify_dangling(
    look: &Moment,
    known: &HashSet<MailboxId>,
    log: &Log,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), Fault> {
    for tag in [b's', b'b', b'r', b'f'] {
        // One look for each mailbox: from its first row past its last.
        let mut from = vec![tag];
        while let Some(row) = look.range(from.clone()..vec![tag + 1]).next() {
            let (key, _) = row?;
            let Some(id) = keys::mailbox_of(&key) else {
                break;
            };
            let kept = log.deleted.contains(&id) && matches!(tag, b'r' | b'f');
            if !known.contains(&id) && !kept {
                let found = format!(
                    "{} rows of mailbox {id}, which is not there",
                    char::from(tag)
                );
                report.problem(place, found, COUNT);
            }
            let Some(next) = id.0.checked_add(1) else {
                break;
            };
            from = [&[tag][..], &next.to_be_bytes()].concat();
        }
    }
    Ok(())
}
