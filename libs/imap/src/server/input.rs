//! The bytes that came and are not taken yet, and lines in them. Never here: what a line means.

/// An empty buffer larger than this is given back, so that idle connections cost little.
const KEPT_BYTES: usize = 4 * 1024;

#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// All before it is taken.
    start: usize,
    /// No line end between `start` and here.
    searched: usize,
}

pub(super) enum Line {
    NotYet,
    /// Without its line end.
    Whole(Vec<u8>),
    /// Longer than allowed; nothing of it is taken.
    TooLong,
}

impl Input {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub fn clear(&mut self) {
        *self = Input::default();
    }

    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// A line of at most `most` octets. It ends with CRLF; a bare LF is taken as well, as all IMAP
    /// servers do, so that a person at a plain socket gets an answer. The answer depends on the
    /// bytes only, not on how they were cut.
    pub fn line(&mut self, most: usize) -> Line {
        let Some(end) = self.line_end() else {
            // One more may be the CR before the LF to come.
            return if self.waiting().len() > most + 1 {
                Line::TooLong
            } else {
                Line::NotYet
            };
        };
        let line = &self.bytes[self.start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > most {
            return Line::TooLong;
        }
        let line = line.to_vec();
        self.skip(end + 1 - self.start);
        Line::Whole(line)
    }

    /// Where the next LF is.
    fn line_end(&mut self) -> Option<usize> {
        match memchr::memchr(b'\n', &self.bytes[self.searched..]) {
            Some(at) => {
                // Looked for again only from here should the line not be taken.
                self.searched += at;
                Some(self.searched)
            }
            None => {
                self.searched = self.bytes.len();
                None
            }
        }
    }

    /// How many octets the line takes with its line end; None when it is not complete.
    pub fn line_len(&mut self) -> Option<usize> {
        self.line_end().map(|end| end + 1 - self.start)
    }

    /// At most `most` octets; without a copy when all that waits is wanted.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        if self.start == 0 && self.bytes.len() <= most {
            self.searched = 0;
            return std::mem::take(&mut self.bytes);
        }
        let len = most.min(self.waiting().len());
        let taken = self.waiting()[..len].to_vec();
        self.skip(len);
        taken
    }

    pub fn skip(&mut self, octets: usize) {
        self.start += octets;
        self.searched = self.searched.max(self.start);
        if self.start == self.bytes.len() {
            self.start = 0;
            self.searched = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_BYTES {
                self.bytes = Vec::new();
            }
        }
    }
}
