//! SCRAM (RFC 5802, RFC 7677): the two messages of the client, and the two of the server.
//!
//! What never happens here: a look-up of keys, a random nonce; the caller brings both.

use crate::exchange::{Failure, Terms};
use crate::hash::{Hash, ScramKeys};
use crate::limits::{NONCE_BYTES, SCRAM_MESSAGE_BYTES};
use crate::mechanism::{Mechanism, Needs};
use crate::plain::{acts_for_itself, saslname};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

/// Whether the exchange is bound to its TLS connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    Plus,
    None,
}

/// After the client's first message; the keys are awaited.
pub(crate) struct First {
    pub name: String,
    pub hash: Hash,
    /// gs2-header and, where bound, the channel's data: what `c=` must be.
    cbind_input: Vec<u8>,
    bare: String,
    nonce: String,
}

/// After the server's first message; the proof is awaited.
pub(crate) struct Last {
    pub name: String,
    hash: Hash,
    cbind_input: Vec<u8>,
    /// client-first-message-bare "," server-first-message ","
    messages: String,
    nonce: String,
    keys: ScramKeys,
}

/// The proof was right; this goes to the client.
pub(crate) struct Proven {
    pub name: String,
    pub server_final: Vec<u8>,
}

/// ```text
/// client-first-message      = gs2-header client-first-message-bare
/// gs2-header                = gs2-cbind-flag "," [ authzid ] ","
/// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
/// username                  = "n=" saslname
/// nonce                     = "r=" c-nonce [s-nonce]
/// ```
/// [rfc5802 7] Extensions that are optional are passed over, a mandatory one (`m=`) is not known.
pub(crate) fn first(
    hash: Hash,
    binding: Binding,
    terms: &Terms<'_>,
    message: &[u8],
) -> Result<First, Failure> {
    let text = text(message)?;
    let malformed = Failure::Malformed;
    let (flag, rest) = text.split_once(',').ok_or(malformed)?;
    let (authzid, bare) = rest.split_once(',').ok_or(malformed)?;
    let header = &text[..text.len() - bare.len()];
    let mut fields = bare.split(',');
    let name = fields.next().and_then(|field| field.strip_prefix("n="));
    let name = saslname(name.ok_or(malformed)?)?;
    let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
    let nonce = nonce.filter(|nonce| is_nonce(nonce)).ok_or(malformed)?;
    if !fields.all(is_extension) {
        return Err(malformed);
    }
    let authzid = match authzid.strip_prefix("a=") {
        Some(authzid) => Some(saslname(authzid)?),
        None if authzid.is_empty() => None,
        None => return Err(malformed),
    };
    acts_for_itself(authzid.as_deref(), &name)?;
    let channel = channel(flag, hash, binding, terms)?;
    Ok(First {
        name,
        hash,
        cbind_input: [header.as_bytes(), channel].concat(),
        bare: bare.to_owned(),
        nonce: [nonce, terms.nonce].concat(),
    })
}

/// ```text
/// gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
/// ```
/// [rfc5802 6] A client that says `y` could bind and thinks that we cannot: if we said that we
/// can, somebody between us took it from our list.
fn channel<'a>(
    flag: &str,
    hash: Hash,
    binding: Binding,
    terms: &Terms<'a>,
) -> Result<&'a [u8], Failure> {
    let offers_plus = |mechanism: &Mechanism| mechanism.needs() == Needs::KeysAndBinding(hash);
    match (flag, binding) {
        ("n", Binding::None) => Ok(&[]),
        ("y", Binding::None) if terms.offered.iter().any(offers_plus) => Err(Failure::Channel),
        ("y", Binding::None) => Ok(&[]),
        ("n" | "y", Binding::Plus) => Err(Failure::Channel),
        _ => {
            let name = flag.strip_prefix("p=").ok_or(Failure::Malformed)?;
            match (binding, terms.bindings.get(name)) {
                (Binding::Plus, Some(data)) => Ok(data),
                _ => Err(Failure::Channel),
            }
        }
    }
}

impl First {
    /// ```text
    /// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
    /// ```
    pub fn with_keys(self, keys: ScramKeys) -> (Last, Vec<u8>) {
        let salt = STANDARD.encode(&keys.salt);
        let server_first = format!("r={},s={salt},i={}", self.nonce, keys.iterations);
        let last = Last {
            name: self.name,
            hash: self.hash,
            cbind_input: self.cbind_input,
            messages: format!("{},{server_first},", self.bare),
            nonce: self.nonce,
            keys,
        };
        (last, server_first.into_bytes())
    }
}

impl Last {
    /// ```text
    /// client-final-message = channel-binding "," nonce ["," extensions] "," proof
    /// channel-binding      = "c=" base64
    /// proof                = "p=" base64
    /// ClientSignature     := HMAC(StoredKey, AuthMessage)
    /// ServerSignature     := HMAC(ServerKey, AuthMessage)
    /// ```
    /// [rfc5802 3] [rfc5802 7]
    pub fn check(self, message: &[u8]) -> Result<Proven, Failure> {
        let text = text(message)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Failure::Malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| Failure::Malformed)?;
        let mut fields = without_proof.split(',');
        let channel = fields.next().and_then(|field| field.strip_prefix("c="));
        let channel = channel.and_then(|base64| STANDARD.decode(base64).ok());
        let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
        let (Some(channel), Some(nonce)) = (channel, nonce) else {
            return Err(Failure::Malformed);
        };
        if !fields.all(is_extension) || nonce != self.nonce {
            return Err(Failure::Malformed);
        }
        if channel != self.cbind_input {
            // [rfc5802 6] somebody sits between the client and us
            return Err(Failure::Channel);
        }
        let auth_message = [self.messages.as_bytes(), without_proof.as_bytes()].concat();
        let signature = self.hash.hmac(&self.keys.stored_key, &auth_message);
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(p, s)| p ^ s).collect();
        let stored_key = self.hash.digest(&client_key);
        let fits =
            proof.len() == signature.len() && bool::from(stored_key.ct_eq(&self.keys.stored_key));
        if !fits {
            return Err(Failure::WrongProof);
        }
        let signature = self.hash.hmac(&self.keys.server_key, &auth_message);
        Ok(Proven {
            name: self.name,
            server_final: format!("v={}", STANDARD.encode(signature)).into_bytes(),
        })
    }
}

fn text(message: &[u8]) -> Result<&str, Failure> {
    if message.len() > SCRAM_MESSAGE_BYTES {
        return Err(Failure::TooLong);
    }
    let text = std::str::from_utf8(message).map_err(|_| Failure::Malformed)?;
    match text.contains('\0') {
        true => Err(Failure::Malformed),
        false => Ok(text),
    }
}

/// `printable = %x21-2B / %x2D-7E`, at least one
fn is_nonce(nonce: &str) -> bool {
    let printable = |octet: u8| octet.is_ascii_graphic() && octet != b',';
    (1..=NONCE_BYTES).contains(&nonce.len()) && nonce.bytes().all(printable)
}

/// `attr-val = ALPHA "=" value`, and not one that must be understood
fn is_extension(field: &str) -> bool {
    let octets = field.as_bytes();
    let named = octets.first().is_some_and(u8::is_ascii_alphabetic) && octets.get(1) == Some(&b'=');
    named && octets.len() > 2 && octets[0] != b'm'
}
