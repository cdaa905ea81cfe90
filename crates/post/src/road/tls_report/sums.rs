//! How often what was seen on one day with one domain: a row of the store, and the sums in memory
//! that become one.
//!
//! What never happens here: a report, a clock.

use super::results::{Failed, PolicyKind, PolicyShown, RESULT_TYPES, ResultType};
use crate::limits::{TLS_DETAILS, TLS_POLICIES};
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use std::collections::BTreeMap;

const VERSION: u8 = 1;

/// What was seen of each policy. Bounded: what comes beyond is counted, and not told apart.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sums(pub BTreeMap<PolicyShown, PolicySums>);

/// Of one policy. [rfc8460 4.5]
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PolicySums {
    pub successes: u64,
    pub failures: u64,
    /// Failures of one kind, each with how often.
    pub details: BTreeMap<Detail, u64>,
}

/// What failures have in common. [rfc8460 4.4]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Detail {
    pub kind: ResultType,
    pub host: String,
    /// Our address and theirs; none without a connection.
    pub from: Option<String>,
    pub to: Option<String>,
    pub text: Option<String>,
}

/// Where a session was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ends {
    pub host: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Sums {
    /// One session more.
    pub fn count(&mut self, shown: PolicyShown, result: Result<(), Failed>, ends: &Ends) {
        let Some(sums) = self.of(shown) else { return };
        let (kind, text) = match result {
            Ok(()) => {
                sums.successes += 1;
                return;
            }
            Err(failed) => failed,
        };
        let Ends { host, from, to } = ends.clone();
        let detail = Detail {
            kind,
            host,
            from,
            to,
            text,
        };
        sums.failures += 1;
        sums.add(detail, 1);
    }

    fn of(&mut self, shown: PolicyShown) -> Option<&mut PolicySums> {
        if self.0.len() >= TLS_POLICIES && !self.0.contains_key(&shown) {
            return None;
        }
        Some(self.0.entry(shown).or_default())
    }

    /// All of another.
    pub fn add(&mut self, other: Sums) {
        for (shown, more) in other.0 {
            let Some(sums) = self.of(shown) else { continue };
            sums.successes += more.successes;
            sums.failures += more.failures;
            for (detail, count) in more.details {
                sums.add(detail, count);
            }
        }
    }
}

impl PolicySums {
    fn add(&mut self, detail: Detail, count: u64) {
        if self.details.len() < TLS_DETAILS || self.details.contains_key(&detail) {
            *self.details.entry(detail).or_default() += count;
        }
    }
}

impl Record for Sums {
    const WHAT: &'static str = "what was seen of a domain's TLS";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.len(self.0.len());
        for (shown, sums) in &self.0 {
            w.u8(match shown.kind {
                PolicyKind::Tlsa => 0,
                PolicyKind::Sts => 1,
                PolicyKind::NoneFound => 2,
            });
            w.str(&shown.domain);
            for texts in [&shown.lines, &shown.mx] {
                w.len(texts.len());
                texts.iter().for_each(|text| {
                    w.str(text);
                });
            }
            w.uint(sums.successes).uint(sums.failures);
            w.len(sums.details.len());
            for (detail, count) in &sums.details {
                w.str(detail.kind.word()).str(&detail.host);
                for text in [&detail.from, &detail.to, &detail.text] {
                    w.option_str(text.as_deref());
                }
                w.uint(*count);
            }
        }
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let count = r.count()?;
        let policies = (0..count).map(|_| policy(&mut r));
        let sums = Sums(policies.collect::<Decoded<_>>()?);
        r.is_empty().then_some(sums).ok_or(Damaged)
    }
}

fn policy(r: &mut Reader<'_>) -> Decoded<(PolicyShown, PolicySums)> {
    let kind = match r.u8()? {
        0 => PolicyKind::Tlsa,
        1 => PolicyKind::Sts,
        2 => PolicyKind::NoneFound,
        _ => return Err(Damaged),
    };
    let domain = r.str()?.to_owned();
    let (lines, mx) = (texts(r)?, texts(r)?);
    let (successes, failures) = (r.counter()?, r.counter()?);
    let count = r.count()?;
    let details = (0..count).map(|_| Ok((detail(r)?, r.counter()?)));
    let details = details.collect::<Decoded<_>>()?;
    let shown = PolicyShown {
        kind,
        lines,
        domain,
        mx,
    };
    let sums = PolicySums {
        successes,
        failures,
        details,
    };
    Ok((shown, sums))
}

fn texts(r: &mut Reader<'_>) -> Decoded<Vec<String>> {
    let count = r.count()?;
    (0..count).map(|_| Ok(r.str()?.to_owned())).collect()
}

fn detail(r: &mut Reader<'_>) -> Decoded<Detail> {
    let word = r.str()?;
    let row = RESULT_TYPES.iter().find(|(_, own)| *own == word);
    let host = r.str()?.to_owned();
    let mut text = || r.option_str().map(|text| text.map(str::to_owned));
    Ok(Detail {
        kind: row.ok_or(Damaged)?.0,
        host,
        from: text()?,
        to: text()?,
        text: text()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(n: usize) -> PolicyShown {
        PolicyShown {
            kind: PolicyKind::Sts,
            lines: vec!["version: STSv1".to_owned(), format!("x: {n}")],
            domain: "example.test".to_owned(),
            mx: vec!["*.example.test".to_owned()],
        }
    }

    fn ends(host: &str) -> Ends {
        Ends {
            host: host.to_owned(),
            from: Some("198.51.100.1".to_owned()),
            to: None,
        }
    }

    #[test]
    fn sums_add_up_and_read_as_written() {
        let mut sums = Sums::default();
        let failed = || Err((ResultType::CertificateExpired, None));
        sums.count(shown(0), Ok(()), &ends("a.test"));
        sums.count(shown(0), failed(), &ends("a.test"));
        sums.count(shown(0), failed(), &ends("a.test"));
        let text = Some("why".to_owned());
        let other = Err((ResultType::ValidationFailure, text));
        sums.count(shown(1), other, &ends("b.test"));
        let mut twice = sums.clone();
        twice.add(sums.clone());
        let first = &twice.0[&shown(0)];
        assert_eq!((first.successes, first.failures), (2, 4));
        assert_eq!(first.details.values().copied().collect::<Vec<_>>(), [4]);
        assert_eq!(Sums::decode(&twice.encode()), Ok(twice));
        assert_eq!(Sums::decode(&[VERSION]), Err(Damaged));
    }

    #[test]
    fn nobody_can_make_a_days_sums_large() {
        let mut sums = Sums::default();
        for n in 0..TLS_DETAILS + 10 {
            let failed = Err((ResultType::CertificateExpired, None));
            sums.count(shown(0), failed, &ends(&format!("{n}.test")));
        }
        for n in 0..TLS_POLICIES + 10 {
            sums.count(shown(n), Ok(()), &ends("a.test"));
        }
        assert_eq!(sums.0.len(), TLS_POLICIES);
        let first = &sums.0[&shown(0)];
        assert_eq!(first.details.len(), TLS_DETAILS);
        assert_eq!(first.failures, TLS_DETAILS as u64 + 10);
    }
}
