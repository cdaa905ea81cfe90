//! CREATE [rfc3501 6.3.3] [rfc9051 6.3.4], with special uses [rfc6154 3].

use super::list;
use crate::reply::{Answer, Outcome, Trouble, id};
use crate::session::{Session, new_name};
use imap::{Create, Mailbox, ResponseCode};
use mail::{MailboxName, SpecialUse};

pub(crate) async fn run(session: &mut Session, create: &Create) -> Outcome {
    // A separator at the end says that names below it will be made; it is no part of the name.
    let said = create.mailbox.as_str();
    let said = Mailbox::new(said.strip_suffix(MailboxName::SEPARATOR).unwrap_or(said));
    let name = new_name(session, &said)?;
    let special_use = special_use(&create.uses)?;
    let made = session.account().create(&name, special_use).await?;
    if let Some(mailbox) = session.account().mailbox(&name)? {
        list::tell_name(session, &said, list::entry(&mailbox));
    }
    // [rfc8474 4.1]
    Ok(Answer::ok_with(
        ResponseCode::MailboxId(id(made)),
        "created",
    ))
}

/// A mailbox is for one thing at most. What cannot be had refuses the whole command [rfc6154 3].
fn special_use(said: &[String]) -> Result<Option<SpecialUse>, Trouble> {
    let no = |text| Err(Answer::no(ResponseCode::UseAttr, text).into());
    let mut found = None;
    for word in said {
        match (SpecialUse::by_name(word), found) {
            (None, _) => return no("that special use is not known here"),
            (Some(special_use), Some(before)) if special_use != before => {
                return no("a mailbox has one special use here");
            }
            (some, _) => found = some,
        }
    }
    Ok(found)
}
