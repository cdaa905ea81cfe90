//! Whether a domain says that mail of its senders may come from the client's address. [rfc7208 4.6]
//!
//! mail-auth reads the records and their macros; what they lead to is asked here, of our resolver,
//! within the bounds that the RFC sets. What never happens here: a refusal, an explanation for the
//! peer (`exp`), a name looked up for an address (`ptr` never fits: nobody should use it).

use crate::limits;
use crate::report::SpfResult;
use addr::{Address, ReversePath};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::spf::{Macro, Mechanism, Qualifier, Spf, Variables};
use net::time::timeout;
use net::{Answer, Resolver};
use std::net::IpAddr;

/// Whom it is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub ip: IpAddr,
    /// What the client calls itself.
    pub helo: &'a str,
    pub sender: &'a ReversePath,
    /// Our name.
    pub hostname: &'a str,
}

/// What was asked, and what the answer is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Checked {
    pub result: SpfResult,
    /// As Authentication-Results has it. [rfc8601 2.7.2]
    pub words: String,
}

/// Asks the sender's domain; that of the client's name where there is no sender. [rfc7208 2.4]
pub(crate) async fn check(asked: &Asked<'_>, resolver: &Resolver) -> Checked {
    let (sender, domain, of) = match asked.sender.address().map(|one| (one, one.domain())) {
        Some((address, Some(domain))) => {
            let sender = format!("{}@{domain}", local(address));
            (sender, domain.as_str().to_owned(), "mailfrom")
        }
        // the address of a host has no records
        Some((address, None)) => (address.to_string(), String::new(), "mailfrom"),
        None => {
            let sender = format!("postmaster@{}", asked.helo);
            (sender, asked.helo.to_owned(), "helo")
        }
    };
    let ip = asked.ip.to_canonical();
    let mut variables = Variables::new();
    variables.set_ip(&ip);
    variables.set_sender(sender.into_bytes());
    variables.set_helo_domain(asked.helo.as_bytes().to_vec());
    variables.set_host_domain(asked.hostname.as_bytes().to_vec());
    let mut walk = Walk {
        resolver,
        ip,
        variables,
        terms: 0,
        voids: 0,
    };
    let walked = timeout(limits::SPF, walk.host(domain.clone())).await;
    let result = walked.unwrap_or(SpfResult::TempError);
    let mut words = format!("spf={}", result.word());
    // a peer's words: only what can be a name
    if is_name(&domain) {
        words.push_str(&format!(" smtp.{of}={domain}"));
    }
    Checked { result, words }
}

fn local(address: &Address) -> &str {
    address.local().as_str()
}

/// At least two labels of letters that a name may have. [rfc7208 4.3]
fn is_name(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label)
}

/// One question, with all that its answer leads to.
struct Walk<'a> {
    resolver: &'a Resolver,
    ip: IpAddr,
    variables: Variables<'static>,
    /// Terms that asked the DNS.
    terms: usize,
    /// Names that led nowhere.
    voids: usize,
}

/// Ends the question before its end.
type Ended = SpfResult;

impl Walk<'_> {
    /// The RFC's check_host(). [rfc7208 4.6]
    async fn host(&mut self, domain: String) -> SpfResult {
        let record = match self.record(&domain).await {
            Ok(record) => record,
            Err(ended) => return ended,
        };
        self.variables.set_domain(domain.clone().into_bytes());
        for directive in &record.directives {
            match self.fits(&directive.mechanism, &domain).await {
                Ok(true) => return result(&directive.qualifier),
                Ok(false) => {}
                Err(ended) => return ended,
            }
        }
        let Some(redirect) = &record.redirect else {
            return SpfResult::Neutral; // [rfc7208 4.7]
        };
        // [rfc7208 6.1]
        if let Err(ended) = self.term() {
            return ended;
        }
        let target = self.target(redirect, &domain);
        match Box::pin(self.host(target)).await {
            SpfResult::None => SpfResult::PermError,
            other => other,
        }
    }

    /// The one record that a domain has. [rfc7208 4.4] [rfc7208 4.5]
    async fn record(&self, domain: &str) -> Result<Spf, Ended> {
        if !is_name(domain) {
            return Err(SpfResult::None);
        }
        let texts = match self.resolver.txt(bare(domain)).await {
            Answer::Found { value, .. } => value,
            Answer::NoData { .. } | Answer::NoName { .. } => return Err(SpfResult::None),
            Answer::Failed(_) => return Err(SpfResult::TempError),
        };
        let mut records = texts.iter().filter(|text| is_record(text));
        match (records.next(), records.next()) {
            (None, _) => Err(SpfResult::None),
            (Some(only), None) => Spf::parse(only.as_bytes()).map_err(|_| SpfResult::PermError),
            (Some(_), Some(_)) => Err(SpfResult::PermError),
        }
    }

    async fn fits(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Ended> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4 { addr, mask } => Ok(self.is_in((*addr).into(), (*mask, 0))),
            Mechanism::Ip6 { addr, mask } => Ok(self.is_in((*addr).into(), (0, *mask))),
            Mechanism::Include { macro_string } => {
                self.term()?;
                let target = self.target(macro_string, domain);
                let found = Box::pin(self.host(target)).await;
                self.variables.set_domain(domain.as_bytes().to_vec());
                included(found)
            }
            Mechanism::A {
                macro_string,
                ip4_mask,
                ip6_mask,
            } => {
                self.term()?;
                let host = self.target(macro_string, domain);
                self.is_host(&host, (*ip4_mask, *ip6_mask)).await
            }
            Mechanism::Mx {
                macro_string,
                ip4_mask,
                ip6_mask,
            } => {
                self.term()?;
                let domain = self.target(macro_string, domain);
                self.is_mx(&domain, (*ip4_mask, *ip6_mask)).await
            }
            Mechanism::Exists { macro_string } => {
                self.term()?;
                let host = self.target(macro_string, domain);
                let all = self.addresses(&host).await?;
                Ok(all.iter().any(IpAddr::is_ipv4)) // [rfc7208 5.7]
            }
            // [rfc7208 5.5]
            Mechanism::Ptr { .. } => self.term().map(|()| false),
        }
    }

    /// [rfc7208 5.3]
    async fn is_host(&mut self, host: &str, masks: (u32, u128)) -> Result<bool, Ended> {
        let all = self.addresses(host).await?;
        Ok(all.into_iter().any(|address| self.is_in(address, masks)))
    }

    /// [rfc7208 5.4]
    async fn is_mx(&mut self, domain: &str, masks: (u32, u128)) -> Result<bool, Ended> {
        let all = self.resolver.mx(bare(domain)).await;
        let hosts = self.found(all)?;
        if hosts.len() > limits::SPF_HOSTS {
            return Err(SpfResult::PermError);
        }
        for mx in hosts.iter().filter(|mx| !mx.host.is_empty()) {
            if self.is_host(&mx.host, masks).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn addresses(&mut self, host: &str) -> Result<Vec<IpAddr>, Ended> {
        if !is_name(host) {
            return Ok(Vec::new());
        }
        let all = self.resolver.addresses(bare(host)).await;
        self.found(all)
    }

    /// Names that lead nowhere are counted. [rfc7208 4.6.4]
    fn found<T>(&mut self, answer: Answer<Vec<T>>) -> Result<Vec<T>, Ended> {
        match answer {
            Answer::Found { value, .. } => Ok(value),
            Answer::NoData { .. } | Answer::NoName { .. } => {
                self.voids += 1;
                match self.voids > limits::SPF_VOIDS {
                    true => Err(SpfResult::PermError),
                    false => Ok(Vec::new()),
                }
            }
            Answer::Failed(_) => Err(SpfResult::TempError),
        }
    }

    /// One more term asks the DNS. [rfc7208 4.6.4]
    fn term(&mut self) -> Result<(), Ended> {
        self.terms += 1;
        match self.terms > limits::SPF_TERMS {
            true => Err(SpfResult::PermError),
            false => Ok(()),
        }
    }

    /// The name that a term speaks of. [rfc7208 4.8]
    fn target(&self, spec: &Macro, domain: &str) -> String {
        let target = spec.eval(&self.variables, domain, false);
        cut(&target).to_owned()
    }

    fn is_in(&self, network: IpAddr, (four, six): (u32, u128)) -> bool {
        match (self.ip, network) {
            (IpAddr::V4(ip), IpAddr::V4(network)) => {
                ip.to_bits() & four == network.to_bits() & four
            }
            (IpAddr::V6(ip), IpAddr::V6(network)) => ip.to_bits() & six == network.to_bits() & six,
            _ => false,
        }
    }
}

/// Of a name that is too long the beginning goes. [rfc7208 7.3]
fn cut(mut name: &str) -> &str {
    while name.len() > 253 {
        let Some((_, rest)) = name.split_once('.') else {
            break;
        };
        name = rest;
    }
    name
}

/// What the result of another domain means for who includes it. [rfc7208 5.2]
fn included(found: SpfResult) -> Result<bool, Ended> {
    match found {
        SpfResult::Pass => Ok(true),
        SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral => Ok(false),
        SpfResult::TempError => Err(SpfResult::TempError),
        SpfResult::PermError | SpfResult::None => Err(SpfResult::PermError),
    }
}

fn result(qualifier: &Qualifier) -> SpfResult {
    match qualifier {
        Qualifier::Pass => SpfResult::Pass,
        Qualifier::Fail => SpfResult::Fail,
        Qualifier::SoftFail => SpfResult::SoftFail,
        Qualifier::Neutral => SpfResult::Neutral,
    }
}

/// ```abnf
/// record  = version terms *SP
/// version = "v=spf1"            ; [rfc7208 4.5]
/// ```
fn is_record(text: &str) -> bool {
    let (version, rest) = text.split_at(text.floor_char_boundary(6));
    version.eq_ignore_ascii_case("v=spf1") && (rest.is_empty() || rest.starts_with(' '))
}

fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use addr::Charset;
    use net::{DnsFailure, SimDns};

    const LINES: &[(&str, &str)] = &[
        (
            "plain.example",
            "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all",
        ),
        ("a.example", "v=spf1 a:host.example ~all"),
        ("mx.example", "v=spf1 mx ?all"),
        ("include.example", "v=spf1 include:plain.example -all"),
        ("redirect.example", "v=spf1 redirect=plain.example"),
        ("nowhere.example", "v=spf1 redirect=none.example"),
        ("lost.example", "v=spf1 include:none.example -all"),
        ("neutral.example", "v=spf1 ip4:198.51.100.1"),
        ("exists.example", "v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all"),
        ("loop.example", "v=spf1 include:loop.example -all"),
        (
            "voids.example",
            "v=spf1 a:x1.example a:x2.example a:x3.example +all",
        ),
        ("broken.example", "v=spf1 ip4:what -all"),
        ("other.example", "v=spf10 +all"),
        ("failing.example", "v=spf1 a:down.example +all"),
        ("ptr.example", "v=spf1 ptr -all"),
        ("twice.example", "v=spf1 +all"),
        ("twice.example", "v=spf1 -all"),
    ];

    fn world() -> Resolver {
        let dns = SimDns::new(1);
        for (name, line) in LINES {
            dns.add_txt(name, line);
        }
        dns.add_address("host.example", "192.0.2.7".parse().unwrap());
        dns.add_mx("mx.example", 10, "host.example");
        let named = "7.2.0.192.in-addr._spf.exists.example";
        dns.add_address(named, "127.0.0.2".parse().unwrap());
        dns.fail("down.example", DnsFailure::TimedOut);
        Resolver::simulated(dns)
    }

    async fn checked(ip: &str, sender: &str) -> Checked {
        let sender = ReversePath::parse(sender.as_bytes(), Charset::Utf8).unwrap();
        let asked = Asked {
            ip: ip.parse().unwrap(),
            helo: "plain.example",
            sender: &sender,
            hostname: "mx.here.example",
        };
        check(&asked, &world()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_says_who_may_send_for_it() {
        // [rfc7208 4.3] [rfc7208 4.4] [rfc7208 4.5] [rfc7208 4.6] [rfc7208 4.7] [rfc7208 4.8]
        // [rfc7208 5.2] [rfc7208 5.3] [rfc7208 5.4] [rfc7208 5.5] [rfc7208 5.7] [rfc7208 6.1]
        use SpfResult::{Fail, Neutral, None, Pass, PermError, SoftFail, TempError};
        let all = [
            ("192.0.2.7", "<x@plain.example>", Pass),
            ("::ffff:192.0.2.7", "<x@plain.example>", Pass),
            ("2001:db8::7", "<x@plain.example>", Pass),
            ("198.51.100.1", "<x@plain.example>", Fail),
            ("192.0.2.7", "<x@a.example>", Pass),
            ("192.0.2.8", "<x@a.example>", SoftFail),
            ("192.0.2.7", "<x@mx.example>", Pass),
            ("192.0.2.8", "<x@mx.example>", Neutral),
            ("192.0.2.7", "<x@include.example>", Pass),
            ("198.51.100.1", "<x@include.example>", Fail),
            ("192.0.2.7", "<x@redirect.example>", Pass),
            ("192.0.2.7", "<x@nowhere.example>", PermError),
            ("192.0.2.7", "<x@lost.example>", PermError),
            ("192.0.2.7", "<x@neutral.example>", Neutral),
            ("192.0.2.7", "<x@exists.example>", Pass),
            ("192.0.2.8", "<x@exists.example>", Fail),
            ("192.0.2.7", "<x@ptr.example>", Fail),
            ("192.0.2.7", "<x@none.example>", None),
            ("192.0.2.7", "<x@other.example>", None),
            ("192.0.2.7", "<x@[192.0.2.7]>", None),
            ("192.0.2.7", "<x@broken.example>", PermError),
            ("192.0.2.7", "<x@twice.example>", PermError),
            ("192.0.2.7", "<x@failing.example>", TempError),
        ];
        for (ip, sender, expect) in all {
            assert_eq!(checked(ip, sender).await.result, expect, "{ip} {sender}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_cannot_make_us_ask_without_end() {
        // [rfc7208 4.6.4]
        for sender in ["<x@loop.example>", "<x@voids.example>"] {
            let checked = checked("192.0.2.7", sender).await;
            assert_eq!(checked.result, SpfResult::PermError, "{sender}");
        }
    }

    #[test]
    fn of_a_name_that_is_too_long_the_beginning_goes() {
        // [rfc7208 7.3]
        let long = format!("{}.example", vec!["label"; 50].join("."));
        let kept = cut(&long);
        assert!(kept.len() <= 253 && kept.len() > 240, "{}", kept.len());
        assert!(long.ends_with(kept) && kept.starts_with("label."));
        assert_eq!(cut("a.example"), "a.example");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bounce_counts_for_the_host_that_sends_it() {
        // [rfc7208 2.4] [rfc8601 2.7.2]
        let of_host = checked("192.0.2.7", "<>").await;
        assert_eq!(of_host.words, "spf=pass smtp.helo=plain.example");
        let of_sender = checked("192.0.2.7", "<x@a.example>").await;
        assert_eq!(of_sender.words, "spf=pass smtp.mailfrom=a.example");
    }
}
