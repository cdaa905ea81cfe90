//! Passwords and what is kept of them: an argon2id PHC string, and keys of SCRAM (`keys`).
//!
//! For the hash a password that is UTF-8 is prepared as RFC 8265 section 4.2 (OpaqueString) says:
//! other spaces become U+0020, then NFC. A password that is not UTF-8 is taken octet by octet. Case
//! matters. What never happens here: a copy of a password that outlives its check, but for the one that
//! an account asked for, whose programs know nothing but APOP.

use super::keys;
use super::pool::PoolError;
use crate::limits::{LEAST_PASSWORD_CHARS, PASSWORD_BYTES};
use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use icu_normalizer::ComposingNormalizerBorrowed;
use net::Random;
use sasl::{CramKeys, Hash, ScramKeys};
use std::fmt;
use store::Fault;
use subtle::ConstantTimeEq;

/// Octets of a salt, and of a hash [rfc9106 4].
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The cost of an argon2id hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argon2Cost {
    /// Memory.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Default for Argon2Cost {
    fn default() -> Argon2Cost {
        Argon2Cost {
            m_kib: 19_456,
            t: 2,
            p: 1,
        }
    }
}

impl Argon2Cost {
    /// The least that Argon2 allows: eight blocks a lane, one pass (RFC 9106, section 3.1).
    pub const LEAST: Argon2Cost = Argon2Cost {
        m_kib: 8,
        t: 1,
        p: 1,
    };

    fn params(self) -> Result<Params, Fault> {
        Params::new(self.m_kib, self.t, self.p, Some(HASH_BYTES))
            .map_err(|error| Fault::new("using the setting for argon2's cost", error))
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verifiers {
    /// A PHC string.
    pub argon2: String,
    /// The keys of SCRAM and CRAM-MD5 as `keys` writes them, one behind the other with a space.
    pub scram: Option<String>,
}

impl Verifiers {
    /// None: they were not made when the password was set.
    pub fn keys(&self, hash: Hash) -> Option<ScramKeys> {
        let kept = self.scram.as_deref()?;
        kept.split(' ').find_map(|text| keys::read(hash, text))
    }

    /// None: the account did not ask for CRAM-MD5.
    pub fn shared_key(&self) -> Option<CramKeys> {
        let kept = self.scram.as_deref()?;
        kept.split(' ').find_map(keys::read_shared)
    }

    /// With this key of CRAM-MD5, or with none.
    pub fn with_shared_key(self, shared: Option<&CramKeys>) -> Verifiers {
        let kept = self.scram.as_deref().unwrap_or_default().split(' ');
        let kept = kept.filter(|text| !text.is_empty() && keys::read_shared(text).is_none());
        let mut kept: Vec<String> = kept.map(str::to_owned).collect();
        kept.extend(shared.map(keys::write_shared));
        Verifiers {
            scram: (!kept.is_empty()).then(|| kept.join(" ")),
            ..self
        }
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifiers").finish_non_exhaustive()
    }
}

/// A password, already hashed; one may be given to many accounts.
#[derive(Clone, Debug)]
pub struct NewPassword {
    pub(crate) verifiers: Verifiers,
    /// Kept only for accounts that ask for it.
    pub(crate) shared_key: CramKeys,
    /// Kept only for accounts that ask for it.
    pub(crate) readable: ReadableSecret,
}

/// A password as it is, which APOP needs [rfc1939 7]. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ReadableSecret(pub Vec<u8>);

impl fmt::Debug for ReadableSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadableSecret").finish_non_exhaustive()
    }
}

/// Why a password cannot be set.
#[derive(Clone, Debug)]
pub enum PasswordRefusal {
    Empty,
    /// Longer than the limit, 1,024 octets.
    TooLong,
    /// Shorter than the limit, 8 characters.
    TooShort,
    /// Among those that attackers try first.
    WellKnown,
    /// The hash pool's queue is full.
    Busy,
    /// Our trouble.
    Unavailable(Fault),
}

impl fmt::Display for PasswordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordRefusal::Empty => f.write_str("the password is empty"),
            PasswordRefusal::TooLong => {
                write!(f, "the password has more than {PASSWORD_BYTES} octets")
            }
            PasswordRefusal::TooShort => write!(
                f,
                "the password has less than {LEAST_PASSWORD_CHARS} characters"
            ),
            PasswordRefusal::WellKnown => f.write_str(
                "the password is among those that attackers try first (common words and keys with \
                 a few digits, names of the account or its domain)",
            ),
            PasswordRefusal::Busy => f.write_str("too many passwords to hash at this moment"),
            PasswordRefusal::Unavailable(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for PasswordRefusal {}

impl From<PoolError> for PasswordRefusal {
    fn from(error: PoolError) -> PasswordRefusal {
        match error {
            PoolError::Busy => PasswordRefusal::Busy,
            PoolError::Failed(fault) => PasswordRefusal::Unavailable(fault),
        }
    }
}

/// A password in the form that is hashed, and in the form that SCRAM's keys are made from.
pub(super) struct Prepared {
    hashed: Vec<u8>,
    scram: Vec<u8>,
}

impl Prepared {
    pub fn octets(&self) -> &[u8] {
        &self.hashed
    }
}

/// [rfc8265 4.2.2], without its prohibitions.
pub(super) fn prepare(password: &[u8]) -> Result<Prepared, PasswordRefusal> {
    if password.is_empty() {
        return Err(PasswordRefusal::Empty);
    }
    if password.len() > PASSWORD_BYTES {
        return Err(PasswordRefusal::TooLong);
    }
    let hashed = match std::str::from_utf8(password) {
        Ok(text) if !text.is_ascii() => {
            let spaced: String = text
                .chars()
                .map(|c| if is_space(c) { ' ' } else { c })
                .collect();
            ComposingNormalizerBorrowed::new_nfc()
                .normalize(&spaced)
                .into_owned()
                .into_bytes()
        }
        _ => password.to_vec(),
    };
    Ok(Prepared {
        hashed,
        scram: keys::prepare(password),
    })
}

/// Unicode's category Zs.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// The memory of one hash at a time. It grows to the largest cost that it met, and stays.
#[derive(Default)]
pub(super) struct Workspace(Vec<Block>);

impl Workspace {
    #[cfg(test)]
    pub fn blocks(&self) -> usize {
        self.0.len()
    }

    /// Fills `hash` with the hash of this password.
    fn hash(
        &mut self,
        argon2: &Argon2<'_>,
        (password, salt): (&Prepared, &[u8]),
        hash: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.resize_with(blocks, Block::default);
        }
        let memory = &mut self.0[..blocks];
        argon2.hash_password_into_with_memory(password.octets(), salt, hash, memory)
    }
}

/// Takes some 20 ms and the cost's memory, and some 5 ms for each of SCRAM's hash functions; runs
/// in the pool.
pub(super) fn make(
    workspace: &mut Workspace,
    password: &Prepared,
    (cost, scram): (Argon2Cost, &[Hash]),
    random: &Random,
) -> Result<NewPassword, PasswordRefusal> {
    let argon2 = hash(workspace, password, cost, random).map_err(PasswordRefusal::Unavailable)?;
    let made: Vec<String> = scram
        .iter()
        .map(|hash| keys::write(*hash, &keys::make(*hash, &password.scram, random)))
        .collect();
    let scram = (!made.is_empty()).then(|| made.join(" "));
    Ok(NewPassword {
        verifiers: Verifiers { argon2, scram },
        shared_key: CramKeys::of_password(password.octets()),
        readable: ReadableSecret(password.octets().to_vec()),
    })
}

fn hash(
    workspace: &mut Workspace,
    password: &Prepared,
    cost: Argon2Cost,
    random: &Random,
) -> Result<String, Fault> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let mut hash = [0; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    workspace
        .hash(&argon2, (password, &salt), &mut hash)
        .map_err(|error| Fault::new("hashing a password", error))?;
    Ok(phc_string(cost, &salt, &hash))
}

fn phc_string(Argon2Cost { m_kib, t, p }: Argon2Cost, salt: &[u8], hash: &[u8]) -> String {
    let encode = |octets| STANDARD_NO_PAD.encode(octets);
    let (salt, hash) = (encode(salt), encode(hash));
    format!("$argon2id$v=19$m={m_kib},t={t},p={p}${salt}${hash}")
}

/// Whether a password is the one of a PHC string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Match {
    Yes,
    No,
}

/// Takes as long as `make` with the cost that the string names.
pub(super) fn verify(
    workspace: &mut Workspace,
    phc: &str,
    password: &Prepared,
) -> Result<Match, Fault> {
    const DOING: &str = "checking a password";
    let fault = |error| Fault::new(DOING, error);
    let parsed = PasswordHash::new(phc).map_err(fault)?;
    let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else {
        return Err(Fault::new(DOING, "what is kept of it is no hash"));
    };
    let algorithm = Algorithm::try_from(parsed.algorithm).map_err(fault)?;
    let params = Params::try_from(&parsed).map_err(fault)?;
    let version = parsed.version.map(Version::try_from).transpose();
    let version = version.map_err(|error| Fault::new(DOING, error))?;
    let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
    let (mut salt_octets, mut hash) = ([0; 64], [0; 64]);
    let salt = salt.decode_b64(&mut salt_octets).map_err(fault)?;
    let hash = &mut hash[..expected.len()];
    workspace
        .hash(&argon2, (password, salt), hash)
        .map_err(|error| Fault::new(DOING, error))?;
    match bool::from(hash.ct_eq(expected.as_bytes())) {
        true => Ok(Match::Yes),
        false => Ok(Match::No),
    }
}

/// A PHC string of the cost that no password matches.
pub(super) fn dummy(cost: Argon2Cost, random: &Random) -> String {
    let mut octets = [0; SALT_BYTES + HASH_BYTES];
    random.fill(&mut octets);
    let (salt, hash) = octets.split_at(SALT_BYTES);
    phc_string(cost, salt, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> Prepared {
        prepare(text.as_bytes()).expect("neither empty nor too long")
    }

    #[test]
    fn makes_a_phc_string_that_its_password_matches_and_no_other() {
        // [rfc9106 4]
        let random = Random::seeded(1);
        let mut workspace = Workspace::default();
        let made = make(
            &mut workspace,
            &prepared("pencil"),
            (Argon2Cost::LEAST, &[]),
            &random,
        )
        .expect("made");
        let phc = &made.verifiers.argon2;
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
        assert_eq!(made.verifiers.scram, None);
        assert_eq!(
            verify(&mut workspace, phc, &prepared("pencil")).expect("readable"),
            Match::Yes
        );
        assert_eq!(
            verify(&mut workspace, phc, &prepared("Pencil")).expect("readable"),
            Match::No
        );
        let again = make(
            &mut workspace,
            &prepared("pencil"),
            (Argon2Cost::LEAST, &[]),
            &random,
        )
        .expect("made");
        assert_ne!(&again.verifiers.argon2, phc, "the salt is new each time");
        assert!(verify(&mut workspace, "nonsense", &prepared("pencil")).is_err());
    }

    #[test]
    fn nothing_matches_the_dummy() {
        let dummy = dummy(Argon2Cost::LEAST, &Random::seeded(1));
        let mut workspace = Workspace::default();
        assert_eq!(
            verify(&mut workspace, &dummy, &prepared("pencil")).expect("readable"),
            Match::No
        );
    }

    #[test]
    fn keeps_keys_of_each_hash_that_it_is_told_to_and_finds_them_again() {
        let random = Random::seeded(1);
        let make = |hashes: &[Hash]| {
            let made = make(
                &mut Workspace::default(),
                &prepared("pencil"),
                (Argon2Cost::LEAST, hashes),
                &random,
            );
            made.expect("made").verifiers
        };
        let both = make(&[Hash::Sha256, Hash::Sha1]);
        for hash in [Hash::Sha256, Hash::Sha1] {
            let keys = both.keys(hash).expect("they were made");
            let again = ScramKeys::of_password(hash, b"pencil", &keys.salt, keys.iterations);
            assert_eq!(keys, again);
        }
        // as records of before have it
        let one = make(&[Hash::Sha256]);
        assert!(one.keys(Hash::Sha256).is_some() && one.keys(Hash::Sha1).is_none());
        assert!(make(&[]).keys(Hash::Sha256).is_none());
    }

    #[test]
    fn prepares_passwords_so_that_two_keyboards_give_the_same() {
        // [rfc8265 4.2.2]
        let octets = |text: &str| prepared(text).octets().to_vec();
        assert_eq!(octets("jo\u{308}rg\u{a0}x"), octets("jörg x"));
        assert_ne!(octets("Jörg"), octets("jörg"));
        assert_eq!(
            prepare(b"\xff\xfe").expect("taken as it is").octets(),
            b"\xff\xfe"
        );
        assert!(matches!(prepare(b""), Err(PasswordRefusal::Empty)));
        assert!(prepare(&[b'x'; PASSWORD_BYTES]).is_ok());
        assert!(matches!(
            prepare(&[b'x'; PASSWORD_BYTES + 1]),
            Err(PasswordRefusal::TooLong)
        ));
    }
}
