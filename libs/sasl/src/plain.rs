//! The message of PLAIN, and the identities and passwords of all mechanisms.
//!
//! What never happens here: a state; these are functions.

use crate::exchange::{Credentials, Failure};
use crate::limits::{NAME_BYTES, PASSWORD_BYTES};

/// ```text
/// message = [authzid] UTF8NUL authcid UTF8NUL passwd
/// authcid = 1*SAFE ; MUST accept up to 255 octets
/// authzid = 1*SAFE ; MUST accept up to 255 octets
/// passwd  = 1*SAFE ; MUST accept up to 255 octets
/// ```
/// [rfc4616 2] A password that is not UTF-8 is taken as it is: it may be right all the same.
pub(crate) fn plain(message: &[u8]) -> Result<Credentials, Failure> {
    let mut fields = message.splitn(3, |&octet| octet == 0);
    let (Some(authzid), Some(authcid), Some(passwd)) =
        (fields.next(), fields.next(), fields.next())
    else {
        return Err(Failure::Malformed);
    };
    let authcid = identity(authcid)?;
    let authzid = maybe_identity(authzid)?;
    let password = password(passwd)?;
    acts_for_itself(authzid.as_deref(), &authcid)?;
    Ok(Credentials {
        name: authcid,
        password,
    })
}

/// Whom to act as must be empty, which means the same, or the same.
pub(crate) fn acts_for_itself(authzid: Option<&str>, authcid: &str) -> Result<(), Failure> {
    match authzid {
        Some(authzid) if authzid != authcid => Err(Failure::OtherIdentity),
        _ => Ok(()),
    }
}

pub(crate) fn identity(octets: &[u8]) -> Result<String, Failure> {
    let octets = within(octets, NAME_BYTES)?;
    String::from_utf8(octets.to_vec()).map_err(|_| Failure::Malformed)
}

/// An identity, or nothing.
pub(crate) fn maybe_identity(octets: &[u8]) -> Result<Option<String>, Failure> {
    match octets {
        [] => Ok(None),
        _ => identity(octets).map(Some),
    }
}

/// ```text
/// saslname = 1*(value-safe-char / "=2C" / "=3D")
/// ```
/// [rfc5802 7]
pub(crate) fn saslname(text: &str) -> Result<String, Failure> {
    let mut parts = text.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(Failure::Malformed),
        };
        name.push(escaped);
        name.push_str(rest);
    }
    identity(name.as_bytes())
}

pub(crate) fn password(octets: &[u8]) -> Result<Vec<u8>, Failure> {
    within(octets, PASSWORD_BYTES).map(<[u8]>::to_vec)
}

/// Neither empty nor too long, and no NUL.
fn within(octets: &[u8], limit: usize) -> Result<&[u8], Failure> {
    if octets.len() > limit {
        Err(Failure::TooLong)
    } else if octets.is_empty() || octets.contains(&0) {
        Err(Failure::Malformed)
    } else {
        Ok(octets)
    }
}
