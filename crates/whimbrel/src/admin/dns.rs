//! The DNS records that a hosted domain needs, as far as they are of use today.
//!
//! What never happens here: asking or changing the DNS.

use super::request::DnsRecord;
use mail::{DkimKey, KeyState};

/// What stands where the server's own name is not known.
const UNKNOWN_HOST: &str = "YOUR.SERVERS.NAME";

/// Octets of one string of a TXT record. (RFC 1035 section 3.3)
const STRING_BYTES: usize = 255;

/// The record of a key, exactly as it is to be published.
pub fn dkim_record(domain: &str, key: &DkimKey) -> DnsRecord {
    let why = match key.state {
        KeyState::Waiting => "others verify mail by it; the key signs when the DNS shows this",
        KeyState::Active => "others verify mail by it",
        KeyState::Retired => "mail that it signed is still on the road",
    };
    DnsRecord {
        name: format!("{}._domainkey.{domain}.", key.selector),
        kind: "TXT".to_owned(),
        value: text(&post::key_record(key)),
        why: why.to_owned(),
    }
}

/// A text in strings of the length that the DNS allows. [rfc6376 3.6.2.2]
fn text(whole: &str) -> String {
    let pieces = whole.as_bytes().chunks(STRING_BYTES);
    let quoted = pieces.map(|piece| format!("\"{}\"", piece.escape_ascii()));
    quoted.collect::<Vec<_>>().join(" ")
}

/// The records of a domain whose mail comes to `hostname`, and which signs with these keys.
pub fn records(domain: &str, hostname: Option<&str>, keys: &[DkimKey]) -> Vec<DnsRecord> {
    let host = hostname.unwrap_or(UNKNOWN_HOST).trim_end_matches('.');
    let record = |name: &str, kind: &str, value: String, why: &str| DnsRecord {
        name: match name {
            "" => format!("{domain}."),
            _ => format!("{name}.{domain}."),
        },
        kind: kind.to_owned(),
        value,
        why: why.to_owned(),
    };
    let service = |name: &str, priority: u8, port: u16, why: &str| {
        record(name, "SRV", format!("{priority} 1 {port} {host}."), why)
    };
    let no_service = |name: &str, why: &str| record(name, "SRV", "0 0 0 .".to_owned(), why);
    let mut records = vec![
        record(
            "",
            "MX",
            format!("10 {host}."),
            "mail for the domain comes here",
        ),
        record(
            "",
            "TXT",
            "\"v=spf1 mx -all\"".to_owned(),
            "only this server sends for the domain (RFC 7208)",
        ),
        record(
            "_dmarc",
            "TXT",
            format!("\"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\""),
            "others report what they see of forgery; when the reports show that your own mail passes, \
             p=quarantine keeps the rest out (RFC 7489)",
        ),
        // [rfc6186 3.2] [rfc6186 3.3] [rfc8314 5.1]
        service("_imaps._tcp", 0, 993, "mail programs find IMAP (RFC 6186)"),
        service(
            "_submissions._tcp",
            0,
            465,
            "mail programs find submission (RFC 8314)",
        ),
        service(
            "_pop3s._tcp",
            10,
            995,
            "mail programs find POP3, after IMAP (RFC 6186)",
        ),
        no_service(
            "_imap._tcp",
            "there is no IMAP without TLS from the start to look for",
        ),
        no_service("_pop3._tcp", "nor POP3"),
        record(
            "_smtp._tls",
            "TXT",
            format!("\"v=TLSRPTv1; rua=mailto:postmaster@{domain}\""),
            "others report when TLS to this server fails (RFC 8460)",
        ),
        record(
            "_mta-sts",
            "TXT",
            "\"v=STSv1; id=1\"".to_owned(),
            &format!(
                "others insist on TLS; only with a web server that shows, at \
                 https://mta-sts.{domain}/.well-known/mta-sts.txt, the lines: version: STSv1, mode: \
                 testing, mx: {host}, max_age: 604800 (RFC 8461)"
            ),
        ),
    ];
    records.splice(2..2, keys.iter().map(|key| dkim_record(domain, key)));
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [rfc6186 3.2] [rfc6186 3.3] [rfc8314 5.1]
    #[test]
    fn names_the_services_that_are_there_and_those_that_are_not() {
        let records = records("example.org", Some("mx.example.net"), &[]);
        let line = |name: &str, value: &str| {
            assert!(
                records.iter().any(|r| r.name == name && r.value == value),
                "{name} {value}"
            );
        };
        line("example.org.", "10 mx.example.net.");
        line("_imaps._tcp.example.org.", "0 1 993 mx.example.net.");
        line("_submissions._tcp.example.org.", "0 1 465 mx.example.net.");
        line("_pop3s._tcp.example.org.", "10 1 995 mx.example.net.");
        line("_imap._tcp.example.org.", "0 0 0 .");
        assert!(records.iter().all(|r| !r.name.contains("_domainkey")));
    }

    /// [rfc6376 3.6.2.2]
    #[test]
    fn a_long_text_stands_in_several_strings() {
        let long = "x".repeat(STRING_BYTES + 1);
        let strings = text(&long);
        assert_eq!(strings, format!("\"{}\" \"x\"", &long[1..]));
        assert_eq!(text("v=1; \"q\""), r#""v=1; \"q\"""#);
    }
}
