//! A report: JSON as RFC 8460 has it, packed by gzip, and the message that brings it.
//!
//! Pure. What never happens here: a look-up, sending.

use super::results::PolicyShown;
use super::sums::{Detail, PolicySums, Sums};
use addr::Address;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use net::Time;
use serde_json::{Map, Value, json};
use std::io::Write;

const DAY_S: i64 = 86_400;
const LINE: usize = 76;
pub(super) const MEDIA_TYPE: &str = "application/tlsrpt+gzip";

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Us.
    pub hostname: &'a str,
    /// The domain that gets it.
    pub domain: &'a str,
    /// Days since 1970; a report is about one. [rfc8460 4.1]
    pub day: u32,
}

impl About<'_> {
    fn begin(&self) -> Time {
        Time::from_seconds(i64::from(self.day) * DAY_S)
    }

    fn end(&self) -> Time {
        Time::from_seconds(self.begin().seconds() + DAY_S - 1)
    }

    /// The same for the same report, so that a second copy is known as one.
    pub fn id(&self) -> String {
        format!("{}.{}@{}", self.day, self.domain, self.hostname)
    }

    fn contact(&self) -> String {
        format!("postmaster@{}", self.hostname)
    }

    /// [rfc8460 5.1]
    fn file_name(&self) -> String {
        let (begin, end) = (self.begin().seconds(), self.end().seconds());
        format!("{}!{}!{begin}!{end}.json.gz", self.hostname, self.domain)
    }
}

/// `2016-04-01T00:00:00Z` [rfc3339 5.6]
fn rfc3339(time: Time) -> String {
    let c = time.civil();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}

/// [rfc8460 4.4]
pub(super) fn report(about: &About<'_>, sums: &Sums) -> String {
    let policies = sums.0.iter().map(|(shown, sums)| policy(shown, sums));
    let report = json!({
        "organization-name": about.hostname,
        "date-range": {
            "start-datetime": rfc3339(about.begin()),
            "end-datetime": rfc3339(about.end()),
        },
        "contact-info": about.contact(),
        "report-id": about.id(),
        "policies": policies.collect::<Vec<_>>(),
    });
    report.to_string()
}

fn policy(shown: &PolicyShown, sums: &PolicySums) -> Value {
    let mut policy = Map::new();
    policy.insert("policy-type".to_owned(), shown.kind.word().into());
    for (name, texts) in [("policy-string", &shown.lines), ("mx-host", &shown.mx)] {
        if !texts.is_empty() {
            policy.insert(name.to_owned(), texts.clone().into());
        }
    }
    policy.insert("policy-domain".to_owned(), shown.domain.clone().into());
    let details = sums.details.iter().map(|(one, count)| detail(one, *count));
    json!({
        "policy": policy,
        "summary": {
            "total-successful-session-count": sums.successes,
            "total-failure-session-count": sums.failures,
        },
        "failure-details": details.collect::<Vec<_>>(),
    })
}

fn detail(detail: &Detail, count: u64) -> Value {
    let mut fields = Map::new();
    fields.insert("result-type".to_owned(), detail.kind.word().into());
    let optional = [
        ("sending-mta-ip", &detail.from),
        ("receiving-ip", &detail.to),
        ("failure-reason-code", &detail.text),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.clone().into());
        }
    }
    let host = detail.host.clone();
    fields.insert("receiving-mx-hostname".to_owned(), host.into());
    fields.insert("failed-session-count".to_owned(), count.into());
    Value::Object(fields)
}

/// [rfc8460 5.2]
pub(super) fn packed(report: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let written = packer.write_all(report.as_bytes());
    let packed = written.and_then(|()| packer.finish());
    packed.expect("because a Vec takes everything")
}

/// The message. Its header asks that no failure of TLS keep it from those whom it tells about
/// failures of TLS. [rfc8460 5.3] [rfc8460 3] [rfc8689 3]
pub(super) fn message(about: &About<'_>, to: &Address, packed: &[u8], at: Time) -> String {
    let About {
        hostname, domain, ..
    } = about;
    let (id, boundary) = (about.id(), format!("=_tls.{}.{domain}", about.day));
    let day = rfc3339(about.begin());
    let day = &day[..10];
    let mut message = format!(
        "From: TLS reports <{}>\r\n\
         To: {to}\r\n\
         Subject: Report Domain: {domain}\r\n Submitter: {hostname}\r\n Report-ID: <{id}>\r\n\
         Date: {}\r\n\
         Message-ID: <{id}>\r\n\
         TLS-Report-Domain: {domain}\r\n\
         TLS-Report-Submitter: {hostname}\r\n\
         TLS-Required: No\r\n\
         Auto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"{boundary}\"\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         \r\n\
         This is an aggregate report about TLS in the mail that {hostname}\r\n\
         sent to {domain} on {day} (UTC).\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: {MEDIA_TYPE}\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment;\r\n filename=\"{}\"\r\n\
         \r\n",
        about.contact(),
        at.rfc5322(),
        about.file_name(),
    );
    let text = BASE64_STANDARD.encode(packed);
    for line in text.as_bytes().chunks(LINE) {
        message.push_str(&String::from_utf8_lossy(line));
        message.push_str("\r\n");
    }
    message.push_str(&format!("--{boundary}--\r\n"));
    message
}

#[cfg(test)]
mod tests {
    use super::super::results::{PolicyKind, ResultType};
    use super::super::sums::Ends;
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    const ABOUT: About<'_> = About {
        hostname: "mail.here.test",
        domain: "there.test",
        day: 20_780,
    };

    fn sums() -> Sums {
        let shown = PolicyShown {
            kind: PolicyKind::Sts,
            lines: vec!["version: STSv1".to_owned(), "mode: testing".to_owned()],
            domain: "there.test".to_owned(),
            mx: vec!["*.there.test".to_owned()],
        };
        let ends = Ends {
            host: "mx.there.test".to_owned(),
            from: Some("198.51.100.1".to_owned()),
            to: Some("192.0.2.1".to_owned()),
        };
        let mut sums = Sums::default();
        sums.count(shown.clone(), Ok(()), &ends);
        let failed = Err((ResultType::CertificateExpired, Some("old".to_owned())));
        sums.count(shown, failed, &ends);
        sums
    }

    #[test]
    fn a_report_has_the_fields_of_the_standard() {
        // [rfc8460 4.4] [rfc8460 4.1] [rfc8460 4.5] [rfc3339 5.6]
        let read: Value = serde_json::from_str(&report(&ABOUT, &sums())).expect("JSON");
        let expect = json!({
            "organization-name": "mail.here.test",
            "date-range": {
                "start-datetime": "2026-11-23T00:00:00Z",
                "end-datetime": "2026-11-23T23:59:59Z",
            },
            "contact-info": "postmaster@mail.here.test",
            "report-id": "20780.there.test@mail.here.test",
            "policies": [{
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing"],
                    "policy-domain": "there.test",
                    "mx-host": ["*.there.test"],
                },
                "summary": {
                    "total-successful-session-count": 1,
                    "total-failure-session-count": 1,
                },
                "failure-details": [{
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "198.51.100.1",
                    "receiving-mx-hostname": "mx.there.test",
                    "receiving-ip": "192.0.2.1",
                    "failed-session-count": 1,
                    "failure-reason-code": "old",
                }],
            }],
        });
        assert_eq!(read, expect);
    }

    #[test]
    fn a_message_brings_it() {
        // [rfc8460 5.1] [rfc8460 5.2] [rfc8460 5.3] [rfc8460 3] [rfc8689 3]
        let to: Address = "reports@there.test".parse().expect("an address");
        let report = report(&ABOUT, &sums());
        let at = Time::from_seconds(1_795_480_000);
        let message = message(&ABOUT, &to, &packed(&report), at);
        for line in [
            "To: reports@there.test",
            "Subject: Report Domain: there.test",
            " Submitter: mail.here.test",
            " Report-ID: <20780.there.test@mail.here.test>",
            "TLS-Report-Domain: there.test",
            "TLS-Report-Submitter: mail.here.test",
            "TLS-Required: No",
            "Content-Type: multipart/report; report-type=\"tlsrpt\";",
            "Content-Type: application/tlsrpt+gzip",
            " filename=\"mail.here.test!there.test!1795392000!1795478399.json.gz\"",
        ] {
            assert!(message.lines().any(|own| own == line), "{line}\n{message}");
        }
        assert!(message.is_ascii() && message.lines().all(|line| line.len() <= 998));
        let parts: Vec<&str> = message.split("\r\n\r\n").collect();
        let text = parts.last().expect("a part").split("--=_").next();
        let text: String = text.unwrap_or_default().split("\r\n").collect();
        let packed = BASE64_STANDARD.decode(text).expect("base64");
        let mut unpacked = String::new();
        let read = GzDecoder::new(&packed[..]).read_to_string(&mut unpacked);
        read.expect("gzip");
        assert_eq!(unpacked, report);
    }
}
