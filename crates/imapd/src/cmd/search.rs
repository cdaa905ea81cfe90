//! SEARCH [rfc3501 6.4.4].

use crate::limits;
use crate::reply::{Answer, Outcome};
use crate::search::{Cost, Facts, Program, compile};
use crate::session::Session;
use imap::{Ids, Response, Search};
use mail::{Cursor, Want};
use roaring::RoaringBitmap;

pub(crate) async fn run(session: &mut Session, search: &Search) -> Outcome {
    let (view, _) = session.selected();
    let (mut found, left) = compile(search, view)?.narrow(view)?;
    if let Some(program) = left {
        found = ask_each(session, &program, &found).await?;
    }
    let (view, wire) = session.selected();
    let numbers = match search.ids {
        Ids::Uid => found.iter().collect(),
        Ids::Sequence => found.iter().filter_map(|uid| view.seq_of(uid)).collect(),
    };
    wire.say(&Response::Search(numbers));
    Ok(Answer::ok("searched"))
}

async fn ask_each(
    session: &mut Session,
    program: &Program,
    candidates: &RoaringBitmap,
) -> Result<RoaringBitmap, crate::reply::Trouble> {
    let cost = program.cost();
    let door = session.door.clone();
    let _slot = match cost {
        Cost::Header | Cost::Body => door.text_searches.acquire().await.ok(),
        Cost::Nothing | Cost::Flags | Cost::Record => None,
    };
    let want = match cost {
        Cost::Nothing | Cost::Flags => Want::Flags,
        Cost::Record | Cost::Header | Cost::Body => Want::Both,
    };
    let (view, wire) = session.selected();
    let mut found = RoaringBitmap::new();
    let mut cursor = Cursor::start();
    loop {
        let batch = view.fetch(candidates, want, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            return Ok(found);
        }
        for message in &batch {
            let mut facts = Facts::of(message);
            if program.matches_in_turns(&mut facts).await? {
                found.insert(message.uid);
            }
        }
        wire.check_stop()?;
        tokio::task::yield_now().await;
    }
}
