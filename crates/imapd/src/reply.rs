//! Turns refusals and faults into IMAP's words: OK, NO and BAD with the codes of RFC 5530.
//!
//! What never happens here: logging (the session logs a fault once, with its id) and the text of a
//! fault shown to a client.

use crate::wire::Ended;
use imap::{Condition, ObjectId, ResponseCode};
use mail::{
    AppendError, BodyRefusal, Fault, LoginRefusal, MailboxError, NameError, StoreError, ViewError,
};
use std::borrow::Cow;

/// How a command ends.
#[derive(Debug)]
pub(crate) struct Answer {
    pub condition: Condition,
    pub code: Option<ResponseCode>,
    pub text: Cow<'static, str>,
    pub next: Next,
}

/// What the session does after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Command,
    StartTls,
    Close,
    /// Too many wrong passwords.
    TurnOut,
}

impl Answer {
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Answer {
        Answer::new(Condition::Ok, None, text)
    }
    pub fn ok_with(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Answer {
        Answer::new(Condition::Ok, Some(code), text)
    }
    pub fn no(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Answer {
        Answer::new(Condition::No, Some(code), text)
    }
    pub fn bad(text: impl Into<Cow<'static, str>>) -> Answer {
        Answer::new(Condition::Bad, None, text)
    }
    pub fn then(self, next: Next) -> Answer {
        Answer { next, ..self }
    }
    fn new(
        condition: Condition,
        code: Option<ResponseCode>,
        text: impl Into<Cow<'static, str>>,
    ) -> Answer {
        Answer {
            condition,
            code,
            text: text.into(),
            next: Next::Command,
        }
    }
}

/// Why a command did not come to its own answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    Refused(Box<Answer>),
    /// Answered `NO [UNAVAILABLE]` with an id.
    Fault(Fault),
    /// Somebody deleted the selected mailbox.
    MailboxGone,
    /// There is nobody to answer.
    Ended(Ended),
}

/// What every command's `run` gives.
pub(crate) type Outcome = Result<Answer, Trouble>;

fn no(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Trouble {
    Answer::no(code, text).into()
}

impl From<Answer> for Trouble {
    fn from(answer: Answer) -> Trouble {
        Trouble::Refused(Box::new(answer))
    }
}

impl From<Ended> for Trouble {
    fn from(ended: Ended) -> Trouble {
        Trouble::Ended(ended)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Fault(fault)
    }
}

impl From<NameError> for Trouble {
    fn from(error: NameError) -> Trouble {
        no(ResponseCode::Cannot, error.text())
    }
}

impl From<MailboxError> for Trouble {
    fn from(error: MailboxError) -> Trouble {
        match error {
            MailboxError::NotFound => no(ResponseCode::NonExistent, "there is no such mailbox"),
            MailboxError::Exists => no(ResponseCode::AlreadyExists, "that mailbox exists already"),
            MailboxError::Invalid(why) => no(ResponseCode::Cannot, why),
            MailboxError::InboxCannotBeDeleted => {
                no(ResponseCode::Cannot, "INBOX cannot be deleted")
            }
            MailboxError::NoSelect => no(
                ResponseCode::Cannot,
                "that is only a name with mailboxes below it",
            ),
            MailboxError::HasChildren => {
                no(ResponseCode::HasChildren, "there are mailboxes below it")
            }
            MailboxError::NotEmpty => no(ResponseCode::Cannot, "there are messages in it"),
            MailboxError::SpecialUseTaken => no(
                ResponseCode::UseAttr,
                "another mailbox has that special use",
            ),
            MailboxError::TooMany => no(ResponseCode::Limit, "the account has too many"),
            MailboxError::OverQuota => no(ResponseCode::OverQuota, "the account is full"),
            MailboxError::ReadOnly(fault) | MailboxError::Unavailable(fault) => {
                Trouble::Fault(fault)
            }
        }
    }
}

impl From<AppendError> for Trouble {
    fn from(error: AppendError) -> Trouble {
        match error {
            AppendError::NotFound => no(ResponseCode::TryCreate, "there is no such mailbox"),
            AppendError::NoSelect => no(
                ResponseCode::Cannot,
                "that is only a name with mailboxes below it",
            ),
            AppendError::SourceGone => Trouble::MailboxGone,
            AppendError::ReadOnlyView => read_only(),
            AppendError::OverQuota => no(ResponseCode::OverQuota, "the account is full"),
            AppendError::TooMany => no(ResponseCode::Limit, "too many messages in one command"),
            AppendError::TooManyKeywords => no(ResponseCode::Limit, "too many keywords"),
            AppendError::Busy => no(ResponseCode::Unavailable, "too busy, try again later"),
            AppendError::ReadOnly(fault) | AppendError::Unavailable(fault) => Trouble::Fault(fault),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        match error {
            StoreError::ReadOnlyView => read_only(),
            StoreError::Gone => Trouble::MailboxGone,
            StoreError::TooManyKeywords => no(ResponseCode::Limit, "too many keywords"),
            StoreError::ReadOnly(fault) | StoreError::Unavailable(fault) => Trouble::Fault(fault),
        }
    }
}

impl From<ViewError> for Trouble {
    fn from(error: ViewError) -> Trouble {
        match error {
            ViewError::Gone => Trouble::MailboxGone,
            ViewError::Unavailable(fault) => Trouble::Fault(fault),
        }
    }
}

impl From<BodyRefusal> for Trouble {
    fn from(refusal: BodyRefusal) -> Trouble {
        match refusal {
            BodyRefusal::Busy => no(ResponseCode::Unavailable, "too busy, try again later"),
            BodyRefusal::Full => no(ResponseCode::Unavailable, "the server's disk is full"),
            BodyRefusal::ReadOnly(fault) | BodyRefusal::Fault(fault) => Trouble::Fault(fault),
        }
    }
}

impl From<LoginRefusal> for Trouble {
    fn from(refusal: LoginRefusal) -> Trouble {
        match refusal {
            LoginRefusal::Wrong => no(ResponseCode::AuthenticationFailed, "wrong name or password"),
            LoginRefusal::Expired => no(ResponseCode::Expired, "the token has expired"),
            // A client is to ask for a new password [rfc5530 3] [rfc9051 11.7].
            LoginRefusal::WellKnown => no(
                ResponseCode::Expired,
                "this password is known to attackers, ask for another to be set",
            ),
            // Not AUTHENTICATIONFAILED: clients would ask their users for another password.
            LoginRefusal::TooManyFailures { retry_after_s } => no(
                ResponseCode::Unavailable,
                format!("too many failed logins, try again in {retry_after_s} s"),
            ),
            LoginRefusal::Busy => no(ResponseCode::Unavailable, "too busy, try again later"),
            LoginRefusal::Unavailable(fault) => Trouble::Fault(fault),
        }
    }
}

/// The id of something as IMAP says it.
pub(crate) fn id(id: impl std::fmt::Display) -> ObjectId {
    ObjectId::new(&id.to_string()).expect("because mail's ids are a letter and digits")
}

/// The mailbox was opened by EXAMINE.
pub(crate) fn read_only() -> Trouble {
    no(ResponseCode::ReadOnly, "the mailbox is open read-only")
}
