//! POP4's flags: LFLG lists them as they are now, SFLG changes them at once.
//!
//! POP4 says four flags of the system and keywords that begin with `$`. Others (`\Deleted`, keywords
//! of other forms) are not shown, and are left as they are.

use crate::reply::Refused;
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use mail::{Cursor, FlagChange, Flags, Keyword, SystemFlags};
use pop::Reply;
use pop::pop4::{Flag, MessageSet, Setting, flags_text};
use roaring::RoaringBitmap;

/// Each flag that has a word, in the order in which they are listed.
const SYSTEM: [(Flag, SystemFlags); 4] = [
    (Flag::Seen, SystemFlags::SEEN),
    (Flag::Answered, SystemFlags::ANSWERED),
    (Flag::Flagged, SystemFlags::FLAGGED),
    (Flag::Draft, SystemFlags::DRAFT),
];

/// What POP4 can say of a message's flags.
fn said(flags: &Flags) -> Vec<Flag> {
    let system = SYSTEM.iter().filter(|(_, one)| flags.system.contains(*one));
    let keywords = flags.keywords.iter();
    system
        .map(|(flag, _)| flag.clone())
        .chain(keywords.filter_map(|keyword| Flag::keyword(keyword.as_str())))
        .collect()
}

/// Flags as mail at rest has them.
pub(crate) fn meant(said: &[Flag]) -> Result<Flags, Refused> {
    let mut flags = Flags::default();
    for flag in said {
        match flag {
            Flag::Keyword(word) => {
                let keyword = Keyword::new(word);
                let keyword = keyword.ok_or_else(|| Refused::new(Text::NoSuchFlag))?;
                if !flags.keywords.contains(&keyword) {
                    flags.keywords.push(keyword);
                }
            }
            flag => {
                let system = SYSTEM.iter().find(|(one, _)| one == flag);
                flags
                    .system
                    .insert(system.map_or(SystemFlags::NONE, |row| row.1));
            }
        }
    }
    Ok(flags)
}

pub(crate) fn lflg(session: &mut Session, set: Option<MessageSet>) -> Doing<'_> {
    Box::pin(async move {
        let maildrop = session.maildrop();
        let uids = match &set {
            Some(set) => maildrop.choose(set),
            None => Ok(maildrop.unmarked_uids()),
        };
        match uids {
            Ok(uids) => list(session, &uids).await,
            Err(refused) => {
                session.refuse(&refused);
                Ok(())
            }
        }
    })
}

async fn list(session: &mut Session, uids: &RoaringBitmap) -> Result<(), End> {
    let mut cursor = Cursor::start();
    // the first batch is read before `+OK`: a fault in it can still be told
    let mut batch = match session.maildrop().flags(uids, &mut cursor) {
        Ok(batch) => batch,
        Err(refused) => {
            session.refuse(&refused);
            return Ok(());
        }
    };
    session.begin(&Text::FlagsFollow);
    while !batch.is_empty() {
        for (number, flags) in &batch {
            let line = format!("{number} {}", flags_text(&said(flags)));
            session.machine.send(Reply::Line(&line));
        }
        session.flush_if_full().await?;
        tokio::task::yield_now().await;
        let next = session.maildrop().flags(uids, &mut cursor);
        batch = next.map_err(|_| End::Cut)?;
    }
    session.machine.send(Reply::End);
    Ok(())
}

pub(crate) fn sflg(
    session: &mut Session,
    set: MessageSet,
    setting: Setting,
    flags: Vec<Flag>,
) -> Doing<'_> {
    Box::pin(async move {
        match change(session, &set, setting, &flags).await {
            Ok(()) => session.ok(&Text::Nothing),
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

async fn change(
    session: &mut Session,
    set: &MessageSet,
    setting: Setting,
    said: &[Flag],
) -> Result<(), Refused> {
    let flags = meant(said)?;
    let maildrop = session.maildrop();
    let uids = maildrop.choose(set)?;
    if setting == Setting::Replace {
        // not all flags at once: those that POP4 cannot say stay
        let others = others(&flags, &maildrop.keywords()?);
        maildrop
            .set_flags(&uids, &FlagChange::Remove(others))
            .await?;
    }
    let change = match setting {
        Setting::Add | Setting::Replace => FlagChange::Add(flags),
        Setting::Remove => FlagChange::Remove(flags),
    };
    maildrop.set_flags(&uids, &change).await
}

/// What POP4 can say and is not among these.
fn others(flags: &Flags, keywords: &[Keyword]) -> Flags {
    let mut others = Flags::default();
    for (_, one) in SYSTEM {
        if !flags.system.contains(one) {
            others.system.insert(one);
        }
    }
    let is_other = |keyword: &&Keyword| {
        Flag::keyword(keyword.as_str()).is_some() && !flags.keywords.contains(keyword)
    };
    others.keywords = keywords.iter().filter(is_other).cloned().collect();
    others
}
