//! The first bytes of a log file: who it is, and up to where the file before it is to be believed.
//!
//! Written and synced (and its name, too) before the first frame.

use crate::words::{Words, put_u32, put_u64};
use bytes::Bytes;

pub(crate) const HEADER_BYTES: usize = 72;
const MAGIC: &[u8; 8] = b"WhimbLog";
/// 2: bodies may be packed.
const FORMAT: u32 = 2;
const OLDEST_FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    /// Seeds the checksums of this file's frames, so that no mail can look like a frame.
    pub(super) salt: u64,
    /// The file that was written before this one (0: none).
    pub(super) previous: u64,
    /// What lies behind this in the file before never counts.
    pub(super) previous_end: u64,
    /// No frame here has a lower transaction.
    pub(super) first_seqno: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// Another version of this program wrote it.
    Format(u32),
    Unreadable,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_u32(&mut out, FORMAT);
        put_u32(&mut out, 0);
        let words = [
            self.number,
            self.salt,
            self.previous,
            self.previous_end,
            self.first_seqno,
        ];
        for word in words {
            put_u64(&mut out, word);
        }
        out.resize(HEADER_BYTES - 8, 0);
        let sum = xxhash_rust::xxh3::xxh3_64(&out);
        put_u64(&mut out, sum);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Header, HeaderError> {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else {
            return Err(HeaderError::Unreadable);
        };
        let (content, sum) = bytes.split_at(HEADER_BYTES - 8);
        if xxhash_rust::xxh3::xxh3_64(content).to_le_bytes() != sum || !content.starts_with(MAGIC) {
            return Err(HeaderError::Unreadable);
        }
        let mut words = Words::new(Bytes::copy_from_slice(&content[MAGIC.len()..]));
        let format = words.u32().ok_or(HeaderError::Unreadable)?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(HeaderError::Format(format));
        }
        let _unused = words.u32();
        let mut next = || words.u64().ok_or(HeaderError::Unreadable);
        Ok(Header {
            number: next()?,
            salt: next()?,
            previous: next()?,
            previous_end: next()?,
            first_seqno: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_a_flipped_bit_is_noticed() {
        let header = Header {
            number: 3,
            salt: 9,
            previous: 1,
            previous_end: 72,
            first_seqno: 5,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bad).is_err(), "bit {bit}");
        }
        assert_eq!(
            Header::decode(&bytes[..HEADER_BYTES - 1]),
            Err(HeaderError::Unreadable)
        );
    }
}
