//! One command line (without its CRLF) to a [`Command`], or to what is wrong with it.
//!
//! Words and parameter names are read in any case [rfc5321 2.4]; white space at the end of a line
//! is forgiven [rfc5321 4.1.1]. What never happens here: state, memory of earlier lines.
//!
//! ```abnf
//! ehlo = "EHLO" SP ( Domain / address-literal )      helo = "HELO" SP Domain      lhlo likewise
//! mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]
//! rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]
//! bdat = "BDAT" SP 1*DIGIT [SP "LAST"]
//! data = "DATA"   rset = "RSET"   quit = "QUIT"   starttls = "STARTTLS"
//! vrfy = "VRFY" SP String [SP "SMTPUTF8"]   help = "HELP" [SP String]   noop = "NOOP" [SP String]
//! auth = "AUTH" SP mechanism [SP initial-response]
//! etrn = "ETRN" SP ["@"] Domain / "ETRN" SP "#" String
//! atrn = "ATRN" [SP Domain *("," Domain)]
//! esmtp-param   = esmtp-keyword ["=" esmtp-value]
//! esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//! esmtp-value   = 1*(%d33-60 / %d62-126)
//! ```

use crate::by::By;
use crate::command::{
    ArgumentError, BodyType, ChunkPlace, ClientName, Command, MailParameters, Malformed, Node,
    Protection, RcptParameters, Verb,
};
use crate::dsn::{EnvelopeId, Notify, OriginalRecipient, Ret, xtext};
use crate::hold::Hold;
use crate::limits::{MECHANISM_BYTES, PARAMETERS, QUOTED_BYTES};
use crate::priority::Priority;
use addr::{Charset, Domain, ForwardPath, ReversePath};

/// Words of SMTP and its extensions that we know and do not do: 502, not 500. [rfc5321 4.2.4]
const NOT_IMPLEMENTED: &[&str] = &["EXPN", "BURL", "TURN", "SEND", "SOML", "SAML", "XCLIENT"];

/// First words of HTTP requests. A page in a browser can make it send us its request; the first
/// line ends the connection, so that the lines behind it are never read as commands.
const OTHER_PROTOCOL: &[&str] = &[
    "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "PRI", "TRACE",
];

/// Reads one line, without its line end.
pub fn parse_command(line: &[u8]) -> Result<Command, Malformed> {
    if is_bdat(line) {
        return bdat(line).ok_or(Malformed::ChunkSize);
    }
    if line.iter().any(|octet| octet.is_ascii_control()) {
        return Err(Malformed::ControlOctet);
    }
    let text = std::str::from_utf8(line).map_err(|_| Malformed::NotUtf8)?;
    let text = text.trim_end_matches(' ');
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let Some(verb) = Verb::from_word(word.as_bytes()) else {
        return Err(unknown(word));
    };
    arguments(verb, rest).map_err(|error| Malformed::Argument { verb, error })
}

fn unknown(word: &str) -> Malformed {
    let same = |w: &&&str| w.eq_ignore_ascii_case(word);
    if let Some(known) = NOT_IMPLEMENTED.iter().find(same) {
        return Malformed::NotImplemented(known);
    }
    if OTHER_PROTOCOL.iter().any(|w| w.eq_ignore_ascii_case(word)) {
        return Malformed::OtherProtocol;
    }
    Malformed::UnknownWord(cut(word))
}

fn cut(text: &str) -> String {
    text.chars().take(QUOTED_BYTES).collect()
}

fn arguments(verb: Verb, rest: &str) -> Result<Command, ArgumentError> {
    match verb {
        Verb::Ehlo => client_name(rest).map(Command::Ehlo),
        Verb::Helo => client_name(rest).map(Command::Helo),
        Verb::Lhlo => client_name(rest).map(Command::Lhlo),
        Verb::Mail => mail(rest),
        Verb::Rcpt => rcpt(rest),
        Verb::Data => nothing(rest, Command::Data),
        Verb::Bdat => unreachable!("BDAT is read before all others"),
        Verb::Rset => nothing(rest, Command::Rset),
        Verb::Quit => nothing(rest, Command::Quit),
        Verb::StartTls => nothing(rest, Command::StartTls),
        Verb::Noop => Ok(Command::Noop),
        Verb::Help => Ok(Command::Help((!rest.is_empty()).then(|| rest.to_owned()))),
        Verb::Vrfy if rest.is_empty() => Err(ArgumentError::Missing),
        Verb::Vrfy => Ok(Command::Vrfy(without_smtputf8(rest).to_owned())),
        Verb::Auth => auth(rest),
        Verb::Etrn => node(rest).map(Command::Etrn),
        Verb::Atrn => domains(rest).map(Command::Atrn),
    }
}

/// A domain has its full name, or a stranger's `@com` would be one. [rfc1985 5] [rfc1985 5.3]
fn node(rest: &str) -> Result<Node, ArgumentError> {
    if rest.is_empty() {
        return Err(ArgumentError::Missing);
    }
    if let Some(name) = rest.strip_prefix('#') {
        let is_name = !name.is_empty() && !name.contains(' ');
        return is_name
            .then(|| Node::Queue(cut(name)))
            .ok_or(ArgumentError::Node);
    }
    match rest.strip_prefix('@') {
        Some(name) => full_name(name).map(Node::Subtree),
        None => full_name(rest).map(Node::Domain),
    }
}

/// None at all is all of them. [rfc2645 5.2.1]
fn domains(rest: &str) -> Result<Vec<Domain>, ArgumentError> {
    match rest {
        "" => Ok(Vec::new()),
        list => list.split(',').map(full_name).collect(),
    }
}

fn full_name(text: &str) -> Result<Domain, ArgumentError> {
    let domain = Domain::parse(text.as_bytes(), Charset::Ascii);
    let domain = domain.ok().filter(|_| text.contains('.'));
    domain.ok_or(ArgumentError::Node)
}

/// These commands take no argument. [rfc5321 4.1.1.4] [rfc3207 4]
fn nothing(rest: &str, command: Command) -> Result<Command, ArgumentError> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(ArgumentError::Unexpected)
    }
}

/// Whether a line begins with the word BDAT, whatever follows.
pub(crate) fn is_bdat(line: &[u8]) -> bool {
    let (word, rest) = line.split_at(line.len().min(4));
    let ends = rest
        .first()
        .is_none_or(|octet| !octet.is_ascii_alphanumeric());
    word.eq_ignore_ascii_case(b"BDAT") && ends
}

/// Spaces at the end are forgiven, as everywhere.
fn bdat(line: &[u8]) -> Option<Command> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches(' ');
    let mut words = text.split(' ').skip(1);
    let size = words.next()?;
    let bytes = size
        .bytes()
        .all(|octet| octet.is_ascii_digit())
        .then(|| size.parse())?;
    let place = match words.next() {
        None => ChunkPlace::More,
        Some(word) if word.eq_ignore_ascii_case("LAST") => ChunkPlace::Last,
        Some(_) => return None,
    };
    let bytes = bytes.ok()?;
    words
        .next()
        .is_none()
        .then_some(Command::Bdat { bytes, place })
}

fn client_name(rest: &str) -> Result<ClientName, ArgumentError> {
    if rest.is_empty() {
        return Err(ArgumentError::Missing);
    }
    ClientName::new(rest).ok_or(ArgumentError::ClientName)
}

/// The parameter says that the answer may be in UTF-8; ours are in ASCII. [rfc6531 3.7.4.2]
fn without_smtputf8(rest: &str) -> &str {
    match rest.rsplit_once(' ') {
        Some((name, last)) if last.eq_ignore_ascii_case("SMTPUTF8") => name,
        _ => rest,
    }
}

/// What stands behind `FROM:` or `TO:`. One space before the path is forgiven: it is common.
fn path_text<'a>(rest: &'a str, keyword: &str) -> Result<&'a str, ArgumentError> {
    if rest.is_empty() {
        return Err(ArgumentError::Missing);
    }
    match rest.split_at_checked(keyword.len()) {
        Some((word, path)) if word.eq_ignore_ascii_case(keyword) => {
            let path = path.strip_prefix(' ').unwrap_or(path);
            if path.is_empty() {
                Err(ArgumentError::Missing)
            } else {
                Ok(path)
            }
        }
        _ => Err(ArgumentError::Keyword),
    }
}

fn written_in(path: &str) -> Charset {
    if path.is_ascii() {
        Charset::Ascii
    } else {
        Charset::Utf8
    }
}

/// The parameters behind a path that took `len` octets.
fn behind(text: &str, len: usize) -> Result<Parameters<'_>, ArgumentError> {
    let rest = &text[len..];
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(ArgumentError::Address(addr::AddressError::Trailing));
    }
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() > PARAMETERS {
        return Err(ArgumentError::TooManyParameters);
    }
    Ok(Parameters(words))
}

struct Parameters<'a>(Vec<&'a str>);

fn mail(rest: &str) -> Result<Command, ArgumentError> {
    let text = path_text(rest, "FROM:")?;
    // the source route, if there was one, is ignored [rfc5321 3.3] [rfc5321 4.1.1.3] [rfc5321 F.2]
    let taken =
        ReversePath::take(text.as_bytes(), Charset::Utf8).map_err(ArgumentError::Address)?;
    let mut parameters = MailParameters::default();
    let mut seen = Vec::new();
    for word in behind(text, taken.len)?.0 {
        mail_parameter(word, &mut parameters, &mut seen)?;
    }
    let written_in = written_in(&text[..taken.len]);
    Ok(Command::Mail {
        from: taken.path,
        written_in,
        parameters,
    })
}

fn rcpt(rest: &str) -> Result<Command, ArgumentError> {
    let text = path_text(rest, "TO:")?;
    let taken =
        ForwardPath::take(text.as_bytes(), Charset::Utf8).map_err(ArgumentError::Address)?;
    let mut parameters = RcptParameters::default();
    let mut seen = Vec::new();
    for word in behind(text, taken.len)?.0 {
        rcpt_parameter(word, &mut parameters, &mut seen)?;
    }
    Ok(Command::Rcpt {
        to: taken.path,
        written_in: written_in(text),
        parameters,
    })
}

/// The sender of a MAIL whose parameters, or what else stands behind the path, cannot be read.
pub(crate) fn sender_of(line: &[u8]) -> Option<ReversePath> {
    let text = std::str::from_utf8(line).ok()?;
    let text = path_text(text.split_once(' ')?.1, "FROM:").ok()?;
    let taken = ReversePath::take(text.as_bytes(), Charset::Utf8).ok()?;
    Some(taken.path)
}

/// A parameter's name, if it is one of `known` and was not seen before, and its value.
/// [rfc5321 4.1.1.11]
fn parameter<'a>(
    word: &'a str,
    known: &[&'static str],
    seen: &mut Vec<&'static str>,
) -> Result<(&'static str, Option<&'a str>), ArgumentError> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let Some(name) = known.iter().find(|k| k.eq_ignore_ascii_case(name)) else {
        return Err(ArgumentError::UnknownParameter(cut(name)));
    };
    if seen.contains(name) {
        return Err(ArgumentError::ParameterTwice(name));
    }
    seen.push(name);
    Ok((name, value))
}

/// The parameters of MAIL.
const OF_MAIL: &[&str] = &[
    "SIZE",
    "BODY",
    "SMTPUTF8",
    "AUTH",
    "RET",
    "ENVID",
    "REQUIRETLS",
    "HOLDFOR",
    "HOLDUNTIL",
    "BY",
    "MT-PRIORITY",
];

/// One parameter of MAIL.
fn mail_parameter(
    word: &str,
    parameters: &mut MailParameters,
    seen: &mut Vec<&'static str>,
) -> Result<(), ArgumentError> {
    let (name, value) = parameter(word, OF_MAIL, seen)?;
    let bad = ArgumentError::ParameterValue(name);
    // both say when, and only one can be meant [rfc4865 4.2]
    if name.starts_with("HOLD") && parameters.hold.is_some() {
        return Err(ArgumentError::ParameterTwice(name));
    }
    match (name, value) {
        ("SIZE", Some(value)) => parameters.size_bytes = Some(size(value).ok_or(bad)?),
        ("BODY", Some(value)) => parameters.body = Some(body(value).ok_or(bad)?),
        ("SMTPUTF8", None) => parameters.charset = Charset::Utf8,
        // [rfc8689 2]
        ("REQUIRETLS", None) => parameters.protection = Protection::Required,
        ("AUTH", Some(value)) => {
            let decoded = xtext(value).and_then(|octets| String::from_utf8(octets).ok());
            parameters.auth = Some(decoded.ok_or(bad)?);
        }
        ("RET", Some(value)) => parameters.ret = Some(Ret::read(value).ok_or(bad)?),
        ("ENVID", Some(value)) => parameters.envid = Some(EnvelopeId::read(value).ok_or(bad)?),
        ("HOLDFOR", Some(value)) => parameters.hold = Some(Hold::read_for(value).ok_or(bad)?),
        ("HOLDUNTIL", Some(value)) => parameters.hold = Some(Hold::read_until(value).ok_or(bad)?),
        ("BY", Some(value)) => parameters.by = Some(By::read(value).ok_or(bad)?),
        ("MT-PRIORITY", Some(value)) => {
            parameters.priority = Some(Priority::read(value).ok_or(bad)?);
        }
        _ => return Err(bad),
    }
    Ok(())
}

/// One parameter of RCPT.
fn rcpt_parameter(
    word: &str,
    parameters: &mut RcptParameters,
    seen: &mut Vec<&'static str>,
) -> Result<(), ArgumentError> {
    let (name, value) = parameter(word, &["NOTIFY", "ORCPT"], seen)?;
    let bad = ArgumentError::ParameterValue(name);
    match (name, value) {
        ("NOTIFY", Some(value)) => parameters.notify = Some(Notify::read(value).ok_or(bad)?),
        ("ORCPT", Some(value)) => {
            parameters.orcpt = Some(OriginalRecipient::read(value).ok_or(bad)?);
        }
        _ => return Err(bad),
    }
    Ok(())
}

/// `size-value = 1*20DIGIT`; what is more than a u64 holds is the largest u64. [rfc1870 5]
fn size(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.len() <= 20;
    if !digits || !value.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(u64::MAX))
}

/// `body-value = "7BIT" / "8BITMIME" / "BINARYMIME"` [rfc3030 3]
fn body(value: &str) -> Option<BodyType> {
    let known = [
        ("7BIT", BodyType::SevenBit),
        ("8BITMIME", BodyType::EightBitMime),
        ("BINARYMIME", BodyType::BinaryMime),
    ];
    let row = known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value));
    row.map(|(_, body)| *body)
}

/// `mechanism = 1*20( UPPER / DIGIT / "-" / "_" )`, here in any case. [rfc4954 4]
fn auth(rest: &str) -> Result<Command, ArgumentError> {
    let (mechanism, response) = match rest.split_once(' ') {
        Some((mechanism, response)) => (mechanism, Some(response)),
        None => (rest, None),
    };
    if mechanism.is_empty() {
        return Err(ArgumentError::Missing);
    }
    let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    if mechanism.len() > MECHANISM_BYTES || !mechanism.bytes().all(good) {
        return Err(ArgumentError::Mechanism);
    }
    if response.is_some_and(|r| r.contains(' ')) {
        return Err(ArgumentError::Unexpected);
    }
    Ok(Command::Auth {
        mechanism: mechanism.to_ascii_uppercase(),
        initial_response: response.map(|r| r.as_bytes().to_vec()),
    })
}

#[cfg(test)]
mod tests;
