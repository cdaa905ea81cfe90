//! The octets of a message on the road: header lines put before it, and the body as it is kept.
//!
//! What never happens here: a look at what they say.

use bytes::Bytes;
use mail::Mail;
use smtp::limits::CONTENT_BYTES;
use store::{Body, BodyId, Fault};

/// A message as it is sent.
#[derive(Clone)]
pub struct Content {
    prefix: Bytes,
    body: Octets,
    body_bytes: u64,
}

#[derive(Clone)]
enum Octets {
    Held(Mail, BodyId),
    Made(Body),
}

impl Content {
    /// A message of the queue: whole header lines, and the body that is held for it.
    pub fn held(prefix: Bytes, mail: Mail, body: BodyId, body_bytes: u64) -> Content {
        let body = Octets::Held(mail, body);
        Content {
            prefix,
            body,
            body_bytes,
        }
    }

    /// One that was made just now and is kept nowhere.
    pub fn made(prefix: Bytes, body: Body) -> Content {
        Content {
            body_bytes: body.len(),
            prefix,
            body: Octets::Made(body),
        }
    }

    /// Octets, prefix and body together.
    pub fn size(&self) -> u64 {
        self.prefix.len() as u64 + self.body_bytes
    }

    fn read_body(&self, from: u64) -> Result<Bytes, Fault> {
        match &self.body {
            Octets::Held(mail, id) => mail.held_body(*id, from, CONTENT_BYTES),
            Octets::Made(body) => body.read(from, CONTENT_BYTES),
        }
    }

    /// From its first octet on.
    pub(crate) fn feed(&self) -> Feed<'_> {
        Feed {
            content: self,
            at: 0,
        }
    }
}

/// Reads a message in pieces, in order.
pub(crate) struct Feed<'a> {
    content: &'a Content,
    at: u64,
}

impl Feed<'_> {
    /// The next piece; None at the end.
    pub fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let prefix_bytes = self.content.prefix.len() as u64;
        let piece = match self.at {
            at if at >= self.content.size() => return Ok(None),
            0 if prefix_bytes > 0 => self.content.prefix.clone(),
            at => self.content.read_body(at - prefix_bytes)?,
        };
        if piece.is_empty() {
            return Err(Fault::new(
                "reading a message to send it",
                "it ends too early",
            ));
        }
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}
