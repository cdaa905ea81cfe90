//! DELE, RSET, NOOP [rfc1939 5] and LAST: marks of this
//! session, which nobody else sees before QUIT.

use crate::session::Session;
use crate::table::Doing;
use crate::text::Text;

pub(crate) fn dele(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        match session.maildrop().mark(number) {
            Ok(()) => session.ok(&Text::Deleted(number)),
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

pub(crate) fn rset(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        session.folders().unmark_all();
        session.ok(&Text::NothingDeleted);
        Ok(())
    })
}

/// The highest number that was read or marked; at first that of the last message with `\Seen`.
pub(crate) fn last(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let last = session.maildrop().last();
        session.settle(last.map(|number| number.to_string()));
        Ok(())
    })
}

pub(crate) fn noop(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        session.ok(&Text::Nothing);
        Ok(())
    })
}
