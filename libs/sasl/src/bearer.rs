//! The messages of OAUTHBEARER (RFC 7628) and of XOAUTH2, Google's form of it.
//!
//! `host` and `port` of a client are read and not compared: one server has many names, and a proxy
//! before it other ports. What never happens here: a look at what stands in a token.

use crate::exchange::Failure;
use crate::plain::{maybe_identity, saslname};
use std::fmt;

/// A token, and for whom the client says that it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer {
    /// None: whomever the token names.
    pub name: Option<String>,
    pub token: String,
}

/// Shows no token.
impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a client is told about a token that is refused. [rfc7628 3.2.2]
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TokenRefusal {
    /// The scope that a token must have.
    pub scope: Option<String>,
    /// Where the issuer says how to get one.
    pub openid_configuration: Option<String>,
}

const KVSEP: u8 = 1;

/// ```text
/// kvsep       = %x01
/// key         = 1*(ALPHA)
/// value       = *(VCHAR / SP / HTAB / CR / LF )
/// kvpair      = key "=" value kvsep
/// client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep
/// gs2-header  = gs2-cbind-flag "," [ authzid ] ","
/// ```
/// [rfc7628 3.1] A kvsep alone is an answer to a refusal and no beginning.
pub(crate) fn oauthbearer(message: &[u8]) -> Result<Bearer, Failure> {
    let (header, pairs) = split_at(message, KVSEP).ok_or(Failure::Malformed)?;
    let header = std::str::from_utf8(header).map_err(|_| Failure::Malformed)?;
    let mut parts = header.split(',');
    let (Some("n" | "y"), Some(authzid), Some(""), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::Malformed);
    };
    let name = match authzid.strip_prefix("a=") {
        Some(name) => Some(saslname(name)?),
        None if authzid.is_empty() => None,
        None => return Err(Failure::Malformed),
    };
    let auth = value_of(pairs, "auth")?.ok_or(Failure::Malformed)?;
    Ok(Bearer {
        name,
        token: token(auth)?,
    })
}

/// ```text
/// "user=" name %x01 "auth=Bearer " token %x01 %x01
/// ```
pub(crate) fn xoauth2(message: &[u8]) -> Result<Bearer, Failure> {
    let user = value_of(message, "user")?.ok_or(Failure::Malformed)?;
    let auth = value_of(message, "auth")?.ok_or(Failure::Malformed)?;
    Ok(Bearer {
        name: maybe_identity(user.as_bytes())?,
        token: token(auth)?,
    })
}

/// The value of a key in `*kvpair kvsep`; unknown keys are passed over, a key that comes twice is
/// not taken. [rfc7628 3.1]
fn value_of<'a>(pairs: &'a [u8], wanted: &str) -> Result<Option<&'a str>, Failure> {
    let pairs = pairs
        .strip_suffix(&[KVSEP, KVSEP])
        .ok_or(Failure::Malformed)?;
    let mut found = None;
    for pair in pairs.split(|&octet| octet == KVSEP) {
        let pair = std::str::from_utf8(pair).map_err(|_| Failure::Malformed)?;
        let (key, value) = pair.split_once('=').ok_or(Failure::Malformed)?;
        if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphabetic()) {
            return Err(Failure::Malformed);
        }
        if key == wanted && found.replace(value).is_some() {
            return Err(Failure::Malformed);
        }
    }
    Ok(found)
}

/// ```text
/// credentials = "Bearer" 1*SP b64token
/// b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
/// ```
/// [rfc6750 2.1]
fn token(auth: &str) -> Result<String, Failure> {
    let (scheme, token) = auth.split_once(' ').ok_or(Failure::Malformed)?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Failure::Malformed);
    }
    let token = token.trim_matches(' ');
    let body = token.trim_end_matches('=');
    let good = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet);
    match !body.is_empty() && body.bytes().all(good) {
        true => Ok(token.to_owned()),
        false => Err(Failure::Malformed),
    }
}

/// What the client is told, as JSON. [rfc7628 3.2.2]
pub(crate) fn oauthbearer_error(refusal: &TokenRefusal) -> Vec<u8> {
    let mut members = vec![("status", "invalid_token")];
    members.extend(refusal.scope.as_deref().map(|scope| ("scope", scope)));
    let url = refusal.openid_configuration.as_deref();
    members.extend(url.map(|url| ("openid-configuration", url)));
    json(&members)
}

/// The same as XOAUTH2's clients know it.
pub(crate) fn xoauth2_error(refusal: &TokenRefusal) -> Vec<u8> {
    let mut members = vec![("status", "401"), ("schemes", "Bearer")];
    members.extend(refusal.scope.as_deref().map(|scope| ("scope", scope)));
    json(&members)
}

/// An object of strings. [rfc8259 7]
fn json(members: &[(&str, &str)]) -> Vec<u8> {
    let string = |text: &str| {
        let mut out = String::from('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out + "\""
    };
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{}", string(name), string(value)))
        .collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

fn split_at(octets: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = octets.iter().position(|&octet| octet == separator)?;
    Some((&octets[..at], &octets[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_are_json_whatever_stands_in_a_setting() {
        // [rfc8259 7]
        let refusal = TokenRefusal {
            scope: Some("a\"b\\c\n".into()),
            openid_configuration: None,
        };
        assert_eq!(
            String::from_utf8(oauthbearer_error(&refusal)).expect("text"),
            r#"{"status":"invalid_token","scope":"a\"b\\c\u000a"}"#
        );
    }
}
