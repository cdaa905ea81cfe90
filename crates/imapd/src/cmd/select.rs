//! SELECT [rfc3501 6.3.1] and EXAMINE [rfc3501 6.3.2], with CONDSTORE and QRESYNC [rfc7162 3.2.5].

use super::list;
use crate::enabled::{Enabled, Extension};
use crate::keywords::KnownKeywords;
use crate::reply::{Answer, Outcome, id};
use crate::resync;
use crate::session::{Session, mailbox_name};
use crate::table::Stage;
use crate::updates::{flag_responses, highest_modseq};
use imap::{CondStore, ListEntry, Mailbox, Response, ResponseCode, SelectParams};
use mail::{Access, MailboxInfo, View};

pub(crate) async fn run(
    session: &mut Session,
    name: &Mailbox,
    params: &SelectParams,
    access: Access,
) -> Outcome {
    // [rfc7162 3.2.5]
    if params.resync.is_some() && !session.enabled.has(Extension::QResync) {
        return Ok(Answer::bad("ENABLE QRESYNC comes first"));
    }
    // [rfc7162 3.1]
    if params.condstore == CondStore::Asked {
        session.enabled.insert(Extension::CondStore);
    }
    // Also when the new one cannot be opened, no mailbox is selected then [rfc3501 6.3.1].
    if session.stage() == Stage::Selected {
        session.unselect();
        // What follows is of the new mailbox [rfc7162 3.2.11].
        let closed = Response::untagged_ok(ResponseCode::Closed, "the other mailbox is left");
        session.wire.say(&closed);
    }
    let account = session.account().clone();
    let view = account.select(&mailbox_name(name)?, access).await?;
    let mut keywords = KnownKeywords::default();
    for response in picture(&view, &mut keywords, session.enabled)? {
        session.wire.say(&response);
    }
    if session.enabled.has(Extension::Imap4Rev2)
        && let Some(mailbox) = account.mailbox(view.name())?
    {
        session.wire.say(&list_entry(&mailbox, name));
    }
    // [rfc9051 6.3.3]
    let answer = match view.access() {
        Access::ReadWrite => Answer::ok_with(ResponseCode::ReadWrite, "selected"),
        Access::ReadOnly => Answer::ok_with(ResponseCode::ReadOnly, "examined"),
    };
    session.opened(account, view, keywords);
    if let Some(asked) = &params.resync
        && let Err(trouble) = resync::resync(&mut session.open(), asked).await
    {
        // What is answered NO is not selected.
        session.unselect();
        return Err(trouble);
    }
    Ok(answer)
}

/// How the mailbox is called and what it is; the name by which it was selected, if it was another
/// [rfc9051 6.3.2].
fn list_entry(mailbox: &MailboxInfo, said: &Mailbox) -> Response {
    let entry = list::entry(mailbox);
    let old_name = (entry.mailbox != *said).then(|| said.clone());
    Response::List(ListEntry { old_name, ..entry })
}

fn picture(
    view: &View,
    known: &mut KnownKeywords,
    enabled: Enabled,
) -> Result<Vec<Response>, mail::Fault> {
    let [flags, permanent] = flag_responses(view, known)?;
    let code = |code, text| Response::untagged_ok(code, text);
    let mut picture = vec![flags, Response::Exists(view.len())];
    // IMAP4rev2 has neither RECENT nor UNSEEN [rfc9051 6.3.2].
    if !enabled.has(Extension::Imap4Rev2) {
        picture.push(Response::Recent(view.recent()));
        let unseen = view.first_unseen().map(ResponseCode::Unseen);
        picture.extend(unseen.map(|unseen| code(unseen, "the first that is not read")));
    }
    picture.extend([
        permanent,
        code(ResponseCode::UidNext(view.uid_next()), "the next UID"),
        code(
            ResponseCode::UidValidity(view.uid_validity()),
            "the UIDs are valid",
        ),
        // [rfc8474 4.2]
        code(ResponseCode::MailboxId(id(view.id())), "its id"),
        // Of every mailbox, whether or not the client knows mod-sequences [rfc7162 3.1.2]
        // [rfc7162 3.1.2.1].
        highest_modseq(view.modseq()),
    ]);
    Ok(picture)
}
