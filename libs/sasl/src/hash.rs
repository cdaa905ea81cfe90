//! The hash functions of SCRAM, and what a server keeps of a password for it.
//!
//! What never happens here: the preparation of a password, a salt being chosen.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hash {
    /// Weak against forged certificates, not in HMAC, which is what SCRAM uses.
    Sha1,
    Sha256,
}

impl Hash {
    /// Octets of a hash.
    pub fn octets(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        }
    }

    pub(crate) fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(octets).to_vec(),
            Hash::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    pub(crate) fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        const ANY_LENGTH: &str = "because HMAC takes keys of any length";
        match self {
            Hash::Sha1 => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key).expect(ANY_LENGTH);
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            }
            Hash::Sha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect(ANY_LENGTH);
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }

    /// `Hi(str, salt, i)`: PBKDF2 with HMAC. [rfc5802 2.2]
    fn stretch(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut out = vec![0; self.octets()];
        match self {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut out),
            Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut out),
        }
        out
    }
}

/// What a server keeps of a password: it can check a proof by it, and cannot make one.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    pub salt: Vec<u8>,
    pub iterations: u32,
    pub stored_key: Vec<u8>,
    pub server_key: Vec<u8>,
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").finish_non_exhaustive()
    }
}

impl ScramKeys {
    /// ```text
    /// SaltedPassword := Hi(Normalize(password), salt, i)
    /// ClientKey      := HMAC(SaltedPassword, "Client Key")
    /// StoredKey      := H(ClientKey)
    /// ServerKey      := HMAC(SaltedPassword, "Server Key")
    /// ```
    /// [rfc5802 3] [rfc7677 3] The password comes prepared. Takes some milliseconds for 10,000
    /// iterations.
    pub fn of_password(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> ScramKeys {
        let salted = hash.stretch(password, salt, iterations);
        ScramKeys {
            salt: salt.to_vec(),
            iterations,
            stored_key: hash.digest(&hash.hmac(&salted, b"Client Key")),
            server_key: hash.hmac(&salted, b"Server Key"),
        }
    }

    /// What a client that knows the password answers to `auth_message`: the proof, and the
    /// signature that it awaits from the server.
    pub fn client_answer(
        hash: Hash,
        (password, salt, iterations): (&[u8], &[u8], u32),
        auth_message: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let salted = hash.stretch(password, salt, iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        let signature = hash.hmac(&hash.digest(&client_key), auth_message);
        let proof = client_key.iter().zip(signature).map(|(k, s)| k ^ s);
        let server_key = hash.hmac(&salted, b"Server Key");
        (proof.collect(), hash.hmac(&server_key, auth_message))
    }
}
