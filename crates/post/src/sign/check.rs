//! What the signatures and seals are worth that a message brings: asked when it is sent on, and told
//! in our own seal.
//!
//! mail-auth verifies; what it asks of the DNS is asked beforehand by our resolver, and the hashes
//! of the body are made while it is read in pieces. What never happens here: a refusal.

use super::arc::{Chain, SEALS, Validity};
use super::gather::Gathered;
use super::relaxed::BodyHash;
use crate::limits;
use mail_auth::common::crypto::{HashAlgorithm, HashContext, HashImpl, Sha1, Sha256};
use mail_auth::common::headers::Header;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::dkim::Canonicalization;
use mail_auth::dkim::canonicalize::BodyHasher;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error, MessageAuthenticator,
    Parameters, ResolverCache, Txt,
};
use net::time::{SystemMoment, now, timeout_at};
use net::{Answer, Resolver};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;
use store::{Body, Fault};

/// Octets of a body that are hashed in one go.
const PIECE_BYTES: usize = 64 * 1024;

/// What a message's signatures and seals are worth.
pub(crate) struct Checked {
    /// As Authentication-Results has it behind the name.
    pub results: String,
    /// None: it cannot be told now, or nobody could make sense of another seal.
    pub chain: Option<Chain>,
    /// The domains whose signatures hold.
    pub signers: Vec<String>,
}

/// Looks at all signatures and seals of a message.
pub(crate) async fn check(
    gathered: &Gathered,
    body: &Body,
    resolver: &Resolver,
) -> Result<Checked, Fault> {
    let header = [&gathered.header[..], b"\r\n"].concat();
    let Some(mut message) = AuthenticatedMessage::parse(&header) else {
        return Ok(Checked {
            results: "dkim=none".to_owned(),
            chain: Some(no_chain()),
            signers: Vec::new(),
        });
    };
    // each costs a walk over the header
    message.dkim_headers.truncate(limits::SIGNATURES);
    for (canonical, algorithm, _, hash) in &mut message.body_hashes {
        *hash = body_hash(gathered, body, *canonical, *algorithm)?;
    }
    let keys = Keys::of(&message, resolver).await;
    let authenticator = MessageAuthenticator::new(
        ResolverConfig::from_name_servers(Vec::new()),
        ResolverOpts::default(),
    );
    // it asks nobody: every key that it wants is there
    let authenticator = authenticator.map_err(|error| Fault::new("checking signatures", error))?;
    let parameters = || Parameters::new(&message).with_txt_cache(&keys);
    let signatures = authenticator.verify_dkim(parameters()).await;
    let seals = authenticator.verify_arc(parameters()).await;
    let mut results: Vec<String> = signatures.iter().map(signature_words).collect();
    if results.is_empty() {
        results.push("dkim=none".to_owned());
    }
    let chain = chain(&message, seals.result());
    let validity = chain.as_ref().map(|chain| chain.validity);
    results.extend(validity.map(|validity| match validity {
        Validity::None => "arc=none".to_owned(),
        Validity::Pass => "arc=pass".to_owned(),
        Validity::Fail => "arc=fail".to_owned(),
    }));
    let holding = signatures
        .iter()
        .filter(|one| *one.result() == DkimResult::Pass);
    let signers =
        holding.filter_map(|one| one.signature().map(|signature| signature.d.to_string()));
    Ok(Checked {
        results: results.join(";\r\n\t"),
        chain,
        signers: signers.collect(),
    })
}

fn no_chain() -> Chain {
    Chain {
        validity: Validity::None,
        instances: 0,
        fields: Vec::new(),
    }
}

/// The seals as mail-auth found them; None where another one says nothing to anybody: the last says
/// that the chain is broken, or it is so malformed or long that nobody counts it. [rfc8617 5.1.2]
fn chain(message: &AuthenticatedMessage<'_>, result: &DkimResult) -> Option<Chain> {
    let validity = match result {
        DkimResult::None => return Some(no_chain()),
        DkimResult::Pass => Validity::Pass,
        DkimResult::Fail(_) | DkimResult::Neutral(_) | DkimResult::PermError(_) => Validity::Fail,
        DkimResult::TempError(_) => return None,
    };
    let instances = message.as_headers.len();
    let whole = instances == message.ams_headers.len() && instances == message.aar_headers.len();
    let last = message.as_headers.last()?;
    let is_over = last.header.cv == mail_auth::arc::ChainValidation::Fail;
    if message.has_arc_errors || !whole || is_over || instances >= SEALS {
        return None;
    }
    fn field<T>(header: &Header<'_, T>) -> (Vec<u8>, Vec<u8>) {
        (header.name.to_vec(), header.value.to_vec())
    }
    let sets = message.aar_headers.iter().zip(&message.ams_headers);
    let sets = sets.zip(&message.as_headers);
    let fields = sets
        .flat_map(|((results, signature), seal)| [field(results), field(signature), field(seal)]);
    Some(Chain {
        validity,
        instances,
        fields: fields.collect(),
    })
}

/// `dkim=pass header.d=example.org header.s=s1`. [rfc8601 2.7.1]
fn signature_words(output: &DkimOutput<'_>) -> String {
    let word = match output.result() {
        DkimResult::Pass => "pass",
        DkimResult::Fail(_) => "fail",
        DkimResult::Neutral(_) => "neutral",
        DkimResult::PermError(_) => "permerror",
        DkimResult::TempError(_) => "temperror",
        DkimResult::None => "none",
    };
    let mut text = format!("dkim={word}");
    if let Some(signature) = output.signature() {
        let is_name = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
        for (name, value) in [("d", &signature.d), ("s", &signature.s)] {
            // a peer's words: only what can be a name
            if value.bytes().all(is_name) && !value.is_empty() {
                text.push_str(&format!(" header.{name}={value}"));
            }
        }
    }
    text
}

fn body_hash(
    gathered: &Gathered,
    body: &Body,
    canonical: Canonicalization,
    algorithm: HashAlgorithm,
) -> Result<Vec<u8>, Fault> {
    match (canonical, algorithm) {
        (Canonicalization::Relaxed, HashAlgorithm::Sha256) => {
            let mut hash = BodyHash::new();
            each_piece(gathered, body, |piece| hash.piece(piece))?;
            Ok(hash.finish())
        }
        (_, HashAlgorithm::Sha256) => hashed::<Sha256>(gathered, body, canonical),
        (_, HashAlgorithm::Sha1) => hashed::<Sha1>(gathered, body, canonical),
    }
}

fn hashed<H: HashImpl>(
    gathered: &Gathered,
    body: &Body,
    canonical: Canonicalization,
) -> Result<Vec<u8>, Fault> {
    let mut hasher = BodyHasher::new(H::hasher(), canonical, 0);
    each_piece(gathered, body, |piece| hasher.write(piece))?;
    Ok(hasher.finish().0.complete().as_ref().to_vec())
}

fn each_piece(gathered: &Gathered, body: &Body, mut take: impl FnMut(&[u8])) -> Result<(), Fault> {
    let mut at = gathered.body_at;
    while at < body.len() {
        let left = usize::try_from(body.len() - at).unwrap_or(PIECE_BYTES);
        let piece = body.read(at, left.min(PIECE_BYTES))?;
        take(&piece);
        at += piece.len() as u64;
        if piece.is_empty() {
            break;
        }
    }
    Ok(())
}

/// What the DNS says of the keys that a message's signatures name.
struct Keys(BTreeMap<String, Txt>);

impl Keys {
    async fn of(message: &AuthenticatedMessage<'_>, resolver: &Resolver) -> Keys {
        let signatures = message.dkim_headers.iter().map(|one| name_of(&one.header));
        let seals = message.as_headers.iter().map(|one| name_of(&one.header));
        let messages = message.ams_headers.iter().map(|one| name_of(&one.header));
        let mut keys = BTreeMap::new();
        let until = now() + limits::KEYS_TIME;
        for name in signatures.chain(seals).chain(messages) {
            if keys.contains_key(&name) {
                continue;
            }
            let found = match keys.len() < limits::KEYS {
                true => {
                    let asked = timeout_at(until, ask(resolver, &name)).await;
                    asked.unwrap_or_else(|_| not_now("no answer in time"))
                }
                false => not_now("too many keys"),
            };
            keys.insert(name, found);
        }
        Keys(keys)
    }
}

/// As mail-auth asks for it.
fn name_of(signature: &impl VerifySignature) -> String {
    signature.domain_key().to_ascii_lowercase()
}

async fn ask(resolver: &Resolver, name: &str) -> Txt {
    match resolver.txt(name.trim_end_matches('.')).await {
        Answer::Found { value, .. } => {
            let mut keys = value.iter().map(|text| DomainKey::parse(text.as_bytes()));
            let good = keys
                .find(Result::is_ok)
                .or_else(|| value.first().map(|text| DomainKey::parse(text.as_bytes())));
            match good {
                Some(Ok(key)) => Txt::DomainKey(Arc::new(key)),
                Some(Err(error)) => Txt::Error(error),
                None => not_there(),
            }
        }
        Answer::NoData { .. } | Answer::NoName { .. } => not_there(),
        Answer::Failed(why) => not_now(&why.to_string()),
    }
}

fn not_now(why: &str) -> Txt {
    Txt::Error(Error::Dns(DnsError::Resolver(why.to_owned())))
}

fn not_there() -> Txt {
    Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)))
}

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let same = |known: &&String| {
            let known: Box<str> = known.as_str().into();
            known.borrow() == name
        };
        let found = self.0.keys().find(same)?;
        self.0.get(found).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: SystemMoment) {}
}
