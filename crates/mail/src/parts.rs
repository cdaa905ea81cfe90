//! The MIME parts of a message: where each begins and ends. Sections of BODY[…] are answered from
//! this map and one ranged read. What never happens here: reading or decoding content.

use crate::codec::{Damaged, Decoded, Reader, Writer};
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
    /// Its parent's index in the tree; the root has none.
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

/// What of a part is asked for [rfc9051 6.4.5.1].
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

/// All parts of a message. Index 0 is the message itself; a parent stands before its children.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartTree {
    parts: Vec<Part>,
}

impl PartTree {
    /// At least the root must be there.
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        assert!(!parts.is_empty(), "a message has a root part");
        Self { parts }
    }
    /// A message of which nothing is known but its size: a leaf of octets without a header.
    pub(crate) fn opaque(size: u64) -> Self {
        Self::new(vec![Part {
            kind: PartKind::Leaf,
            parent: None,
            children: Vec::new(),
            header: 0..0,
            body: 0..size,
            encoding: Encoding::Identity,
            media_type: "application/octet-stream".to_owned(),
            charset: None,
        }])
    }
    /// The message itself.
    pub fn root(&self) -> &Part {
        &self.parts[0]
    }
    /// All parts, each parent before its children.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
    /// The part that a section's numbers lead to; the empty path is the root.
    ///
    /// Every message has at least part 1; a message within one is numbered through, its own part
    /// is that of the `message/rfc822` [rfc9051 6.4.5.1].
    pub fn find(&self, path: &[u32]) -> Option<&Part> {
        self.index(path).map(|index| &self.parts[index])
    }

    fn index(&self, path: &[u32]) -> Option<usize> {
        let mut at = 0;
        for (depth, number) in path.iter().enumerate() {
            // The numbers of a message/rfc822 part are those of the message in it.
            if depth > 0 && self.parts[at].kind == PartKind::Message {
                at = *self.parts[at].children.first()?;
            } else if depth > 0 && self.parts[at].kind == PartKind::Leaf {
                return None;
            }
            let position = usize::try_from(*number).ok()?.checked_sub(1)?;
            at = match self.parts[at].kind {
                PartKind::Multipart => *self.parts[at].children.get(position)?,
                _ if position == 0 => at,
                _ => return None,
            };
        }
        Some(at)
    }

    /// The range of `content()` that a section means. `None`: there is no such section (IMAP
    /// answers NIL or an empty string).
    pub fn locate(&self, path: &[u32], section: Section) -> Option<Range<u64>> {
        let at = self.index(path)?;
        let part = &self.parts[at];
        // HEADER and TEXT of a numbered part are those of the message in it [rfc9051 6.4.5.1].
        let message = match path.is_empty() {
            true => Some(part),
            false if part.kind == PartKind::Message => {
                part.children.first().map(|child| &self.parts[*child])
            }
            false => None,
        };
        match section {
            Section::Whole if path.is_empty() => Some(part.header.start..part.body.end),
            Section::Whole => Some(part.body.clone()),
            Section::Header => message.map(|m| m.header.clone()),
            Section::Text => message.map(|m| m.body.clone()),
            Section::Mime if path.is_empty() => None,
            Section::Mime => Some(part.header.clone()),
        }
    }

    /// As it is kept: offsets into the body.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(1);
        w.len(self.parts.len());
        for part in &self.parts {
            w.u8(kind_number(part.kind) | encoding_number(part.encoding) << 4);
            w.len(part.parent.map_or(0, |parent| parent + 1));
            w.uint(part.header.start).uint(part.header.end);
            w.uint(part.body.start).uint(part.body.end);
            w.str(&part.media_type).option_str(part.charset.as_deref());
        }
        w.into_vec()
    }

    /// With `prefix_len` octets before the body, which belong to the root's header.
    pub(crate) fn decode(bytes: &[u8], prefix_len: u64) -> Decoded<Self> {
        let mut r = Reader::new(bytes, 1)?;
        let count = r.count()?;
        let mut parts: Vec<Part> = Vec::with_capacity(count);
        for index in 0..count {
            let part = read_part(&mut r, prefix_len)?;
            match part.parent {
                None if index == 0 => {}
                Some(parent) if parent < index => parts[parent].children.push(index),
                _ => return Err(Damaged),
            }
            parts.push(part);
        }
        parts.first_mut().ok_or(Damaged)?.header.start = 0;
        Ok(Self { parts })
    }
}

fn read_part(r: &mut Reader<'_>, prefix_len: u64) -> Decoded<Part> {
    let tag = r.u8()?;
    let parent = usize::try_from(r.uint()?)
        .map_err(|_| Damaged)?
        .checked_sub(1);
    let mut offset = || {
        r.uint()
            .and_then(|at| at.checked_add(prefix_len).ok_or(Damaged))
    };
    let (header, body) = (offset()?..offset()?, offset()?..offset()?);
    Ok(Part {
        kind: kind_from(tag & 15)?,
        parent,
        children: Vec::new(),
        header,
        body,
        encoding: encoding_from(tag >> 4)?,
        media_type: r.str()?.to_owned(),
        charset: r.option_str()?.map(str::to_owned),
    })
}

fn kind_number(kind: PartKind) -> u8 {
    match kind {
        PartKind::Leaf => 0,
        PartKind::Multipart => 1,
        PartKind::Message => 2,
    }
}

fn kind_from(number: u8) -> Decoded<PartKind> {
    match number {
        0 => Ok(PartKind::Leaf),
        1 => Ok(PartKind::Multipart),
        2 => Ok(PartKind::Message),
        _ => Err(Damaged),
    }
}

fn encoding_number(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Identity => 0,
        Encoding::Base64 => 1,
        Encoding::QuotedPrintable => 2,
        Encoding::Other => 3,
    }
}

fn encoding_from(number: u8) -> Decoded<Encoding> {
    match number {
        0 => Ok(Encoding::Identity),
        1 => Ok(Encoding::Base64),
        2 => Ok(Encoding::QuotedPrintable),
        3 => Ok(Encoding::Other),
        _ => Err(Damaged),
    }
}
