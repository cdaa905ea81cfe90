//! SCRAM's keys: how they are made, kept, and made up for those who have none. And CRAM-MD5's.
//!
//! SCRAM's clients prepare a password by SASLprep (RFC 4013), so keys are made from that form:
//! some characters vanish, other spaces become U+0020, then NFKC. What SASLprep prohibits is not
//! refused here: a client that keeps to it does not send such a password, and one that does not
//! sends it as it is. A client that prepares nothing gets in by SCRAM as long as its user's
//! keyboard gives the prepared form, which ASCII always is. What never happens here: a look-up.

use super::password::is_space;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use icu_normalizer::ComposingNormalizerBorrowed;
use net::Random;
use sasl::{CramKeys, Hash, ScramKeys};

const SALT_BYTES: usize = 16;
/// RFC 7677 section 4 asks for 4,096 at least.
const ITERATIONS: u32 = 10_000;

/// The server's own secret, from which stand-ins are made.
pub(super) type Secret = [u8; 32];

/// [rfc4013 2.1] [rfc4013 2.2] A password that is not UTF-8 is taken as it is.
pub(super) fn prepare(password: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(password) {
        Ok(text) if !text.is_ascii() => {
            let mapped: String = text
                .chars()
                .filter(|c| !vanishes(*c))
                .map(|c| {
                    if is_space(c) || c == '\u{200b}' {
                        ' '
                    } else {
                        c
                    }
                })
                .collect();
            ComposingNormalizerBorrowed::new_nfkc()
                .normalize(&mapped)
                .into_owned()
                .into_bytes()
        }
        _ => password.to_vec(),
    }
}

/// "Commonly mapped to nothing" [rfc3454 B.1]. U+200B is there and among the spaces of C.1.2 as
/// well; it is a space, as SASLprep names spaces first.
fn vanishes(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200c}' | '\u{200d}'
            | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// Takes some milliseconds; runs in the pool.
pub(super) fn make(hash: Hash, prepared: &[u8], random: &Random) -> ScramKeys {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    ScramKeys::of_password(hash, prepared, &salt, ITERATIONS)
}

/// What a name without keys gets, the same at each asking, so that nobody can tell it from a name
/// with keys. No password leads to them: nobody knows what their stored key is a hash of.
pub(super) fn stand_in(secret: &Secret, hash: Hash, name: &str) -> ScramKeys {
    let derive = |what: u8, len: usize| {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(&[what, hash.octets() as u8]);
        hasher.update(name.as_bytes());
        let mut out = vec![0; len];
        hasher.finalize_xof().fill(&mut out);
        out
    };
    ScramKeys {
        salt: derive(0, SALT_BYTES),
        iterations: ITERATIONS,
        stored_key: derive(1, hash.octets()),
        server_key: derive(2, hash.octets()),
    }
}

/// The same for CRAM-MD5.
pub(super) fn shared_stand_in(secret: &Secret, name: &str) -> CramKeys {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"CRAM-MD5 ");
    hasher.update(name.as_bytes());
    CramKeys::from_octets(*hasher.finalize().as_bytes())
}

const SHARED: &str = "CRAM-MD5$";

/// `CRAM-MD5$` and what MD5 has come to behind the keys, in hexadecimal.
pub(super) fn write_shared(keys: &CramKeys) -> String {
    format!("{SHARED}{}", keys.to_text())
}

pub(super) fn read_shared(text: &str) -> Option<CramKeys> {
    CramKeys::from_text(text.strip_prefix(SHARED)?)
}

fn label(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SCRAM-SHA-1",
        Hash::Sha256 => "SCRAM-SHA-256",
    }
}

/// `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, salt and keys in base64.
pub(super) fn write(hash: Hash, keys: &ScramKeys) -> String {
    let encode = |octets: &[u8]| STANDARD.encode(octets);
    format!(
        "{}${}:{}${}:{}",
        label(hash),
        keys.iterations,
        encode(&keys.salt),
        encode(&keys.stored_key),
        encode(&keys.server_key)
    )
}

/// None if these are not keys of this hash function.
pub(super) fn read(hash: Hash, text: &str) -> Option<ScramKeys> {
    let rest = text.strip_prefix(label(hash))?.strip_prefix('$')?;
    let (cost, pair) = rest.split_once('$')?;
    let (iterations, salt) = cost.split_once(':')?;
    let (stored_key, server_key) = pair.split_once(':')?;
    let decode = |text: &str| STANDARD.decode(text).ok();
    let keys = ScramKeys {
        salt: decode(salt)?,
        iterations: iterations.parse().ok()?,
        stored_key: decode(stored_key)?,
        server_key: decode(server_key)?,
    };
    let whole = keys.stored_key.len() == hash.octets() && keys.server_key.len() == hash.octets();
    whole.then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_and_reads_what_earlier_versions_kept() {
        // [rfc7677 3] user "user", password "pencil"
        let kept = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
            WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        let keys = read(Hash::Sha256, kept).expect("they are as they must be");
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let made = ScramKeys::of_password(Hash::Sha256, b"pencil", &salt, 4_096);
        assert_eq!(keys, made);
        assert_eq!(write(Hash::Sha256, &keys), kept);
        assert_eq!(read(Hash::Sha1, kept), None);
        for broken in [
            "",
            "SCRAM-SHA-256",
            "SCRAM-SHA-256$1:$:",
            "SCRAM-SHA-256$x:AAAA$AAAA:AAAA",
        ] {
            assert_eq!(read(Hash::Sha256, broken), None, "{broken}");
        }
    }

    #[test]
    fn prepares_as_saslprep_maps() {
        // [rfc4013 2.1] [rfc4013 2.2] [rfc4013 3] [rfc3454 B.1]
        let text = |raw: &str| String::from_utf8(prepare(raw.as_bytes())).expect("text");
        assert_eq!(text("I\u{ad}X"), "IX");
        assert_eq!(text("user"), "user");
        assert_eq!(text("USER"), "USER");
        assert_eq!(text("\u{aa}"), "a");
        assert_eq!(text("\u{2168}"), "IX");
        assert_eq!(text("a\u{a0}b\u{3000}c"), "a b c");
        assert_eq!(prepare(b"\xff"), b"\xff");
    }

    #[test]
    fn stand_ins_stay_the_same_and_differ_by_name_hash_and_server() {
        let (one, other) = ([1; 32], [2; 32]);
        let keys = stand_in(&one, Hash::Sha256, "mallory@example.test");
        assert_eq!(keys, stand_in(&one, Hash::Sha256, "mallory@example.test"));
        let real = make(Hash::Sha256, b"x", &Random::seeded(1));
        let shape = |keys: &ScramKeys| (keys.salt.len(), keys.iterations, keys.stored_key.len());
        assert_eq!(shape(&keys), shape(&real));
        let salts = [
            keys.salt,
            stand_in(&one, Hash::Sha256, "eve@example.test").salt,
            stand_in(&one, Hash::Sha1, "mallory@example.test").salt,
            stand_in(&other, Hash::Sha256, "mallory@example.test").salt,
        ];
        let distinct: std::collections::BTreeSet<_> = salts.iter().collect();
        assert_eq!(distinct.len(), salts.len());
    }
}
