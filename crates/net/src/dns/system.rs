//! The engine that asks real servers, by hickory-resolver; DNSSEC is checked in this process.
//!
//! What never happens here: an answer that DNSSEC shows to be forged.

use super::{Alias, Answer, Data, DnsError, DnsFailure, DnsSettings, Dnssec, Kind, Mx, Tlsa};
use crate::limits;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as Said, NetError, NoRecords};
use hickory_resolver::proto::dnssec::{DnssecSummary, Proof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{TokioResolver, system_conf};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

pub(crate) struct System {
    /// Checks, if anything is to be checked.
    checking: Option<TokioResolver>,
    /// Does not check, unless all is to be checked.
    plain: Option<TokioResolver>,
    /// Where it is to be found out: whether checking works, and until when that holds.
    works: tokio::sync::Mutex<Option<(Works, Instant)>>,
    /// What was not there, until when. The library forgets that at once where it checks proofs, and
    /// most domains have neither policy nor TLSA record.
    nothing: Mutex<Nothing>,
}

type Nothing = BTreeMap<(Name, Kind), (Instant, Answer<Vec<Data>>)>;

impl System {
    pub fn new(settings: &DnsSettings) -> Result<System, DnsError> {
        let checks = settings.dnssec != Dnssec::Off;
        // whoever gives keys of his own wants them to count
        let is_plain = match settings.dnssec {
            Dnssec::Auto => settings.anchors.is_none(),
            Dnssec::Validate => false,
            Dnssec::Off => true,
        };
        let make = |dnssec| resolver(settings, dnssec);
        Ok(System {
            checking: checks.then(|| make(Dnssec::Validate)).transpose()?,
            plain: is_plain.then(|| make(Dnssec::Off)).transpose()?,
            works: tokio::sync::Mutex::default(),
            nothing: Mutex::default(),
        })
    }

    /// The one to ask now.
    async fn chosen(&self) -> &TokioResolver {
        match (&self.checking, &self.plain) {
            (Some(checking), None) => checking,
            (None, Some(plain)) => plain,
            (Some(checking), Some(plain)) => match self.checking_works(checking).await {
                Works::Yes => checking,
                Works::No => plain,
            },
            (None, None) => unreachable!("because what is not checked is plain"),
        }
    }

    /// Whether the root's own records are proven. While nobody answers nobody knows, and then
    /// checking does no harm: it fails as everything does.
    async fn checking_works(&self, checking: &TokioResolver) -> Works {
        let mut works = self.works.lock().await;
        if let Some((known, until)) = *works
            && until > Instant::now()
        {
            return known;
        }
        let asked = checking.lookup(Name::root(), RecordType::NS).await;
        let found = match asked {
            Ok(lookup) => match DnssecSummary::from_records(lookup.answers().iter()) {
                DnssecSummary::Secure => Works::Yes,
                DnssecSummary::Insecure | DnssecSummary::Bogus => Works::No,
            },
            Err(NetError::Dns(Said::DnssecBogus | Said::Nsec { .. } | Said::NoRecordsFound(_))) => {
                Works::No
            }
            Err(_) => return Works::Yes,
        };
        if found == Works::No {
            tracing::warn!(
                "the DNS servers prove nothing by DNSSEC; without it DANE protects no mail"
            );
        }
        *works = Some((found, Instant::now() + limits::DNSSEC_TRIED));
        found
    }

    pub async fn ask(&self, name: &str, kind: Kind) -> Answer<Vec<Data>> {
        // a name that no zone can hold is not there
        let Ok(mut name) = Name::from_ascii(name) else {
            return Answer::NoName { is_secure: false };
        };
        name.set_fqdn(true);
        let key = (name.to_lowercase(), kind);
        if let Some(nothing) = self.known_nothing(&key) {
            return nothing;
        }
        let answer = self.look_up(&name, kind).await;
        if matches!(answer, Answer::NoData { .. } | Answer::NoName { .. }) {
            let mut nothing = self.lock();
            if nothing.len() >= limits::DNS_NOTHING {
                nothing.clear();
            }
            let until = Instant::now() + limits::DNS_CACHED_NOTHING;
            nothing.insert(key, (until, answer.clone()));
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Nothing> {
        self.nothing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_nothing(&self, key: &(Name, Kind)) -> Option<Answer<Vec<Data>>> {
        let mut nothing = self.lock();
        let (until, answer) = nothing.get(key)?;
        if *until > Instant::now() {
            return Some(answer.clone());
        }
        nothing.remove(key);
        None
    }

    async fn look_up(&self, name: &Name, kind: Kind) -> Answer<Vec<Data>> {
        let resolver = self.chosen().await;
        match resolver.lookup(name.clone(), record_type(kind)).await {
            Ok(lookup) => found(name, kind, &lookup),
            Err(error) => not_found(error),
        }
    }
}

/// Whether the servers give what checking needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Works {
    Yes,
    No,
}

fn resolver(settings: &DnsSettings, dnssec: Dnssec) -> Result<TokioResolver, DnsError> {
    let (config, options) = config(settings, dnssec)?;
    let provider = TokioRuntimeProvider::default();
    let mut builder = TokioResolver::builder_with_config(config, provider);
    *builder.options_mut() = options;
    if let (Some(text), Dnssec::Validate) = (&settings.anchors, dnssec) {
        let anchors = text.parse::<TrustAnchors>();
        let anchors = anchors.map_err(|e| DnsError(format!("reading the trust anchors: {e}")))?;
        builder = builder.with_trust_anchor(Arc::new(anchors));
    }
    builder
        .build()
        .map_err(|e| DnsError(format!("preparing to ask the DNS: {e}")))
}

fn config(
    settings: &DnsSettings,
    dnssec: Dnssec,
) -> Result<(ResolverConfig, ResolverOpts), DnsError> {
    let (config, mut options) = if settings.servers.is_empty() {
        let (config, options) = system_conf::read_system_conf()
            .map_err(|e| DnsError(format!("reading /etc/resolv.conf: {e}")))?;
        // its search list is for people who type half a name
        let servers = config.name_servers().to_vec();
        (ResolverConfig::from_name_servers(servers), options)
    } else {
        let servers = settings.servers.iter().map(|&at| server(at)).collect();
        let config = ResolverConfig::from_name_servers(servers);
        (config, ResolverOpts::default())
    };
    options.edns0 = true;
    options.validate = dnssec == Dnssec::Validate;
    options.cache_size = limits::DNS_CACHE;
    options.positive_max_ttl = Some(limits::DNS_CACHED);
    options.negative_max_ttl = Some(limits::DNS_CACHED_NEGATIVE);
    options.use_hosts_file = ResolveHosts::Never;
    options.try_tcp_on_error = true;
    options.max_active_requests = limits::DNS_AT_ONCE * 4;
    Ok((config, options))
}

fn server(at: SocketAddr) -> NameServerConfig {
    let ports = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut one| {
        one.port = at.port();
        one
    });
    NameServerConfig::new(at.ip(), true, ports.to_vec())
}

fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::Mx => RecordType::MX,
        Kind::V4 => RecordType::A,
        Kind::V6 => RecordType::AAAA,
        Kind::Txt => RecordType::TXT,
        Kind::Tlsa => RecordType::TLSA,
    }
}

fn found(name: &Name, kind: Kind, lookup: &Lookup) -> Answer<Vec<Data>> {
    let answers = lookup.answers();
    let is_secure = matches!(
        DnssecSummary::from_records(answers.iter()),
        DnssecSummary::Secure
    );
    let wanted = record_type(kind);
    let of_kind = answers.iter().filter(|one| one.record_type() == wanted);
    let value = of_kind
        .filter_map(|one| data(&one.data))
        .collect::<Vec<_>>();
    if value.is_empty() {
        return Answer::NoData { is_secure };
    }
    Answer::Found {
        value,
        is_secure,
        alias: alias(name, answers),
    }
}

/// The end of the chain of CNAMEs that begins at the name.
fn alias(name: &Name, answers: &[Record]) -> Option<Alias> {
    let next = |from: &Name| {
        answers.iter().find_map(|one| match &one.data {
            RData::CNAME(to) if one.name == *from => Some((to.0.clone(), one.proof)),
            _ => None,
        })
    };
    let (mut end, proof) = next(name)?;
    // each alias once: a chain in a circle has an end here as well
    for _ in 0..answers.len() {
        let Some((to, _)) = next(&end) else { break };
        end = to;
    }
    Some(Alias {
        leads_to: text(&end),
        is_secure: proof == Proof::Secure,
    })
}

fn data(of: &RData) -> Option<Data> {
    Some(match of {
        RData::A(address) => Data::Address(IpAddr::V4(address.0)),
        RData::AAAA(address) => Data::Address(IpAddr::V6(address.0)),
        RData::MX(mx) => Data::Mx(Mx {
            preference: mx.preference,
            host: text(&mx.exchange),
        }),
        RData::TXT(txt) => {
            let whole = txt.txt_data.concat();
            Data::Txt(String::from_utf8_lossy(&whole).into_owned())
        }
        RData::TLSA(tlsa) => Data::Tlsa(Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        }),
        _ => return None,
    })
}

fn text(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn not_found(error: NetError) -> Answer<Vec<Data>> {
    match error {
        NetError::Dns(Said::NoRecordsFound(none)) => {
            let is_secure = proves(&none);
            nothing(none.response_code, is_secure)
        }
        NetError::Dns(Said::Nsec {
            response, proof, ..
        }) => match proof {
            Proof::Secure | Proof::Insecure => nothing(response.response_code, proof.is_secure()),
            Proof::Bogus | Proof::Indeterminate => Answer::Failed(DnsFailure::Bogus),
        },
        NetError::Dns(Said::DnssecBogus) => Answer::Failed(DnsFailure::Bogus),
        NetError::Timeout => Answer::Failed(DnsFailure::TimedOut),
        other => Answer::Failed(DnsFailure::Server(other.to_string())),
    }
}

/// What stands beside a negative answer is proven, all of it.
fn proves(none: &NoRecords) -> bool {
    let beside = none.authorities.as_deref().unwrap_or_default();
    matches!(
        DnssecSummary::from_records(beside.iter()),
        DnssecSummary::Secure
    )
}

fn nothing(code: ResponseCode, is_secure: bool) -> Answer<Vec<Data>> {
    match code {
        ResponseCode::NXDomain => Answer::NoName { is_secure },
        _ => Answer::NoData { is_secure },
    }
}
