//! ENVELOPE and BODYSTRUCTURE as values, and their encoders. Never here: how a message is parsed.
//!
//! Texts are the octets of the header (unfolded); 8-bit ones are sent as literals.

use crate::limits;
use crate::spell::{list, nstring, number, string};

/// One member of an address list. A group begins with `mailbox` = its name and no host, and ends
/// with all four absent. [rfc3501 7.4.2]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    pub name: Option<Vec<u8>>,
    pub adl: Option<Vec<u8>>,
    pub mailbox: Option<Vec<u8>>,
    pub host: Option<Vec<u8>>,
}

/// An empty `sender` or `reply_to` is sent as `from`. [rfc3501 7.4.2]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    pub date: Option<Vec<u8>>,
    pub subject: Option<Vec<u8>>,
    pub from: Vec<Address>,
    pub sender: Vec<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub in_reply_to: Option<Vec<u8>>,
    pub message_id: Option<Vec<u8>>,
}

pub type Parameters = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Disposition {
    pub kind: Vec<u8>,
    pub parameters: Parameters,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyStructure {
    Single(SinglePart),
    Multipart(Multipart),
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Multipart {
    /// Without parts one empty text part is shown: the grammar asks for at least one.
    pub parts: Vec<BodyStructure>,
    pub subtype: Vec<u8>,
    pub parameters: Parameters,
    pub disposition: Option<Disposition>,
    pub language: Vec<Vec<u8>>,
    pub location: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SinglePart {
    pub media_type: Vec<u8>,
    pub subtype: Vec<u8>,
    pub parameters: Parameters,
    pub id: Option<Vec<u8>>,
    pub description: Option<Vec<u8>>,
    /// As in the header; empty = "7BIT".
    pub encoding: Vec<u8>,
    pub octets: u64,
    pub kind: PartKind,
    pub md5: Option<Vec<u8>>,
    pub disposition: Option<Disposition>,
    pub language: Vec<Vec<u8>>,
    pub location: Option<Vec<u8>>,
}

/// The encoder keeps to the grammar whatever is combined: TEXT always has lines, and a MESSAGE/RFC822
/// that is `Basic` is shown as APPLICATION/OCTET-STREAM.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum PartKind {
    #[default]
    Basic,
    Text {
        lines: u64,
    },
    /// MESSAGE/RFC822 or MESSAGE/GLOBAL.
    Message {
        envelope: Box<Envelope>,
        body: Box<BodyStructure>,
        lines: u64,
    },
}

/// Appends "(…)", the value of ENVELOPE.
///
/// `envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
/// env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"`
pub fn encode_envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    // [rfc3501 7.4.2]: "If the Sender or Reply-To lines are absent … the server sets the
    // corresponding member of the envelope to be the same value as the from member".
    let or_from = |list| {
        if <[Address]>::is_empty(list) {
            envelope.from.as_slice()
        } else {
            list
        }
    };
    out.push(b'(');
    nstring(envelope.date.as_deref(), out);
    out.push(b' ');
    nstring(envelope.subject.as_deref(), out);
    let lists = [
        &envelope.from,
        or_from(&envelope.sender),
        or_from(&envelope.reply_to),
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ];
    for list in lists {
        out.push(b' ');
        encode_addresses(list, out);
    }
    out.push(b' ');
    nstring(envelope.in_reply_to.as_deref(), out);
    out.push(b' ');
    nstring(envelope.message_id.as_deref(), out);
    out.push(b')');
}

/// `"(" 1*address ")" / nil`, `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`
fn encode_addresses(list: &[Address], out: &mut Vec<u8>) {
    if list.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for address in list {
        out.push(b'(');
        let words = [&address.name, &address.adl, &address.mailbox, &address.host];
        for (index, word) in words.into_iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            nstring(word.as_deref(), out);
        }
        out.push(b')');
    }
    out.push(b')');
}

/// Which of the two values of a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Body,
    BodyStructure,
}

/// Appends "(…)", the value of BODYSTRUCTURE (with extension data).
pub fn encode_bodystructure(body: &BodyStructure, out: &mut Vec<u8>) {
    encode_form(body, Form::BodyStructure, 0, out);
}

/// Appends "(…)", the value of BODY (without extension data).
pub fn encode_body(body: &BodyStructure, out: &mut Vec<u8>) {
    encode_form(body, Form::Body, 0, out);
}

/// `body = "(" (body-type-1part / body-type-mpart) ")"`
fn encode_form(body: &BodyStructure, form: Form, depth: usize, out: &mut Vec<u8>) {
    out.push(b'(');
    match body {
        BodyStructure::Multipart(multipart) if depth < limits::MIME_DEPTH => {
            encode_multipart(multipart, form, depth, out);
        }
        BodyStructure::Multipart(_) => encode_single(&SinglePart::default(), form, depth, out),
        BodyStructure::Single(part) => encode_single(part, form, depth, out),
    }
    out.push(b')');
}

/// `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]`
fn encode_multipart(multipart: &Multipart, form: Form, depth: usize, out: &mut Vec<u8>) {
    for part in &multipart.parts {
        encode_form(part, form, depth + 1, out);
    }
    if multipart.parts.is_empty() {
        encode_form(&empty_text(), form, depth + 1, out);
    }
    out.push(b' ');
    string(word_or(&multipart.subtype, b"mixed"), out);
    if form == Form::BodyStructure {
        out.push(b' ');
        encode_parameters(&multipart.parameters, out);
        let ext = (
            &multipart.disposition,
            &multipart.language,
            &multipart.location,
        );
        encode_extension(ext.0.as_ref(), ext.1, ext.2.as_deref(), out);
    }
}

/// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`
fn encode_single(part: &SinglePart, form: Form, depth: usize, out: &mut Vec<u8>) {
    let shape = Shape::of(part, depth);
    let (media_type, subtype): (&[u8], &[u8]) = match shape {
        Shape::Opaque => (b"application", b"octet-stream"),
        Shape::Text(_) => (&part.media_type, word_or(&part.subtype, b"plain")),
        _ => (&part.media_type, word_or(&part.subtype, b"octet-stream")),
    };
    string(media_type, out);
    out.push(b' ');
    string(subtype, out);
    out.push(b' ');
    encode_fields(part, out);
    match shape {
        Shape::Opaque | Shape::Basic => {}
        Shape::Text(lines) => {
            out.push(b' ');
            number(lines, out);
        }
        Shape::Message(envelope, body, lines) => {
            out.push(b' ');
            encode_envelope(envelope, out);
            out.push(b' ');
            encode_form(body, form, depth + 1, out);
            out.push(b' ');
            number(lines, out);
        }
    }
    if form == Form::BodyStructure {
        out.push(b' ');
        nstring(part.md5.as_deref(), out);
        encode_extension(
            part.disposition.as_ref(),
            &part.language,
            part.location.as_deref(),
            out,
        );
    }
}

/// What a single part is written as: its type and its kind must agree, or clients lose their way.
#[derive(Clone, Copy)]
enum Shape<'a> {
    Text(u64),
    Message(&'a Envelope, &'a BodyStructure, u64),
    Basic,
    /// APPLICATION/OCTET-STREAM in place of what cannot be shown.
    Opaque,
}

impl Shape<'_> {
    fn of(part: &SinglePart, depth: usize) -> Shape<'_> {
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let message = is(&part.media_type, "message")
            && (is(&part.subtype, "rfc822") || is(&part.subtype, "global"));
        match &part.kind {
            PartKind::Text { lines } if is(&part.media_type, "text") => Shape::Text(*lines),
            _ if is(&part.media_type, "text") => Shape::Text(0),
            PartKind::Message {
                envelope,
                body,
                lines,
            } if message && depth < limits::MIME_DEPTH => Shape::Message(envelope, body, *lines),
            _ if message || part.media_type.is_empty() => Shape::Opaque,
            _ => Shape::Basic,
        }
    }
}

/// `body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets`
fn encode_fields(part: &SinglePart, out: &mut Vec<u8>) {
    encode_parameters(&part.parameters, out);
    out.push(b' ');
    nstring(part.id.as_deref(), out);
    out.push(b' ');
    nstring(part.description.as_deref(), out);
    out.push(b' ');
    string(word_or(&part.encoding, b"7BIT"), out);
    out.push(b' ');
    number(part.octets, out);
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn encode_parameters(parameters: &Parameters, out: &mut Vec<u8>) {
    if parameters.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    list(parameters, out, |(name, value), out| {
        string(name, out);
        out.push(b' ');
        string(value, out);
    });
}

/// `[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]`, always all, in this order
/// [rfc3501 7.4.2] [rfc9051 7.5.2]
fn encode_extension(
    disposition: Option<&Disposition>,
    language: &[Vec<u8>],
    location: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    out.push(b' ');
    match disposition {
        None => out.extend_from_slice(b"NIL"),
        Some(disposition) => {
            out.push(b'(');
            string(&disposition.kind, out);
            out.push(b' ');
            encode_parameters(&disposition.parameters, out);
            out.push(b')');
        }
    }
    out.push(b' ');
    match language {
        [] => out.extend_from_slice(b"NIL"),
        tags => list(tags, out, |tag, out| string(tag, out)),
    }
    out.push(b' ');
    nstring(location, out);
}

fn word_or<'a>(word: &'a [u8], default: &'a [u8]) -> &'a [u8] {
    if word.is_empty() { default } else { word }
}

fn empty_text() -> BodyStructure {
    BodyStructure::Single(SinglePart {
        media_type: b"text".to_vec(),
        subtype: b"plain".to_vec(),
        kind: PartKind::Text { lines: 0 },
        ..SinglePart::default()
    })
}
