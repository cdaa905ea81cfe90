//! NAMESPACE [rfc2342 5] [rfc9051 6.3.10]: one's own mailboxes are all there is,
//! INBOX among them [rfc9051 5.1.2]; nobody is told of anybody else's [rfc9051 11.5].

use crate::reply::Answer;
use crate::session::Session;
use imap::{Mailbox, Namespaces, Response};
use mail::MailboxName;

pub(crate) fn run(session: &mut Session) -> Answer {
    let namespaces = Namespaces {
        personal: vec![(Mailbox::new(""), MailboxName::SEPARATOR)],
        ..Namespaces::default()
    };
    session.wire.say(&Response::Namespace(namespaces));
    Answer::ok("that is all")
}
