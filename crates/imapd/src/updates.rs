//! The open mailbox as a client sees it: what others did to it, said in the client's way. Which
//! commands may tell of expunges is said in the command table.

use crate::enabled::{Enabled, Extension};
use crate::flags::{Recent, known_to_wire, names};
use crate::keywords::KnownKeywords;
use crate::limits;
use crate::reply::Trouble;
use crate::wire::Wire;
use imap::{FetchData, FetchWriter, Flag, Ids, Response, ResponseCode, SequenceSet};
use mail::{Access, Expunges, Fault, Flags, ModSeq, Update, View};
use roaring::RoaringBitmap;

/// The open mailbox, the way to the client, and what is known of the client.
pub(crate) struct Open<'a> {
    pub view: &'a mut View,
    pub wire: &'a mut Wire,
    pub keywords: &'a mut KnownKeywords,
    pub enabled: Enabled,
}

impl Open<'_> {
    /// Moves the picture forward and says what changed. Gives the mod-sequence that the client has
    /// to be told besides.
    pub async fn tell(&mut self, expunges: Expunges, ids: Ids) -> Result<Option<ModSeq>, Trouble> {
        let updates = self.view.advance(expunges)?;
        let mut gone = RoaringBitmap::new();
        for update in &updates {
            // Only who enabled it is told in a way that RFC 3501 does not know [rfc9051 6.5].
            if let Update::Expunged { uid, .. } = update
                && self.enabled.has(Extension::QResync)
            {
                gone.insert(*uid);
                continue;
            }
            // Expunges come first, so that the numbers behind them are right.
            say_vanished(self.wire, &std::mem::take(&mut gone), Response::Vanished).await?;
            // The picture has moved: what is left has to be said, whatever cannot be read now.
            if let Update::Flags { flags, .. } = update
                && let Err(fault) = self.learn([flags])
            {
                tracing::error!(%fault, "cannot say which keywords there are");
            }
            self.say(update, ids);
            self.wire.ease().await?;
        }
        say_vanished(self.wire, &gone, Response::Vanished).await?;
        let is_expunge = |update: &Update| matches!(update, Update::Expunged { .. });
        Ok(self.modseq_to_say(updates.iter().any(is_expunge).into()))
    }

    /// A client takes the highest MODSEQ that it reads for its own, unless it is told another. So
    /// it is told while an expunge waits that it would pass over, and when one was told, which
    /// brings no MODSEQ along [rfc7162 3.2] [rfc7162 6].
    fn modseq_to_say(&self, expunged: Expunged) -> Option<ModSeq> {
        let told = self.view.told_modseq();
        let waits = told < self.view.modseq();
        let due = waits || expunged == Expunged::Some;
        (due && self.enabled.has(Extension::CondStore)).then_some(told)
    }

    /// Nothing could be read: what the command itself said must not pass over what others did.
    pub fn modseq_after_fault(&self) -> Option<ModSeq> {
        let told = self.view.told_modseq();
        self.enabled.has(Extension::CondStore).then_some(told)
    }

    fn say(&mut self, update: &Update, ids: Ids) {
        match update {
            Update::Exists(count) => self.wire.say(&Response::Exists(*count)),
            // [rfc9051 2.3.2]
            Update::Recent(_) if self.enabled.has(Extension::Imap4Rev2) => {}
            Update::Recent(count) => self.wire.say(&Response::Recent(*count)),
            Update::Expunged { seq, .. } => self.wire.say(&Response::Expunge(*seq)),
            Update::Flags {
                seq,
                uid,
                flags,
                modseq,
            } => self.say_fetch(*seq, *uid, Some(flags), *modseq, ids),
        }
    }

    /// A FETCH response for flags that were not fetched. In a UID command it carries the UID
    /// [rfc3501 6.4.8], as always in IMAP4rev2 [rfc9051 7.5.2]; for a client that knows mod-sequences
    /// UID and MODSEQ [rfc7162 3.2.4].
    pub fn say_fetch(
        &mut self,
        seq: u32,
        uid: u32,
        flags: Option<&Flags>,
        modseq: ModSeq,
        ids: Ids,
    ) {
        let knows_modseqs = self.enabled.has(Extension::CondStore);
        let rev2 = self.enabled.has(Extension::Imap4Rev2);
        let out = self.wire.out();
        let mut writer = FetchWriter::start(seq, out);
        if ids == Ids::Uid || knows_modseqs || rev2 {
            writer.item(&FetchData::Uid(uid), out);
        }
        if let Some(flags) = flags {
            let recent = Recent::from(self.view.is_recent(uid) && !rev2);
            writer.flags(names(flags, recent), out);
        }
        if knows_modseqs {
            writer.item(&FetchData::ModSeq(modseq.0), out);
        }
        writer.end(out);
    }

    /// Announces the account's keywords if one of these messages has one that the client was not
    /// told of.
    pub fn learn<'f>(&mut self, flags: impl IntoIterator<Item = &'f Flags>) -> Result<(), Fault> {
        if flags.into_iter().all(|flags| self.keywords.know(flags)) {
            return Ok(());
        }
        let [known, permanent] = flag_responses(self.view, self.keywords)?;
        self.wire.say(&known);
        self.wire.say(&permanent);
        Ok(())
    }
}

/// FLAGS and PERMANENTFLAGS as they are now; from here on the client knows them.
pub(crate) fn flag_responses(
    view: &View,
    known: &mut KnownKeywords,
) -> Result<[Response; 2], Fault> {
    let keywords = view.keywords()?;
    known.tell(&keywords);
    let flags = known_to_wire(&keywords);
    let mut permanent = Vec::new();
    if view.access() == Access::ReadWrite {
        permanent.clone_from(&flags);
        // Once there are as many as there may be, no new one is promised [rfc9051 7.1].
        if keywords.len() < view.max_keywords() {
            permanent.push(Flag::Any);
        }
    }
    let code = ResponseCode::PermanentFlags(permanent);
    Ok([
        Response::Flags(flags),
        Response::untagged_ok(code, "these can be set"),
    ])
}

/// HIGHESTMODSEQ as a response of its own.
pub(crate) fn highest_modseq(modseq: ModSeq) -> Response {
    Response::untagged_ok(ResponseCode::HighestModSeq(modseq.0), "the last change")
}

/// Says which UIDs are gone, in one of the two forms of VANISHED [rfc7162 3.2.10].
pub(crate) async fn say_vanished(
    wire: &mut Wire,
    gone: &RoaringBitmap,
    form: fn(SequenceSet) -> Response,
) -> Result<(), Trouble> {
    let Some(uids) = SequenceSet::from_numbers(gone) else {
        return Ok(());
    };
    for piece in uids.pieces(limits::VANISHED_RANGES) {
        wire.say(&form(piece));
        wire.ease().await?;
    }
    Ok(())
}

/// Was an expunge told?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expunged {
    None,
    Some,
}

impl From<bool> for Expunged {
    fn from(some: bool) -> Expunged {
        if some { Expunged::Some } else { Expunged::None }
    }
}
