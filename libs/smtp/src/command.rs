//! Commands as values: what a client can say, and how it can say it wrongly.
//!
//! A value of these types is well-formed; nothing here reads bytes or knows in which order
//! commands are allowed.

use crate::by::By;
use crate::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret};
use crate::hold::Hold;
use crate::priority::Priority;
use addr::{AddressError, AddressLiteral, Charset, Domain, ForwardPath, ReversePath};
use std::fmt;
use std::net::IpAddr;

/// The words of the commands that the machine reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verb {
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    StartTls,
    Auth,
    Etrn,
    Atrn,
}

/// All verbs with their words on the wire.
pub const VERBS: &[(Verb, &str)] = &[
    (Verb::Ehlo, "EHLO"),
    (Verb::Helo, "HELO"),
    (Verb::Lhlo, "LHLO"),
    (Verb::Mail, "MAIL"),
    (Verb::Rcpt, "RCPT"),
    (Verb::Data, "DATA"),
    (Verb::Bdat, "BDAT"),
    (Verb::Rset, "RSET"),
    (Verb::Noop, "NOOP"),
    (Verb::Vrfy, "VRFY"),
    (Verb::Help, "HELP"),
    (Verb::Quit, "QUIT"),
    (Verb::StartTls, "STARTTLS"),
    (Verb::Auth, "AUTH"),
    (Verb::Etrn, "ETRN"),
    (Verb::Atrn, "ATRN"),
];

impl Verb {
    /// The word as it is written on the wire.
    pub fn word(self) -> &'static str {
        let row = VERBS.iter().find(|(verb, _)| *verb == self);
        row.expect("because VERBS has a row for every verb").1
    }
    /// By word, in any case. [rfc5321 2.4]
    pub fn from_word(word: &[u8]) -> Option<Verb> {
        let row = VERBS
            .iter()
            .find(|(_, w)| w.as_bytes().eq_ignore_ascii_case(word));
        row.map(|(verb, _)| *verb)
    }
}

/// One command with its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    Ehlo(ClientName),
    Helo(ClientName),
    /// The EHLO of LMTP. [rfc2033 4.1]
    Lhlo(ClientName),
    Mail {
        from: ReversePath,
        /// Which octets the path was written in; `Utf8` needs the SMTPUTF8 parameter.
        written_in: Charset,
        parameters: MailParameters,
    },
    Rcpt {
        to: ForwardPath,
        /// Which octets path and parameters were written in; `Utf8` needs SMTPUTF8 in the MAIL
        /// command.
        written_in: Charset,
        parameters: RcptParameters,
    },
    Data,
    /// So many octets of content follow; answered at their end. [rfc3030 2]
    Bdat {
        bytes: u64,
        place: ChunkPlace,
    },
    Rset,
    Noop,
    Vrfy(String),
    Help(Option<String>),
    Quit,
    StartTls,
    Auth {
        mechanism: String,
        /// As it stands on the wire: base64, or `=` for an empty one. [rfc4954 4]
        initial_response: Option<Vec<u8>>,
    },
    /// Start what waits for a node. [rfc1985 5]
    Etrn(Node),
    /// Turn the connection, and hand over what waits for these domains, or for all if there are none.
    /// [rfc2645 5.2.1]
    Atrn(Vec<Domain>),
}

impl Command {
    pub fn verb(&self) -> Verb {
        match self {
            Command::Ehlo(_) => Verb::Ehlo,
            Command::Helo(_) => Verb::Helo,
            Command::Lhlo(_) => Verb::Lhlo,
            Command::Mail { .. } => Verb::Mail,
            Command::Rcpt { .. } => Verb::Rcpt,
            Command::Data => Verb::Data,
            Command::Bdat { .. } => Verb::Bdat,
            Command::Rset => Verb::Rset,
            Command::Noop => Verb::Noop,
            Command::Vrfy(_) => Verb::Vrfy,
            Command::Help(_) => Verb::Help,
            Command::Quit => Verb::Quit,
            Command::StartTls => Verb::StartTls,
            Command::Auth { .. } => Verb::Auth,
            Command::Etrn(_) => Verb::Etrn,
            Command::Atrn(_) => Verb::Atrn,
        }
    }
}

/// Whose mail ETRN asks for. [rfc1985 5] [rfc1985 5.3]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// One domain.
    Domain(Domain),
    /// `@`: a domain and all below it.
    Subtree(Domain),
    /// `#`: a queue by a name that only the server knows.
    Queue(String),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Domain(domain) => domain.fmt(f),
            Node::Subtree(domain) => write!(f, "@{domain}"),
            Node::Queue(name) => write!(f, "#{name}"),
        }
    }
}

/// Whether a chunk is the last of its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChunkPlace {
    More,
    Last,
}

/// The name a client gives itself: printable, without spaces, angle brackets and the marks that
/// would end a comment, so that it can stand in a Received field. It need not be a valid domain:
/// a client with an odd name is still served. [rfc5321 4.1.4]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ClientName(String);

impl ClientName {
    pub(crate) fn new(text: &str) -> Option<ClientName> {
        let bad = |c: char| c.is_control() || c.is_whitespace() || "()<>\\\";,".contains(c);
        let fits = !text.is_empty() && text.len() <= crate::limits::CLIENT_NAME_BYTES;
        (fits && !text.contains(bad)).then(|| ClientName(text.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A client's name is its host name, [rfc5321 2.3.5]
impl From<&Domain> for ClientName {
    fn from(domain: &Domain) -> ClientName {
        ClientName(domain.to_string())
    }
}

/// or its address where it has none. [rfc5321 4.1.4]
impl From<IpAddr> for ClientName {
    fn from(address: IpAddr) -> ClientName {
        ClientName(match address {
            IpAddr::V4(v4) => AddressLiteral::V4(v4).to_string(),
            IpAddr::V6(v6) => AddressLiteral::V6(v6).to_string(),
        })
    }
}

/// What MAIL said after the path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailParameters {
    /// SIZE=: what the client thinks the message will have. [rfc1870 5]
    pub size_bytes: Option<u64>,
    /// BODY= [rfc6152 2]
    pub body: Option<BodyType>,
    /// `Utf8` if SMTPUTF8 was given. [rfc6531 3.4]
    pub charset: Charset,
    /// AUTH=: who submitted the message first, decoded; we trust nobody's word on it. [rfc4954 5]
    pub auth: Option<String>,
    /// RET= [rfc3461 4.3]
    pub ret: Option<Ret>,
    /// ENVID= [rfc3461 4.4]
    pub envid: Option<EnvelopeId>,
    /// `Required` if REQUIRETLS was given. [rfc8689 2]
    pub protection: Protection,
    /// HOLDFOR= or HOLDUNTIL= [rfc4865 3]
    pub hold: Option<Hold>,
    /// BY= [rfc2852 4]
    pub by: Option<By>,
    /// MT-PRIORITY= [rfc6710 3]
    pub priority: Option<Priority>,
}

/// What the message asks of every connection on its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum Protection {
    /// What the recipient's domain publishes.
    #[default]
    AsPublished,
    /// REQUIRETLS: proven TLS all the way, or not at all. [rfc8689 4.2.1]
    Required,
    /// To get there counts more. MAIL does not say so, but the header does: `TLS-Required: No`.
    /// [rfc8689 4.2.2]
    NotNeeded,
}

impl Default for MailParameters {
    fn default() -> Self {
        MailParameters {
            size_bytes: None,
            body: None,
            charset: Charset::Ascii,
            auth: None,
            ret: None,
            envid: None,
            protection: Protection::AsPublished,
            hold: None,
            by: None,
            priority: None,
        }
    }
}

/// What RCPT said after the path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RcptParameters {
    /// NOTIFY= [rfc3461 4.1]
    pub notify: Option<Notify>,
    /// ORCPT= [rfc3461 4.2]
    pub orcpt: Option<OriginalRecipient>,
}

/// The values of BODY=.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyType {
    SevenBit,
    EightBitMime,
    /// Only with BDAT. [rfc3030 3]
    BinaryMime,
}

/// A line that is no command. It is answered like one, and changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Longer than the limit; it was read to its end.
    LineTooLong,
    /// A LF without CR before it; everything up to the next CRLF was dropped.
    BareNewline,
    /// A control octet inside the line.
    ControlOctet,
    /// Octets that are neither ASCII nor UTF-8.
    NotUtf8,
    UnknownWord(String),
    /// A word of SMTP that this machine does not do.
    NotImplemented(&'static str),
    /// A BDAT that cannot be read: nobody knows where the octets behind it end, so the connection
    /// ends with the answer.
    ChunkSize,
    /// The line speaks HTTP: a browser was tricked into talking to us.
    OtherProtocol,
    Argument {
        verb: Verb,
        error: ArgumentError,
    },
}

/// What is wrong with the arguments of a known command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArgumentError {
    Missing,
    Unexpected,
    ClientName,
    /// MAIL without `FROM:`, RCPT without `TO:`.
    Keyword,
    Address(AddressError),
    UnknownParameter(String),
    ParameterValue(&'static str),
    ParameterTwice(&'static str),
    TooManyParameters,
    Mechanism,
    /// ETRN or ATRN without the full name of a domain. [rfc1985 5] [rfc2645 5.2.1]
    Node,
}
