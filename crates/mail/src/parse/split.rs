//! Finding the parts of a message by its lines: where headers end and boundaries stand. Parts lie
//! within their parents and in order, whatever the message holds. What never happens here:
//! looking into content.

use super::field::{self, Fields, Parameterized};
use super::lines::Line;
use crate::limits;
use crate::parts::{Encoding, PartKind};
use std::ops::Range;

/// How a boundary begins, and a line that may be one behind another line.
const DASHES: &[u8] = b"--";
const LINE_OF_DASHES: &[u8] = b"\n--";
/// Room that is made for a message's header at once.
const USUAL_HEADER_BYTES: usize = 1024;

/// A part as it was found. Offsets are into the body.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: PartKind,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    pub header_range: Range<u64>,
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// Its header with CRLF ends, as far as it is looked at.
    pub header: Vec<u8>,
    pub media: Media,
    pub encoding: Encoding,
    lines_before: u64,
    depth: usize,
}

/// What Content-Type says, or what its absence means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Media {
    pub kind: Vec<u8>,
    pub subtype: Vec<u8>,
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Media {
    fn new(kind: &str, subtype: &str) -> Self {
        let (kind, subtype) = (kind.as_bytes().to_vec(), subtype.as_bytes().to_vec());
        Self {
            kind,
            subtype,
            parameters: Vec::new(),
        }
    }
    /// What a part without a usable Content-Type is [rfc2045 5.2].
    fn plain() -> Self {
        let charset = (b"charset".to_vec(), b"us-ascii".to_vec());
        Self {
            parameters: vec![charset],
            ..Self::new("text", "plain")
        }
    }
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.is_kind(kind) && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
    }
    pub fn is_message(&self) -> bool {
        self.is("message", "rfc822") || self.is("message", "global")
    }
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.parameters.iter();
        all.find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, v)| v.as_slice())
    }
}

/// All parts of a message, and the beginnings of its first texts.
pub(super) struct Split {
    /// Each parent before its children; 0 is the message itself.
    pub nodes: Vec<Node>,
    /// The first text/plain leaf, else the first text/html leaf, and how it begins.
    pub text: Option<(usize, Vec<u8>)>,
    /// Some of a header was not looked at.
    pub is_cut: bool,
}

/// What stands open at the line that is read.
struct Open {
    node: usize,
    mode: Mode,
}

enum Mode {
    Header,
    Leaf,
    /// Without a boundary after its end.
    Multipart {
        boundary: Option<Vec<u8>>,
    },
    Message,
}

pub(super) struct Splitter {
    nodes: Vec<Node>,
    stack: Vec<Open>,
    /// Octets of the end of the line before.
    end_len_before: u64,
    /// Line ends so far.
    line_ends: u64,
    header_bytes: usize,
    is_cut: bool,
    plain: Option<(usize, Vec<u8>)>,
    html: Option<(usize, Vec<u8>)>,
}

impl Splitter {
    pub fn new() -> Self {
        let mut splitter = Self {
            nodes: Vec::new(),
            stack: Vec::new(),
            end_len_before: 0,
            line_ends: 0,
            header_bytes: 0,
            is_cut: false,
            plain: None,
            html: None,
        };
        splitter.open(None, 0);
        splitter
    }

    fn open(&mut self, parent: Option<usize>, at: u64) {
        let node = self.nodes.len();
        if let Some(parent) = parent {
            self.nodes[parent].children.push(node);
        }
        self.nodes.push(Node {
            kind: PartKind::Leaf,
            parent,
            children: Vec::new(),
            header_range: at..at,
            body: at..at,
            lines: 0,
            header: Vec::new(),
            media: Media::plain(),
            encoding: Encoding::Identity,
            lines_before: self.line_ends,
            depth: parent.map_or(0, |parent| self.nodes[parent].depth + 1),
        });
        self.stack.push(Open {
            node,
            mode: Mode::Header,
        });
    }

    /// Octets of the whole lines in front of `text` that can be no boundary and whose text nobody
    /// wants: most of every message.
    pub fn skip(&mut self, text: &[u8]) -> usize {
        let open = self.stack.last();
        if open.is_none_or(|open| matches!(open.mode, Mode::Header) || self.wants(open.node)) {
            return 0;
        }
        let end = match text.starts_with(DASHES) {
            true => 0,
            false => match memchr::memmem::find(text, LINE_OF_DASHES) {
                Some(at) => at + 1,
                None => memchr::memrchr(b'\n', text).map_or(0, |at| at + 1),
            },
        };
        let skipped = &text[..end];
        if end > 0 {
            self.line_ends += memchr::memchr_iter(b'\n', skipped).count() as u64;
            self.end_len_before = 1 + u64::from(skipped.ends_with(b"\r\n"));
        }
        end
    }

    /// Whether the text of this part is still held.
    fn wants(&self, node: usize) -> bool {
        [&self.plain, &self.html]
            .into_iter()
            .flatten()
            .any(|(owner, bytes)| *owner == node && bytes.len() < limits::PREVIEW_BYTES)
    }

    pub fn line(&mut self, line: &Line<'_>) {
        match self.boundary(line.text) {
            Some((index, ends)) => self.at_boundary(index, ends, line),
            None => self.in_part(line),
        }
        self.end_len_before = line.end_len;
    }

    /// The innermost multipart whose boundary this line is, and whether it is the last one.
    fn boundary(&self, text: &[u8]) -> Option<(usize, Ends)> {
        if !text.starts_with(DASHES) {
            return None;
        }
        let mut innermost_first = self.stack.iter().enumerate().rev();
        innermost_first.find_map(|(index, open)| match &open.mode {
            Mode::Multipart {
                boundary: Some(boundary),
            } => Some((index, delimiter(text, boundary)?)),
            _ => None,
        })
    }

    /// A boundary closes everything within its multipart. The line end before it is its own
    /// [rfc2046 5.1.1].
    fn at_boundary(&mut self, index: usize, ends: Ends, line: &Line<'_>) {
        let mut at = line.start - self.end_len_before;
        let line_ends = self.line_ends - u64::from(self.end_len_before > 0);
        while self.stack.len() > index + 1 {
            // A part that was just opened begins behind that line end; what is around it as well.
            at = at.max(self.close(at, line_ends));
        }
        self.line_ends += u64::from(line.end_len > 0);
        let multipart = self.stack[index].node;
        let full = self.nodes.len() >= limits::MIME_PARTS;
        if ends == Ends::All || full {
            self.stack[index].mode = Mode::Multipart { boundary: None };
        } else {
            self.open(Some(multipart), line.end);
        }
    }

    fn in_part(&mut self, line: &Line<'_>) {
        let ended = u64::from(line.end_len > 0);
        let open = self
            .stack
            .last()
            .expect("because the root closes only at the end");
        let node = open.node;
        match &open.mode {
            Mode::Header if line.text.is_empty() && line.end_len > 0 => {
                self.line_ends += ended;
                self.header_done(line.end);
                return;
            }
            Mode::Header => self.hold_header(node, line.text),
            Mode::Leaf => self.hold_text(node, line.text),
            Mode::Multipart { .. } | Mode::Message => {}
        }
        self.line_ends += ended;
    }

    fn hold_header(&mut self, node: usize, text: &[u8]) {
        let header = &mut self.nodes[node].header;
        let bytes = text.len() + 2;
        let fits = header.len() + bytes <= limits::PARSE_HEADER_BYTES
            && self.header_bytes + bytes <= limits::PARSE_HEADERS_BYTES
            && text.len() < limits::PARSE_LINE_BYTES;
        if fits {
            if node == 0 && header.is_empty() {
                header.reserve(USUAL_HEADER_BYTES);
            }
            header.extend_from_slice(text);
            header.extend_from_slice(b"\r\n");
            self.header_bytes += bytes;
        } else {
            self.is_cut = true;
        }
    }

    fn hold_text(&mut self, node: usize, text: &[u8]) {
        for held in [&mut self.plain, &mut self.html] {
            if let Some((owner, bytes)) = held
                && *owner == node
                && bytes.len() < limits::PREVIEW_BYTES
            {
                bytes.extend_from_slice(&text[..text.len().min(limits::PREVIEW_BYTES)]);
                bytes.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The empty line behind a header: what follows depends on what the header says.
    fn header_done(&mut self, at: u64) {
        let open = self.stack.last_mut().expect("because a header is open");
        let index = open.node;
        let is_nested = self.nodes[index].depth < limits::MIME_DEPTH;
        let has_room = self.nodes.len() < limits::MIME_PARTS;
        let digest = self.parent_is_digest(index);
        let node = &mut self.nodes[index];
        node.header_range.end = at;
        node.body = at..at;
        node.lines_before = self.line_ends;
        node.read_header(digest);
        let boundary = node.media.parameter("boundary").map(<[u8]>::to_vec);
        let boundary = boundary.filter(|b| !b.is_empty() && b.len() <= limits::BOUNDARY_BYTES);
        let open = self.stack.last_mut().expect("because a header is open");
        if node.media.is_kind("multipart") && boundary.is_some() && is_nested && has_room {
            node.kind = PartKind::Multipart;
            open.mode = Mode::Multipart { boundary };
        } else if node.media.is_message()
            && node.encoding == Encoding::Identity
            && is_nested
            && has_room
        {
            node.kind = PartKind::Message;
            open.mode = Mode::Message;
            self.open(Some(index), at);
        } else {
            open.mode = Mode::Leaf;
            node.settle();
            self.choose_text(index);
        }
    }

    fn parent_is_digest(&self, index: usize) -> bool {
        let parent = self.nodes[index].parent.map(|parent| &self.nodes[parent]);
        parent.is_some_and(|parent| {
            parent.kind == PartKind::Multipart && parent.media.is("multipart", "digest")
        })
    }

    fn choose_text(&mut self, index: usize) {
        let media = &self.nodes[index].media;
        if self.plain.is_none() && media.is("text", "plain") {
            self.plain = Some((index, Vec::with_capacity(limits::PREVIEW_BYTES)));
        } else if self.html.is_none() && media.is("text", "html") {
            self.html = Some((index, Vec::with_capacity(limits::PREVIEW_BYTES)));
        }
    }

    /// Closes what was opened last; gives where it ends, which is behind `at` if a boundary stands
    /// right behind its header or its own boundary.
    fn close(&mut self, at: u64, line_ends: u64) -> u64 {
        let open = self
            .stack
            .pop()
            .expect("because somebody closes what is open");
        let digest = self.parent_is_digest(open.node);
        let parent = self.nodes[open.node]
            .parent
            .map(|parent| self.nodes[parent].kind);
        let in_message = parent == Some(PartKind::Message);
        let node = &mut self.nodes[open.node];
        if let Mode::Header = open.mode {
            let end = at.max(node.header_range.start);
            node.header_range.end = end;
            node.body = end..end;
            node.lines_before = line_ends;
            node.read_header(digest);
            node.settle();
        }
        if in_message && at < node.body.start {
            // The empty line behind this header is the line end of the boundary that follows, and
            // so it is not of the message around it either.
            let end = at.max(node.header_range.start);
            node.header_range.end = end;
            node.body.start = end;
        }
        node.body.end = at.max(node.body.start);
        node.lines = line_ends.saturating_sub(node.lines_before);
        if node.kind == PartKind::Multipart && node.children.is_empty() {
            // A multipart has at least one part [rfc2046 5.1.1]; this one is text.
            node.kind = PartKind::Leaf;
            node.media = Media::plain();
        }
        node.body.end
    }

    /// Closes everything at the end of the message.
    pub fn finish(mut self, len: u64) -> Split {
        while !self.stack.is_empty() {
            self.close(len, self.line_ends);
        }
        let is_there = |(_, bytes): &(usize, Vec<u8>)| !bytes.is_empty();
        let text = self.plain.filter(is_there);
        let text = text.or_else(|| self.html.filter(is_there));
        Split {
            nodes: self.nodes,
            text,
            is_cut: self.is_cut,
        }
    }
}

/// What a delimiter ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ends {
    /// Another part follows.
    Part,
    /// No part follows.
    All,
}

/// Whether a line is a delimiter of that boundary.
///
/// delimiter := CRLF "--" boundary; close-delimiter := delimiter "--"; both may be followed by
/// blanks [rfc2046 5.1.1].
pub(crate) fn delimiter(text: &[u8], boundary: &[u8]) -> Option<Ends> {
    let rest = text.strip_prefix(b"--")?.strip_prefix(boundary)?;
    if rest.trim_ascii().is_empty() {
        Some(Ends::Part)
    } else if rest.starts_with(b"--") {
        Some(Ends::All)
    } else {
        None
    }
}

impl Node {
    fn read_header(&mut self, in_digest: bool) {
        let fields = Fields::of(&self.header);
        let found = fields.first("content-type").map(field::parameterized);
        self.media = match found {
            None if in_digest => Media::new("message", "rfc822"),
            None => Media::plain(),
            Some(Parameterized { value, parameters }) => match field::media_type(&value) {
                Some((kind, subtype)) => Media {
                    kind,
                    subtype,
                    parameters,
                },
                None => Media::plain(),
            },
        };
        let encoding = fields.unfolded("content-transfer-encoding");
        self.encoding = encoding_of(encoding.as_deref().unwrap_or_default());
    }

    /// A leaf that says it is a multipart or a message is neither: encoded, too deep, too many,
    /// or without a boundary.
    fn settle(&mut self) {
        if self.media.is_kind("multipart") {
            self.media = match self.media.parameter("boundary") {
                None => Media::plain(),
                Some(_) => Media::new("application", "octet-stream"),
            };
        } else if self.media.is_message() {
            self.media = Media::new("application", "octet-stream");
        }
    }
}

fn encoding_of(value: &[u8]) -> Encoding {
    match field::encoding_word(value).as_slice() {
        b"" | b"7bit" | b"8bit" | b"binary" => Encoding::Identity,
        b"base64" => Encoding::Base64,
        b"quoted-printable" => Encoding::QuotedPrintable,
        _ => Encoding::Other,
    }
}
