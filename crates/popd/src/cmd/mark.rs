//! DELE, RSET, NOOP [rfc1939 5]: marks of this session, which nobody else sees before QUIT.

use crate::session::Session;
use crate::table::Doing;

pub(crate) fn dele(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        let marked = session.maildrop().mark(number);
        session.settle(marked.map(|()| format!("message {number} deleted")));
        Ok(())
    })
}

pub(crate) fn rset(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        session.maildrop().unmark_all();
        session.ok("no message is deleted");
        Ok(())
    })
}

pub(crate) fn noop(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        session.ok("");
        Ok(())
    })
}
