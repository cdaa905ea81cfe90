//! SEARCH [rfc3501 6.4.4], extended [rfc4731 3.1], with its result saved [rfc5182 2.1].

use crate::enabled::Extension;
use crate::limits;
use crate::reply::{Answer, Outcome, Trouble};
use crate::search::{Cost, Facts, Ground, Program, compile};
use crate::session::Session;
use imap::{ESearch, Ids, Response, ReturnOption, Search, SearchKey, SequenceSet, Tag};
use mail::{Cursor, Seqs, View, Want, read_ahead};
use roaring::RoaringBitmap;

pub(crate) async fn run(session: &mut Session, tag: &Tag, search: &Search) -> Outcome {
    // Every text is UTF-8 then [rfc6855 3].
    if search.charset.is_some() && session.enabled.has(Extension::Utf8Accept) {
        return Ok(Answer::bad("after ENABLE UTF8=ACCEPT there is no CHARSET"));
    }
    let found = match find(session, search).await {
        Ok(found) => found,
        Err(trouble) => {
            if saves(search) && answered_no(&trouble) {
                session.saved = RoaringBitmap::new();
            }
            return Err(trouble);
        }
    };
    // IMAP4rev2 has no SEARCH response [rfc9051 6.4.4].
    let options = match session.enabled.has(Extension::Imap4Rev2) {
        true => Some(search.returns.as_deref().unwrap_or_default()),
        false => search.returns.as_deref(),
    };
    let returned = Returned::of(options.unwrap_or_default(), &found);
    let modseq = match search.key.any(|key| matches!(key, SearchKey::ModSeq(_))) {
        true => highest_modseq(session, &returned.messages).await?,
        false => None,
    };
    let (view, wire) = session.selected();
    match options {
        None => wire.say(&Response::Search {
            numbers: numbers(view, search.ids, &found),
            modseq,
        }),
        // "the SAVE result option also suppresses any SEARCH response" [rfc5182 1]
        Some([ReturnOption::Save]) => {}
        Some(_) => {
            let response = returned.response(view, tag, search.ids, modseq);
            wire.say(&Response::ESearch(response));
        }
    }
    if saves(search) {
        session.saved = returned.messages;
    }
    Ok(Answer::ok("searched"))
}

fn saves(search: &Search) -> bool {
    let options = search.returns.as_deref().unwrap_or_default();
    options.contains(&ReturnOption::Save)
}

/// Then the saved result is empty; after BAD it stays [rfc5182 2.1].
fn answered_no(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Refused(answer) => answer.condition == imap::Condition::No,
        Trouble::Fault(_) => true,
        Trouble::MailboxGone | Trouble::Ended(_) => false,
    }
}

fn number(view: &View, ids: Ids, uid: u32) -> Option<u32> {
    match ids {
        Ids::Uid => Some(uid),
        Ids::Sequence => view.seq_of(uid),
    }
}

fn numbers(view: &View, ids: Ids, uids: &RoaringBitmap) -> Vec<u32> {
    let mut seqs = Seqs::default();
    match ids {
        Ids::Uid => uids.iter().collect(),
        Ids::Sequence => uids.iter().filter_map(|uid| seqs.of(view, uid)).collect(),
    }
}

/// What RETURN asked for, as UIDs.
struct Returned {
    min: Option<u32>,
    max: Option<u32>,
    all: Option<RoaringBitmap>,
    count: Option<u32>,
    /// What counts as returned, for `$` and for MODSEQ: all that was found, or where only MIN and
    /// MAX are asked for, these [rfc5182 2.4] [rfc4731 3.2] [rfc7162 3.1.10].
    messages: RoaringBitmap,
}

impl Returned {
    fn of(options: &[ReturnOption], found: &RoaringBitmap) -> Returned {
        let asked = |option| options.contains(&option);
        let min = found.min().filter(|_| asked(ReturnOption::Min));
        let max = found.max().filter(|_| asked(ReturnOption::Max));
        let count = asked(ReturnOption::Count);
        // No option at all is ALL [rfc4731 3.1].
        let all = asked(ReturnOption::All) || options.is_empty();
        let only_ends = (asked(ReturnOption::Min) || asked(ReturnOption::Max)) && !all && !count;
        Returned {
            min,
            max,
            all: all.then(|| found.clone()),
            count: count.then(|| u32::try_from(found.len()).unwrap_or(u32::MAX)),
            messages: match only_ends {
                true => min.into_iter().chain(max).collect(),
                false => found.clone(),
            },
        }
    }

    /// MIN, MAX and ALL only if something was found [rfc9051 7.3.4].
    fn response(&self, view: &View, tag: &Tag, ids: Ids, modseq: Option<u64>) -> ESearch {
        let all = self.all.as_ref().map(|all| numbers(view, ids, all));
        ESearch {
            tag: tag.clone(),
            ids,
            min: self.min.and_then(|uid| number(view, ids, uid)),
            max: self.max.and_then(|uid| number(view, ids, uid)),
            all: all.and_then(SequenceSet::from_numbers),
            count: self.count,
            modseq,
        }
    }
}

/// The highest mod-sequence of these messages; none if there are none [rfc7162 3.1.6].
async fn highest_modseq(
    session: &mut Session,
    uids: &RoaringBitmap,
) -> Result<Option<u64>, Trouble> {
    let (view, wire) = session.selected();
    let (mut cursor, mut highest) = (Cursor::start(), None);
    loop {
        let batch = view.fetch(uids, Want::Flags, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(highest);
        }
        highest = highest.max(batch.iter().map(|message| message.modseq.0).max());
        wire.check_stop()?;
        wire.turns.pass().await;
    }
}

async fn find(session: &mut Session, search: &Search) -> Result<RoaringBitmap, Trouble> {
    let now = session.door.mail.clock().now();
    let saved = session.saved.clone();
    let (view, _) = session.selected();
    let ground = Ground {
        view,
        saved: &saved,
        now,
    };
    let (found, left) = compile(search, &ground)?.narrow(view)?;
    match left {
        Some(program) => ask_each(session, &program, &found).await,
        None => Ok(found),
    }
}

async fn ask_each(
    session: &mut Session,
    program: &Program,
    candidates: &RoaringBitmap,
) -> Result<RoaringBitmap, Trouble> {
    let cost = program.cost();
    let door = session.door.clone();
    let _slot = match cost {
        Cost::Header | Cost::Body => door.text_searches.acquire().await.ok(),
        Cost::Nothing | Cost::Flags | Cost::Record => None,
    };
    let want = match cost {
        Cost::Nothing | Cost::Flags => Want::Flags,
        Cost::Record | Cost::Header | Cost::Body => match program.asks_flags() {
            true => Want::Both,
            false => Want::Ready,
        },
    };
    let (view, wire) = session.selected();
    let reads_all = program.reads_all();
    let mut found = RoaringBitmap::new();
    let mut cursor = Cursor::start();
    loop {
        let mut batch = view.fetch(candidates, want, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(found);
        }
        let mut ahead = 0;
        for at in 0..batch.len() {
            if reads_all && at >= ahead {
                ahead = at + read_ahead(&mut batch[at..]);
            }
            let message = &batch[at];
            let mut facts = Facts::of(message);
            let matches = match program.matches_record(&facts) {
                Some(matches) => matches,
                None => {
                    program
                        .matches_in_turns(&mut facts, &mut wire.turns)
                        .await?
                }
            };
            if matches {
                found.insert(message.uid);
            }
            // What was read ahead goes with the record.
            batch[at].ready = None;
        }
        wire.check_stop()?;
        wire.turns.pass().await;
    }
}
