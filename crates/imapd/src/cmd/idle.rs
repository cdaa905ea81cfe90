//! IDLE [rfc2177 3] [rfc9051 6.3.13]: what happens is told when it happens, until DONE, the server's stop, or a
//! silence as long as that of any session.

use crate::reply::{Answer, Outcome, Trouble};
use crate::session::Session;
use crate::table::Stage;
use crate::updates;
use crate::wire::{Ended, Patience};
use imap::{Condition, Event, Ids, Response};
use mail::{Bell, Expunges};
use net::time::{Instant, sleep};
use std::time::Duration;

pub(crate) async fn run(session: &mut Session) -> Outcome {
    session.wire.machine().start_idle();
    let usual = session.wire.patience;
    let longest = Duration::from_secs(session.door.settings.autologout_s);
    session.wire.patience = Patience::Until(Instant::now() + longest);
    // The bell first, then the first look: what comes in between rings.
    let bell = session.account().bell();
    let outcome = wait(session, bell).await;
    session.wire.patience = usual;
    outcome
}

async fn wait(session: &mut Session, mut bell: Bell) -> Outcome {
    let sign = Duration::from_secs(session.door.settings.idle_sign_s);
    loop {
        if session.stage() == Stage::Selected {
            let mut open = session.open();
            if let Some(modseq) = open.tell(Expunges::Tell, Ids::Sequence).await? {
                open.wire.say(&updates::highest_modseq(modseq));
            }
        }
        // All is written before the wait, so that nothing is lost when the wait is cut short.
        session.wire.flush().await?;
        let event = tokio::select! {
            biased;
            event = session.wire.event() => Some(event?),
            () = bell.rung() => None,
            () = sleep(sign) => {
                session.wire.say(&still_here());
                None
            }
        };
        match event {
            None => {}
            Some(Event::IdleDone) => return Ok(Answer::ok("no longer idle")),
            Some(Event::Refused { refusal, .. }) => return Ok(Answer::bad(refusal.to_string())),
            Some(_) => return Err(Trouble::Ended(Ended::Broken)),
        }
    }
}

/// Keeps middle boxes from forgetting the connection, and finds clients that are gone.
fn still_here() -> Response {
    Response::Untagged {
        condition: Condition::Ok,
        code: None,
        text: "still here".into(),
    }
}
