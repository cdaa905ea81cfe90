//! Responses as values. Never here: their spelling (see `encode`) and what they mean to a session.

use std::borrow::Cow;

use crate::command::{Ids, StatusItem};
use crate::date::DateTime;
use crate::encode::SectionLabel;
use crate::flag::Flag;
use crate::mailbox::Mailbox;
use crate::object_id::ObjectId;
use crate::refusal::{Refusal, What};
use crate::sequence::SequenceSet;
use crate::tag::Tag;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    Ok,
    No,
    Bad,
    /// Only untagged, as the greeting.
    PreAuth,
    /// Only untagged.
    Bye,
}

/// RFC 3501 section 7.1, RFC 5530 and the extensions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResponseCode {
    Alert,
    AlreadyExists,
    AppendUid {
        uid_validity: u32,
        uids: SequenceSet,
    },
    AuthenticationFailed,
    AuthorizationFailed,
    /// The charsets that SEARCH takes; may be empty.
    BadCharset(Vec<String>),
    Cannot,
    Capability(Vec<Cow<'static, str>>),
    ClientBug,
    Closed,
    ContactAdmin,
    CopyUid {
        uid_validity: u32,
        from: SequenceSet,
        to: SequenceSet,
    },
    Corruption,
    Expired,
    ExpungeIssued,
    HasChildren,
    HighestModSeq(u64),
    InUse,
    Limit,
    /// [rfc8474 4.1]
    MailboxId(ObjectId),
    /// What STORE left alone, as it changed after UNCHANGEDSINCE. [rfc7162 3.1.3]
    Modified(SequenceSet),
    NoModSeq,
    NonExistent,
    NoPerm,
    OverQuota,
    Parse,
    PermanentFlags(Vec<Flag>),
    PrivacyRequired,
    ReadOnly,
    ReadWrite,
    ServerBug,
    TooBig,
    TryCreate,
    UidNext(u32),
    UidNotSticky,
    UidValidity(u32),
    Unavailable,
    UnknownCte,
    Unseen(u32),
    /// The special use is not known, or taken. [rfc6154 3]
    UseAttr,
}

/// `esearch-response`: what was asked for and found. [rfc4731 3.1]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ESearch {
    pub tag: Tag,
    pub ids: Ids,
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub all: Option<SequenceSet>,
    pub count: Option<u32>,
    pub modseq: Option<u64>,
}

/// One line of LIST or LSUB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListEntry {
    /// With the backslash: `\Noselect`, `\HasChildren`, `\Drafts` …
    pub attributes: Vec<&'static str>,
    pub separator: Option<char>,
    pub mailbox: Mailbox,
    /// CHILDINFO: the selection options that some name below it fits; empty = not said.
    /// [rfc9051 6.3.9.6]
    pub child_info: Vec<&'static str>,
    /// OLDNAME: how the client called it. [rfc9051 6.3.9.7]
    pub old_name: Option<Mailbox>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusValue {
    pub item: StatusItem,
    pub value: StatusData,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StatusData {
    Number(u64),
    Id(ObjectId),
}

/// Prefix and separator of each kind; an empty list is NIL. [rfc2342 5]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Namespaces {
    pub personal: Vec<(Mailbox, char)>,
    pub other_users: Vec<(Mailbox, char)>,
    pub shared: Vec<(Mailbox, char)>,
}

/// One item of a FETCH response. Large texts are streamed by `FetchWriter` instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchData {
    Uid(u32),
    Flags(Vec<Flag>),
    InternalDate(DateTime),
    Rfc822Size(u64),
    ModSeq(u64),
    /// The value as `encode_envelope` makes it.
    Envelope(Vec<u8>),
    /// The value as `encode_body` makes it.
    Body(Vec<u8>),
    /// The value as `encode_bodystructure` makes it.
    BodyStructure(Vec<u8>),
    BinarySize {
        path: Vec<u32>,
        octets: u64,
    },
    Preview(String),
    EmailId(ObjectId),
    ThreadId(ObjectId),
    /// None = NIL: there is no such part.
    Text {
        label: SectionLabel,
        text: Option<Vec<u8>>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// The end of a command.
    Tagged {
        tag: Tag,
        condition: Condition,
        code: Option<ResponseCode>,
        text: Cow<'static, str>,
    },
    /// `* OK …`, `* NO …`, `* BAD …`, `* PREAUTH …`, `* BYE …`
    Untagged {
        condition: Condition,
        code: Option<ResponseCode>,
        text: Cow<'static, str>,
    },
    /// `+ text`
    Continue(Cow<'static, str>),
    Capability(Vec<Cow<'static, str>>),
    Enabled(Vec<String>),
    List(ListEntry),
    Lsub(ListEntry),
    Namespace(Namespaces),
    Status {
        mailbox: Mailbox,
        values: Vec<StatusValue>,
    },
    Search {
        numbers: Vec<u32>,
        /// The highest of these messages, if MODSEQ was a key. [rfc7162 3.1.6]
        modseq: Option<u64>,
    },
    ESearch(ESearch),
    Flags(Vec<Flag>),
    Exists(u32),
    Recent(u32),
    Expunge(u32),
    /// UIDs that were shown and are gone now. [rfc7162 3.2.10.2]
    Vanished(SequenceSet),
    /// UIDs that were gone before the client came. [rfc7162 3.2.10.1]
    VanishedEarlier(SequenceSet),
    Fetch {
        seq: u32,
        items: Vec<FetchData>,
    },
    /// An empty list is NIL.
    Id(Vec<(&'static str, String)>),
}

impl Response {
    pub fn ok(tag: &Tag, text: impl Into<Cow<'static, str>>) -> Response {
        Response::tagged(tag, Condition::Ok, None, text)
    }
    pub fn no(
        tag: &Tag,
        code: Option<ResponseCode>,
        text: impl Into<Cow<'static, str>>,
    ) -> Response {
        Response::tagged(tag, Condition::No, code, text)
    }

    pub fn bad(tag: &Tag, text: impl Into<Cow<'static, str>>) -> Response {
        Response::tagged(tag, Condition::Bad, None, text)
    }

    pub fn bye(text: impl Into<Cow<'static, str>>) -> Response {
        Response::Untagged {
            condition: Condition::Bye,
            code: None,
            text: text.into(),
        }
    }

    pub fn tagged(
        tag: &Tag,
        condition: Condition,
        code: Option<ResponseCode>,
        text: impl Into<Cow<'static, str>>,
    ) -> Response {
        Response::Tagged {
            tag: tag.clone(),
            condition,
            code,
            text: text.into(),
        }
    }

    pub fn untagged_ok(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Response {
        Response::Untagged {
            condition: Condition::Ok,
            code: Some(code),
            text: text.into(),
        }
    }

    /// The usual answer to `Event::Refused`: BAD for what is not IMAP, NO for what is over a bound
    /// or a name that cannot be. Without a readable tag it is untagged. [rfc3501 7.1.3]
    pub fn refused(tag: Option<&Tag>, refusal: &Refusal) -> Response {
        let (condition, code) = match refusal.what {
            What::LiteralTooLarge => (Condition::No, Some(ResponseCode::TooBig)),
            What::TooMany(_) | What::TooManyLiterals | What::TooDeep => {
                (Condition::No, Some(ResponseCode::Limit))
            }
            What::MailboxEncoding => (Condition::No, Some(ResponseCode::Cannot)),
            _ => (Condition::Bad, None),
        };
        let text = Cow::Owned(refusal.to_string());
        match tag {
            Some(tag) => Response::tagged(tag, condition, code, text),
            None => Response::Untagged {
                condition: Condition::Bad,
                code: None,
                text,
            },
        }
    }
}

impl ResponseCode {
    /// The codes that are a word and nothing more.
    pub(crate) fn word(&self) -> Option<&'static str> {
        let word = match self {
            ResponseCode::Alert => "ALERT",
            ResponseCode::AlreadyExists => "ALREADYEXISTS",
            ResponseCode::AuthenticationFailed => "AUTHENTICATIONFAILED",
            ResponseCode::AuthorizationFailed => "AUTHORIZATIONFAILED",
            ResponseCode::Cannot => "CANNOT",
            ResponseCode::ClientBug => "CLIENTBUG",
            ResponseCode::Closed => "CLOSED",
            ResponseCode::ContactAdmin => "CONTACTADMIN",
            ResponseCode::Corruption => "CORRUPTION",
            ResponseCode::Expired => "EXPIRED",
            ResponseCode::ExpungeIssued => "EXPUNGEISSUED",
            ResponseCode::HasChildren => "HASCHILDREN",
            ResponseCode::InUse => "INUSE",
            ResponseCode::Limit => "LIMIT",
            ResponseCode::NoModSeq => "NOMODSEQ",
            ResponseCode::NonExistent => "NONEXISTENT",
            ResponseCode::NoPerm => "NOPERM",
            ResponseCode::OverQuota => "OVERQUOTA",
            ResponseCode::Parse => "PARSE",
            ResponseCode::PrivacyRequired => "PRIVACYREQUIRED",
            ResponseCode::ReadOnly => "READ-ONLY",
            ResponseCode::ReadWrite => "READ-WRITE",
            ResponseCode::ServerBug => "SERVERBUG",
            ResponseCode::TooBig => "TOOBIG",
            ResponseCode::TryCreate => "TRYCREATE",
            ResponseCode::UidNotSticky => "UIDNOTSTICKY",
            ResponseCode::Unavailable => "UNAVAILABLE",
            ResponseCode::UnknownCte => "UNKNOWN-CTE",
            ResponseCode::UseAttr => "USEATTR",
            _ => return None,
        };
        Some(word)
    }
}
