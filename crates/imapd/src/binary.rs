//! BINARY[…] and BINARY.SIZE[…]: a part with its transfer encoding undone [rfc3516 4.3] [rfc9051 7.5.2]. A part is
//! read once for its size and whether it holds a NUL, and once more to be sent; only a small one is
//! kept in between. What never happens here: which parts a message has.

use crate::limits;
use crate::transfer::Decoder;
use crate::wire::{Ended, Wire};
use imap::{FetchData, FetchItem, FetchWriter, Partial, SectionLabel};
use mail::{Content, Encoding, Fault, PartKind, PartTree, Section};
use std::ops::Range;

/// The part that an item is about.
pub(crate) fn path_of(item: &FetchItem) -> Option<&[u32]> {
    match item {
        FetchItem::Binary { path, .. } | FetchItem::BinarySize { path } => Some(path),
        _ => None,
    }
}

/// Is its encoding one that nobody here knows? Then the whole request fails [rfc3516 4.3].
pub(crate) fn is_unknown(parts: &PartTree, path: &[u32]) -> bool {
    encoding(parts, path) == Encoding::Other
}

/// What is to be undone: nothing for the whole message, and for what holds other parts.
fn encoding(parts: &PartTree, path: &[u32]) -> Encoding {
    match parts.find(path) {
        Some(part) if part.kind == PartKind::Leaf && !path.is_empty() => part.encoding,
        _ => Encoding::Identity,
    }
}

/// Writes the item; the inner error is a part that cannot be read.
pub(crate) async fn write(
    writer: &mut FetchWriter,
    wire: &mut Wire,
    item: &FetchItem,
    parts: &PartTree,
    content: &Content,
) -> Result<Result<(), Fault>, Ended> {
    let path = path_of(item).unwrap_or_default();
    let Some(range) = parts.locate(path, Section::Whole) else {
        match SectionLabel::of(item) {
            Some(label) => writer.text(&label, None, wire.out()),
            None => writer.item(&size(path, 0), wire.out()),
        }
        return Ok(Ok(()));
    };
    let part = Part {
        content,
        range,
        encoding: encoding(parts, path),
    };
    let partial = match item {
        FetchItem::Binary { partial, .. } => *partial,
        _ => None,
    };
    let measured = match part.measure(wire, partial).await? {
        Ok(measured) => measured,
        Err(fault) => return Ok(Err(fault)),
    };
    match SectionLabel::of(item) {
        Some(label) => part.send(writer, wire, &label, measured).await?,
        None => writer.item(&size(path, measured.octets), wire.out()),
    }
    Ok(Ok(()))
}

fn size(path: &[u32], octets: u64) -> FetchData {
    let path = path.to_vec();
    FetchData::BinarySize { path, octets }
}

struct Part<'a> {
    content: &'a Content,
    range: Range<u64>,
    encoding: Encoding,
}

/// What the first reading found.
struct Measured {
    /// Of the whole part.
    octets: u64,
    /// Of the decoded octets, what is asked for.
    cut: Range<u64>,
    has_nul: bool,
    /// What is asked for, if it is not much.
    small: Option<Vec<u8>>,
}

impl Part<'_> {
    fn read(&self) -> Reading<'_> {
        Reading {
            content: self.content,
            left: self.range.clone(),
            decoder: Some(Decoder::new(self.encoding)),
            at: 0,
            decoded: Vec::new(),
        }
    }

    async fn measure(
        &self,
        wire: &Wire,
        partial: Option<Partial>,
    ) -> Result<Result<Measured, Fault>, Ended> {
        let origin = partial.map_or(0, |partial| partial.origin);
        let most = partial.map_or(u64::MAX, |partial| partial.octets);
        let wanted = origin..origin.saturating_add(most);
        let mut reading = self.read();
        let (mut has_nul, mut small) = (false, Some(Vec::new()));
        loop {
            let piece = match reading.next(&wanted) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(fault) => return Ok(Err(fault)),
            };
            has_nul |= piece.contains(&0);
            small = small.filter(|kept| kept.len() + piece.len() <= limits::CONTENT_BYTES);
            if let Some(kept) = &mut small {
                kept.extend_from_slice(piece);
            }
            wire.check_stop()?;
            tokio::task::yield_now().await;
        }
        let octets = reading.at;
        Ok(Ok(Measured {
            octets,
            cut: wanted.start.min(octets)..wanted.end.min(octets),
            has_nul,
            small,
        }))
    }

    /// A string where it can be one, for a client need not look for NULs in it then
    /// [rfc3516 4.3].
    async fn send(
        &self,
        writer: &mut FetchWriter,
        wire: &mut Wire,
        label: &SectionLabel,
        measured: Measured,
    ) -> Result<(), Ended> {
        let len = measured.cut.end - measured.cut.start;
        match measured.has_nul {
            true => writer.announce_binary(label, len, wire.out()),
            false => writer.announce(label, len, wire.out()),
        }
        if let Some(small) = &measured.small {
            writer.chunk(small, wire.out());
            return Ok(());
        }
        let mut reading = self.read();
        while writer.text_left() > 0 {
            match reading.next(&measured.cut) {
                Ok(Some(piece)) => writer.chunk(piece, wire.out()),
                broken => {
                    tracing::error!(fault = ?broken.err(), "a part broke off while it was sent");
                    return Err(Ended::Broken);
                }
            }
            wire.ease().await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// A part on its way from the disk.
struct Reading<'a> {
    content: &'a Content,
    /// Of the content, still encoded.
    left: Range<u64>,
    decoder: Option<Decoder>,
    /// Decoded octets so far.
    at: u64,
    decoded: Vec<u8>,
}

impl Reading<'_> {
    /// The next piece of the decoded octets, as much of it as lies in `wanted`; None at the end.
    fn next(&mut self, wanted: &Range<u64>) -> Result<Option<&[u8]>, Fault> {
        self.decoded.clear();
        let Some(mut decoder) = self.decoder.take() else {
            return Ok(None);
        };
        if self.left.is_empty() {
            decoder.end(&mut self.decoded);
        } else {
            let most = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
            let most = most.min(limits::CONTENT_BYTES);
            let piece = self.content.read(self.left.start, most)?;
            if piece.is_empty() {
                return Err(Fault::new(
                    "reading a part",
                    "it is shorter than its record says",
                ));
            }
            self.left.start += piece.len() as u64;
            decoder.piece(&piece, &mut self.decoded);
            self.decoder = Some(decoder);
        }
        let start = self.at;
        self.at += self.decoded.len() as u64;
        let inside = |at: u64| {
            let at = at.clamp(start, self.at) - start;
            usize::try_from(at).expect("because it is inside the piece")
        };
        Ok(Some(
            &self.decoded[inside(wanted.start)..inside(wanted.end)],
        ))
    }
}
