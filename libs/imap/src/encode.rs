//! The spelling of responses. Never here: which response is due.

use std::fmt::Display;
use std::io::Write;

use crate::command::Ids;
use crate::fetch::{FetchItem, Section, SectionText};
use crate::flag::Flag;
use crate::mailbox::{Mailbox, NameEncoding};
use crate::response::{
    Condition, ESearch, FetchData, ListEntry, Namespaces, Response, ResponseCode, StatusData,
    StatusValue,
};
use crate::spell;

/// What stands before a text in a FETCH response: `BODY[1.2.HEADER.FIELDS (From To)]<0>` or `RFC822.TEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SectionLabel {
    Rfc822,
    Rfc822Header,
    Rfc822Text,
    Body {
        section: Section,
        origin: Option<u64>,
    },
    /// `BINARY[1.2]<0>`
    Binary {
        path: Vec<u32>,
        origin: Option<u64>,
    },
}

impl SectionLabel {
    /// The label under which the item is answered; None for items that are no texts.
    pub fn of(item: &FetchItem) -> Option<SectionLabel> {
        match item {
            FetchItem::Rfc822 => Some(SectionLabel::Rfc822),
            FetchItem::Rfc822Header => Some(SectionLabel::Rfc822Header),
            FetchItem::Rfc822Text => Some(SectionLabel::Rfc822Text),
            FetchItem::Section {
                section, partial, ..
            } => {
                // The answer names the first octet, not how many were asked for. [rfc3501 7.4.2]
                let origin = partial.map(|partial| partial.origin);
                Some(SectionLabel::Body {
                    section: section.clone(),
                    origin,
                })
            }
            FetchItem::Binary { path, partial, .. } => Some(SectionLabel::Binary {
                path: path.clone(),
                origin: partial.map(|partial| partial.origin),
            }),
            _ => None,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            SectionLabel::Rfc822 => out.extend_from_slice(b"RFC822"),
            SectionLabel::Rfc822Header => out.extend_from_slice(b"RFC822.HEADER"),
            SectionLabel::Rfc822Text => out.extend_from_slice(b"RFC822.TEXT"),
            SectionLabel::Body { section, origin } => {
                out.extend_from_slice(b"BODY[");
                encode_section(section, out);
                encode_origin(*origin, out);
            }
            SectionLabel::Binary { path, origin } => {
                out.extend_from_slice(b"BINARY[");
                encode_path(path, out);
                encode_origin(*origin, out);
            }
        }
    }
}

/// The end of a section: `"]" ["<" number ">"]`
fn encode_origin(origin: Option<u64>, out: &mut Vec<u8>) {
    out.push(b']');
    if let Some(origin) = origin {
        show(format_args!("<{origin}>"), out);
    }
}

/// `section-part = nz-number *("." nz-number)`
fn encode_path(path: &[u32], out: &mut Vec<u8>) {
    for (index, part) in path.iter().enumerate() {
        let dot = if index == 0 { "" } else { "." };
        show(format_args!("{dot}{part}"), out);
    }
}

/// `section-spec = section-msgtext / (section-part ["." section-text])`
fn encode_section(section: &Section, out: &mut Vec<u8>) {
    encode_path(&section.path, out);
    let (word, fields): (&str, Option<&[String]>) = match &section.text {
        SectionText::Whole => return,
        SectionText::Header => ("HEADER", None),
        SectionText::HeaderFields(fields) => ("HEADER.FIELDS", Some(fields)),
        SectionText::HeaderFieldsNot(fields) => ("HEADER.FIELDS.NOT", Some(fields)),
        SectionText::Text => ("TEXT", None),
        SectionText::Mime => ("MIME", None),
    };
    if !section.path.is_empty() {
        out.push(b'.');
    }
    out.extend_from_slice(word.as_bytes());
    if let Some(fields) = fields {
        out.push(b' ');
        spell::list(fields, out, |field, out| {
            spell::astring(field.as_bytes(), out)
        });
    }
}

/// Appends one response with its CRLF.
pub fn encode(response: &Response, names: NameEncoding, out: &mut Vec<u8>) {
    match response {
        Response::Tagged {
            tag,
            condition,
            code,
            text,
        } => {
            show(tag, out);
            encode_condition(*condition, code.as_ref(), text, out);
        }
        Response::Continue(text) => {
            out.extend_from_slice(b"+ ");
            spell::text(text, out);
        }
        // A FETCH ends its own line.
        Response::Fetch { seq, items } => {
            let mut writer = FetchWriter::start(*seq, out);
            for item in items {
                writer.item(item, out);
            }
            return writer.end(out);
        }
        Response::Untagged {
            condition,
            code,
            text,
        } => {
            out.push(b'*');
            encode_condition(*condition, code.as_ref(), text, out);
        }
        data => {
            out.extend_from_slice(b"* ");
            encode_data(data, names, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// `resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text`, with the space before it.
fn encode_condition(
    condition: Condition,
    code: Option<&ResponseCode>,
    text: &str,
    out: &mut Vec<u8>,
) {
    let word = match condition {
        Condition::Ok => " OK ",
        Condition::No => " NO ",
        Condition::Bad => " BAD ",
        Condition::PreAuth => " PREAUTH ",
        Condition::Bye => " BYE ",
    };
    out.extend_from_slice(word.as_bytes());
    if let Some(code) = code {
        out.push(b'[');
        encode_code(code, out);
        out.extend_from_slice(b"] ");
    }
    spell::text(text, out);
}

/// `mailbox-data`, `message-data` and `capability-data`, without `* `.
fn encode_data(data: &Response, names: NameEncoding, out: &mut Vec<u8>) {
    match data {
        Response::Capability(words) => {
            out.extend_from_slice(b"CAPABILITY");
            words
                .iter()
                .for_each(|word| show(format_args!(" {word}"), out));
        }
        Response::Enabled(words) => {
            out.extend_from_slice(b"ENABLED");
            words
                .iter()
                .for_each(|word| show(format_args!(" {word}"), out));
        }
        Response::List(entry) => encode_list("LIST", entry, names, out),
        Response::Lsub(entry) => encode_list("LSUB", entry, names, out),
        Response::Namespace(namespaces) => encode_namespaces(namespaces, names, out),
        Response::Status { mailbox, values } => encode_status(mailbox, values, names, out),
        Response::Search { numbers, modseq } => {
            out.extend_from_slice(b"SEARCH");
            for &number in numbers {
                out.push(b' ');
                spell::number(number.into(), out);
            }
            // `search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"` [rfc7162 7]
            if let Some(modseq) = modseq.filter(|_| !numbers.is_empty()) {
                show(format_args!(" (MODSEQ {modseq})"), out);
            }
        }
        Response::ESearch(found) => encode_esearch(found, out),
        Response::Flags(flags) => {
            out.extend_from_slice(b"FLAGS ");
            spell::list(flags, out, show::<&Flag>);
        }
        Response::Exists(count) => show(format_args!("{count} EXISTS"), out),
        Response::Recent(count) => show(format_args!("{count} RECENT"), out),
        Response::Expunge(seq) => show(format_args!("{seq} EXPUNGE"), out),
        // `expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` [rfc7162 7]
        Response::Vanished(uids) => show(format_args!("VANISHED {uids}"), out),
        Response::VanishedEarlier(uids) => show(format_args!("VANISHED (EARLIER) {uids}"), out),
        Response::Id(pairs) => encode_id(pairs, out),
        Response::Tagged { .. }
        | Response::Untagged { .. }
        | Response::Continue(_)
        | Response::Fetch { .. } => unreachable!("because encode() writes these itself"),
    }
}

/// `esearch-response = "ESEARCH" [SP "(" "TAG" SP tag-string ")"] [SP "UID"] *(SP search-return-data)`
/// [rfc4466 2.6.2]
fn encode_esearch(found: &ESearch, out: &mut Vec<u8>) {
    show(format_args!("ESEARCH (TAG \"{}\")", found.tag), out);
    if found.ids == Ids::Uid {
        out.extend_from_slice(b" UID");
    }
    for (word, number) in [("MIN", found.min), ("MAX", found.max)] {
        if let Some(number) = number {
            show(format_args!(" {word} {number}"), out);
        }
    }
    if let Some(all) = &found.all {
        show(format_args!(" ALL {all}"), out);
    }
    if let Some(count) = found.count {
        show(format_args!(" COUNT {count}"), out);
    }
    if let Some(modseq) = found.modseq {
        show(format_args!(" MODSEQ {modseq}"), out);
    }
}

/// `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
/// [SP mbox-list-extended]`
fn encode_list(word: &str, entry: &ListEntry, names: NameEncoding, out: &mut Vec<u8>) {
    show(format_args!("{word} "), out);
    spell::list(&entry.attributes, out, show::<&&str>);
    out.push(b' ');
    encode_separator(entry.separator, out);
    out.push(b' ');
    spell::mailbox(&entry.mailbox, names, out);
    if !entry.child_info.is_empty() || entry.old_name.is_some() {
        encode_extended(entry, names, out);
    }
}

/// `mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"`, with
/// `childinfo-extended-item = "CHILDINFO" SP "(" list-select-base-opt-quoted *(…) ")"` and
/// `oldname-extended-item = "OLDNAME" SP "(" mailbox ")"` [rfc9051 9]
fn encode_extended(entry: &ListEntry, names: NameEncoding, out: &mut Vec<u8>) {
    out.extend_from_slice(b" (");
    if !entry.child_info.is_empty() {
        out.extend_from_slice(b"\"CHILDINFO\" ");
        spell::list(&entry.child_info, out, |option, out| {
            show(format_args!("\"{option}\""), out)
        });
    }
    if let Some(old_name) = &entry.old_name {
        let space = if entry.child_info.is_empty() { "" } else { " " };
        show(format_args!("{space}\"OLDNAME\" ("), out);
        spell::mailbox(old_name, names, out);
        out.push(b')');
    }
    out.push(b')');
}

fn encode_separator(separator: Option<char>, out: &mut Vec<u8>) {
    let mut octets = [0; 4];
    let separator = separator.map(|separator| &*separator.encode_utf8(&mut octets));
    spell::nstring(separator.map(str::as_bytes), out);
}

/// `Namespace-Response = "*" SP "NAMESPACE" SP Namespace SP Namespace SP Namespace` [rfc2342 6]
fn encode_namespaces(namespaces: &Namespaces, names: NameEncoding, out: &mut Vec<u8>) {
    out.extend_from_slice(b"NAMESPACE");
    for kind in [
        &namespaces.personal,
        &namespaces.other_users,
        &namespaces.shared,
    ] {
        out.push(b' ');
        if kind.is_empty() {
            out.extend_from_slice(b"NIL");
            continue;
        }
        out.push(b'(');
        for (prefix, separator) in kind {
            out.push(b'(');
            spell::string(prefix.to_wire(names).as_bytes(), out);
            out.push(b' ');
            encode_separator(Some(*separator), out);
            out.push(b')');
        }
        out.push(b')');
    }
}

/// `"STATUS" SP mailbox SP "(" [status-att-list] ")"`
fn encode_status(
    mailbox: &Mailbox,
    values: &[StatusValue],
    names: NameEncoding,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"STATUS ");
    spell::mailbox(mailbox, names, out);
    out.push(b' ');
    spell::list(values, out, |status, out| {
        let word = status.item.word();
        match &status.value {
            StatusData::Number(number) => show(format_args!("{word} {number}"), out),
            StatusData::Id(id) => show(format_args!("{word} ({id})"), out),
        }
    });
}

/// `id_response = "ID" SPACE id_params_list` [rfc2971 3.2]
fn encode_id(pairs: &[(&'static str, String)], out: &mut Vec<u8>) {
    out.extend_from_slice(b"ID ");
    if pairs.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    spell::list(pairs, out, |(field, value), out| {
        spell::string(field.as_bytes(), out);
        out.push(b' ');
        spell::string(value.as_bytes(), out);
    });
}

/// `resp-text-code`, without its brackets.
fn encode_code(code: &ResponseCode, out: &mut Vec<u8>) {
    if let Some(word) = code.word() {
        return out.extend_from_slice(word.as_bytes());
    }
    match code {
        ResponseCode::AppendUid { uid_validity, uids } => {
            show(format_args!("APPENDUID {uid_validity} {uids}"), out);
        }
        ResponseCode::CopyUid {
            uid_validity,
            from,
            to,
        } => {
            show(format_args!("COPYUID {uid_validity} {from} {to}"), out);
        }
        ResponseCode::BadCharset(charsets) => {
            out.extend_from_slice(b"BADCHARSET");
            if !charsets.is_empty() {
                out.push(b' ');
                spell::list(charsets, out, |charset, out| {
                    spell::astring(charset.as_bytes(), out)
                });
            }
        }
        ResponseCode::Capability(words) => {
            out.extend_from_slice(b"CAPABILITY");
            words
                .iter()
                .for_each(|word| show(format_args!(" {word}"), out));
        }
        ResponseCode::PermanentFlags(flags) => {
            out.extend_from_slice(b"PERMANENTFLAGS ");
            spell::list(flags, out, show::<&Flag>);
        }
        ResponseCode::HighestModSeq(modseq) => show(format_args!("HIGHESTMODSEQ {modseq}"), out),
        ResponseCode::Modified(messages) => show(format_args!("MODIFIED {messages}"), out),
        ResponseCode::MailboxId(id) => show(format_args!("MAILBOXID ({id})"), out),
        ResponseCode::UidNext(uid) => show(format_args!("UIDNEXT {uid}"), out),
        ResponseCode::UidValidity(validity) => show(format_args!("UIDVALIDITY {validity}"), out),
        ResponseCode::Unseen(seq) => show(format_args!("UNSEEN {seq}"), out),
        _ => unreachable!("because all other codes are words"),
    }
}

/// Writes one FETCH response piece by piece, so that a large text is never held whole:
/// `start`, items and texts in any order, `end`. Between two calls the bytes may be sent.
#[derive(Debug)]
#[must_use = "a FETCH response that is not ended breaks the connection"]
pub struct FetchWriter {
    items: u32,
    text_left: u64,
}

impl FetchWriter {
    pub fn start(seq: u32, out: &mut Vec<u8>) -> FetchWriter {
        out.extend_from_slice(b"* ");
        spell::number(seq.into(), out);
        out.extend_from_slice(b" FETCH (");
        FetchWriter {
            items: 0,
            text_left: 0,
        }
    }

    /// `msg-att-dynamic / msg-att-static`
    pub fn item(&mut self, item: &FetchData, out: &mut Vec<u8>) {
        if let FetchData::Text { label, text } = item {
            return self.text(label, text.as_deref(), out);
        }
        self.space(out);
        match item {
            FetchData::Uid(uid) => numbered("UID ", u64::from(*uid), out),
            FetchData::Flags(flags) => {
                out.extend_from_slice(b"FLAGS ");
                spell::list(flags, out, show::<&Flag>);
            }
            FetchData::InternalDate(date) => show(format_args!("INTERNALDATE \"{date}\""), out),
            FetchData::Rfc822Size(octets) => numbered("RFC822.SIZE ", *octets, out),
            FetchData::ModSeq(modseq) => {
                numbered("MODSEQ (", *modseq, out);
                out.push(b')');
            }
            FetchData::Envelope(value) => encoded("ENVELOPE ", value, out),
            FetchData::Body(value) => encoded("BODY ", value, out),
            FetchData::BodyStructure(value) => encoded("BODYSTRUCTURE ", value, out),
            FetchData::BinarySize { path, octets } => {
                out.extend_from_slice(b"BINARY.SIZE[");
                encode_path(path, out);
                show(format_args!("] {octets}"), out);
            }
            FetchData::Preview(text) => {
                out.extend_from_slice(b"PREVIEW ");
                spell::string(text.as_bytes(), out);
            }
            FetchData::EmailId(id) => show(format_args!("EMAILID ({id})"), out),
            FetchData::ThreadId(id) => show(format_args!("THREADID ({id})"), out),
            FetchData::Text { .. } => unreachable!("because texts are written above"),
        }
    }

    /// As `FetchData::Envelope` and its like with a value that the caller keeps.
    pub fn value(&mut self, word: &'static str, value: &[u8], out: &mut Vec<u8>) {
        self.space(out);
        out.extend_from_slice(word.as_bytes());
        out.push(b' ');
        out.extend_from_slice(value);
    }

    /// As `FetchData::Flags`, of the names as they are sent.
    pub fn flags<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, out: &mut Vec<u8>) {
        self.space(out);
        out.extend_from_slice(b"FLAGS (");
        for (index, name) in names.into_iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
        out.push(b')');
    }

    /// As `FetchData::Text` with bytes that the caller keeps.
    pub fn text(&mut self, label: &SectionLabel, text: Option<&[u8]>, out: &mut Vec<u8>) {
        let Some(text) = text else {
            self.space(out);
            label.encode(out);
            return out.extend_from_slice(b" NIL");
        };
        self.announce(label, text.len() as u64, out);
        self.chunk(text, out);
    }

    /// Announces a text of exactly `octets`; `chunk` or `sent` then bring it.
    pub fn announce(&mut self, label: &SectionLabel, octets: u64, out: &mut Vec<u8>) {
        self.space(out);
        label.encode(out);
        out.push(b' ');
        spell::literal_head(octets, out);
        self.text_left = octets;
    }

    /// Announces octets of any kind, as a literal8: what holds a NUL can be sent in no other form.
    /// [rfc3516 4.3]
    pub fn announce_binary(&mut self, label: &SectionLabel, octets: u64, out: &mut Vec<u8>) {
        self.space(out);
        label.encode(out);
        out.extend_from_slice(b" ~");
        spell::literal_head(octets, out);
        self.text_left = octets;
    }

    /// A piece of the announced text; panics when it is more than was announced.
    pub fn chunk(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.sent(bytes.len() as u64);
        out.extend_from_slice(bytes);
    }

    /// What is still to come of the announced text.
    pub fn text_left(&self) -> u64 {
        self.text_left
    }

    /// Counts octets of the announced text that went to the connection without being copied here
    /// (after all of `output()` was written); panics when it is more than was announced.
    pub fn sent(&mut self, octets: u64) {
        self.text_left = self
            .text_left
            .checked_sub(octets)
            .expect("because a text is as long as announced");
    }

    /// Panics when an announced text is not complete: the client would take what follows for it.
    pub fn end(self, out: &mut Vec<u8>) {
        assert_eq!(self.text_left, 0, "a text is as long as announced");
        out.extend_from_slice(b")\r\n");
    }

    fn space(&mut self, out: &mut Vec<u8>) {
        assert_eq!(self.text_left, 0, "a text is as long as announced");
        if self.items > 0 {
            out.push(b' ');
        }
        self.items += 1;
    }
}

fn encoded(word: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(value);
}

fn numbered(word: &str, number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(word.as_bytes());
    spell::number(number, out);
}

fn show<T: Display>(value: T, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("because a Vec takes all that is written");
}
