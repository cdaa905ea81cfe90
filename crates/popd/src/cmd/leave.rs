//! QUIT [rfc1939 6]: only here messages are removed. A session that ends in any other way removes
//! nothing.

use crate::session::{End, Session, State};
use crate::table::Doing;

pub(crate) fn quit(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let state = std::mem::replace(&mut session.state, State::Authorization { user: None });
        let State::Transaction(maildrop) = state else {
            session.ok("goodbye");
            return Err(End::Quit);
        };
        // the removal is durable before `+OK` is said
        match maildrop.update().await {
            Ok(removed) => {
                if removed > 0 {
                    tracing::info!(
                        door = "pop3",
                        session = session.id,
                        removed,
                        "messages removed"
                    );
                }
                session.ok("goodbye");
            }
            Err(refused) => session.refuse(&refused),
        }
        Err(End::Quit)
    })
}
