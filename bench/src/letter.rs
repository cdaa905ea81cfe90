//! Messages to send: of an exact size, told apart by a number, with the header fields that mail has.
//!
//! The text is made of words, so that it compresses about as people's text does; what is larger
//! brings an attachment, which hardly compresses. Never here: anybody's mail.

use std::fmt::Write;

/// Above this a message brings an attachment.
const TEXT_ONLY: usize = 32 * 1024;
const LINE: usize = 72;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BOUNDARY: &str = "----=_part_7f3a91";

const WORDS: &[&str] = &[
    "the", "of", "and", "to", "in", "that", "was", "for", "with", "this", "from", "have", "not",
    "which", "were", "about", "there", "their", "would", "time", "after", "people", "could",
    "other", "new", "first", "between", "should", "because", "before", "through", "meeting",
    "project", "report", "invoice", "question", "answer", "tomorrow", "schedule", "budget",
    "release", "customer", "delivery", "address", "morning", "evening", "attached", "document",
    "version", "change", "problem", "solution", "thanks", "regards", "please", "confirm", "review",
    "week", "month", "number", "order", "contract", "office", "server", "network", "message",
    "letter", "travel", "ticket", "station", "harbour", "bird", "river", "garden", "winter",
    "summer", "kitchen", "window", "paper", "yellow", "silver", "quiet", "early", "seldom",
];

/// The same numbers at every run.
struct Dice(u64);

impl Dice {
    fn of(number: u64) -> Dice {
        Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

/// A message of exactly so many octets, at least 1,024; its lines end with CRLF and none begins with
/// a dot.
pub fn letter(octets: usize, number: u64) -> Vec<u8> {
    let mut dice = Dice::of(number);
    let is_text = octets <= TEXT_ONLY;
    let mut text = header(&mut dice, number);
    if is_text {
        text.push_str(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n",
        );
    } else {
        let _ = write!(
            text,
            "Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\r\n\r\n--{BOUNDARY}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n"
        );
        words(&mut text, &mut dice, 4_096);
        let _ = write!(
            text,
            "--{BOUNDARY}\r\nContent-Type: application/pdf; name=\"report.pdf\"\r\n\
             Content-Disposition: attachment; filename=\"report.pdf\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n"
        );
    }
    let end = match is_text {
        true => String::new(),
        false => format!("--{BOUNDARY}--\r\n"),
    };
    let left = octets.saturating_sub(text.len() + end.len());
    match is_text {
        true => words(&mut text, &mut dice, left),
        false => attachment(&mut text, &mut dice, left),
    }
    text.push_str(&end);
    text.into_bytes()
}

/// As large and in the same form, but of octets without order: no archiver makes it much smaller.
pub fn hardly_compressible(octets: usize, number: u64) -> Vec<u8> {
    let mut dice = Dice::of(number);
    let mut text = header(&mut dice, number).into_bytes();
    text.extend_from_slice(
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
    );
    while text.len() < octets {
        for _ in 0..line_length(octets - text.len()) {
            // Neither a line's end nor a dot.
            let octet = match dice.below(256) as u8 {
                octet @ (0 | b'\r' | b'\n' | b'.') => octet | 0x80,
                octet => octet,
            };
            text.push(octet);
        }
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// Never so long that a last line has no room for its CRLF.
fn line_length(left: usize) -> usize {
    match left <= LINE + 2 {
        true => left - 2,
        false => LINE.min(left - 5),
    }
}

fn header(dice: &mut Dice, number: u64) -> String {
    let (from, to) = (dice.word(), dice.word());
    let mut text = String::new();
    let _ = write!(
        text,
        "Received: from relay{number}.example.net (relay{number}.example.net [192.0.2.7])\r\n\
         \tby mx.example.org with ESMTPS id {number:016x}\r\n\
         \tfor <{to}@example.test>; Thu, 01 Jan 2026 12:00:00 +0000\r\n\
         From: \"{from} {to}\" <{from}@example.net>\r\n\
         To: \"{to} {from}\" <{to}@example.test>\r\n\
         Subject: {} {} {} ({number})\r\n\
         Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n\
         Message-ID: <{number:016x}.{from}@example.net>\r\n\
         MIME-Version: 1.0\r\n\
         User-Agent: Letters 1.0\r\n",
        dice.word(),
        dice.word(),
        dice.word(),
    );
    text
}

/// Exactly so many octets of lines of words.
fn words(text: &mut String, dice: &mut Dice, octets: usize) {
    let end = text.len() + octets;
    while text.len() < end {
        let line_end = text.len() + line_length(end - text.len());
        while text.len() < line_end {
            text.push_str(dice.word());
            text.push(' ');
        }
        text.truncate(line_end);
        text.push_str("\r\n");
    }
}

/// Exactly so many octets of lines of base64.
fn attachment(text: &mut String, dice: &mut Dice, octets: usize) {
    let end = text.len() + octets;
    while text.len() < end {
        for _ in 0..line_length(end - text.len()) {
            text.push(char::from(BASE64[dice.below(64)]));
        }
        text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_its_size_and_goes_over_the_wire_as_it_is() {
        for octets in [
            1_024, 1_025, 1_100, 8_192, 8_193, 32_768, 40_000, 102_400, 102_401,
        ] {
            for number in [0, 1, 77, u64::MAX] {
                let letter = letter(octets, number);
                assert_eq!(letter.len(), octets, "number {number}");
                assert!(letter.ends_with(b"\r\n"));
                for line in letter.split_inclusive(|byte| *byte == b'\n') {
                    assert!(line.ends_with(b"\r\n") && line.len() < 200 && line[0] != b'.');
                }
            }
        }
    }

    #[test]
    fn letters_without_order_have_their_size_and_form_as_well() {
        for octets in [1_024, 8_192, 8_193] {
            let letter = hardly_compressible(octets, 7);
            assert_eq!(letter.len(), octets);
            for line in letter.split_inclusive(|byte| *byte == b'\n') {
                assert!(line.ends_with(b"\r\n") && line[0] != b'.' && !line.contains(&0));
            }
        }
    }

    #[test]
    fn letters_differ_by_their_number_only() {
        assert_eq!(letter(8_192, 5), letter(8_192, 5));
        assert_ne!(letter(8_192, 5), letter(8_192, 6));
    }
}
