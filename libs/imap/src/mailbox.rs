//! Mailbox names and LIST patterns as they are sent. Never here: which names are allowed or exist.

use crate::refusal::What;

/// How mailbox names are written on this connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NameEncoding {
    /// RFC 3501; UTF-8 from the client is taken too.
    #[default]
    ModifiedUtf7,
    /// After ENABLE IMAP4rev2 or UTF8=ACCEPT.
    Utf8,
}

/// A decoded name. INBOX in any case is `INBOX`. May be empty (LIST's reference) and may be a name
/// that no store would take.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mailbox(String);

impl Mailbox {
    pub fn new(name: &str) -> Mailbox {
        if name.eq_ignore_ascii_case("INBOX") {
            Mailbox("INBOX".to_owned())
        } else {
            Mailbox(name.to_owned())
        }
    }

    pub fn from_wire(wire: &[u8], encoding: NameEncoding) -> Result<Mailbox, What> {
        let _ = (wire, encoding);
        todo!()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is sent, before quoting.
    pub fn to_wire(&self, encoding: NameEncoding) -> String {
        let _ = encoding;
        todo!()
    }
}

/// `list-mailbox`: a name with `*` (anything) and `%` (anything within one level).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPattern(String);

impl ListPattern {
    pub fn new(pattern: &str) -> ListPattern {
        ListPattern(pattern.to_owned())
    }

    pub fn from_wire(wire: &[u8], encoding: NameEncoding) -> Result<ListPattern, What> {
        let _ = (wire, encoding);
        todo!()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pattern with LIST's reference before it. [rfc3501 6.3.8]
    pub fn within(&self, reference: &Mailbox) -> ListPattern {
        let _ = reference;
        todo!()
    }

    /// Time grows with the product of the two lengths at worst. INBOX matches in any case.
    pub fn matches(&self, name: &str, separator: char) -> bool {
        let _ = (name, separator);
        todo!()
    }
}
