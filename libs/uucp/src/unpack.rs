//! How a batch is packed, and its unpacking, to a bound.
//!
//! The name of the command is not believed: the first octets say what it is. What never happens here:
//! more memory than a piece of it, whatever the input says.
//!
//! ```text
//! 1f 8b gzip    1f 9d compress    42 5a 68 ("BZh") bzip2    1f 9e, 1f 9f freeze    else plain
//! ```

use crate::bunzip::Bunzip;
use crate::lzw::Decompressor;
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::io::{ErrorKind, Read};

/// Octets of gzip and plain text that come at once.
const PIECE: usize = 64 * 1024;

/// How it is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    Plain,
    Gzip,
    Compress,
    Bzip2,
    /// A program of 1993 that nobody can read any more.
    Freeze,
}

impl Packing {
    /// By the first octets.
    pub fn of(input: &[u8]) -> Packing {
        match input {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x1f, 0x9d, ..] => Packing::Compress,
            [b'B', b'Z', b'h', ..] => Packing::Bzip2,
            [0x1f, 0x9e | 0x9f, ..] => Packing::Freeze,
            _ => Packing::Plain,
        }
    }
}

/// Why something cannot be unpacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// It ends too early.
    Torn,
    /// It is not what its first octets say, or a sum does not fit.
    Corrupt,
    /// It unpacks to more than the bound.
    TooLarge,
    Freeze,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wrong::Torn => "the packed batch is torn, its end is missing",
            Wrong::Corrupt => "the packed batch is damaged",
            Wrong::TooLarge => "the batch unpacks to more than is allowed",
            Wrong::Freeze => "the batch is packed by freeze, which is not supported; use gzip",
        })
    }
}

impl std::error::Error for Wrong {}

/// Unpacks one stream.
pub struct Unpacker<'a> {
    kind: Kind<'a>,
    left: u64,
    is_over: bool,
}

enum Kind<'a> {
    Plain(&'a [u8]),
    Gzip(Box<MultiGzDecoder<&'a [u8]>>),
    Compress(Decompressor<'a>),
    Bzip2(Box<Bunzip<'a>>),
}

impl<'a> Unpacker<'a> {
    /// To so many octets at most.
    pub fn new(input: &'a [u8], most: u64) -> Result<Unpacker<'a>, Wrong> {
        let kind = match Packing::of(input) {
            Packing::Plain => Kind::Plain(input),
            Packing::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(input))),
            Packing::Compress => Kind::Compress(Decompressor::new(input)?),
            Packing::Bzip2 => Kind::Bzip2(Box::new(Bunzip::new(input)?)),
            Packing::Freeze => return Err(Wrong::Freeze),
        };
        Ok(Unpacker {
            kind,
            left: most,
            is_over: false,
        })
    }

    /// The next piece; none at the end, which is whole.
    pub fn piece(&mut self) -> Result<Option<Vec<u8>>, Wrong> {
        let mut out = Vec::new();
        // a piece may be empty before the end
        while !self.is_over && out.is_empty() {
            let goes_on = match &mut self.kind {
                Kind::Plain(rest) => {
                    let (piece, behind) = rest.split_at(rest.len().min(PIECE));
                    out.extend_from_slice(piece);
                    *rest = behind;
                    !rest.is_empty()
                }
                Kind::Gzip(gzip) => gzip_piece(gzip, &mut out)?,
                Kind::Compress(compress) => compress.piece(&mut out)?,
                Kind::Bzip2(bzip2) => bzip2.piece(&mut out)?,
            };
            self.is_over = !goes_on;
        }
        let left = self.left.checked_sub(out.len() as u64);
        self.left = left.ok_or(Wrong::TooLarge)?;
        Ok((!out.is_empty()).then_some(out))
    }
}

fn gzip_piece(gzip: &mut MultiGzDecoder<&[u8]>, out: &mut Vec<u8>) -> Result<bool, Wrong> {
    out.resize(PIECE, 0);
    let read = gzip.read(out).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Wrong::Torn,
        _ => Wrong::Corrupt,
    })?;
    out.truncate(read);
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Compressor;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn unpacked(input: &[u8], most: u64) -> Result<Vec<u8>, Wrong> {
        let mut unpacker = Unpacker::new(input, most)?;
        let mut all = Vec::new();
        while let Some(piece) = unpacker.piece()? {
            all.extend(piece);
        }
        Ok(all)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn compress(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut compressor = Compressor::default();
        compressor.push(text, &mut out);
        compressor.finish(&mut out);
        out
    }

    #[test]
    fn the_first_octets_say_what_it_is() {
        let text = b"MAIL FROM:<a@x.test>\n";
        for packed in [text.to_vec(), gzip(text), compress(text)] {
            assert_eq!(unpacked(&packed, 1_000), Ok(text.to_vec()));
        }
        let two = [gzip(b"a"), gzip(b"b")].concat();
        assert_eq!(unpacked(&two, 1_000), Ok(b"ab".to_vec()));
        // an empty one, made by bzip2 1.0.8
        let empty = b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
        assert_eq!(unpacked(empty, 1_000), Ok(Vec::new()));
        let mut same = Unpacker::new(empty, 1_000).unwrap();
        assert_eq!([same.piece(), same.piece()], [Ok(None), Ok(None)]);
        assert_eq!(unpacked(b"", 1_000), Ok(Vec::new()));
        for freeze in [b"\x1f\x9fxx", b"\x1f\x9exx"] {
            assert_eq!(unpacked(freeze, 1_000), Err(Wrong::Freeze));
        }
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let bomb = vec![0; 5_000_000];
        for packed in [gzip(&bomb), compress(&bomb)] {
            assert!(packed.len() < 50_000);
            assert_eq!(unpacked(&packed, 4_999_999), Err(Wrong::TooLarge));
            assert_eq!(
                unpacked(&packed, 5_000_000).map(|all| all.len()),
                Ok(5_000_000)
            );
        }
        assert_eq!(unpacked(&bomb, 1_000), Err(Wrong::TooLarge));
    }

    #[test]
    fn what_is_torn_or_damaged_is_said() {
        let whole = gzip(b"a text that is long enough");
        for end in 2..whole.len() {
            assert_eq!(unpacked(&whole[..end], 1_000), Err(Wrong::Torn), "{end}");
        }
        let mut damaged = whole.clone();
        let sum = damaged.len() - 6;
        damaged[sum] ^= 1;
        assert_eq!(unpacked(&damaged, 1_000), Err(Wrong::Corrupt));
        assert_eq!(unpacked(b"\x1f\x9d", 1_000), Err(Wrong::Torn));
        assert_eq!(unpacked(b"\x1f\x9d\xff", 1_000), Err(Wrong::Corrupt));
    }

    proptest! {
        #[test]
        fn anything_is_unpacked_or_refused(magic in 0_usize..4, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let magics: [&[u8]; 4] = [b"\x1f\x8b\x08\x00", b"\x1f\x9d\x90", b"BZh91AY&SY", b""];
            let input = [magics[magic], &rest].concat();
            if let Ok(all) = unpacked(&input, 10_000) {
                prop_assert!(all.len() <= 10_000);
            }
        }
    }
}
