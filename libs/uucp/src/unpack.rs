//! How a batch is packed, and its unpacking, to a bound.
//!
//! The name of the command is not believed: the first octets say what it is. The input is whatever can be
//! read a piece at a time; the caller has it. What never happens here: more memory than a piece of it,
//! whatever the input says.
//!
//! ```text
//! 1f 8b gzip    1f 9d compress    42 5a 68 ("BZh") bzip2    1f 9e, 1f 9f freeze    else plain
//! ```

use crate::bunzip::Bunzip;
use crate::lzw::Decompressor;
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::io::{self, BufRead, Chain, Cursor, ErrorKind, Read};

/// Octets of gzip and plain text that come at once.
const PIECE: usize = 64 * 1024;
/// Octets that say how it is packed.
const MAGIC_BYTES: u64 = 3;

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
    /// It has more than the bound, or unpacks to more.
    TooLarge,
    Freeze,
    /// Not the batch is wrong: the input could not be read.
    Input(ErrorKind),
}

impl Wrong {
    fn of(error: &io::Error) -> Wrong {
        match error.kind() {
            ErrorKind::UnexpectedEof => Wrong::Torn,
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Wrong::Corrupt,
            ErrorKind::FileTooLarge => Wrong::TooLarge,
            kind => Wrong::Input(kind),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wrong::Input(kind) => return write!(f, "cannot read the batch: {kind}"),
            Wrong::Torn => "the packed batch is torn, its end is missing",
            Wrong::Corrupt => "the packed batch is damaged",
            Wrong::TooLarge => "the batch is, or unpacks to, more than is allowed",
            Wrong::Freeze => "the batch is packed by freeze, which is not supported; use gzip",
        })
    }
}

impl std::error::Error for Wrong {}

/// Unpacks one stream.
pub struct Unpacker<R> {
    kind: Kind<R>,
    left: u64,
    is_over: bool,
}

/// What was looked at, and all that is behind it.
type Whole<R> = Chain<Cursor<Vec<u8>>, Bounded<R>>;

enum Kind<R> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<Whole<R>>>),
    Compress(Decompressor<Whole<R>>),
    Bzip2(Box<Bunzip<Whole<R>>>),
}

impl<R: BufRead> Unpacker<R> {
    /// From so many octets, and to so many, at most.
    pub fn new(input: R, most: u64) -> Result<Unpacker<R>, Wrong> {
        let mut input = Bounded { input, left: most };
        let mut first = Vec::new();
        let looked = input.by_ref().take(MAGIC_BYTES).read_to_end(&mut first);
        looked.map_err(|error| Wrong::of(&error))?;
        let packing = Packing::of(&first);
        let input = Cursor::new(first).chain(input);
        let kind = match packing {
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
                Kind::Plain(rest) => read_piece(rest, &mut out)?,
                Kind::Gzip(gzip) => read_piece(gzip, &mut out)?,
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

/// As much as makes a piece.
fn read_piece(from: &mut impl Read, out: &mut Vec<u8>) -> Result<bool, Wrong> {
    out.resize(PIECE, 0);
    let read = fill(from, out)?;
    out.truncate(read);
    Ok(read > 0)
}

/// Fills `out` as far as the input goes, and says how far.
pub(crate) fn fill(input: &mut impl Read, out: &mut [u8]) -> Result<usize, Wrong> {
    let mut len = 0;
    while len < out.len() {
        match input.read(&mut out[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Wrong::of(&error)),
        }
    }
    Ok(len)
}

/// An input that has no more than a bound.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let len = piece.len().min(out.len());
        out[..len].copy_from_slice(&piece[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let piece = self.input.fill_buf()?;
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        match (piece.is_empty(), room) {
            (false, 0) => Err(ErrorKind::FileTooLarge.into()),
            _ => Ok(&piece[..piece.len().min(room)]),
        }
    }

    fn consume(&mut self, len: usize) {
        self.left = self.left.saturating_sub(len as u64);
        self.input.consume(len);
    }
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
        let mut same = Unpacker::new(&empty[..], 1_000).unwrap();
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

    /// Hands out an octet at a time; fails where it ends, if it is to.
    struct Slow<'a>(&'a [u8], Option<ErrorKind>);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match (self.0.is_empty(), self.1) {
                (true, Some(kind)) => Err(kind.into()),
                _ => self.0.read(&mut out[..1]),
            }
        }
    }

    #[test]
    fn it_is_read_in_pieces_of_any_size_and_a_failed_read_is_no_end() {
        let text: Vec<u8> = (0..9_000_u32).flat_map(|n| n.to_le_bytes()).collect();
        // made by bzip2 1.0.8
        let bzip2 =
            b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xdf\xf4\x74\xff\x00\x00\x01\x84\x00\x20\
              \x26\x20\x00\x21\x9a\x68\x33\x4d\x13\x3c\x5d\xc9\x14\xe1\x42\x43\x7f\xd1\xd3\xfc";
        for (packed, text) in [
            (text.clone(), &text[..]),
            (gzip(&text), &text),
            (compress(&text), &text),
            (bzip2.to_vec(), b"MAIL"),
        ] {
            let slowly = |input: &[u8], error| {
                let slow = io::BufReader::with_capacity(1, Slow(input, error));
                let mut unpacker = Unpacker::new(slow, 100_000)?;
                let mut all = Vec::new();
                while let Some(piece) = unpacker.piece()? {
                    all.extend(piece);
                }
                Ok(all)
            };
            assert_eq!(slowly(&packed, None).as_deref(), Ok(text));
            let half = &packed[..packed.len() / 2];
            let failed = slowly(half, Some(ErrorKind::ConnectionReset));
            assert_eq!(failed, Err(Wrong::Input(ErrorKind::ConnectionReset)));
        }
    }

    #[test]
    fn what_is_packed_has_a_bound_too() {
        // octets that become nothing
        let empty = gzip(b"").repeat(1_000);
        assert_eq!(unpacked(&empty, 1_000), Err(Wrong::TooLarge));
        assert_eq!(unpacked(&empty, 100_000), Ok(Vec::new()));
        let rubbish = [gzip(b"a"), b"rubbish behind it".to_vec()].concat();
        assert_eq!(unpacked(&rubbish, 1_000), Err(Wrong::Corrupt));
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
