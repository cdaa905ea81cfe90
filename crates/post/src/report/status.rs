//! The part of a report that programs read: message/delivery-status, or its UTF-8 form.
//!
//! What never happens here: the choice of what is told.
//!
//! ```abnf
//! delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )   ; [rfc3464 2.1]
//! per-message-fields   = [ Original-Envelope-Id ] Reporting-MTA [ Arrival-Date ] [ Deliver-By-Date ]
//!                        [ Future-Release-Request ] *( extension )
//! per-recipient-fields = [ Original-Recipient ] Final-Recipient Action Status [ Remote-MTA ]
//!                        [ Diagnostic-Code ] [ Last-Attempt-Date ] [ Will-Retry-Until ]
//! ```

use super::{Action, Fate, Named, Reporter, Said, Subject};
use addr::{Charset, ForwardPath, Host};

/// Lines are folded before this column where they have a space. [rfc5322 2.1.1]
const COLUMNS: usize = 76;
/// What has no space is cut here; a line has at most 998 octets. [rfc5322 2.1.1]
const LONGEST_WORD: usize = 900;

/// All fields, each with its CRLF, an empty line before each recipient.
pub(super) fn fields(
    reporter: &Reporter<'_>,
    subject: &Subject<'_>,
    fates: &[Fate<'_>],
    charset: Charset,
) -> String {
    let mut out = Fields {
        text: String::new(),
        charset,
    };
    if let Some(envid) = subject.envid {
        out.field("Original-Envelope-Id", &envid.decoded()); // [rfc3464 2.2.1] [rfc3461 6.3]
    }
    out.field("Reporting-MTA", &mta(reporter.hostname)); // [rfc3464 2.2.2]
    out.field("Arrival-Date", &subject.arrived.rfc5322()); // [rfc3464 2.2.5]
    if let Some(by) = subject.deliver_by {
        out.field("Deliver-By-Date", &by.rfc5322()); // [rfc2852 5]
    }
    if let Some(hold) = subject.hold {
        out.field("Future-Release-Request", &hold.to_string()); // [rfc4865 5.1.2]
    }
    out.field("X-Whimbrel-Id", subject.id); // [rfc3464 2.4]
    for fate in fates {
        out.text.push_str("\r\n");
        recipient(fate, &mut out);
    }
    out.text
}

/// [rfc3464 2.3]
fn recipient(fate: &Fate<'_>, out: &mut Fields) {
    if let Some(original) = fate.original {
        out.field("Original-Recipient", &original.told(out.charset)); // [rfc3464 2.3.1]
    }
    out.field(
        "Final-Recipient",
        &final_recipient(fate.recipient, out.charset),
    ); // [rfc3464 2.3.2]
    out.field("Action", fate.action.word()); // [rfc3464 2.3.3]
    out.field("Status", &fate.status.to_string()); // [rfc3464 2.3.4]
    match fate.said {
        Said::Nothing => {}
        Said::Server { host, reply } => {
            out.field("Remote-MTA", &mta(host)); // [rfc3464 2.3.5]
            out.field("Diagnostic-Code", &format!("smtp; {reply}")); // [rfc3464 2.3.6]
        }
        Said::Ours(why) => out.field("Diagnostic-Code", &format!("X-Whimbrel; {why}")),
    }
    if let Some(at) = fate.last_attempt {
        out.field("Last-Attempt-Date", &at.rfc5322()); // [rfc3464 2.3.7]
    }
    if let Some(until) = fate.retry_until.filter(|_| fate.action == Action::Delayed) {
        out.field("Will-Retry-Until", &until.rfc5322()); // [rfc3464 2.3.9]
    }
}

/// The type says that the name is one of the DNS only if it is. [rfc3461 6.3]
fn mta(name: &str) -> String {
    let kind = match Host::parse(name.as_bytes(), Charset::Utf8) {
        Ok(_) => "dns",
        Err(_) => "x-local-hostname",
    };
    format!("{kind}; {name}")
}

/// The address of the envelope, exactly. [rfc3464 2.3.2] [rfc3461 6.3]
fn final_recipient(named: Named<'_>, charset: Charset) -> String {
    let address = match named {
        Named::Path(ForwardPath::Postmaster) => return "rfc822;postmaster".to_owned(),
        Named::Path(ForwardPath::Address(address)) => address,
        Named::Unreadable(text) => return format!("unknown;{text}"), // [rfc3464 2.3.1]
    };
    let text = address.to_string();
    match (text.is_ascii(), charset) {
        (true, _) => format!("rfc822;{text}"),
        (false, Charset::Utf8) => format!("utf-8;{text}"), // [rfc6533 4.1]
        (false, Charset::Ascii) => format!("utf-8;{}", xtext(&text)), // [rfc6533 3]
    }
}

/// The form of an address in ASCII only.
///
/// ```abnf
/// utf-8-addr-xtext = 1*(QCHAR / EmbeddedUnicodeChar)    ; [rfc6533 3]
/// ```
fn xtext(address: &str) -> String {
    let mut text = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '!'..='~' if !"\\+=".contains(c) => text.push(c),
            _ => text.push_str(&format!("\\x{{{:02X}}}", u32::from(c))),
        }
    }
    text
}

struct Fields {
    text: String,
    charset: Charset,
}

impl Fields {
    /// One field, folded, with nothing in it that could end it or that its charset has not.
    fn field(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        self.text.push(':');
        let mut column = name.len() + 1;
        let safe = |c: char| match (c, self.charset) {
            (c, _) if c.is_control() => '?',
            (c, Charset::Ascii) if !c.is_ascii() => '?',
            (c, _) => c,
        };
        let value: String = value.chars().map(safe).collect();
        for word in value.split(' ').filter(|word| !word.is_empty()) {
            let mut rest = word;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(LONGEST_WORD));
                let fold = column + 1 + piece.len() > COLUMNS && column > name.len() + 1;
                self.text.push_str(if fold { "\r\n " } else { " " });
                column = if fold { 1 } else { column + 1 } + piece.len();
                self.text.push_str(piece);
                rest = after;
            }
        }
        self.text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(charset: Charset, value: &str, expect: &str) {
        let text = String::new();
        let mut fields = Fields { text, charset };
        fields.field("Diagnostic-Code", value);
        assert_eq!(fields.text, expect);
    }

    #[test]
    fn a_field_stays_in_its_lines() {
        // [rfc3464 2.1] [rfc5322 2.1.1]
        check(
            Charset::Ascii,
            "smtp; 550 nö\r\nX: y",
            "Diagnostic-Code: smtp; 550 n???X: y\r\n",
        );
        check(
            Charset::Utf8,
            "smtp; 550 nö",
            "Diagnostic-Code: smtp; 550 nö\r\n",
        );
        let long = format!("smtp; 550 {} {}", "x".repeat(70), "y".repeat(1_000));
        let text = String::new();
        let charset = Charset::Ascii;
        let mut fields = Fields { text, charset };
        fields.field("Diagnostic-Code", &long);
        assert!(fields.text.lines().all(|line| line.len() < 998));
        let lines: Vec<&str> = fields.text.split("\r\n").collect();
        assert!(
            lines[1..]
                .iter()
                .all(|l| l.is_empty() || l.starts_with(' '))
        );
        assert!(lines[1].starts_with(" xxx"), "{lines:?}");
    }

    #[test]
    fn an_address_is_told_in_the_form_that_the_part_can_have() {
        // [rfc3464 2.3.2] [rfc6533 3] [rfc6533 4.1]
        let check = |path: &str, ascii: &str, utf8: &str| {
            let path = ForwardPath::parse(path.as_bytes(), Charset::Utf8).unwrap();
            let path = Named::Path(&path);
            assert_eq!(final_recipient(path, Charset::Ascii), ascii);
            assert_eq!(final_recipient(path, Charset::Utf8), utf8);
        };
        let plain = "rfc822;Bob+x@example.test";
        check("<Bob+x@example.test>", plain, plain);
        let unreadable = Named::Unreadable("TO:<a b@x.test>");
        let told = final_recipient(unreadable, Charset::Ascii);
        assert_eq!(told, "unknown;TO:<a b@x.test>"); // [rfc3464 2.3.1]
        check("<POSTMASTER>", "rfc822;postmaster", "rfc822;postmaster");
        check(
            "<jürgen+x@example.test>",
            "utf-8;j\\x{FC}rgen\\x{2B}x@example.test",
            "utf-8;jürgen+x@example.test",
        );
    }

    #[test]
    fn only_a_name_of_the_dns_is_called_one() {
        // [rfc3461 6.3]
        assert_eq!(mta("mx.example.test"), "dns; mx.example.test");
        assert_eq!(mta("[192.0.2.1]"), "dns; [192.0.2.1]");
        assert_eq!(mta("my box"), "x-local-hostname; my box");
    }
}
