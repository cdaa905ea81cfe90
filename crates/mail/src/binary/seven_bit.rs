//! How a part goes where only ASCII in short lines is taken: as it is, in quoted-printable, in base64.
//!
//! Decided from what the part begins with, as its header goes before it; that much is held. What
//! never happens here: where a part begins and ends.

use super::{Base64Lines, Media, QuotedLines};
use crate::limits::SEVEN_BIT_SAMPLE_BYTES;
use crate::parse::field;

/// Octets of a line that every server takes, its end left out. [rfc5321 4.5.3.1.6] [rfc5322 2.1.1]
const LINE_BYTES: usize = 998;

/// A part whose header and first octets are held.
#[derive(Debug)]
pub(super) struct Undecided {
    /// Its whole fields.
    pub head: Vec<u8>,
    /// The line that ends the header.
    pub empty_line: Vec<u8>,
    pub sample: Vec<u8>,
    pub media: Media,
    pub has_media: bool,
    /// It is a message's own header, which says that it is MIME.
    pub is_of_message: bool,
}

/// How the content goes on.
#[derive(Debug)]
pub(super) enum Form {
    AsItIs,
    Quoted(QuotedLines),
    Base64(Base64Lines),
}

/// Whether the part is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    Whole,
    GoesOn,
}

impl Undecided {
    /// Octets that are still looked at.
    pub fn room(&self) -> usize {
        SEVEN_BIT_SAMPLE_BYTES - self.sample.len()
    }

    /// Writes header and sample in the form that they need.
    pub fn decide(mut self, extent: Extent, out: &mut Vec<u8>) -> Form {
        let says_eight = says_eight(&self.head);
        let form = form(&self.sample, says_eight, &self.media, extent);
        match &form {
            Form::AsItIs if says_eight && extent == Extent::Whole && self.sample.is_ascii() => {
                say(&mut self.head, b"7bit");
            }
            Form::AsItIs => {}
            Form::Quoted(_) => self.say_encoded(b"quoted-printable"),
            Form::Base64(_) => self.say_encoded(b"base64"),
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.empty_line);
        let mut form = form;
        form.piece(&self.sample, out);
        form
    }

    /// What has an encoding is MIME, and says so; of text that says nothing of itself nobody knows
    /// more than what it looks like.
    fn say_encoded(&mut self, word: &[u8]) {
        let is_mime = field::first(&self.head, "mime-version").is_some();
        if self.is_of_message && !is_mime {
            self.head.extend_from_slice(b"MIME-Version: 1.0\r\n");
            if !self.has_media {
                let charset = match std::str::from_utf8(&self.sample) {
                    _ if self.sample.is_ascii() => "us-ascii",
                    Ok(_) => "utf-8",
                    // it may be cut in the middle of a letter
                    Err(error) if error.error_len().is_none() => "utf-8",
                    Err(_) => "unknown-8bit",
                };
                let line = format!("Content-Type: text/plain; charset={charset}\r\n");
                self.head.extend_from_slice(line.as_bytes());
            }
        }
        say(&mut self.head, word);
    }
}

impl Form {
    pub fn piece(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self {
            Form::AsItIs => out.extend_from_slice(octets),
            Form::Quoted(lines) => lines.piece(octets, out),
            Form::Base64(lines) => lines.piece(octets, out),
        }
    }
}

/// Text that is mostly ASCII stays readable; all else takes base64. [rfc2045 6.7] [rfc6152 3]
fn form(sample: &[u8], says_eight: bool, media: &Media, extent: Extent) -> Form {
    let high = sample.iter().filter(|octet| !octet.is_ascii()).count();
    let may_follow = says_eight && extent == Extent::GoesOn;
    if media.stays || (high == 0 && !may_follow && !has_long_line(sample)) {
        return Form::AsItIs;
    }
    // three letters for one, against four for three
    match media.is_text && high.saturating_mul(6) <= sample.len() {
        true => Form::Quoted(QuotedLines::default()),
        false => Form::Base64(Base64Lines::default()),
    }
}

fn has_long_line(sample: &[u8]) -> bool {
    let mut lines = sample.split(|octet| *octet == b'\n');
    lines.any(|line| line.strip_suffix(b"\r").unwrap_or(line).len() > LINE_BYTES)
}

/// Whether a header says `8bit`.
pub(super) fn says_eight(head: &[u8]) -> bool {
    let said = field::unfolded(head, "content-transfer-encoding").unwrap_or_default();
    field::encoding_word(&said) == b"8bit"
}

/// Puts an encoding in the place of what a header says of it, or at its end.
pub(super) fn say(head: &mut Vec<u8>, word: &[u8]) {
    const NAME: &[u8] = b"content-transfer-encoding";
    let line = [b"Content-Transfer-Encoding: ", word, b"\r\n"].concat();
    let mut said = Vec::with_capacity(head.len() + line.len());
    let (mut has_said, mut is_dropped) = (false, false);
    for one in head.split_inclusive(|octet| *octet == b'\n') {
        if !matches!(one.first(), Some(b' ' | b'\t')) {
            let name = one.split(|octet| *octet == b':').next().unwrap_or_default();
            is_dropped = name.trim_ascii_end().eq_ignore_ascii_case(NAME);
            if is_dropped && !has_said {
                has_said = true;
                said.extend_from_slice(&line);
            }
        }
        if !is_dropped {
            said.extend_from_slice(one);
        }
    }
    if !has_said {
        said.extend_from_slice(&line);
    }
    *head = said;
}
