//! MTA-STS: the record that tells of a policy, and the policy itself, as RFC 8461 section 3 has them.
//!
//! Pure. What never happens here: a look-up, a clock.
//!
//! ```abnf
//! sts-text-record    = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
//! sts-field          = sts-id / sts-extension
//! sts-field-delim    = *WSP ";" *WSP
//! sts-version        = %s"v=STSv1"
//! sts-id             = %s"id=" 1*32(ALPHA / DIGIT)
//!
//! sts-policy-record  = sts-policy-field *WSP *(sts-policy-term sts-policy-field *WSP)
//!                      [sts-policy-term]
//! sts-policy-field   = sts-policy-version / sts-policy-mode / sts-policy-mx /
//!                      sts-policy-max-age / sts-policy-extension
//! sts-policy-version = "version" ":" *WSP "STSv1"
//! sts-policy-mode    = "mode" ":" *WSP ("testing" / "enforce" / "none")
//! sts-policy-mx      = "mx" ":" *WSP (["*."] Domain)
//! sts-policy-max-age = "max_age" ":" *WSP 1*10(DIGIT)
//! sts-policy-term    = LF / CRLF
//! ```

use crate::limits::STS_MX;
use addr::{Charset, Domain};
use std::fmt;

/// The longest that a policy may ask to be kept: about a year. [rfc8461 3.2]
pub const MAX_AGE_S: u64 = 31_557_600;
const ID_LETTERS: usize = 32;

/// What a policy asks for. [rfc8461 5]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// Only hosts that it names, with proven TLS.
    Enforce,
    /// As `Enforce`, but mail goes on as without it; failures are reported.
    Testing,
    /// There is no policy any more.
    None,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        })
    }
}

/// A domain's policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    pub mode: Mode,
    pub mx: Vec<MxPattern>,
    pub max_age_s: u64,
}

/// `mx.example.org`, or `*.example.org` for names with one label more. [rfc8461 4.1]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MxPattern {
    Exactly(Domain),
    OneBelow(Domain),
}

impl fmt::Display for MxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MxPattern::Exactly(name) => write!(f, "{}", name.as_str()),
            MxPattern::OneBelow(parent) => write!(f, "*.{}", parent.as_str()),
        }
    }
}

/// What is wrong with a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    NotUtf8,
    Version,
    Mode,
    MaxAge,
    Mx,
    /// It asks for TLS with no host at all.
    NoMx,
    Line,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invalid::NotUtf8 => "the policy is no text",
            Invalid::Version => "the policy does not say version: STSv1",
            Invalid::Mode => "the policy has no mode that is known",
            Invalid::MaxAge => "the policy's max_age is missing or no number",
            Invalid::Mx => "the policy has a mx that is no host name",
            Invalid::NoMx => "the policy names no mx",
            Invalid::Line => "the policy has a line that is no field",
        })
    }
}

/// The id of the policy that TXT records tell of. Records of other kinds beside it do not matter;
/// two, or one that is not well-formed, tell of none. [rfc8461 3.1]
pub fn policy_id(records: &[String]) -> Option<String> {
    let mut of_kind = records.iter().filter(|record| is_sts(record));
    let record = of_kind.next()?;
    if of_kind.next().is_some() {
        return None;
    }
    let mut id = None;
    for field in record.trim_end().trim_end_matches(';').split(';').skip(1) {
        let (name, value) = field.trim_matches([' ', '\t']).split_once('=')?;
        if name == "id" && id.is_none() {
            let letters = value.bytes().all(|octet| octet.is_ascii_alphanumeric());
            let fits = letters && (1..=ID_LETTERS).contains(&value.len());
            id = Some(fits.then(|| value.to_owned())?);
        }
    }
    id
}

fn is_sts(record: &str) -> bool {
    let rest = record.strip_prefix("v=STSv1");
    rest.is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(';'))
}

impl Policy {
    /// Reads a policy. Of fields that stand there twice the first counts, `mx` excepted; fields
    /// that are not known mean nothing. [rfc8461 3.2]
    pub fn read(text: &[u8]) -> Result<Policy, Invalid> {
        let text = std::str::from_utf8(text).map_err(|_| Invalid::NotUtf8)?;
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut mx = Vec::new();
        for line in text.lines().map(str::trim_end) {
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(Invalid::Line)?;
            let value = value.trim_matches([' ', '\t']);
            let place = match name.trim_end() {
                "version" => &mut version,
                "mode" => &mut mode,
                "max_age" => &mut max_age,
                "mx" => {
                    mx.push(pattern(value).ok_or(Invalid::Mx)?);
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(value);
        }
        if version != Some("STSv1") {
            return Err(Invalid::Version);
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            _ => return Err(Invalid::Mode),
        };
        let max_age_s = max_age.and_then(seconds).ok_or(Invalid::MaxAge)?;
        if mx.is_empty() && mode != Mode::None {
            return Err(Invalid::NoMx);
        }
        mx.truncate(STS_MX);
        Ok(Policy {
            mode,
            mx,
            max_age_s,
        })
    }

    /// The policy as a text that reads the same.
    pub fn text(&self) -> String {
        let mut text = format!("version: STSv1\nmode: {}\n", self.mode);
        for pattern in &self.mx {
            text += &format!("mx: {pattern}\n");
        }
        text + &format!("max_age: {}\n", self.max_age_s)
    }

    /// Whether mail for the domain may go to this host. [rfc8461 4.1]
    pub fn names(&self, host: &Domain) -> bool {
        self.mx.iter().any(|pattern| match pattern {
            MxPattern::Exactly(name) => name == host,
            MxPattern::OneBelow(parent) => {
                let rest = host.as_str().split_once('.');
                rest.is_some_and(|(_, rest)| rest == parent.as_str())
            }
        })
    }
}

/// `1*10(DIGIT)`; more than the longest is the longest.
fn seconds(value: &str) -> Option<u64> {
    let digits = value.bytes().all(|octet| octet.is_ascii_digit());
    let fits = digits && (1..=10).contains(&value.len());
    let seconds = fits.then(|| value.parse::<u64>().ok()).flatten()?;
    Some(seconds.min(MAX_AGE_S))
}

fn pattern(value: &str) -> Option<MxPattern> {
    let domain = |text: &str| {
        let text = text.strip_suffix('.').unwrap_or(text);
        Domain::parse(text.as_bytes(), Charset::Ascii).ok()
    };
    match value.strip_prefix("*.") {
        Some(parent) => domain(parent).map(MxPattern::OneBelow),
        None => domain(value).map(MxPattern::Exactly),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn one_record_tells_of_a_policy() {
        // [rfc8461 3.1]
        let id = |texts: &[&str]| policy_id(&records(texts));
        let some = Some("20160831085700Z".to_owned());
        assert_eq!(id(&["v=STSv1; id=20160831085700Z;"]), some);
        assert_eq!(id(&["v=STSv1;id=20160831085700Z"]), some);
        let among = ["v=spf1 -all", "v=STSv1 ; x=1; id=20160831085700Z ; id=2"];
        assert_eq!(id(&among), some, "others beside it, and fields beside");
        for none in [
            &[][..],
            &["v=STSv1; id=1;", "v=STSv1; id=1;"],
            &["v=STSv1"],
            &["v=STSv1;"],
            &["v=STSv2; id=1"],
            &["v=stsv1; id=1"],
            &["v=STSv1; id="],
            &["v=STSv1; id=a-b"],
            &["v=STSv1; id=012345678901234567890123456789012"],
            &["v=STSv1; broken; id=1"],
            &[" v=STSv1; id=1"],
        ] {
            assert_eq!(id(none), None, "{none:?}");
        }
    }

    fn domain(text: &str) -> Domain {
        text.parse().expect("a domain")
    }

    #[test]
    fn reads_a_policy() {
        // [rfc8461 3.2]
        let text = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
            mx: *.Example.NET\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";
        let policy = Policy::read(text).expect("it is one");
        assert_eq!((policy.mode, policy.max_age_s), (Mode::Enforce, 604_800));
        assert_eq!(policy.mx.len(), 3);
        assert_eq!(Policy::read(policy.text().as_bytes()), Ok(policy));
        let twice =
            b"max_age:9999999999\nmode:testing  \nversion:\tSTSv1\nx_y:z\nmode:none\nmx:a.b";
        let policy = Policy::read(twice).expect("it is one");
        assert_eq!((policy.mode, policy.max_age_s), (Mode::Testing, MAX_AGE_S));
        let none = Policy::read(b"version: STSv1\nmode: none\nmax_age: 0\n");
        assert_eq!(none.map(|policy| policy.mode), Ok(Mode::None));
    }

    #[test]
    fn refuses_what_is_no_policy() {
        // [rfc8461 3.2]
        for (text, why) in [
            ("", Invalid::Version),
            ("version: STSv2\nmode: none\nmax_age: 1", Invalid::Version),
            ("version: STSv1\nmode: strict\nmax_age: 1", Invalid::Mode),
            ("version: STSv1\nmax_age: 1", Invalid::Mode),
            ("version: STSv1\nmode: none", Invalid::MaxAge),
            ("version: STSv1\nmode: none\nmax_age: -1", Invalid::MaxAge),
            (
                "version: STSv1\nmode: none\nmax_age: 12345678901",
                Invalid::MaxAge,
            ),
            ("version: STSv1\nmode: enforce\nmax_age: 1", Invalid::NoMx),
            (
                "version: STSv1\nmode: enforce\nmax_age: 1\nmx: *",
                Invalid::Mx,
            ),
            (
                "version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.*.b",
                Invalid::Mx,
            ),
            ("<html>", Invalid::Line),
        ] {
            assert_eq!(Policy::read(text.as_bytes()), Err(why), "{text}");
        }
        assert_eq!(Policy::read(b"\xff"), Err(Invalid::NotUtf8));
    }

    #[test]
    fn a_star_stands_for_one_label() {
        // [rfc8461 4.1]
        let text =
            b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 1";
        let policy = Policy::read(text).expect("it is one");
        for (host, is_named) in [
            ("mx.example.com", true),
            ("MX.EXAMPLE.COM", true),
            ("a.example.net", true),
            ("example.net", false),
            ("a.b.example.net", false),
            ("a.mx.example.com", false),
            ("example.com", false),
            ("aexample.net", false),
        ] {
            assert_eq!(policy.names(&domain(host)), is_named, "{host}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_so_that_it_reads_the_same(
            text in "(version: STSv1\n|mode: (enforce|testing|none)\n|max_age: [0-9]{1,10}\n|mx: [*a-c.]{1,8}\n|[ -~]{0,20}\n){0,12}"
        ) {
            if let Ok(policy) = Policy::read(text.as_bytes()) {
                prop_assert!(policy.max_age_s <= MAX_AGE_S);
                prop_assert_eq!(Policy::read(policy.text().as_bytes()), Ok(policy));
            }
        }
    }
}
