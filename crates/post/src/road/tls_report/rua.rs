//! The record by which a domain asks for reports about TLS. [rfc8460 3]
//!
//! Pure. What never happens here: a look-up.
//!
//! ```abnf
//! tlsrpt-record    = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
//! field-delim      = *WSP ";" *WSP
//! tlsrpt-field     = tlsrpt-rua / tlsrpt-extension
//! tlsrpt-version   = %s"v=TLSRPTv1"
//! tlsrpt-rua       = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
//! ```

use crate::limits::TLS_REPORT_URIS;
use addr::{Address, Charset};
use net::Url;

const WSP: [char; 2] = [' ', '\t'];

/// Where a report goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rua {
    Mail(Address),
    Https(Url),
}

/// The places that TXT records ask for. Records of other kinds do not matter; two, or one that is
/// not well-formed, ask for nothing. A URI of a kind that is not known is passed over.
pub fn places(records: &[String]) -> Vec<Rua> {
    let mut of_kind = records.iter().filter(|record| is_tlsrpt(record));
    let (Some(record), None) = (of_kind.next(), of_kind.next()) else {
        return Vec::new();
    };
    let fields = record
        .split(';')
        .skip(1)
        .map(|field| field.trim_matches(WSP));
    let uris = fields.filter_map(|field| field.strip_prefix("rua="));
    let uris = uris.take(1).flat_map(|value| value.split(','));
    let places = uris.filter_map(|uri| place(uri.trim_matches(WSP)));
    places.take(TLS_REPORT_URIS).collect()
}

fn is_tlsrpt(record: &str) -> bool {
    let rest = record.strip_prefix("v=TLSRPTv1");
    rest.is_some_and(|rest| rest.trim_start_matches(WSP).starts_with(';'))
}

fn place(uri: &str) -> Option<Rua> {
    let (scheme, rest) = uri.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "mailto" => {
            let address = rest.split('?').next()?;
            let address = Address::parse(&decoded(address)?, Charset::Ascii).ok()?;
            Some(Rua::Mail(address))
        }
        "https" => format!("https:{rest}").parse().ok().map(Rua::Https),
        _ => None,
    }
}

/// `pct-encoded = "%" HEXDIG HEXDIG` [rfc3986 2.1]
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high << 4 | low).ok()?
            }
            octet => octet,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Vec<String> {
        let records: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let shown = |rua| match rua {
            Rua::Mail(address) => address.to_string(),
            Rua::Https(url) => format!("{url:?}"),
        };
        places(&records).into_iter().map(shown).collect()
    }

    #[test]
    fn reads_where_reports_go() {
        // [rfc8460 3] [rfc3986 2.1]
        let one = ["v=TLSRPTv1;rua=mailto:reports@example.com"];
        assert_eq!(of(&one), ["reports@example.com"]);
        let several = [
            "v=spf1 -all",
            "v=TLSRPTv1 ; x=y; rua=mailto:a%2Bb@example.com , ftp://x/ ,MAILTO:c@example.net;",
        ];
        assert_eq!(of(&several), ["a+b@example.com", "c@example.net"]);
        let https = of(&["v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"]);
        assert!(https[0].contains("reporting.example.com"), "{https:?}");
        for none in [
            &[][..],
            &["v=TLSRPTv1"],
            &["v=TLSRPTv2; rua=mailto:a@example.com"],
            &["v=tlsrptv1; rua=mailto:a@example.com"],
            &["v=TLSRPTv1; rua=mailto:nobody"],
            &["v=TLSRPTv1; rua=mailto:a%4@example.com"],
            &["v=TLSRPTv1; rua=http://example.com/"],
            &["v=TLSRPTv1; ruf=mailto:a@example.com"],
            &[
                "v=TLSRPTv1; rua=mailto:a@b.example",
                "v=TLSRPTv1; rua=mailto:a@b.example",
            ],
        ] {
            assert_eq!(of(none), Vec::<String>::new(), "{none:?}");
        }
        let many = format!("v=TLSRPTv1; rua={}", ["mailto:a@example.com"; 50].join(","));
        assert_eq!(of(&[&many]).len(), TLS_REPORT_URIS);
    }
}
