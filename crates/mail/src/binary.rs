//! Messages with binary parts, made fit for a store of CRLF lines without NUL: each part whose
//! Content-Transfer-Encoding is `binary` comes out in base64, the multiparts and messages around it
//! as `8bit` [rfc3501 4.3.1]. IMAP's literal8 [rfc3516 4.4] and SMTP's BINARYMIME bring such messages.
//!
//! The message streams through: what is held is one line, one header field, the boundaries of the
//! multiparts that are open. Parts are found by the rules of `parse`, so that what is encoded here
//! is what is shown as encoded there. What never happens here: a change of a message without such
//! parts, and of line ends outside them.
//!
//! `seven_bit` makes a message fit for those who take ASCII in lines of usual length only [rfc6152 3]:
//! parts with other octets or longer lines come out in quoted-printable or base64, whatever they said
//! (`seven_bit` decides), and what is around them says `7bit`. Nothing inside a multipart/signed or
//! multipart/encrypted is changed: a signature is worth more [rfc1847 2.1].

mod base64_lines;
mod quoted_lines;
mod seven_bit;
#[cfg(test)]
mod tests;

use crate::limits;
use crate::parse::field;
use crate::parse::split::{Ends, delimiter};
use base64_lines::Base64Lines;
use memchr::memchr;
use quoted_lines::QuotedLines;
use seven_bit::{Extent, Form, Undecided};

/// A NUL stands where the message does not say `binary`: there is no encoding that would keep it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NulOutsideBinary;

/// What becomes of a message's parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Makes {
    /// `binary` is encoded.
    #[default]
    Lines,
    /// What is not ASCII in usual lines is, and `binary`.
    SevenBit,
    /// Nothing is: it is signed.
    Nothing,
}

/// A message on its way through.
#[derive(Debug)]
pub struct BinaryEncoder {
    makes: Makes,
    /// Multiparts and messages that stand open, the innermost last.
    open: Vec<Open>,
    at: At,
    /// The header that is read, where something may be said in it yet.
    head: Option<Vec<u8>>,
    /// The beginning of a line of which nothing is decided yet.
    line: Vec<u8>,
    /// Where the rest of a line goes of which the beginning was decided.
    rest_of_line: Option<RestOfLine>,
    /// Parts so far.
    parts: usize,
}

#[derive(Debug)]
enum Open {
    Multipart {
        /// None behind its end.
        boundary: Option<Vec<u8>>,
        is_digest: bool,
        is_signed: bool,
        /// Its header has lines that end with a bare LF, so its delimiters may as well.
        is_bare_lf: bool,
    },
    Message,
}

/// What the line that is read lies in.
#[derive(Debug)]
enum At {
    Header(Header),
    /// Content that stays as it is.
    Plain,
    /// Content that said `binary`.
    Binary(Base64Lines),
    /// Content whose form is not known yet.
    Undecided(Box<Undecided>),
    /// Content in quoted-printable.
    Quoted(QuotedLines),
}

#[derive(Clone, Copy, Debug)]
enum RestOfLine {
    Content,
    /// Of a header field or a delimiter.
    AsItIs,
}

/// A part's header as far as it was read.
#[derive(Debug, Default)]
struct Header {
    makes: Makes,
    field: Field,
    /// The first Content-Type.
    media: Option<Media>,
    encoding: Encoding,
}

/// The field that is read.
#[derive(Debug, Default)]
enum Field {
    #[default]
    Other,
    /// Sent on already.
    ContentType(Vec<u8>),
    /// Held, line ends included.
    Encoding(Vec<u8>),
}

/// What the first Content-Transfer-Encoding said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Encoding {
    #[default]
    Absent,
    /// 7bit or 8bit.
    Identity,
    Encoded,
    /// `binary`; what is said instead waits for the Content-Type.
    BinaryHeld,
    /// `binary`; the other word is said.
    BinaryReplaced,
}

#[derive(Debug)]
struct Media {
    kind: Kind,
    boundary: Option<Vec<u8>>,
    is_digest: bool,
    /// Or encrypted: what is in it stays as it is.
    is_signed: bool,
    is_text: bool,
    /// A kind of message that may not be encoded. [rfc2046 5.2]
    stays: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Multipart,
    Message,
    Leaf,
}

impl Default for BinaryEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl BinaryEncoder {
    /// At the beginning of a message.
    pub fn new() -> Self {
        Self::making(Makes::Lines)
    }

    /// The same for a message that has to be ASCII. What comes out is, unless a header has other octets,
    /// a part is signed, or a long one has them late and did not say so: the caller looks. [rfc6152 3]
    pub fn seven_bit() -> Self {
        Self::making(Makes::SevenBit)
    }

    fn making(makes: Makes) -> Self {
        let header = Header {
            makes,
            ..Header::default()
        };
        Self {
            makes,
            open: Vec::new(),
            at: At::Header(header),
            head: (makes == Makes::SevenBit).then(Vec::new),
            line: Vec::new(),
            rest_of_line: None,
            parts: 1,
        }
    }

    /// Where a part begins.
    fn header(&mut self) -> At {
        let is_signed = |open: &Open| {
            matches!(
                open,
                Open::Multipart {
                    is_signed: true,
                    ..
                }
            )
        };
        let makes = match self.makes == Makes::SevenBit && self.open.iter().any(is_signed) {
            true => Makes::Nothing,
            false => self.makes,
        };
        self.head = (makes == Makes::SevenBit).then(Vec::new);
        At::Header(Header {
            makes,
            ..Header::default()
        })
    }

    /// Takes a piece of the message, of any size, and appends to `out` what comes of it: at most
    /// about 4/3 of it, and what was held.
    pub fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        let mut rest = piece;
        while !rest.is_empty() {
            let line_len = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            if let Some(kind) = self.rest_of_line {
                let (now, after) = rest.split_at(line_len);
                match kind {
                    RestOfLine::Content => self.content(now, out)?,
                    RestOfLine::AsItIs => pass(now, out)?,
                }
                if now.ends_with(b"\n") {
                    self.rest_of_line = None;
                }
                rest = after;
            } else if self.line.is_empty() && self.is_content(rest) {
                self.rest_of_line = Some(RestOfLine::Content);
            } else {
                let room = limits::PARSE_LINE_BYTES - self.line.len();
                let (now, after) = rest.split_at(line_len.min(room));
                self.line.extend_from_slice(now);
                rest = after;
                self.look_at_line(out)?;
            }
        }
        Ok(())
    }

    /// The message is over.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        if !self.line.is_empty() {
            self.take_line(Cut::End, out)?;
        }
        self.decide(Extent::Whole, out);
        match std::mem::replace(&mut self.at, At::Plain) {
            At::Binary(lines) => {
                lines.end_of_message(out);
                Ok(())
            }
            at => {
                self.at = at;
                self.end_part(out)
            }
        }
    }

    /// Is that which begins a line content, whatever follows?
    fn is_content(&self, start: &[u8]) -> bool {
        !matches!(self.at, At::Header(_)) && !start.starts_with(b"--") && !b"--".starts_with(start)
    }

    fn look_at_line(&mut self, out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        let is_whole = self.line.ends_with(b"\n");
        if is_whole {
            self.take_line(Cut::Whole, out)
        } else if self.line.len() == limits::PARSE_LINE_BYTES {
            self.take_line(Cut::GoesOn, out)
        } else if self.is_content(&self.line) {
            let start = std::mem::take(&mut self.line);
            self.rest_of_line = Some(RestOfLine::Content);
            self.content(&start, out)
        } else {
            Ok(())
        }
    }

    /// The line that is held: a delimiter, a line of a header, or content after all.
    fn take_line(&mut self, cut: Cut, out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        let line = std::mem::take(&mut self.line);
        let text = match cut {
            Cut::Whole => {
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                text.strip_suffix(b"\r").unwrap_or(text)
            }
            Cut::GoesOn | Cut::End => &line,
        };
        let rest = if let Some((index, ends)) = self.delimiter(text) {
            self.end_part(out)?;
            pass(&line, out)?;
            self.at_delimiter(index, ends);
            RestOfLine::AsItIs
        } else if let At::Header(header) = &mut self.at {
            if text.is_empty() {
                self.header_done(&line, out)?;
            } else {
                let into = self.head.as_mut().unwrap_or(out);
                header.line(&line, text, cut, self.open.last(), into)?;
                self.bound_head(out);
            }
            RestOfLine::AsItIs
        } else {
            self.content(&line, out)?;
            RestOfLine::Content
        };
        self.rest_of_line = matches!(cut, Cut::GoesOn).then_some(rest);
        self.line = emptied(line);
        Ok(())
    }

    /// The innermost multipart of which the line is a delimiter. In binary content only CRLF makes
    /// a line [rfc2046 5.1.1], unless the message does without throughout.
    fn delimiter(&self, text: &[u8]) -> Option<(usize, Ends)> {
        let after_bare_lf = matches!(&self.at, At::Binary(lines) if lines.is_after_bare_lf());
        let ends_here = |open: &Open| match open {
            Open::Multipart {
                boundary: Some(boundary),
                is_bare_lf,
                ..
            } if *is_bare_lf || !after_bare_lf => delimiter(text, boundary),
            _ => None,
        };
        let mut innermost_first = self.open.iter().enumerate().rev();
        innermost_first.find_map(|(index, open)| Some((index, ends_here(open)?)))
    }

    /// What is held of the part that a delimiter ends comes out.
    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        self.decide(Extent::Whole, out);
        let around = self.open.last();
        match std::mem::replace(&mut self.at, At::Plain) {
            At::Header(mut header) => {
                out.extend(self.head.take().into_iter().flatten());
                return header.end(around, out);
            }
            At::Binary(lines) => lines.end_at_delimiter(out),
            At::Quoted(lines) => lines.end(out),
            At::Plain | At::Undecided(_) => {}
        }
        Ok(())
    }

    /// In so long a header nothing is said any more.
    fn bound_head(&mut self, out: &mut Vec<u8>) {
        if self
            .head
            .as_ref()
            .is_some_and(|head| head.len() >= limits::PARSE_LINE_BYTES)
        {
            out.extend(self.head.take().into_iter().flatten());
        }
    }

    /// The form of a part whose first octets are held.
    fn decide(&mut self, extent: Extent, out: &mut Vec<u8>) {
        self.at = match std::mem::replace(&mut self.at, At::Plain) {
            At::Undecided(undecided) => match undecided.decide(extent, out) {
                Form::AsItIs => At::Plain,
                Form::Quoted(lines) => At::Quoted(lines),
                Form::Base64(lines) => At::Binary(lines),
            },
            at => at,
        };
    }

    fn at_delimiter(&mut self, index: usize, ends: Ends) {
        self.open.truncate(index + 1);
        if ends == Ends::Part && self.parts < limits::MIME_PARTS {
            self.parts += 1;
            self.at = self.header();
        } else if let Some(Open::Multipart { boundary, .. }) = self.open.last_mut() {
            *boundary = None;
        }
    }

    /// The empty line behind a header.
    fn header_done(
        &mut self,
        empty_line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NulOutsideBinary> {
        let At::Header(mut header) = std::mem::replace(&mut self.at, At::Plain) else {
            return pass(empty_line, out);
        };
        let head = self.head.take();
        let mut head = match head {
            Some(mut head) => {
                header.end(self.open.last(), &mut head)?;
                Some(head)
            }
            None => {
                header.end(self.open.last(), out)?;
                None
            }
        };
        let (encoding, has_media) = (header.encoding, header.media.is_some());
        let media = header
            .media
            .unwrap_or_else(|| default_media(self.open.last()));
        let is_identity = matches!(encoding, Encoding::Absent | Encoding::Identity);
        match (&mut head, media.kind) {
            (Some(head), Kind::Leaf) if is_identity => {
                let undecided = Undecided {
                    head: std::mem::take(head),
                    empty_line: empty_line.to_vec(),
                    sample: Vec::new(),
                    media,
                    has_media,
                    is_of_message: matches!(self.open.last(), None | Some(Open::Message)),
                };
                self.at = At::Undecided(Box::new(undecided));
                return Ok(());
            }
            (Some(head), _) if !media.is_signed && seven_bit::says_eight(head) => {
                seven_bit::say(head, b"7bit");
            }
            _ => {}
        }
        out.extend(head.into_iter().flatten());
        pass(empty_line, out)?;
        let has_room = self.open.len() < limits::MIME_DEPTH && self.parts < limits::MIME_PARTS;
        match (media.kind, media.boundary) {
            (Kind::Multipart, Some(boundary)) if has_room => self.open.push(Open::Multipart {
                boundary: Some(boundary),
                is_digest: media.is_digest,
                is_signed: media.is_signed,
                is_bare_lf: empty_line == b"\n",
            }),
            (Kind::Message, _) if has_room && encoding != Encoding::Encoded => {
                self.open.push(Open::Message);
                self.parts += 1;
                self.at = self.header();
            }
            (Kind::Leaf, _) if encoding == Encoding::BinaryReplaced => {
                self.at = At::Binary(Base64Lines::default());
            }
            _ => {}
        }
        Ok(())
    }

    fn content(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        match &mut self.at {
            At::Binary(lines) => lines.piece(octets, out),
            At::Header(_) | At::Plain => return pass(octets, out),
            At::Quoted(lines) => {
                no_nul(octets)?;
                lines.piece(octets, out);
            }
            At::Undecided(undecided) => {
                let (now, after) = octets.split_at(octets.len().min(undecided.room()));
                pass(now, &mut undecided.sample)?;
                if !after.is_empty() {
                    self.decide(Extent::GoesOn, out);
                    return self.content(after, out);
                }
            }
        }
        Ok(())
    }
}

/// How much of a line there is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// All, line end included.
    Whole,
    /// More comes, which is looked at no more.
    GoesOn,
    /// The message ends in it.
    End,
}

impl Header {
    /// One line that is not empty. It goes on as it stands, but for what waits for its field's end.
    fn line(
        &mut self,
        line: &[u8],
        text: &[u8],
        cut: Cut,
        around: Option<&Open>,
        out: &mut Vec<u8>,
    ) -> Result<(), NulOutsideBinary> {
        if !matches!(text.first(), Some(b' ' | b'\t')) {
            self.end_field(around, out)?;
            self.field = self.field_of(text);
        }
        match &mut self.field {
            Field::Encoding(held)
                if cut != Cut::GoesOn && held.len() + line.len() <= limits::PARSE_LINE_BYTES =>
            {
                held.extend_from_slice(line);
                return Ok(());
            }
            Field::Encoding(held) => {
                // So long a field is no encoding that anybody knows.
                pass(&std::mem::take(held), out)?;
                self.field = Field::Other;
                self.encoding = Encoding::Encoded;
            }
            Field::ContentType(noted) if noted.len() < limits::PARSE_LINE_BYTES => {
                noted.extend_from_slice(line);
            }
            Field::ContentType(_) | Field::Other => {}
        }
        pass(line, out)
    }

    /// The field that a line begins.
    fn field_of(&self, text: &[u8]) -> Field {
        let name = field::fields(text).next().map(|(name, _)| name);
        let is = |wanted: &str| name.is_some_and(|n| n.eq_ignore_ascii_case(wanted.as_bytes()));
        if is("content-type") && self.media.is_none() {
            Field::ContentType(Vec::new())
        } else if is("content-transfer-encoding") {
            Field::Encoding(Vec::new())
        } else {
            Field::Other
        }
    }

    fn end_field(
        &mut self,
        around: Option<&Open>,
        out: &mut Vec<u8>,
    ) -> Result<(), NulOutsideBinary> {
        match std::mem::take(&mut self.field) {
            Field::Other => Ok(()),
            Field::ContentType(noted) => {
                self.media = Some(media_of(&noted));
                if self.encoding == Encoding::BinaryHeld {
                    self.replace(around, out);
                }
                Ok(())
            }
            Field::Encoding(held) => match self.encoding {
                // A second one beside `binary` would contradict what is said instead.
                Encoding::BinaryHeld | Encoding::BinaryReplaced => Ok(()),
                Encoding::Identity | Encoding::Encoded => pass(&held, out),
                Encoding::Absent => self.first_encoding(&held, around, out),
            },
        }
    }

    fn first_encoding(
        &mut self,
        held: &[u8],
        around: Option<&Open>,
        out: &mut Vec<u8>,
    ) -> Result<(), NulOutsideBinary> {
        let value = field::unfolded(held, "content-transfer-encoding").unwrap_or_default();
        self.encoding = match (field::encoding_word(&value).as_slice(), self.makes) {
            (b"8bit" | b"binary", Makes::Nothing) => Encoding::Identity,
            (b"binary", _) => Encoding::BinaryHeld,
            (b"" | b"7bit" | b"8bit", _) => Encoding::Identity,
            _ => Encoding::Encoded,
        };
        match self.encoding {
            Encoding::BinaryHeld if self.media.is_some() => self.replace(around, out),
            Encoding::BinaryHeld => {}
            _ => pass(held, out)?,
        }
        Ok(())
    }

    /// Says another encoding in place of `binary`. What holds other parts is never encoded itself
    /// [rfc2045 6.4].
    fn replace(&mut self, around: Option<&Open>, out: &mut Vec<u8>) {
        let default = default_media(around);
        let media = self.media.as_ref().unwrap_or(&default);
        let word: &[u8] = match (media.kind, self.makes) {
            (Kind::Leaf, _) => b"base64",
            (Kind::Multipart | Kind::Message, Makes::SevenBit) if !media.is_signed => b"7bit",
            (Kind::Multipart | Kind::Message, _) => b"8bit",
        };
        out.extend_from_slice(b"Content-Transfer-Encoding: ");
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
        self.encoding = Encoding::BinaryReplaced;
    }

    fn end(&mut self, around: Option<&Open>, out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
        self.end_field(around, out)?;
        if self.encoding == Encoding::BinaryHeld {
            self.replace(around, out);
        }
        Ok(())
    }
}

/// What a Content-Type field, its name included, says.
fn media_of(noted: &[u8]) -> Media {
    let value = field::first(noted, "content-type").unwrap_or_default();
    let found = field::parameterized(value);
    let Some((kind, subtype)) = field::media_type(&found.value) else {
        return PLAIN;
    };
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let is_global = subtype.get(..6).is_some_and(|begin| is(begin, "global"));
    let (is_text, is_message) = (is(&kind, "text"), is(&kind, "message"));
    let kind = if is(&kind, "multipart") {
        Kind::Multipart
    } else if is(&kind, "message") && (is(&subtype, "rfc822") || is(&subtype, "global")) {
        Kind::Message
    } else {
        Kind::Leaf
    };
    let boundary = found
        .parameters
        .into_iter()
        .find(|(name, _)| is(name, "boundary"));
    let boundary = boundary.map(|(_, boundary)| boundary);
    Media {
        kind,
        boundary: boundary.filter(|b| !b.is_empty() && b.len() <= limits::BOUNDARY_BYTES),
        is_digest: is(&subtype, "digest"),
        is_signed: kind == Kind::Multipart && (is(&subtype, "signed") || is(&subtype, "encrypted")),
        is_text,
        stays: is_message && !is_global,
    }
}

const PLAIN: Media = Media {
    kind: Kind::Leaf,
    boundary: None,
    is_digest: false,
    is_signed: false,
    is_text: true,
    stays: false,
};

/// What a part without Content-Type is: text, and in a digest a message [rfc2046 5.1.5].
fn default_media(around: Option<&Open>) -> Media {
    let kind = match around {
        Some(Open::Multipart {
            is_digest: true, ..
        }) => Kind::Message,
        _ => Kind::Leaf,
    };
    Media { kind, ..PLAIN }
}

/// Octets that stay as they are.
fn pass(octets: &[u8], out: &mut Vec<u8>) -> Result<(), NulOutsideBinary> {
    no_nul(octets)?;
    out.extend_from_slice(octets);
    Ok(())
}

fn no_nul(octets: &[u8]) -> Result<(), NulOutsideBinary> {
    match memchr(0, octets) {
        Some(_) => Err(NulOutsideBinary),
        None => Ok(()),
    }
}

/// A buffer to use again, unless it has grown large.
fn emptied(mut line: Vec<u8>) -> Vec<u8> {
    line.clear();
    line.shrink_to(1024);
    line
}
