//! ENVELOPE and BODYSTRUCTURE as values, and their encoders. Never here: how a message is parsed.
//!
//! Texts are the octets of the header (unfolded); 8-bit ones are sent as literals.

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
pub fn encode_envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    let _ = (envelope, out);
    todo!()
}

/// Appends "(…)", the value of BODYSTRUCTURE (with extension data).
pub fn encode_bodystructure(body: &BodyStructure, out: &mut Vec<u8>) {
    let _ = (body, out);
    todo!()
}

/// Appends "(…)", the value of BODY (without extension data).
pub fn encode_body(body: &BodyStructure, out: &mut Vec<u8>) {
    let _ = (body, out);
    todo!()
}

/// The BODY value that belongs to a BODYSTRUCTURE value made by `encode_bodystructure`, so that
/// only one of them needs to be kept. None when it is not such a value.
pub fn body_from_bodystructure(bodystructure: &[u8]) -> Option<Vec<u8>> {
    let _ = bodystructure;
    todo!()
}
