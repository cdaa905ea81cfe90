//! A report as a message: multipart/report with its three parts.
//!
//! The message that comes back whole is not held: it stands between what is `before` it and what is
//! `after`, so it can be of any size. What never happens here: I/O, a clock.

use super::{Fate, Reporter, Returned, Subject, status, words};
use crate::limits;
use addr::Charset;
use smtp::BodyType;

/// A report, to be sent from the null path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    pub before: Vec<u8>,
    /// What stands between.
    pub returned: Returned,
    pub after: Vec<u8>,
    /// Whether it needs SMTPUTF8 on its way.
    pub charset: Charset,
    pub body: BodyType,
}

/// The report of these fates; all are of one message. `charset` is what `charset()` chose, and
/// `original` that of the message.
pub fn compose(
    reporter: &Reporter<'_>,
    subject: &Subject<'_>,
    fates: &[Fate<'_>],
    returned: Returned,
    charset: Charset,
    original: Charset,
) -> Report {
    let header = returned_header(subject.header);
    // In ASCII a message with UTF-8 in its header would have to be encoded as a whole.
    // [rfc6533 4.5]
    let returned = match (original, charset) {
        (Charset::Utf8, Charset::Ascii) => Returned::Header,
        _ => returned,
    };
    let boundary = format!("=_{}", reporter.token);
    let mut out = Vec::new();
    head(reporter, subject, fates, &boundary, &mut out);
    let text = words::text(reporter, subject, fates, returned);
    part(
        "text/plain; charset=utf-8",
        text.as_bytes(),
        charset,
        &boundary,
        &mut out,
    );
    let fields = status::fields(reporter, subject, fates, charset);
    // what ASCII can hold keeps the usual type [rfc6533 4.4]
    let kind = match fields.is_ascii() {
        true => "message/delivery-status",
        false => "message/global-delivery-status",
    };
    part(kind, fields.as_bytes(), charset, &boundary, &mut out);
    let has_utf8 = original == Charset::Utf8 && !header.is_ascii();
    match returned {
        Returned::Header => {
            let kind = match has_utf8 {
                true => "message/global-headers", // [rfc6533 4.3]
                false => "text/rfc822-headers",   // [rfc6522 4]
            };
            part(kind, header, charset, &boundary, &mut out);
        }
        Returned::Whole => {
            let kind = match original {
                Charset::Utf8 => "message/global", // [rfc6533 4.2]
                Charset::Ascii => "message/rfc822",
            };
            let begin = format!(
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            );
            out.extend_from_slice(begin.as_bytes());
        }
    }
    let body = match returned == Returned::Whole || !out.is_ascii() {
        true => BodyType::EightBitMime,
        false => BodyType::SevenBit,
    };
    Report {
        before: out,
        returned,
        after: format!("\r\n--{boundary}--\r\n").into_bytes(),
        charset,
        body,
    }
}

/// The header of the report itself. [rfc3464 2] [rfc6522 3] [rfc3834 3.1.7]
fn head(
    reporter: &Reporter<'_>,
    subject: &Subject<'_>,
    fates: &[Fate<'_>],
    boundary: &str,
    out: &mut Vec<u8>,
) {
    let Reporter {
        hostname,
        postmaster,
        at,
        token,
    } = reporter;
    let mut head = format!(
        "From: Mail delivery <{postmaster}>\r\n\
         To: {}\r\n\
         Subject: {}\r\n\
         Date: {}\r\n\
         Message-ID: <{token}@{hostname}>\r\n",
        subject.sender,
        words::subject(fates),
        at.rfc5322(),
    );
    if let Some(id) = message_id(subject.header) {
        // [rfc3834 3.1.5]
        head.push_str(&format!("In-Reply-To: {id}\r\nReferences: {id}\r\n"));
    }
    head.push_str(&format!(
        "Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\
         \tboundary=\"{boundary}\"\r\n\
         \r\n\
         This is a report on a message that you have sent, in parts as MIME has them.\r\n\
         \r\n"
    ));
    out.extend_from_slice(head.as_bytes());
}

/// The message's own name, if it is a plain one.
fn message_id(header: &[u8]) -> Option<String> {
    let name = b"message-id:";
    let lines = words::header_of(header).split(|octet| *octet == b'\n');
    let mut ids = lines.filter(|line| {
        let start = line.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    });
    let only = ids.next().filter(|_| ids.next().is_none())?;
    let value = std::str::from_utf8(&only[name.len()..]).ok()?.trim();
    let inner = value.strip_prefix('<')?.strip_suffix('>')?;
    let plain = |octet: u8| (b'!'..=b'~').contains(&octet) && !b"<>".contains(&octet);
    let is_plain = !inner.is_empty() && value.len() <= LONGEST_ID && inner.bytes().all(plain);
    is_plain.then(|| value.to_owned())
}

/// A longer name would make long lines.
const LONGEST_ID: usize = 250;

/// The header lines that come back: whole lines within a bound.
fn returned_header(message: &[u8]) -> &[u8] {
    let header = words::header_of(message);
    if header.len() <= limits::RETURNED_HEADER_BYTES && header.ends_with(b"\n") {
        return header;
    }
    let cut = &header[..header.len().min(limits::RETURNED_HEADER_BYTES)];
    let end = cut.iter().rposition(|octet| *octet == b'\n');
    &cut[..end.map_or(0, |end| end + 1)]
}

/// One part, encoded as far as the report's charset asks for it.
fn part(kind: &str, content: &[u8], charset: Charset, boundary: &str, out: &mut Vec<u8>) {
    let encoding = match (content.is_ascii() && !has_long_line(content), charset) {
        (true, _) => "7bit",
        (false, Charset::Utf8) if !has_long_line(content) => "8bit",
        (false, _) => "quoted-printable",
    };
    let begin = format!(
        "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    out.extend_from_slice(begin.as_bytes());
    match encoding {
        "quoted-printable" => quoted_printable(content, out),
        _ => out.extend_from_slice(content),
    }
    out.extend_from_slice(b"\r\n");
}

/// Lines stay lines; within them only what everybody passes on.
///
/// ```abnf
/// qp-line := *(qp-segment transport-padding CRLF) qp-part transport-padding    ; [rfc2045 6.7]
/// ```
fn quoted_printable(content: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for (at, &octet) in content.iter().enumerate() {
        let behind = content.get(at + 1);
        let is_end = matches!(behind, None | Some(b'\r' | b'\n'));
        let piece = match octet {
            b'\n' => {
                out.extend_from_slice(b"\r\n");
                column = 0;
                continue;
            }
            b'\r' if behind == Some(&b'\n') => continue,
            b' ' | b'\t' if !is_end => vec![octet],
            b'!'..=b'~' if octet != b'=' => vec![octet],
            _ => format!("={octet:02X}").into_bytes(),
        };
        // the "=" of a soft break stands in column 76 at most
        if column + piece.len() > 75 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += piece.len();
        out.extend_from_slice(&piece);
    }
}

/// [rfc5322 2.1.1]
fn has_long_line(content: &[u8]) -> bool {
    content
        .split(|octet| *octet == b'\n')
        .any(|line| line.len() > LONGEST_LINE)
}

const LONGEST_LINE: usize = 990;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_keeps_lines_and_hides_the_rest() {
        // [rfc2045 6.7]
        let check = |content: &str, expect: &str| {
            let mut out = Vec::new();
            quoted_printable(content.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expect, "{content:?}");
        };
        check("a = b\r\nc \r\n", "a =3D b\r\nc=20\r\n");
        check("é\rx", "=C3=A9=0Dx");
        check(&"x".repeat(76), &format!("{}=\r\nx", "x".repeat(75)));
        let line = format!("{}=", "x".repeat(74));
        check(&line, &format!("{}=\r\n=3D", "x".repeat(74)));
    }
}
