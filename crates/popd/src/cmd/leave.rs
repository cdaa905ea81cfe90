//! QUIT [rfc1939 6]: only here messages are removed. A session that ends in any other way removes
//! nothing.

use crate::session::{End, Session, State};
use crate::table::Doing;
use crate::text::Text;

pub(crate) fn quit(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let state = std::mem::replace(&mut session.state, State::Authorization { user: None });
        let State::Transaction(folders) = state else {
            session.ok(&Text::Goodbye);
            return Err(End::Quit);
        };
        // the removal is durable before `+OK` is said
        match folders.update(session.door.settings.expire).await {
            Ok(removed) => {
                if removed > 0 {
                    tracing::info!(
                        door = "pop3",
                        session = session.id,
                        removed,
                        "messages removed"
                    );
                }
                session.ok(&Text::Goodbye);
            }
            Err(refused) => session.refuse(&refused),
        }
        Err(End::Quit)
    })
}
