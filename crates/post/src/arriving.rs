//! A message while its content streams in: to the store's body, past the header reader.
//!
//! A trouble on the way is remembered and told at the end: a client that is sending content reads
//! no reply before its final dot. What never happens here: a whole message in memory.

use crate::envelope::MessageId;
use crate::header::HeaderReader;
use crate::log;
use crate::refusal::Refusal;
use store::{BodyRefusal, BodyWriter};

/// Takes the content of one message.
pub struct Arriving {
    id: MessageId,
    pub(crate) writer: Option<BodyWriter>,
    pub(crate) header: HeaderReader,
    trouble: Option<Refusal>,
}

impl Arriving {
    pub(crate) fn new(id: MessageId, writer: BodyWriter, header: HeaderReader) -> Arriving {
        Arriving {
            id,
            writer: Some(writer),
            header,
            trouble: None,
        }
    }

    /// Takes a piece of the content, unstuffed.
    pub async fn write(&mut self, piece: &[u8]) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        self.header.read(piece);
        if let Err(refused) = writer.write(piece).await {
            self.trouble = Some(body_refusal(&self.id, &refused));
            // what was written so far is of no use to anybody
            self.writer = None;
        }
    }

    /// What went wrong on the way, if anything.
    pub(crate) fn trouble(&self) -> Option<Refusal> {
        self.trouble.clone()
    }
}

/// The store's refusal of a body in the words of the road; a fault is logged.
pub(crate) fn body_refusal(id: &MessageId, refused: &BodyRefusal) -> Refusal {
    match refused {
        BodyRefusal::Busy => Refusal::Busy,
        BodyRefusal::Full => Refusal::StoreFull,
        BodyRefusal::Fault(fault) => {
            log::fault(id, fault);
            Refusal::Unavailable
        }
    }
}
