//! Arguments of LOGIN, AUTHENTICATE, ID and ENABLE. Never here: whether a login is right.

use base64::Engine;

use crate::command::Command;
use crate::cursor::{Cursor, Parsed, is_atom_char};
use crate::limits;
use crate::refusal::What;

/// RFC 4648 base64; padding may be missing, since some clients leave it out.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config)
        .decode(text)
        .ok()
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]`, `initial-resp = base64 / "="`
/// [rfc4959 3]
pub(super) fn authenticate(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mechanism = c.atom("a mechanism")?.to_ascii_uppercase();
    let mut initial = None;
    if c.sp_and_more() {
        let start = c.at();
        let text = c.take_while(is_atom_char);
        let octets = if text == b"=" {
            Some(Vec::new())
        } else {
            decode_base64(text)
        };
        initial = Some(c.or_refuse(octets, What::BadBase64, start)?);
    }
    Ok(Command::Authenticate { mechanism, initial })
}

/// `login = "LOGIN" SP userid SP password`, both `astring`. The password may be any octets.
pub(super) fn login(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let user = c.astring_text("a user name")?;
    c.sp()?;
    let password = c.astring("a password")?;
    Ok(Command::Login { user, password })
}

/// `id = "ID" SP id-params-list`, `id-params-list = "(" [string SP nstring *(…)] ")" / nil` [rfc2971 4]
pub(super) fn id(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    if c.peek() != Some(b'(') {
        return match c.nstring_text("NIL or a list")? {
            None => Ok(Command::Id(Vec::new())),
            Some(_) => c.refuse(What::Expected("NIL or a list")),
        };
    }
    let start = c.at();
    let pairs = c.list("NIL or a list", limits::ID_PAIRS, id_pair)?;
    let mut fields: Vec<String> = pairs.iter().map(|(f, _)| f.to_ascii_lowercase()).collect();
    fields.sort_unstable();
    let is_once = fields.windows(2).all(|two| two[0] != two[1]);
    c.or_refuse(
        is_once.then_some(()),
        What::Expected("each field once"),
        start,
    )?;
    Ok(Command::Id(pairs))
}

/// `string SP nstring`, neither too long [rfc2971 3.3]
fn id_pair(c: &mut Cursor<'_>) -> Parsed<(String, Option<String>)> {
    let start = c.at();
    let field = c.string("a field name")?;
    let field = c.or_refuse(String::from_utf8(field).ok(), What::NotUtf8, start)?;
    let fits = field.len() <= limits::ID_FIELD_BYTES;
    let too_long = What::TooMany("octets in a field name");
    let field = c.or_refuse(fits.then_some(field), too_long, start)?;
    c.sp()?;
    let start = c.at();
    let value = c.nstring_text("a value or NIL")?;
    let fits = value
        .as_ref()
        .is_none_or(|v| v.len() <= limits::ID_VALUE_BYTES);
    let value = c.or_refuse(
        fits.then_some(value),
        What::TooMany("octets in a value"),
        start,
    )?;
    Ok((field, value))
}

/// `enable = "ENABLE" 1*(SP capability)` [rfc5161 5]
pub(super) fn enable(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mut words = vec![c.atom("a capability")?.to_ascii_uppercase()];
    while c.sp_and_more() {
        if words.len() == limits::ENABLE_WORDS {
            return c.refuse(What::TooMany("capabilities"));
        }
        words.push(c.atom("a capability")?.to_ascii_uppercase());
    }
    Ok(Command::Enable(words))
}
