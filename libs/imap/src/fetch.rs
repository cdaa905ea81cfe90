//! What FETCH can ask for. Never here: how a message is taken apart.

/// Whether reading a body text sets `\Seen`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peek {
    /// `BODY[…]`: sets `\Seen`.
    SetsSeen,
    /// `BODY.PEEK[…]`: does not.
    LeavesUnseen,
}

/// `partial = "<" number "." nz-number ">"`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partial {
    pub origin: u64,
    /// Never zero.
    pub octets: u64,
}

/// The macros ALL, FAST and FULL are given as the items that they stand for. [rfc3501 6.4.5]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchItem {
    Uid,
    Flags,
    InternalDate,
    Envelope,
    Body,
    BodyStructure,
    ModSeq,
    Rfc822,
    Rfc822Header,
    Rfc822Size,
    Rfc822Text,
    Section {
        section: Section,
        partial: Option<Partial>,
        peek: Peek,
    },
    /// A part as it is once its transfer encoding is undone; an empty path is the whole message.
    /// [rfc3516 4.2]
    Binary {
        path: Vec<u32>,
        /// Of the decoded octets.
        partial: Option<Partial>,
        peek: Peek,
    },
    BinarySize {
        path: Vec<u32>,
    },
    /// With LAZY or without. [rfc8970 3.1]
    Preview,
    /// [rfc8474 5.3]
    EmailId,
    /// [rfc8474 5.3]
    ThreadId,
}

impl FetchItem {
    /// Whether fetching it sets `\Seen`. [rfc3501 6.4.5]
    pub fn sets_seen(&self) -> bool {
        matches!(
            self,
            FetchItem::Rfc822
                | FetchItem::Rfc822Text
                | FetchItem::Section {
                    peek: Peek::SetsSeen,
                    ..
                }
                | FetchItem::Binary {
                    peek: Peek::SetsSeen,
                    ..
                }
        )
    }
}

/// `section = "[" [section-spec] "]"`: which part, and what of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Section {
    /// Part numbers from the top, never zero; empty = the message itself.
    pub path: Vec<u32>,
    pub text: SectionText,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SectionText {
    /// `BODY[]`, `BODY[1.2]`: all of the message, or the body of the part.
    #[default]
    Whole,
    Header,
    /// Names as the client wrote them, compared without case.
    HeaderFields(Vec<String>),
    HeaderFieldsNot(Vec<String>),
    Text,
    /// The MIME header of the part; only with a path.
    Mime,
}
