//! What a server answers: single lines, response codes, and the pieces of a multi-line answer.
//!
//! The words of an answer are the door's; this file only keeps them on one line and within bounds.

use crate::limits::ANSWER_LINE_BYTES;
use std::fmt;

/// A response code, so that a program can tell why [rfc2449 8] [rfc3206 4].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Our trouble, and it will pass [rfc3206 4].
    SysTemp,
    /// Our trouble, and somebody has to act [rfc3206 4].
    SysPerm,
    /// The name or the password was wrong [rfc3206 5].
    Auth,
    /// The maildrop is used by another session [rfc2449 8.1.2].
    InUse,
    /// The message needs UTF-8, and the client has not said `UTF8` [rfc6856 5].
    Utf8,
    /// Too soon after the last login [rfc2449 8.1.1].
    LoginDelay,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::SysTemp => "[SYS/TEMP]",
            Code::SysPerm => "[SYS/PERM]",
            Code::Auth => "[AUTH]",
            Code::InUse => "[IN-USE]",
            Code::Utf8 => "[UTF8]",
            Code::LoginDelay => "[LOGIN-DELAY]",
        })
    }
}

/// One thing to send. Every event is answered by one of `Ok`, `Err`, `Challenge`, `Receive` or
/// `StartTls`, or by `Begin`, any number of `Line` and `Data`, and `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// `+OK text`, in upper case like `-ERR` [rfc1939 3].
    Ok(&'a str),
    /// `-ERR [code] text`
    Err(Option<Code>, &'a str),
    /// `+ base64`: the next line is the answer to it [rfc5034 4].
    Challenge(&'a str),
    /// `+OK text`, then the handshake: what was buffered is dropped [rfc2595 4].
    StartTls(&'a str),
    /// `+OK text`, and then the client sends a message.
    Receive(&'a str),
    /// `+OK text`, the first line of a multi-line answer.
    Begin(&'a str),
    /// One line of a multi-line answer, without its CRLF.
    Line(&'a str),
    /// Octets of a multi-line answer, cut anywhere.
    Data(&'a [u8]),
    /// The end of a multi-line answer: the CRLF that is missing, and the dot.
    End,
}

/// ```abnf
/// single-line = status [SP text] CRLF       ;512 octets maximum
/// status      = "+OK" / "-ERR"
/// text        = *schar / resp-code *CHAR
/// ```
pub(crate) fn single_line(out: &mut Vec<u8>, status: &str, code: Option<Code>, text: &str) {
    let mut line = String::from(status);
    if let Some(code) = code {
        line.push(' ');
        line.push_str(&code.to_string());
    }
    if !text.is_empty() {
        line.push(' ');
        push_clean(&mut line, text, code);
    }
    let mut end = line.len().min(ANSWER_LINE_BYTES - 2);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    out.extend_from_slice(&line.as_bytes()[..end]);
    out.extend_from_slice(b"\r\n");
}

/// An answer is one line whatever stands in the text, and only a code begins with a bracket.
fn push_clean(line: &mut String, text: &str, code: Option<Code>) {
    let clean = text.chars().map(|c| if c.is_control() { '?' } else { c });
    match text.strip_prefix('[') {
        Some(_) if code.is_none() => {
            line.push('(');
            line.extend(clean.skip(1));
        }
        _ => line.extend(clean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: &str, code: Option<Code>, text: &str, expect: &str) {
        let mut out = Vec::new();
        single_line(&mut out, status, code, text);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn writes_status_code_and_text() {
        // [rfc1939 3] [rfc1939 3 #1] [rfc1939 A #1]
        check("+OK", None, "", "+OK\r\n");
        check("+OK", None, "2 320", "+OK 2 320\r\n");
        check(
            "-ERR",
            Some(Code::SysTemp),
            "later",
            "-ERR [SYS/TEMP] later\r\n",
        );
        check("-ERR", Some(Code::Auth), "", "-ERR [AUTH]\r\n");
    }

    #[test]
    fn every_code_stands_in_brackets_before_the_text() {
        // [rfc2449 8] [rfc2449 8.1.1] [rfc2449 8.1.2] [rfc3206 4] [rfc3206 5] [rfc6856 5]
        for (code, expect) in [
            (Code::SysTemp, "-ERR [SYS/TEMP] x\r\n"),
            (Code::SysPerm, "-ERR [SYS/PERM] x\r\n"),
            (Code::Auth, "-ERR [AUTH] x\r\n"),
            (Code::InUse, "-ERR [IN-USE] x\r\n"),
            (Code::Utf8, "-ERR [UTF8] x\r\n"),
            (Code::LoginDelay, "-ERR [LOGIN-DELAY] x\r\n"),
        ] {
            check("-ERR", Some(code), "x", expect);
        }
    }

    #[test]
    fn an_answer_stays_one_line_of_512_octets() {
        // [rfc2449 4]
        check("+OK", None, "a\r\n-ERR b\0", "+OK a??-ERR b?\r\n");
        let mut out = Vec::new();
        single_line(&mut out, "+OK", None, &"\u{e9}".repeat(600));
        assert!(out.len() <= 512 && out.ends_with(b"\r\n"));
        assert!(String::from_utf8(out).is_ok());
    }

    #[test]
    fn only_a_code_begins_with_a_bracket() {
        // [rfc2449 3]
        check("-ERR", None, "[AUTH] no", "-ERR (AUTH] no\r\n");
    }
}
