//! `*ENV` of SDPS: with which envelope a message came. Demon Internet's servers said it to clients
//! that bring the mail of a whole host to its users.
//!
//! ```text
//! C: *ENV 1
//! S: +OK …
//! S: xyz.demon.test          ours: the recipient's domain; clients skip it
//! S: 17                      ours: the message's id; clients skip it
//! S: alice@example.org       the sender; empty for a report
//! S: fred@xyz.demon.test     the recipient
//! S: .
//! ```
//!
//! fetchmail reads on to the dot whatever the first line says, so `-ERR` is said of no number
//! that this session has shown: of what somebody else has removed meanwhile, and of messages that
//! came without an envelope, the sender is empty and the recipient the account.

use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use pop::Reply;

pub(crate) fn env(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        let envelope = match session.maildrop().envelope(number) {
            Ok(envelope) => envelope,
            Err(refused) => {
                session.refuse(&refused);
                // our trouble: whoever waits for the dot hears at once that none comes
                return match refused.code {
                    Some(_) => Err(End::Rude),
                    None => Ok(()),
                };
            }
        };
        let own = session.folders().login().name().to_owned();
        let (sender, recipient) = envelope.parties.unwrap_or_else(|| (String::new(), own));
        let host = match recipient.rsplit_once('@') {
            Some((_, host)) if !host.is_empty() => host,
            _ => session.door.settings.hostname.as_str(),
        };
        let (host, id) = (host.to_owned(), envelope.id);
        session.begin(&Text::EnvelopeFollows);
        for line in [&host, &id, &sender, &recipient] {
            session.machine.send(Reply::Line(line));
        }
        session.machine.send(Reply::End);
        Ok(())
    })
}
