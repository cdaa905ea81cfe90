//! The mail samples of `tests/mails`, and messages made on the spot.
//!
//! What never happens here: randomness; a sample is the same at every run.

use std::path::{Path, PathBuf};

/// Name and octets of every `.eml` file, by name.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mails");
    let entries = std::fs::read_dir(&folder).expect("because the folder is part of the tree");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("because it was just listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let bytes = std::fs::read(&path).expect("because it was just listed");
        (name.unwrap_or_default(), bytes)
    });
    named.collect()
}

/// SMTP takes lines that end in CRLF, hold no NUL and are no longer than 998 octets [rfc5321 4.5.3.1.6].
pub fn is_fit_for_smtp(message: &[u8]) -> bool {
    let mut rest = message;
    while let Some(end) = rest
        .iter()
        .position(|&byte| matches!(byte, b'\r' | b'\n' | 0))
    {
        if end > 998 || !rest[end..].starts_with(b"\r\n") {
            return false;
        }
        rest = &rest[end + 2..];
    }
    rest.is_empty()
}

/// The message with CRLF where it has CR or LF alone.
pub fn with_line_ends(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    let mut before = 0;
    for (index, &byte) in message.iter().enumerate() {
        let is_half = match byte {
            b'\n' => before != b'\r',
            b'\r' => message.get(index + 1) != Some(&b'\n'),
            _ => false,
        };
        if is_half {
            out.extend_from_slice(b"\r\n");
        } else {
            out.push(byte);
        }
        before = byte;
    }
    out
}

/// A plain message with a subject.
pub fn message(subject: &str, body: &str) -> Vec<u8> {
    let head = "From: bob@example.test\r\nTo: alice@example.test\r\n\
                Date: Mon, 23 Nov 2026 01:20:09 +0000\r\n";
    format!("{head}Subject: {subject}\r\n\r\n{body}\r\n").into_bytes()
}

/// A message with an attachment of so many octets, in base64.
pub fn with_attachment(octets: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let head = "From: bob@example.test\r\nTo: alice@example.test\r\nSubject: Large\r\n\
                MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"cut-here\"\r\n\r\n\
                --cut-here\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n\
                --cut-here\r\nContent-Type: application/octet-stream\r\n\
                Content-Disposition: attachment; filename=\"large.bin\"\r\n\
                Content-Transfer-Encoding: base64\r\n\r\n";
    let mut out = head.as_bytes().to_vec();
    // Digits of a simple generator: as base64 they stand for octets of their own.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for digit in 0..octets.div_ceil(3) * 4 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.push(DIGITS[(state >> 58) as usize]);
        if digit % 76 == 75 {
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n--cut-here--\r\n");
    out
}
