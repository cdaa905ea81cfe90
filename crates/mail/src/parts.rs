//! The MIME parts of a message: where each begins and ends. Sections of BODY[…] are answered from
//! this map and one ranged read. What never happens here: reading or decoding content.

use std::ops::Range;

/// How a part's body is encoded for transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// 7bit, 8bit or binary: as it stands.
    Identity,
    /// base64
    Base64,
    /// quoted-printable
    QuotedPrintable,
    /// Something else; cannot be decoded.
    Other,
}

/// What a part is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartKind {
    /// No parts below.
    Leaf,
    /// Its children are the parts between its boundaries.
    Multipart,
    /// A message in a message: its only child is that message's root.
    Message,
}

/// One part. All offsets are into the message's `content()`, prefix included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What it is made of.
    pub kind: PartKind,
    /// Its index's parent in the tree; the root has none.
    pub parent: Option<usize>,
    /// Its children's indexes, in order.
    pub children: Vec<usize>,
    /// Its header, the empty line behind it included.
    pub header: Range<u64>,
    /// Its body, still encoded.
    pub body: Range<u64>,
    /// How the body is encoded.
    pub encoding: Encoding,
    /// `text/plain`, in lower case.
    pub media_type: String,
    /// The charset parameter, in lower case.
    pub charset: Option<String>,
}

/// What of a part is asked for [rfc9051 6.4.5].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// `BODY[]`, `BODY[1.2]`
    Whole,
    /// `BODY[HEADER]`, `BODY[1.2.HEADER]`
    Header,
    /// `BODY[TEXT]`, `BODY[1.2.TEXT]`
    Text,
    /// `BODY[1.2.MIME]`
    Mime,
}

/// All parts of a message. Index 0 is the message itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartTree {
    pub(crate) parts: Vec<Part>,
}

impl PartTree {
    /// The message itself.
    pub fn root(&self) -> &Part {
        &self.parts[0]
    }
    /// All parts, each parent before its children.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
    /// The part that a section's numbers lead to; the empty path is the root.
    pub fn find(&self, path: &[u32]) -> Option<&Part> {
        todo!()
    }
    /// The range of `content()` that a section means. `None`: there is no such section (IMAP
    /// answers NIL or an empty string).
    pub fn locate(&self, path: &[u32], section: Section) -> Option<Range<u64>> {
        todo!()
    }
}
