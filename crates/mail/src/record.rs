//! The ready-to-send record of a message: written once at delivery, read by every FETCH.
//!
//! A head of fixed size, then sections in a fixed order, each found without reading the others:
//! prefix, ENVELOPE, BODYSTRUCTURE, part map, preview, kept fields, Message-ID hashes, delivered
//! envelope. The part map's offsets are into the body; the reader adds the prefix.

use crate::codec::{Damaged, Decoded, Reader, Writer, counter};
use crate::ids::{EmailId, ThreadId};
use crate::parse::Parsed;
use crate::ready::{DeliveredEnvelope, Dsn, Form, Headers};
use net::Time;
use std::ops::Range;
use store::BodyId;

const VERSION: u8 = 1;
/// Of the delivered envelope. 1: without what was asked about notifications.
const DELIVERED_VERSION: u8 = 2;
/// Room for most delivered envelopes.
const DELIVERED_BYTES: usize = 128;
const SECTIONS: usize = 8;
const HEAD_BYTES: usize = 1 + 6 * 8 + 1 + SECTIONS * 4;
const SAVED_AT: Range<usize> = 25..33;
const BODY_AT: Range<usize> = 33..41;
const FORM_AT: usize = 49;

/// The sections in their order.
#[derive(Clone, Copy)]
pub(crate) enum Sect {
    Prefix = 0,
    Envelope = 1,
    BodyStructure = 2,
    Parts = 3,
    Preview = 4,
    Fields = 5,
    References = 6,
    Delivered = 7,
}

/// The head of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub email: EmailId,
    pub thread: ThreadId,
    pub internal_date: Time,
    pub saved: Time,
    pub body: BodyId,
    pub body_len: u64,
    pub form: Form,
    /// Where the sections end, from the record's first byte.
    ends: [usize; SECTIONS],
}

impl Head {
    pub fn read(record: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(record, VERSION)?;
        let (email, thread) = (EmailId(r.fixed64()?), ThreadId(r.fixed64()?));
        let (internal_date, saved) = (r.time()?, r.time()?);
        let (body, body_len) = (BodyId(r.fixed64()?), counter(r.fixed64()?)?);
        let form = Form::from_bits(r.u8()?).ok_or(Damaged)?;
        let mut ends = [0; SECTIONS];
        let mut end = HEAD_BYTES;
        for slot in &mut ends {
            let len = u32::from_be_bytes(r.take(4)?.try_into().map_err(|_| Damaged)?);
            end += len as usize;
            *slot = end;
        }
        let whole = end == record.len();
        let head = Self {
            email,
            thread,
            internal_date,
            saved,
            body,
            body_len,
            form,
            ends,
        };
        if whole { Ok(head) } else { Err(Damaged) }
    }
    pub fn section<'a>(&self, record: &'a [u8], section: Sect) -> &'a [u8] {
        record.get(self.range(section)).unwrap_or_default()
    }
    pub fn range(&self, section: Sect) -> Range<usize> {
        let n = section as usize;
        let start = if n == 0 { HEAD_BYTES } else { self.ends[n - 1] };
        start..self.ends[n]
    }
    pub fn prefix_len(&self) -> u64 {
        self.range(Sect::Prefix).len() as u64
    }
    /// Octets as sent.
    pub fn size(&self) -> u64 {
        self.prefix_len() + self.body_len
    }
}

/// What a record is made of besides what was parsed.
pub(crate) struct Saved<'a> {
    pub email: EmailId,
    pub thread: ThreadId,
    pub internal_date: Time,
    pub saved: Time,
    pub body: BodyId,
    pub prefix: &'a [u8],
    pub delivered: Option<&'a DeliveredEnvelope>,
}

/// Writes a record.
pub(crate) fn encode(parsed: &Parsed, saved: &Saved<'_>) -> Vec<u8> {
    let delivered = saved.delivered.map(encode_delivered).unwrap_or_default();
    let sections: [&[u8]; SECTIONS] = [
        saved.prefix,
        &parsed.envelope,
        &parsed.bodystructure,
        &parsed.parts,
        parsed.preview.as_bytes(),
        &parsed.fields,
        &parsed.references,
        &delivered,
    ];
    let bytes: usize = sections.iter().map(|section| section.len()).sum();
    let mut w = Writer::with_capacity(VERSION, HEAD_BYTES + bytes);
    w.fixed64(saved.email.0).fixed64(saved.thread.0);
    w.time(saved.internal_date).time(saved.saved);
    w.fixed64(saved.body.0).fixed64(parsed.body_len);
    let form = match saved.prefix.is_ascii() {
        true => parsed.form,
        false => Form {
            headers: Headers::Utf8,
            ..parsed.form
        },
    };
    w.u8(form.bits());
    for section in sections {
        let len = u32::try_from(section.len()).expect("because every section is bounded");
        w.raw(&len.to_be_bytes());
    }
    for section in sections {
        w.raw(section);
    }
    w.into_vec()
}

/// The same message in another mailbox.
pub(crate) fn copied(record: &[u8], saved: Time) -> Vec<u8> {
    let mut copy = record.to_vec();
    if let Some(at) = copy.get_mut(SAVED_AT) {
        at.copy_from_slice(&(saved.0 as u64).to_be_bytes());
    }
    copy
}

/// The body that a record points to, without reading the rest.
pub(crate) fn body_of(record: &[u8]) -> Decoded<BodyId> {
    let bytes = record
        .get(BODY_AT)
        .and_then(|b| b.try_into().ok())
        .ok_or(Damaged)?;
    if record[0] != VERSION {
        return Err(Damaged);
    }
    Ok(BodyId(u64::from_be_bytes(bytes)))
}

/// The form of the message, without reading the rest.
pub(crate) fn form_of(record: &[u8]) -> Form {
    let bits = record.get(FORM_AT).copied().unwrap_or_default();
    Form::from_bits(bits).unwrap_or_default()
}

/// The hashes of Message-ID and References.
pub(crate) fn references(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes
        .chunks_exact(8)
        .filter_map(|b| b.try_into().ok())
        .map(u64::from_be_bytes)
}

fn encode_delivered(envelope: &DeliveredEnvelope) -> Vec<u8> {
    let mut w = Writer::with_capacity(DELIVERED_VERSION, DELIVERED_BYTES);
    w.str(&envelope.sender)
        .str(&envelope.recipient)
        .str(&envelope.client);
    w.option_str(envelope.login.as_deref()).time(envelope.at);
    let Dsn {
        ret,
        envid,
        notify,
        orcpt,
    } = &envelope.dsn;
    for asked in [ret, envid, notify, orcpt] {
        w.option_str(asked.as_deref());
    }
    w.into_vec()
}

/// `None`: a client has put the message there.
pub(crate) fn decode_delivered(bytes: &[u8]) -> Decoded<Option<DeliveredEnvelope>> {
    let Some(&version) = bytes.first() else {
        return Ok(None);
    };
    let mut r = Reader::new(bytes, version.clamp(1, DELIVERED_VERSION))?;
    let mut envelope = DeliveredEnvelope {
        sender: r.str()?.to_owned(),
        recipient: r.str()?.to_owned(),
        client: r.str()?.to_owned(),
        login: r.option_str()?.map(str::to_owned),
        at: r.time()?,
        dsn: Dsn::default(),
    };
    if version >= 2 {
        let mut asked = || Ok(r.option_str()?.map(str::to_owned));
        envelope.dsn = Dsn {
            ret: asked()?,
            envid: asked()?,
            notify: asked()?,
            orcpt: asked()?,
        };
    }
    Ok(Some(envelope))
}

/// Header fields whose raw, unfolded values are kept, as IMAP clients and searches ask for them.
pub(crate) const KEPT_FIELDS: [&str; 16] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "list-id",
    "content-type",
    "x-priority",
    "importance",
    "auto-submitted",
];

/// A kept field in the record: its number, then its value; `None`: too long, or there twice.
pub(crate) fn encode_fields(fields: &[(u8, Option<Vec<u8>>)]) -> Vec<u8> {
    let values = fields.iter().flat_map(|(_, value)| value);
    let bytes: usize = values.map(|value| value.len() + 8).sum();
    let mut w = Writer::with_capacity(VERSION, bytes);
    for (number, value) in fields {
        w.u8(*number).u8(u8::from(value.is_some()));
        w.bytes(value.as_deref().unwrap_or_default());
    }
    w.into_vec()
}

/// `Ok(None)`: not in the message. `Ok(Some(None))`: in it, but not kept.
pub(crate) fn find_field(bytes: &[u8], number: u8) -> Decoded<Option<Option<Range<usize>>>> {
    let mut r = Reader::new(bytes, VERSION)?;
    while !r.is_empty() {
        let (found, kept) = (r.u8()?, r.u8()? == 1);
        let value = r.bytes()?;
        if found == number {
            let end = bytes.len() - r.rest().len();
            return Ok(Some(kept.then(|| end - value.len()..end)));
        }
    }
    Ok(None)
}
