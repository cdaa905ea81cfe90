//! A message while its content streams in: to the store's body, past the header reader.
//!
//! On the way, binary parts are turned into base64 (what is stored is CRLF lines without NUL, as
//! IMAP and POP3 send them), so are 8-bit parts of what is to be signed, and Return-Path fields are
//! taken out. What is to be signed is looked at
//! as it is kept. A trouble is remembered and told
//! at the end: a client that is sending content reads no reply before. What never happens here: a
//! whole message in memory.

use crate::envelope::{Envelope, MessageId};
use crate::header::HeaderReader;
use crate::log;
use crate::qualify::Qualifier;
use crate::refusal::Refusal;
use crate::return_path::ReturnPathFilter;
use crate::sign::gather::Gather;
use addr::Domain;
use mail::{BinaryEncoder, NulOutsideBinary};
use smtp::BodyType;
use store::{BodyRefusal, BodyWriter};

/// Takes the content of one message.
pub struct Arriving {
    id: MessageId,
    binary: Option<Binary>,
    /// For what users of this machine write.
    qualifier: Option<Qualifier>,
    return_path: ReturnPathFilter,
    pub(crate) writer: Option<BodyWriter>,
    pub(crate) header: HeaderReader,
    /// Of a message that may be signed.
    pub(crate) gather: Option<Gather>,
    trouble: Option<Refusal>,
}

/// In how many bits a message is kept. What is signed is not to be changed on its way by those who
/// take seven only. [rfc6376 5.3]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bits {
    AsTheyCame,
    Seven,
}

impl Arriving {
    pub(crate) fn new(
        envelope: &Envelope,
        writer: BodyWriter,
        header: HeaderReader,
        gather: Option<Gather>,
        bits: Bits,
    ) -> Arriving {
        let is_binary = envelope.body() == Some(BodyType::BinaryMime);
        Arriving {
            id: envelope.id.clone(),
            binary: match (bits, is_binary) {
                (Bits::Seven, _) => Some(Binary::new(BinaryEncoder::seven_bit())),
                (Bits::AsTheyCame, true) => Some(Binary::new(BinaryEncoder::new())),
                (Bits::AsTheyCame, false) => None,
            },
            qualifier: None,
            return_path: ReturnPathFilter::new(),
            writer: Some(writer),
            header,
            gather,
            trouble: None,
        }
    }

    /// Names without a domain in its header get this one.
    pub(crate) fn qualifying(mut self, origin: &Domain) -> Arriving {
        self.qualifier = Some(Qualifier::new(origin));
        self
    }

    /// Takes a piece of the content, unstuffed.
    pub async fn write(&mut self, piece: &[u8]) {
        let mut encoded = Vec::new();
        let lines = match &mut self.binary {
            None => Ok(piece),
            Some(binary) => binary.piece(piece, &mut encoded).map(|()| &*encoded),
        };
        match lines {
            Ok(lines) => self.write_lines(lines).await,
            Err(refusal) => self.fail(refusal),
        }
    }

    /// The content has ended; what was held on the way is written.
    pub(crate) async fn end(&mut self) {
        if let Some(binary) = self.binary.take() {
            let mut held = Vec::new();
            match binary.end(&mut held) {
                Ok(()) => self.write_lines(&held).await,
                Err(refusal) => self.fail(refusal),
            }
        }
        if let Some(qualifier) = self.qualifier.take() {
            let mut held = Vec::new();
            qualifier.end(&mut held);
            self.write_qualified(&held).await;
        }
        let filter = std::mem::replace(&mut self.return_path, ReturnPathFilter::new());
        let mut held = Vec::new();
        filter.end(&mut held);
        self.write_kept(&held).await;
    }

    async fn write_lines(&mut self, lines: &[u8]) {
        let Some(qualifier) = &mut self.qualifier else {
            return self.write_qualified(lines).await;
        };
        let mut qualified = Vec::with_capacity(lines.len());
        qualifier.piece(lines, &mut qualified);
        self.write_qualified(&qualified).await;
    }

    async fn write_qualified(&mut self, lines: &[u8]) {
        if self.return_path.is_over() {
            return self.write_kept(lines).await;
        }
        let mut kept = Vec::with_capacity(lines.len());
        self.return_path.piece(lines, &mut kept);
        self.write_kept(&kept).await;
    }

    async fn write_kept(&mut self, kept: &[u8]) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        self.header.read(kept);
        if let Some(gather) = &mut self.gather {
            gather.piece(kept, self.header.begins());
        }
        if let Err(refused) = writer.write(kept).await {
            let refusal = body_refusal(&self.id, &refused);
            self.fail(refusal);
        }
    }

    fn fail(&mut self, refusal: Refusal) {
        self.trouble.get_or_insert(refusal);
        // what was written so far is of no use to anybody
        self.writer = None;
    }

    /// What went wrong on the way, if anything.
    pub(crate) fn trouble(&self) -> Option<Refusal> {
        self.trouble.clone()
    }
}

/// A message that may have binary parts. What is no such part has to be lines.
struct Binary {
    encoder: BinaryEncoder,
    /// The last octet that came out.
    last: u8,
}

impl Binary {
    fn new(encoder: BinaryEncoder) -> Binary {
        Binary { encoder, last: 0 }
    }

    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let NulOutsideBinary = match self.encoder.piece(piece, out) {
            Ok(()) => return self.look(out),
            Err(nul) => nul,
        };
        Err(Refusal::Nul)
    }

    fn end(mut self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let encoder = std::mem::take(&mut self.encoder);
        encoder.end(out).map_err(|NulOutsideBinary| Refusal::Nul)?;
        self.look(out)?;
        if self.last == b'\r' {
            Err(Refusal::BareNewline)
        } else {
            Ok(())
        }
    }

    /// A CR or LF that stands alone cannot be kept in lines, and nothing said that it is binary.
    fn look(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        for &octet in octets {
            if (octet == b'\n') != (self.last == b'\r') {
                return Err(Refusal::BareNewline);
            }
            self.last = octet;
        }
        Ok(())
    }
}

/// The store's refusal of a body in the words of the road; a fault is logged.
pub(crate) fn body_refusal(id: &MessageId, refused: &BodyRefusal) -> Refusal {
    match refused {
        BodyRefusal::Busy => Refusal::Busy,
        BodyRefusal::Full => Refusal::StoreFull,
        BodyRefusal::ReadOnly(fault) => {
            log::fault(id, fault);
            Refusal::StoreFull
        }
        BodyRefusal::Fault(fault) => {
            log::fault(id, fault);
            Refusal::Unavailable
        }
    }
}
