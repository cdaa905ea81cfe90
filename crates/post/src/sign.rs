//! Signing what leaves in our users' names: DKIM-Signature fields, RSA and Ed25519 side by side.
//! [rfc6376 5] [rfc8463 3]
//!
//! The content streams by once (`gather`); at its end the header that is signed is known and the
//! hash of the body is ready, so a large message is never held. The same signatures stand before
//! local copies and before what travels on. What never happens here: a look at the DNS, a change of
//! the message.

pub(crate) mod arc;
pub(crate) mod check;
pub(crate) mod fields;
pub(crate) mod gather;
pub(crate) mod key;
pub(crate) mod keyring;
pub(crate) mod relaxed;
pub(crate) mod spf;
pub(crate) mod tagged;

use crate::Post;
use crate::client::{Client, Trust};
use crate::header::{Facts, HeaderReader, Value};
use crate::provenance::Provenance;
use addr::{Address, Domain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gather::Gathered;
use key::SigningKey;
use mail::Directory;
use net::Time;
use store::Fault;

/// Domains of authors that one message is signed for.
const AUTHOR_DOMAINS: usize = 4;

impl Post {
    /// The seal of a message that the domain sends on, if it has a key: three fields that go before
    /// all others. [rfc8617 5.1]
    pub(crate) fn seal(
        &self,
        gathered: &Gathered,
        provenance: &Provenance,
        domain: &Domain,
        at: Time,
    ) -> Result<String, Fault> {
        let keys = self.keys_of(domain)?;
        // RSA is what everybody can verify
        let rsa = keys.iter().find(|key| key.algorithm() == "rsa-sha256");
        let (Some(key), Some(checked)) = (rsa.or(keys.first()), &provenance.checked) else {
            return Ok(String::new());
        };
        let Some(chain) = &checked.chain else {
            return Ok(String::new());
        };
        let results = match &provenance.spf {
            Some(spf) => format!("{spf};\r\n\t{}", checked.results),
            None => checked.results.clone(),
        };
        let said = arc::Said {
            chain,
            hostname: &self.inner.hostname,
            results: &results,
            at,
        };
        match arc::seal(gathered, key, &said) {
            Ok(seal) => Ok(seal),
            Err(error) => {
                let selector = &key.selector;
                tracing::error!(target: "post", %domain, %selector, %error, "cannot seal");
                Ok(String::new())
            }
        }
    }

    /// Whether a message of this client may come to be signed: only what our own users submit is.
    pub(crate) fn may_sign(&self, client: &Client) -> bool {
        // what a neighbour brings its own system signs, or nobody
        if client.neighbour().is_some() {
            return false;
        }
        let own = match (&client.login, &client.local) {
            (Some(login), _) => login.addresses(),
            // in whose name he writes shows at the end
            (None, Some(user)) if user.trust == Trust::Anybody => return true,
            (None, Some(user)) => &user.own,
            (None, None) => &[],
        };
        let domains = own.iter().filter_map(Address::domain);
        // whoever cannot look now is told at the end
        let mut signs =
            domains.map(|domain| self.keys_of(domain).is_ok_and(|keys| keys.is_empty()));
        signs.any(|has_none| !has_none)
    }

    fn keys_of(&self, domain: &Domain) -> Result<keyring::Keys, Fault> {
        self.inner.keyring.of(self.directory(), domain)
    }

    /// The signatures of a message that came from one of our users, for all its authors' domains;
    /// `added` are the fields that are put before it.
    pub(crate) fn signatures(
        &self,
        facts: &Facts,
        gathered: &Gathered,
        added: &str,
        at: Time,
    ) -> Result<String, Fault> {
        let mut authors = author_domains(&facts.from);
        if facts.from.is_empty() {
            let mut reader = HeaderReader::new("");
            reader.read(added.as_bytes());
            authors = author_domains(&reader.finish().from);
        }
        let keys = authors.iter().map(|domain| self.keys_of(domain));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let keys = keys.iter().flat_map(|of_domain| of_domain.iter());
        Ok(signatures(gathered, added, keys, at))
    }
}

/// The signatures of a message of our own making, which goes in the name of this domain.
pub(crate) fn of_ours(
    directory: &Directory,
    domain: &Domain,
    gathered: &Gathered,
    at: Time,
) -> Result<String, Fault> {
    let keys = keyring::read(directory, domain)?;
    Ok(signatures(gathered, "", keys.iter(), at))
}

/// The domains of the authors, each once, as the raw values of From fields say. A signature counts
/// for the author only if its domain is the author's. [rfc6376 6.3]
pub(crate) fn author_domains(from: &[Value]) -> Vec<Domain> {
    let mut domains = Vec::new();
    for value in from {
        let Value::Whole(raw) = value else { continue };
        let list = addr::header::parse_list(raw);
        for mailbox in list.mailboxes() {
            let address = mailbox.address();
            let Some(domain) = address.as_ref().and_then(|address| address.domain()) else {
                continue;
            };
            if domains.len() < AUTHOR_DOMAINS && !domains.contains(domain) {
                domains.push(domain.clone());
            }
        }
    }
    domains
}

/// The DKIM-Signature fields, one for each key, each with its CRLF. `added` are whole fields that
/// are put before the message.
pub(crate) fn signatures<'a>(
    gathered: &Gathered,
    added: &str,
    keys: impl Iterator<Item = &'a SigningKey>,
    at: Time,
) -> String {
    let mut text = String::new();
    let mut header = fields::split(added.as_bytes());
    header.extend(fields::split(&gathered.header));
    let covered = fields::covered(&header);
    for key in keys {
        match signature(key, &covered, &gathered.body_hash, at) {
            Ok(signature) => text.push_str(&signature),
            // unsigned mail is better than none
            Err(error) => {
                let (domain, selector) = (&key.domain, &key.selector);
                tracing::error!(target: "post", %domain, %selector, %error, "cannot sign");
            }
        }
    }
    text
}

/// relaxed/relaxed, and no `l=`: what is added at the end would pass for ours. [rfc6376 8.2]
fn signature(
    key: &SigningKey,
    covered: &fields::Covered<'_>,
    body_hash: &[u8],
    at: Time,
) -> Result<String, mail_auth::Error> {
    let tags = [
        ("v", "1".to_owned()),
        ("a", key.algorithm().to_owned()),
        ("c", "relaxed/relaxed".to_owned()),
        ("d", key.domain.to_string()),
        ("s", key.selector.to_string()),
        ("t", at.seconds().max(0).to_string()),
        ("h", covered.names.join(":")),
        ("bh", STANDARD.encode(body_hash)),
    ];
    let unsigned = tagged::unsigned("DKIM-Signature", &tags);
    tagged::signed(&unsigned, &covered.fields, &key.secret)
}

#[cfg(test)]
mod tests;
