//! SELECT [rfc3501 6.3.1] and EXAMINE [rfc3501 6.3.2].

use crate::flags::known_to_wire;
use crate::reply::{Answer, Outcome};
use crate::session::{Session, State, mailbox_name};
use imap::{Flag, Mailbox, Response, ResponseCode};
use mail::{Access, View};

pub(crate) async fn run(session: &mut Session, name: &Mailbox, access: Access) -> Outcome {
    // Also when the new one cannot be opened, no mailbox is selected then [rfc3501 6.3.1].
    session.unselect();
    let account = session.account().clone();
    let view = account.select(&mailbox_name(name)?, access).await?;
    for response in picture(&view)? {
        session.wire.say(&response);
    }
    let answer = match view.access() {
        Access::ReadWrite => Answer::ok_with(ResponseCode::ReadWrite, "selected"),
        Access::ReadOnly => Answer::ok_with(ResponseCode::ReadOnly, "examined"),
    };
    session.state = State::Selected(account, Box::new(view));
    Ok(answer)
}

fn picture(view: &View) -> Result<Vec<Response>, mail::Fault> {
    let known = known_to_wire(&view.keywords()?);
    let mut permanent = Vec::new();
    if view.access() == Access::ReadWrite {
        permanent.clone_from(&known);
        permanent.push(Flag::Any);
    }
    let unseen = view
        .first_unseen()?
        .map(|seq| Response::untagged_ok(ResponseCode::Unseen(seq), "the first that is not read"));
    let codes = [
        (ResponseCode::PermanentFlags(permanent), "these can be set"),
        (ResponseCode::UidNext(view.uid_next()), "the next UID"),
        (
            ResponseCode::UidValidity(view.uid_validity()),
            "the UIDs are valid",
        ),
    ];
    let mut picture = vec![
        Response::Flags(known),
        Response::Exists(view.len()),
        Response::Recent(view.recent()),
    ];
    picture.extend(unseen);
    picture.extend(codes.map(|(code, text)| Response::untagged_ok(code, text)));
    Ok(picture)
}
