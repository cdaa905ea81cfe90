//! Reading messages of a view: records in UID order, a bounded number at a time.

use crate::codec::{Look, Moment, decode};
use crate::history::{LogChange, LogEntry};
use crate::ids::{MailboxId, ModSeq};
use crate::keys;
use crate::keywords::Keywords;
use crate::limits;
use crate::ready::Ready;
use crate::rows;
use crate::state::{FlagRow, FlagSet};
use crate::view::{Cursor, Message, Seqs, View, Want, Weight};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use store::{Fault, Value};

impl View {
    /// Up to `limit` messages at or after the cursor among `uids`, in UID order. A message that is
    /// expunged but not yet told still shows. Empty = no more.
    pub fn fetch(
        &self,
        uids: &RoaringBitmap,
        want: Want,
        cursor: &mut Cursor,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        let look = self.account.now();
        loop {
            let chosen = self.chosen(uids, *cursor, limit.clamp(1, limits::FETCH_MESSAGES));
            if chosen.is_empty() {
                return Ok(Vec::new());
            }
            let messages = self.read(&look, &chosen, want, cursor)?;
            // None left of this batch does not mean that there are no more.
            if !messages.is_empty() {
                return Ok(messages);
            }
        }
    }

    /// As `fetch`, of sizes alone: read from the small records, so that listing a large mailbox
    /// costs little. Empty = no more.
    pub fn weigh(
        &self,
        uids: &RoaringBitmap,
        cursor: &mut Cursor,
        limit: usize,
    ) -> Result<Vec<Weight>, Fault> {
        let look = self.account.now();
        loop {
            let chosen = self.chosen(uids, *cursor, limit.clamp(1, limits::FETCH_MESSAGES));
            let Some(last) = chosen.last() else {
                return Ok(Vec::new());
            };
            *cursor = Cursor(u64::from(*last) + 1);
            let rows = rows::rows(&look, self.mailbox, &chosen)?;
            let mut weights = Vec::with_capacity(chosen.len());
            let mut seqs = Seqs::default();
            for (uid, row) in chosen.into_iter().zip(rows) {
                let seq = seqs.of(self, uid).unwrap_or_default();
                weights.extend(self.weight(&look, (uid, seq), row)?);
            }
            if !weights.is_empty() {
                return Ok(weights);
            }
        }
    }

    /// A message that is expunged has no small record any more.
    fn weight(
        &self,
        look: &Moment,
        (uid, seq): (u32, u32),
        row: Option<FlagRow>,
    ) -> Result<Option<Weight>, Fault> {
        let (octets, form) = match row {
            Some(row) => (row.size, row.form),
            None => {
                let Some(value) = look.value(&keys::ready(self.mailbox, uid))? else {
                    return Ok(None);
                };
                let db = &self.account.inner.db;
                let ready = Ready::new(db, self.mailbox, uid, value.into_bytes())?;
                (ready.size(), ready.form())
            }
        };
        Ok(Some(Weight {
            uid,
            seq,
            octets,
            form,
        }))
    }

    /// The next UIDs that are asked for and in this picture.
    fn chosen(&self, uids: &RoaringBitmap, cursor: Cursor, limit: usize) -> Vec<u32> {
        let Ok(from) = u32::try_from(cursor.0) else {
            return Vec::new();
        };
        // The smaller set leads: `1:*` of an empty mailbox must not walk four billion numbers.
        if uids.len() <= self.uids.len() {
            uids.range(from..)
                .filter(|uid| self.uids.contains(*uid))
                .take(limit)
                .collect()
        } else {
            self.uids
                .range(from..)
                .filter(|uid| uids.contains(*uid))
                .take(limit)
                .collect()
        }
    }

    /// Reads as many of these as fit into a call, and moves the cursor behind them.
    fn read(
        &self,
        look: &Moment,
        chosen: &[u32],
        want: Want,
        cursor: &mut Cursor,
    ) -> Result<Vec<Message>, Fault> {
        let ready = match want {
            Want::Flags => vec![None; chosen.len()],
            _ => ready_records(look, self.mailbox, chosen)?,
        };
        let chosen = &chosen[..ready.len()];
        let rows = match want {
            Want::Ready => vec![None; chosen.len()],
            _ => rows::rows(look, self.mailbox, chosen)?,
        };
        if let Some(last) = chosen.last() {
            *cursor = Cursor(u64::from(*last) + 1);
        }
        let mut lazy = Lazy {
            view: self,
            look,
            keywords: None,
            gone: None,
        };
        let mut messages = Vec::with_capacity(chosen.len());
        let mut seqs = Seqs::default();
        for ((uid, row), ready) in chosen.iter().zip(rows).zip(ready) {
            let Some(mut message) = self.bare(*uid, &mut seqs, ready, want)? else {
                continue;
            };
            if want != Want::Ready {
                lazy.set_flags(&mut message, row)?;
            }
            messages.push(message);
        }
        Ok(messages)
    }

    /// A message without its flags; `None`: its record is wanted and not there any more.
    fn bare(
        &self,
        uid: u32,
        seqs: &mut Seqs,
        ready: Option<Value>,
        want: Want,
    ) -> Result<Option<Message>, Fault> {
        let ready = match ready {
            Some(value) => {
                let db = &self.account.inner.db;
                Some(Ready::new(db, self.mailbox, uid, value.into_bytes())?)
            }
            None if want == Want::Flags => None,
            None => return Ok(None),
        };
        Ok(Some(Message {
            uid,
            seq: seqs
                .of(self, uid)
                .expect("because only UIDs of the picture are read"),
            flags: crate::flags::Flags::default(),
            recent: self.is_recent(uid),
            modseq: ModSeq(0),
            size: ready.as_ref().map_or(0, Ready::size),
            ready,
        }))
    }
}

/// What few calls need: the keyword table, and the last flags of messages that are gone.
struct Lazy<'a> {
    view: &'a View,
    look: &'a Moment,
    keywords: Option<Keywords>,
    gone: Option<HashMap<u32, FlagSet>>,
}

impl Lazy<'_> {
    fn set_flags(&mut self, message: &mut Message, row: Option<FlagRow>) -> Result<(), Fault> {
        let set = match row {
            Some(row) => {
                message.modseq = row.modseq;
                message.size = row.size;
                row.flags
            }
            None => {
                message.modseq = self.view.modseq();
                if message.ready.is_none() {
                    message.size = self.last_size(message.uid)?;
                }
                self.last_flags(message.uid)?
            }
        };
        message.flags = Keywords::flags_by(&mut self.keywords, self.look, &set)?;
        Ok(())
    }

    /// The size of a message that is expunged, while it is kept.
    fn last_size(&self, uid: u32) -> Result<u64, Fault> {
        let Some(value) = self.look.value(&keys::ready(self.view.mailbox, uid))? else {
            return Ok(0);
        };
        let db = &self.view.account.inner.db;
        Ok(Ready::new(db, self.view.mailbox, uid, value.into_bytes())?.size())
    }

    /// The flags that a message had when it was expunged.
    fn last_flags(&mut self, uid: u32) -> Result<FlagSet, Fault> {
        if let Some(flags) = self.view.held().get(&uid) {
            return Ok(flags.clone());
        }
        if self.gone.is_none() {
            self.gone = Some(gone_since(self.look, self.view)?);
        }
        Ok(self
            .gone
            .as_ref()
            .and_then(|gone| gone.get(&uid))
            .cloned()
            .unwrap_or_default())
    }
}

/// Messages that were expunged since the view was last told anything.
fn gone_since(look: &Moment, view: &View) -> Result<HashMap<u32, FlagSet>, Fault> {
    let mut gone = HashMap::new();
    for row in look.range(keys::changes_after(view.told())) {
        let (key, value) = row?;
        for change in decode::<LogEntry>(&key, &value)?.changes {
            match change {
                LogChange::Expunged {
                    mailbox, before, ..
                } if mailbox == view.mailbox => {
                    gone.extend(before.iter().map(|(uid, flags)| (uid, flags.clone())));
                }
                _ => {}
            }
        }
    }
    Ok(gone)
}

/// So many records are sooner asked for by their keys than found by a scan.
const FEW: usize = 4;

/// The ready-to-send records of these UIDs, by one scan if they lie close together; of the first
/// ones only, but at least one, if they are large.
fn ready_records(
    look: &Moment,
    mailbox: MailboxId,
    uids: &[u32],
) -> Result<Vec<Option<Value>>, Fault> {
    let key = |uid| keys::ready(mailbox, uid);
    let (Some(first), Some(last)) = (uids.first(), uids.last()) else {
        return Ok(Vec::new());
    };
    let span = (last - first) as usize + 1;
    let mut bytes = 0;
    if span > uids.len() * 2 || uids.len() <= FEW {
        let mut found = Vec::new();
        for uid in uids {
            let value = look.value(&key(*uid))?;
            bytes += value.as_ref().map_or(0, |value| value.bytes().len());
            found.push(value);
            if bytes > limits::FETCH_BYTES {
                break;
            }
        }
        return Ok(found);
    }
    let mut found = vec![None; uids.len()];
    let mut at = 0;
    for row in look.range(key(*first)..=key(*last)) {
        let (row_key, value) = row?;
        let uid = keys::last_u32(&row_key).unwrap_or_default();
        while uids[at] < uid {
            at += 1;
        }
        if uids[at] == uid {
            bytes += value.bytes().len();
            found[at] = Some(value);
        }
        if bytes > limits::FETCH_BYTES {
            found.truncate(at + 1);
            break;
        }
    }
    Ok(found)
}
