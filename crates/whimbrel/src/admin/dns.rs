//! The DNS records that a hosted domain needs, as far as they are of use today.
//!
//! What never happens here: asking or changing the DNS.

use super::request::DnsRecord;

/// What stands where the server's own name is not known.
const UNKNOWN_HOST: &str = "YOUR.SERVERS.NAME";

/// The records of a domain whose mail comes to `hostname`.
pub fn records(domain: &str, hostname: Option<&str>) -> Vec<DnsRecord> {
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
    vec![
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
            "only this server sends for the domain (it does not send yet; `-all` keeps forgers out)",
        ),
        record(
            "_dmarc",
            "TXT",
            format!("\"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\""),
            "others report what they see of forgery; DKIM comes when Whimbrel can send, a stricter \
             policy after that",
        ),
        service(
            "_imaps._tcp",
            0,
            993,
            "mail programs find IMAP [rfc6186 3.2]",
        ),
        service(
            "_submissions._tcp",
            0,
            465,
            "mail programs find submission [rfc8314 5.1]",
        ),
        service(
            "_pop3s._tcp",
            10,
            995,
            "mail programs find POP3, after IMAP [rfc6186 3.3]",
        ),
        no_service(
            "_imap._tcp",
            "there is no IMAP without TLS from the start to look for",
        ),
        no_service("_pop3._tcp", "nor POP3"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [rfc6186 3.2] [rfc6186 3.3] [rfc8314 5.1]
    #[test]
    fn names_the_services_that_are_there_and_those_that_are_not() {
        let records = records("example.org", Some("mx.example.net"));
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
}
