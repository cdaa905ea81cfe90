//! Passwords and what is kept of them: an argon2id PHC string, and a SCRAM-SHA-256 verifier.
//!
//! A password that is UTF-8 is prepared as RFC 8265 section 4.2 (OpaqueString) says: other spaces
//! become U+0020, then NFC. That is not all of SASLprep (RFC 4013), which SCRAM names: nothing is
//! prohibited and no compatibility mapping is done, so `ﬁ` and `fi` differ. A password that is not
//! UTF-8 is taken octet by octet. Case matters. What never happens here: a copy of a password that
//! outlives its check.

use super::pool::PoolError;
use crate::limits::PASSWORD_BYTES;
use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac};
use icu_normalizer::ComposingNormalizerBorrowed;
use net::Random;
use sha2::{Digest, Sha256};
use std::fmt;
use store::Fault;
use subtle::ConstantTimeEq;

/// Octets of a salt, and of a hash [rfc9106 4].
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// RFC 7677 section 4 asks for 4,096 at least.
const SCRAM_ITERATIONS: u32 = 10_000;

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
    /// `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, salt and keys in base64.
    pub scram: Option<String>,
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
}

/// Why a password cannot be set.
#[derive(Clone, Debug)]
pub enum PasswordRefusal {
    Empty,
    /// Longer than the limit, 1,024 octets.
    TooLong,
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

/// A password in the form that is hashed.
pub(super) struct Prepared(Vec<u8>);

impl Prepared {
    pub fn octets(&self) -> &[u8] {
        &self.0
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
    let octets = match std::str::from_utf8(password) {
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
    Ok(Prepared(octets))
}

/// Unicode's category Zs.
fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Whether a SCRAM verifier is made beside the hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scram {
    Kept,
    NotKept,
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

/// Takes some 20 ms and the cost's memory; runs in the pool.
pub(super) fn make(
    workspace: &mut Workspace,
    password: &Prepared,
    (cost, scram): (Argon2Cost, Scram),
    random: &Random,
) -> Result<NewPassword, PasswordRefusal> {
    let argon2 = hash(workspace, password, cost, random).map_err(PasswordRefusal::Unavailable)?;
    let scram = (scram == Scram::Kept).then(|| {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        scram_verifier(password, &salt, SCRAM_ITERATIONS)
    });
    Ok(NewPassword {
        verifiers: Verifiers { argon2, scram },
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

/// ```text
/// SaltedPassword := Hi(Normalize(password), salt, i)
/// ClientKey      := HMAC(SaltedPassword, "Client Key")
/// StoredKey      := H(ClientKey)
/// ServerKey      := HMAC(SaltedPassword, "Server Key")
/// ```
/// [rfc5802 3] [rfc7677 3]
fn scram_verifier(password: &Prepared, salt: &[u8], iterations: u32) -> String {
    let mut salted = [0; HASH_BYTES];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.octets(), salt, iterations, &mut salted);
    let stored_key = Sha256::digest(hmac(&salted, b"Client Key"));
    let server_key = hmac(&salted, b"Server Key");
    let encode = |octets: &[u8]| STANDARD.encode(octets);
    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        encode(salt),
        encode(&stored_key),
        encode(&server_key)
    )
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; HASH_BYTES] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("because HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Argon2Cost = Argon2Cost {
        m_kib: 8,
        t: 1,
        p: 1,
    };

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
            (CHEAP, Scram::NotKept),
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
            (CHEAP, Scram::NotKept),
            &random,
        )
        .expect("made");
        assert_ne!(&again.verifiers.argon2, phc, "the salt is new each time");
        assert!(verify(&mut workspace, "nonsense", &prepared("pencil")).is_err());
    }

    #[test]
    fn nothing_matches_the_dummy() {
        let dummy = dummy(CHEAP, &Random::seeded(1));
        let mut workspace = Workspace::default();
        assert_eq!(
            verify(&mut workspace, &dummy, &prepared("pencil")).expect("readable"),
            Match::No
        );
    }

    #[test]
    fn makes_the_scram_keys_of_the_standards_example() {
        // [rfc5802 3] [rfc7677 3] user "user", password "pencil"
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let verifier = scram_verifier(&prepared("pencil"), &salt, 4_096);
        let (head, keys) = verifier.rsplit_once('$').expect("as made");
        assert_eq!(head, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==");
        let (stored, server) = keys.split_once(':').expect("as made");
        let decode = |text| STANDARD.decode(text).expect("base64");
        let message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = STANDARD.encode(hmac(&decode(server), message));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        let proof = decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let mask = hmac(&decode(stored), message);
        let client_key: Vec<u8> = proof.iter().zip(mask).map(|(p, m)| p ^ m).collect();
        assert_eq!(Sha256::digest(client_key).to_vec(), decode(stored));
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
