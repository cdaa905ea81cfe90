//! Refusals and faults in POP3's words. One place, so that every command says the same.
//!
//! Never here: a secret, or what exactly went wrong inside; the log has that, under the id.

use crate::text::Text;
use addr::Address;
use mail::{AppendError, BodyRefusal, LoginRefusal, MailboxError, StoreError};
use pop::Code;
use std::fmt::Display;

/// An `-ERR` to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub code: Option<Code>,
    pub text: Text,
}

impl Refused {
    pub fn new(text: Text) -> Refused {
        Refused { code: None, text }
    }

    pub fn with(code: Code, text: Text) -> Refused {
        let code = Some(code);
        Refused { code, text }
    }
}

/// What became of a login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The client's: it counts as a failed login.
    Client,
    /// Ours, or the server's load: it does not.
    Server,
}

/// A login that is refused [rfc3206 4] [rfc3206 5].
pub(crate) fn login(refusal: &LoginRefusal, session: u64) -> (Blame, Refused) {
    match refusal {
        LoginRefusal::Wrong => (
            Blame::Client,
            Refused::with(Code::Auth, Text::WrongPassword),
        ),
        LoginRefusal::Expired => (Blame::Client, Refused::with(Code::Auth, Text::TokenExpired)),
        LoginRefusal::WellKnown => (
            Blame::Client,
            Refused::with(Code::Auth, Text::WellKnownPassword),
        ),
        LoginRefusal::TooManyFailures { retry_after_s } => {
            let text = Text::TooManyFailures(*retry_after_s);
            (Blame::Client, Refused::with(Code::SysTemp, text))
        }
        LoginRefusal::Busy => (Blame::Server, Refused::with(Code::SysTemp, Text::Busy)),
        LoginRefusal::Unavailable(fault) => (Blame::Server, self::fault(fault, session)),
    }
}

/// What is wrong with a folder.
pub(crate) fn folder(error: &MailboxError, session: u64) -> Refused {
    Refused::new(match error {
        MailboxError::Unavailable(fault) | MailboxError::ReadOnly(fault) => {
            return self::fault(fault, session);
        }
        MailboxError::NotFound => Text::NoSuchFolder,
        MailboxError::Exists | MailboxError::SpecialUseTaken => Text::FolderExists,
        MailboxError::Invalid(_) => Text::FolderName,
        MailboxError::InboxCannotBeDeleted => Text::FolderIsInbox,
        MailboxError::NoSelect => Text::FolderIsNameOnly,
        MailboxError::HasChildren => Text::FolderHasFolders,
        MailboxError::NotEmpty => Text::FolderHasMessages,
        MailboxError::TooMany => Text::TooManyFolders,
        MailboxError::OverQuota => return over_quota(),
    })
}

/// Messages cannot be put into a folder.
pub(crate) fn append(error: &AppendError, session: u64) -> Refused {
    Refused::new(match error {
        AppendError::Unavailable(fault) | AppendError::ReadOnly(fault) => {
            return self::fault(fault, session);
        }
        AppendError::NotFound => Text::NoSuchFolder,
        AppendError::NoSelect => Text::FolderIsNameOnly,
        AppendError::SourceGone | AppendError::ReadOnlyView => Text::FolderGone,
        AppendError::OverQuota => return over_quota(),
        AppendError::TooMany => Text::TooManyMessages,
        AppendError::TooManyKeywords => Text::TooManyKeywords,
        AppendError::Busy => return Refused::with(Code::SysTemp, Text::Busy),
    })
}

/// There is no place for a message that is to come.
pub(crate) fn body(error: &BodyRefusal, session: u64) -> Refused {
    match error {
        BodyRefusal::Busy => Refused::with(Code::SysTemp, Text::Busy),
        other => fault(&format!("taking a message: {other:?}"), session),
    }
}

/// It will not fit until something is removed.
pub(crate) fn over_quota() -> Refused {
    Refused::with(Code::SysPerm, Text::OverQuota)
}

/// A message that is not sent on; what post logs of it names no more than its sender knows.
pub(crate) fn submission(refusal: &post::Refusal) -> Refused {
    not_sent(refusal, refusal.to_string())
}

/// The same because of a recipient, who is named: there may be many.
pub(crate) fn recipient(refusal: &post::Refusal, to: &Address) -> Refused {
    not_sent(refusal, format!("{to}: {refusal}"))
}

fn not_sent(refusal: &post::Refusal, why: String) -> Refused {
    let text = Text::NotSent(why);
    match refusal.is_temporary() {
        true => Refused::with(Code::SysTemp, text),
        false => Refused::new(text),
    }
}

/// Messages cannot be changed, or not removed at QUIT.
pub(crate) fn store(error: &StoreError, session: u64) -> Refused {
    match error {
        StoreError::Unavailable(fault) | StoreError::ReadOnly(fault) => self::fault(fault, session),
        StoreError::Gone => Refused::new(Text::FolderGone),
        StoreError::TooManyKeywords => Refused::new(Text::TooManyKeywords),
        other => fault(&format!("changing messages: {other:?}"), session),
    }
}

/// Our trouble: logged here, once, and told with the id under which it is logged.
pub(crate) fn fault(fault: &(impl Display + ?Sized), session: u64) -> Refused {
    tracing::error!(door = "pop3", session, %fault, "fault");
    Refused::with(Code::SysTemp, Text::Fault(session))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use pop::Reply;

    fn said(refused: &Refused) -> String {
        let mut server = pop::Server::new();
        let text = refused.text.in_language(Language::English);
        server.send(Reply::Err(refused.code, &text));
        String::from_utf8(server.output()).unwrap()
    }

    #[test]
    fn a_wrong_password_counts_and_our_trouble_does_not() {
        // [rfc3206 4] [rfc3206 5]
        let (blame, refused) = login(&LoginRefusal::Wrong, 1);
        assert_eq!(
            (blame, said(&refused).as_str()),
            (Blame::Client, "-ERR [AUTH] wrong name or password\r\n")
        );
        let (blame, refused) = login(&LoginRefusal::Busy, 1);
        assert_eq!(blame, Blame::Server);
        assert!(said(&refused).starts_with("-ERR [SYS/TEMP] "));
        let (_, refused) = login(&LoginRefusal::TooManyFailures { retry_after_s: 7 }, 1);
        assert!(said(&refused).contains("7 seconds"));
    }

    #[test]
    fn a_fault_says_its_id_and_not_its_reason() {
        let said = said(&fault("reading /var/secret: EIO", 42));
        assert!(said.starts_with("-ERR [SYS/TEMP] ") && said.contains("pop3-42"));
        assert!(!said.contains("EIO"));
    }
}
