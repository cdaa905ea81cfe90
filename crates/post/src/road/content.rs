//! The octets of a message on the road: header lines put before it, and the body as it is kept, or made
//! 7-bit on its way out.
//!
//! What never happens here: a choice of form.

use bytes::Bytes;
use mail::{BinaryEncoder, Mail};
use smtp::limits::CONTENT_BYTES;
use store::{Body, BodyId, Fault};

/// A message as it is sent.
#[derive(Clone)]
pub struct Content {
    prefix: Bytes,
    body: Octets,
    /// As it is kept.
    body_bytes: u64,
    /// Octets of the body made 7-bit, if that is how it goes.
    seven_bit_bytes: Option<u64>,
}

/// The message cannot be made ASCII: a part says that it is, and is not, or is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotConvertible;

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
            seven_bit_bytes: None,
        }
    }

    /// One that was made just now and is kept nowhere.
    pub fn made(prefix: Bytes, body: Body) -> Content {
        Content {
            body_bytes: body.len(),
            prefix,
            body: Octets::Made(body),
            seven_bit_bytes: None,
        }
    }

    /// Octets, prefix and body together.
    pub fn size(&self) -> u64 {
        self.prefix.len() as u64 + self.seven_bit_bytes.unwrap_or(self.body_bytes)
    }

    /// The same message in ASCII. It is made anew each time it is sent: this only looks whether that can
    /// be done, and how long it gets. [rfc6152 3]
    pub(crate) fn seven_bit(&self) -> Result<Result<Content, NotConvertible>, Fault> {
        let made = Content {
            seven_bit_bytes: Some(u64::MAX / 2),
            ..self.clone()
        };
        if !made.prefix.is_ascii() {
            return Ok(Err(NotConvertible));
        }
        let (mut feed, mut bytes) = (made.feed(), 0);
        feed.at = self.prefix.len() as u64;
        while let Some(piece) = feed.next()? {
            if !piece.is_ascii() {
                return Ok(Err(NotConvertible));
            }
            bytes += piece.len() as u64;
        }
        Ok(Ok(Content {
            seven_bit_bytes: Some(bytes),
            ..self.clone()
        }))
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
            encoder: self.seven_bit_bytes.map(|_| BinaryEncoder::seven_bit()),
            line_bytes: 0,
            has_long_line: false,
        }
    }
}

/// Reads a message in pieces, in order.
pub(crate) struct Feed<'a> {
    content: &'a Content,
    /// In the prefix and the body as it is kept.
    at: u64,
    /// Until its last piece, where the body is made 7-bit.
    encoder: Option<BinaryEncoder>,
    /// Of the line that is read.
    line_bytes: usize,
    has_long_line: bool,
}

impl Feed<'_> {
    /// Whether a line was longer than servers have to take. [rfc5321 4.5.3.1.6]
    pub fn has_long_line(&self) -> bool {
        self.has_long_line
    }

    /// The next piece; None at the end.
    pub fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let piece = self.next_made()?;
        if let Some(piece) = piece.as_ref().filter(|_| !self.has_long_line) {
            self.measure(piece);
        }
        Ok(piece)
    }

    fn measure(&mut self, piece: &[u8]) {
        let mut begins = 0;
        for end in memchr::memchr_iter(b'\n', piece).map(|at| at + 1) {
            self.has_long_line |= self.line_bytes + (end - begins) > LINE_BYTES;
            (self.line_bytes, begins) = (0, end);
        }
        self.line_bytes += piece.len() - begins;
        self.has_long_line |= self.line_bytes > LINE_BYTES;
    }

    fn next_made(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let is_prefix = self.at < self.content.prefix.len() as u64;
            let piece = self.next_kept()?;
            if is_prefix || self.content.seven_bit_bytes.is_none() {
                return Ok(piece);
            }
            let mut made = Vec::new();
            let Some(encoder) = &mut self.encoder else {
                return Ok(None);
            };
            let encoded = match &piece {
                Some(piece) => encoder.piece(piece, &mut made),
                None => match self.encoder.take() {
                    Some(encoder) => encoder.end(&mut made),
                    None => Ok(()),
                },
            };
            encoded.map_err(|_| Fault::new(READING, "it holds a NUL"))?;
            match (made.is_empty(), piece) {
                (false, _) => return Ok(Some(made.into())),
                (true, Some(_)) => {}
                (true, None) => return Ok(None),
            }
        }
    }

    fn next_kept(&mut self) -> Result<Option<Bytes>, Fault> {
        let prefix_bytes = self.content.prefix.len() as u64;
        let piece = match self.at {
            at if at >= prefix_bytes + self.content.body_bytes => return Ok(None),
            0 if prefix_bytes > 0 => self.content.prefix.clone(),
            at => self.content.read_body(at - prefix_bytes)?,
        };
        if piece.is_empty() {
            return Err(Fault::new(READING, "it ends too early"));
        }
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}

/// A line with its CRLF. [rfc5321 4.5.3.1.6]
const LINE_BYTES: usize = 1_000;

const READING: &str = "reading a message to send it";
