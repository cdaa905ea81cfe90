//! What a program reads: the message with LF at the end of lines, behind what its kind wants first.
//!
//! What never happens here: a whole message in memory.

use crate::road::content::Feed;
use crate::road::route::Packed;
use addr::{Charset, ForwardPath, ReversePath};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use smtp::batch::{Newline, Writer};
use smtp::{Command, MailParameters, RcptParameters};
use std::io::Write;
use store::Fault;
use uucp::Compressor;

/// Octets for a program, piece by piece.
pub(super) struct Input<'a> {
    /// Until they were given.
    first: Option<Vec<u8>>,
    feed: Feed<'a>,
    lines: Lines,
    packer: Packer,
    is_over: bool,
}

/// How lines are written.
enum Lines {
    /// With LF; whether the last piece ended with a CR.
    Plain { cr: bool },
    /// As a batch wants them.
    Batch(Option<Writer>),
}

enum Packer {
    None,
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Compress(Option<Box<Compressor>>),
}

impl<'a> Input<'a> {
    pub(super) fn with_return_path(sender: &ReversePath, feed: Feed<'a>) -> Input<'a> {
        Input::with_line(format!("Return-Path: {sender}\n"), feed)
    }

    pub(super) fn with_line(line: String, feed: Feed<'a>) -> Input<'a> {
        Input {
            first: Some(line.into_bytes()),
            feed,
            lines: Lines::Plain { cr: false },
            packer: Packer::None,
            is_over: false,
        }
    }

    /// A batch of one message. Nothing of ESMTP: whoever reads it may be thirty years old.
    pub(super) fn batch(
        sender: &ReversePath,
        recipients: &[&ForwardPath],
        packed: Packed,
        feed: Feed<'a>,
    ) -> Input<'a> {
        let writer = Writer::new(Newline::Lf);
        let mut first = Vec::new();
        let mail = Command::Mail {
            from: sender.clone(),
            written_in: Charset::Ascii,
            parameters: MailParameters::default(),
        };
        writer.command(&mail, &mut first);
        for to in recipients {
            let rcpt = Command::Rcpt {
                to: (*to).clone(),
                written_in: Charset::Ascii,
                parameters: RcptParameters::default(),
            };
            writer.command(&rcpt, &mut first);
        }
        writer.command(&Command::Data, &mut first);
        let packer = match packed {
            Packed::Not => Packer::None,
            Packed::Gzip => {
                Packer::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::default())))
            }
            Packed::Compress => Packer::Compress(Some(Box::default())),
        };
        Input {
            first: Some(first),
            feed,
            lines: Lines::Batch(Some(writer)),
            packer,
            is_over: false,
        }
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        // what is packed may give nothing for a while
        while !self.is_over {
            let plain = self.plain()?;
            let out = self.packer.take(plain.as_deref());
            self.is_over = plain.is_none();
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
        Ok(None)
    }

    fn plain(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let piece = self.feed.next()?;
        Ok(self.lines.written(piece.as_deref()))
    }
}

impl Lines {
    /// None is the end, to take and to give.
    fn written(&mut self, piece: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(piece.map_or(8, |piece| piece.len() + 1));
        match self {
            Lines::Plain { cr } => {
                for octet in piece.unwrap_or_default() {
                    if std::mem::take(cr) && *octet != b'\n' {
                        out.push(b'\r');
                    }
                    match octet {
                        b'\r' => *cr = true,
                        octet => out.push(*octet),
                    }
                }
                if piece.is_none() && std::mem::take(cr) {
                    out.push(b'\r');
                }
            }
            Lines::Batch(writer) => match piece {
                Some(piece) => writer.as_mut()?.content(piece, &mut out),
                None => writer.take()?.end(&mut out),
            },
        }
        (piece.is_some() || !out.is_empty()).then_some(out)
    }
}

impl Packer {
    /// None is the end.
    fn take(&mut self, piece: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        match (self, piece) {
            (Packer::None, piece) => out.extend_from_slice(piece.unwrap_or_default()),
            (Packer::Gzip(gzip), piece) => {
                let written = match piece {
                    Some(piece) => gzip.write_all(piece),
                    None => gzip.try_finish(),
                };
                written.expect("because memory takes all that is written");
                out.append(gzip.get_mut());
            }
            (Packer::Compress(compress), Some(piece)) => {
                if let Some(compress) = compress {
                    compress.push(piece, &mut out);
                }
            }
            (Packer::Compress(compress), None) => {
                if let Some(compress) = compress.take() {
                    compress.finish(&mut out);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uucp::Unpacker;

    fn packed(mut packer: Packer, pieces: &[&[u8]]) -> Vec<u8> {
        let mut out: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| packer.take(Some(piece)))
            .collect();
        out.extend(packer.take(None));
        out
    }

    #[test]
    fn what_is_packed_can_be_unpacked_whatever_the_pieces() {
        let gzip = || Packer::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::default())));
        let compress = || Packer::Compress(Some(Box::default()));
        let pieces: [&[u8]; 3] = [b"MAIL FROM:<a@x.test>\n", b"", b"DATA\n.\n"];
        for packer in [Packer::None, gzip(), compress()] {
            let packed = packed(packer, &pieces);
            let mut unpacker = Unpacker::new(&packed[..], 1_000).unwrap();
            assert_eq!(unpacker.piece().unwrap().unwrap(), pieces.concat());
        }
    }

    #[test]
    fn lines_end_with_lf_whatever_the_pieces() {
        let written = |mut lines: Lines, pieces: &[&[u8]]| {
            let mut out: Vec<u8> = Vec::new();
            for piece in pieces {
                out.extend(lines.written(Some(piece)).unwrap_or_default());
            }
            while let Some(end) = lines.written(None) {
                out.extend(end);
            }
            String::from_utf8(out).unwrap()
        };
        let plain = || Lines::Plain { cr: false };
        assert_eq!(written(plain(), &[b"a\r", b"\n.b\r\nc\r"]), "a\n.b\nc\r");
        let batch = || Lines::Batch(Some(Writer::new(Newline::Lf)));
        assert_eq!(written(batch(), &[b"a\r", b"\n.b\r\n"]), "a\n..b\n.\n");
    }
}
