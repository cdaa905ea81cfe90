//! Seals on what an alias or a list sends on: what the signatures said when it came, so that whoever
//! gets it may believe them although the road has changed it. [rfc8617 5.1]
//!
//! What never happens here: a look at the DNS (that is `check`), a seal on what was not sent on.

use super::fields::{self, Field};
use super::gather::Gathered;
use super::key::SigningKey;
use super::tagged;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use net::Time;

/// Seals of one message, at most. [rfc8617 4.2.1]
pub(crate) const SEALS: usize = 50;

/// What the seals that a message brought are worth. [rfc8617 4.4]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Validity {
    /// There are none.
    None,
    Pass,
    Fail,
}

/// The seals that a message brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chain {
    pub validity: Validity,
    /// How many there are.
    pub instances: usize,
    /// Their fields as they are covered: for each instance its results, its message signature, its
    /// seal. Each is a name and a value with its CRLF.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What a seal says.
pub(crate) struct Said<'a> {
    pub chain: &'a Chain,
    /// Our name.
    pub hostname: &'a str,
    /// As Authentication-Results has it behind the name.
    pub results: &'a str,
    pub at: Time,
}

/// The three fields of a new instance, the seal first, each with its CRLF. [rfc8617 5.1]
pub(crate) fn seal(
    gathered: &Gathered,
    key: &SigningKey,
    said: &Said<'_>,
) -> Result<String, mail_auth::Error> {
    let instance = (said.chain.instances + 1).to_string();
    let results = format!(
        "ARC-Authentication-Results: i={instance}; {};\r\n\t{}\r\n",
        said.hostname, said.results
    );
    let header = fields::split(&gathered.header);
    let covered = fields::covered_by_arc(&header);
    let common = |more: &[(&'static str, String)]| {
        let mut tags = vec![("i", instance.clone()), ("a", key.algorithm().to_owned())];
        tags.extend_from_slice(more);
        tags.extend([
            ("d", key.domain.to_string()),
            ("s", key.selector.to_string()),
            ("t", said.at.seconds().max(0).to_string()),
        ]);
        tags
    };
    let mut tags = common(&[("c", "relaxed/relaxed".to_owned())]);
    tags.push(("h", covered.names.join(":")));
    tags.push(("bh", STANDARD.encode(&gathered.body_hash)));
    let unsigned = tagged::unsigned("ARC-Message-Signature", &tags);
    let signature = tagged::signed(&unsigned, &covered.fields, &key.secret)?;
    let word = match said.chain.validity {
        Validity::None => "none",
        Validity::Pass => "pass",
        Validity::Fail => "fail",
    };
    let unsigned = tagged::unsigned("ARC-Seal", &common(&[("cv", word.to_owned())]));
    let own = format!("{results}{signature}");
    let own = fields::split(own.as_bytes());
    // a chain that is broken already is covered no more [rfc8617 5.1.2]
    let before = match said.chain.validity {
        Validity::Fail => &[][..],
        Validity::None | Validity::Pass => &said.chain.fields,
    };
    let before = before.iter().map(|(name, value)| (&name[..], &value[..]));
    let sealed: Vec<Field<'_>> = before.chain(own.iter().copied()).collect();
    let seal = tagged::signed(&unsigned, &sealed, &key.secret)?;
    Ok(format!("{seal}{signature}{results}"))
}
