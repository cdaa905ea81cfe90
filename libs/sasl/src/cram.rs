//! CRAM-MD5: a challenge, answered by a keyed digest of it; and what a server keeps to check one.
//!
//! MD5 is broken for signatures; keyed as here it is not known to be, but one digest that was heard
//! lets everybody try passwords as fast as MD5 goes. On-demand mail relay asks for it all the same
//! [rfc2645 5.1.2]. What is kept are the two states of MD5 after the key's blocks: enough to log in
//! with CRAM-MD5, and not the password itself. What never happens here: a look-up, a random number.

use crate::exchange::Failure;
use crate::limits::CRAM_MESSAGE_BYTES;
use crate::plain::identity;
use std::fmt;
use subtle::ConstantTimeEq;

/// Octets of a digest.
const DIGEST_BYTES: usize = 16;
/// Octets of a block of MD5. [rfc1321 3.4]
const BLOCK_BYTES: usize = 64;

/// MD5's four words.
pub(crate) type Words = [u32; 4];

/// [rfc1321 3.3]
pub(crate) const BEGIN: Words = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// How far each step turns, by round. [rfc1321 3.4]
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// What a server keeps of a password: MD5's states behind the inner and the outer key. [rfc2104 4]
#[derive(Clone, PartialEq, Eq)]
pub struct CramKeys {
    inner: Words,
    outer: Words,
}

impl fmt::Debug for CramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CramKeys").finish_non_exhaustive()
    }
}

impl CramKeys {
    pub fn of_password(password: &[u8]) -> CramKeys {
        let mut key = [0; BLOCK_BYTES];
        match password.len() > BLOCK_BYTES {
            true => key[..DIGEST_BYTES].copy_from_slice(&md5(BEGIN, 0, password)),
            false => key[..password.len()].copy_from_slice(password),
        }
        let behind = |pad: u8| block(BEGIN, &key.map(|octet| octet ^ pad));
        CramKeys {
            inner: behind(0x36),
            outer: behind(0x5c),
        }
    }

    /// In hexadecimal, as it is kept.
    pub fn to_text(&self) -> String {
        let words = self.inner.iter().chain(&self.outer);
        words.map(|word| format!("{word:08x}")).collect()
    }

    pub fn from_text(text: &str) -> Option<CramKeys> {
        if text.len() != 64 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return None;
        }
        let word = |at: usize| u32::from_str_radix(&text[8 * at..8 * (at + 1)], 16).ok();
        let four = |from: usize| {
            Some([
                word(from)?,
                word(from + 1)?,
                word(from + 2)?,
                word(from + 3)?,
            ])
        };
        Some(CramKeys {
            inner: four(0)?,
            outer: four(4)?,
        })
    }

    /// Those of 32 octets that nobody knows a password for.
    pub fn from_octets(octets: [u8; 32]) -> CramKeys {
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| octets[4 * at + n]));
        CramKeys {
            inner: std::array::from_fn(word),
            outer: std::array::from_fn(|at| word(at + 4)),
        }
    }

    /// The digest of a challenge under this key. [rfc2195 2]
    pub fn digest(&self, challenge: &[u8]) -> [u8; 16] {
        let inner = md5(self.inner, BLOCK_BYTES as u64, challenge);
        md5(self.outer, BLOCK_BYTES as u64, &inner)
    }
}

/// What a client has answered.
pub(crate) struct Answer {
    pub name: String,
    digest: [u8; DIGEST_BYTES],
}

impl Answer {
    /// ```text
    /// response = user-name SP 32LHEX
    /// ```
    /// [rfc2195 2] A name may have spaces.
    pub fn read(message: &[u8]) -> Result<Answer, Failure> {
        if message.len() > CRAM_MESSAGE_BYTES {
            return Err(Failure::TooLong);
        }
        let at = message.iter().rposition(|octet| *octet == b' ');
        let (name, digest) = message.split_at(at.ok_or(Failure::Malformed)?);
        let hex = &digest[1..];
        if hex.len() != 2 * DIGEST_BYTES {
            return Err(Failure::Malformed);
        }
        let mut digest = [0; DIGEST_BYTES];
        for (octet, pair) in digest.iter_mut().zip(hex.chunks(2)) {
            *octet = 16 * nibble(pair[0])? + nibble(pair[1])?;
        }
        Ok(Answer {
            name: identity(name)?,
            digest,
        })
    }

    pub fn is_of(&self, keys: &CramKeys, challenge: &[u8]) -> bool {
        keys.digest(challenge).ct_eq(&self.digest).into()
    }
}

fn nibble(letter: u8) -> Result<u8, Failure> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        _ => Err(Failure::Malformed),
    }
}

/// The digest of `text`, which comes behind `before` octets that led to `words`. [rfc1321 3]
pub(crate) fn md5(words: Words, before: u64, text: &[u8]) -> [u8; DIGEST_BYTES] {
    let bits = (before + text.len() as u64).wrapping_mul(8);
    let mut rest = text.to_vec();
    rest.push(0x80);
    while rest.len() % BLOCK_BYTES != BLOCK_BYTES - 8 {
        rest.push(0);
    }
    rest.extend_from_slice(&bits.to_le_bytes());
    let mut words = words;
    for piece in rest.chunks_exact(BLOCK_BYTES) {
        let mut octets = [0; BLOCK_BYTES];
        octets.copy_from_slice(piece);
        words = block(words, &octets);
    }
    let mut digest = [0; DIGEST_BYTES];
    for (place, word) in digest.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

/// One block. [rfc1321 3.4]
fn block(words: Words, octets: &[u8; BLOCK_BYTES]) -> Words {
    let text = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| octets[4 * at + n]));
    let [mut a, mut b, mut c, mut d] = words;
    for step in 0..BLOCK_BYTES {
        let (mixed, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((b & d) | (c & !d), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(sine(step))
            .wrapping_add(text(at));
        let turned = sum.rotate_left(TURNS[step / 16][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    let [p, q, r, s] = words;
    [
        p.wrapping_add(a),
        q.wrapping_add(b),
        r.wrapping_add(c),
        s.wrapping_add(d),
    ]
}

/// "The integer part of 4294967296 times abs(sin(i))", i from 1 on. [rfc1321 3.4]
fn sine(step: usize) -> u32 {
    let i = step as f64 + 1.0;
    (i.sin().abs() * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: [u8; 16]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn md5_gives_what_its_standard_lists() {
        // [rfc1321 3] [rfc1321 3.3] [rfc1321 3.4] [rfc1321 A.5]
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(hex(md5(BEGIN, 0, text.as_bytes())), digest, "{text}");
        }
    }

    #[test]
    fn keyed_digests_are_those_of_the_standards() {
        // [rfc2195 2] [rfc2104 4]
        let of = |password: &[u8], text: &[u8]| hex(CramKeys::of_password(password).digest(text));
        assert_eq!(
            of(
                b"tanstaaftanstaaf",
                b"<1896.697170952@postoffice.reston.mci.net>"
            ),
            "b913a602c7eda7a495b4e6e7334d3890"
        );
        assert_eq!(
            of(b"Jefe", b"what do ya want for nothing?"),
            "750c783e6ab0b503eaa86e310a5db738"
        );
        // [rfc2202 2] a key longer than a block
        assert_eq!(
            of(
                &[0xaa; 80],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"
        );
    }

    #[test]
    fn what_is_kept_can_be_read_again_and_shows_no_password() {
        let keys = CramKeys::of_password(b"secret");
        let text = keys.to_text();
        assert_eq!(CramKeys::from_text(&text), Some(keys.clone()));
        assert!(!text.contains("secret") && !format!("{keys:?}").contains(&text));
        for broken in ["", "00", &text[1..], &text.replace(&text[..1], "x")] {
            assert_eq!(CramKeys::from_text(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_answer_is_a_name_and_a_digest() {
        let read = |text: &str| Answer::read(text.as_bytes()).map(|answer| answer.name);
        let digest = "b913a602c7eda7a495b4e6e7334d3890";
        assert_eq!(read(&format!("tim {digest}")).unwrap(), "tim");
        assert_eq!(read(&format!("tim b {digest}")).unwrap(), "tim b");
        for wrong in [
            String::new(),
            digest.to_owned(),
            format!(" {digest}"),
            format!("tim {digest}0"),
            format!("tim {}", digest.to_uppercase()),
            format!("t\0m {digest}"),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
        let long = format!("{} {digest}", "x".repeat(CRAM_MESSAGE_BYTES));
        assert_eq!(read(&long), Err(Failure::TooLong));
    }
}
