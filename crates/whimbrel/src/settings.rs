//! What a server is told: every setting as a value, each with what it is when nothing is said.
//!
//! Domains and accounts are no settings; they live in the store. `table` names and describes every
//! setting; the file, `whimbrel config` and docs/settings.md are made from it. What never happens
//! here: reading a file, an effect.

pub mod customers;
pub mod field;
pub mod file;
pub mod page;
pub mod routes;
pub mod table;
pub mod units;

use crate::listeners::{KINDS, Kind};
use addr::{AddressLiteral, Domain, Host};
use net::{Bounds, Dnssec};
use post::road::failure::Backoff;
use post::road::route::{Families, SMTP_PORT};
use post::road::{LaneSettings, Patience};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Whether a password may be sent without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cleartext {
    #[default]
    Never,
    /// At listeners that only this machine can reach.
    Loopback,
    Always,
}

impl Cleartext {
    pub fn at(self, listener: SocketAddr) -> bool {
        match self {
            Cleartext::Never => false,
            Cleartext::Loopback => listener.ip().is_loopback(),
            Cleartext::Always => true,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What happens to a CR or LF that stands alone in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Newlines {
    #[default]
    Reject,
    /// It becomes CRLF, but only from logins and named networks.
    Normalize,
}

/// Where to listen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum At {
    Tcp(SocketAddr),
    /// The path of a socket's file; `./NAME` is in the data folder.
    Unix(PathBuf),
}

/// Where programs on this machine hand in mail, if nothing else is said.
pub const LMTP_SOCKET: &str = "./lmtp";

/// Where the users of this machine hand in mail, if nothing else is said.
pub const SUBMIT_SOCKET: &str = "./submit.sock";

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Tcp(at) => at.fmt(f),
            At::Unix(path) => path.display().fmt(f),
        }
    }
}

/// The listeners of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    pub kind: Kind,
    /// None: this kind is not served.
    pub addresses: Vec<At>,
    /// Of each listener.
    pub bounds: Bounds,
}

/// The files of one certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateFiles {
    /// The certificate first, then those that vouch for it.
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// What is said about the process itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    pub data: PathBuf,
    /// Whom to become when started as root.
    pub user: String,
    /// None: the user's own.
    pub group: Option<String>,
    pub log_level: String,
    pub log_format: LogFormat,
}

/// Whose tokens are believed. `logins` makes the issuer of `mail` from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OAuth {
    /// None: no tokens are taken.
    pub issuer: Option<String>,
    pub audience: Vec<String>,
    pub account_claim: String,
    pub scope: Option<String>,
    pub keys_url: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<PathBuf>,
    pub introspection_url: Option<String>,
    pub authorities: Option<PathBuf>,
}

/// Whom the server asks about other domains.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dns {
    /// None: those of the system.
    pub servers: Vec<SocketAddr>,
    pub dnssec: Dnssec,
    /// A file of keys to believe in place of the root's.
    pub anchors: Option<PathBuf>,
}

/// How mail goes to other servers.
#[derive(Clone)]
pub struct Sending {
    /// Whether mail for other servers is taken and sent.
    pub is_on: bool,
    /// Everything goes there; None: where the DNS says.
    pub smarthost: Option<Smarthost>,
    pub smarthost_user: Option<String>,
    /// A file.
    pub smarthost_password: Option<PathBuf>,
    /// A file with those who vouch for other servers; None: whom browsers trust.
    pub authorities: Option<PathBuf>,
    pub queue: post::queue::QueueSettings,
    /// Between two attempts of one message.
    pub backoff: Backoff,
    /// To one destination at a time.
    pub connections: u32,
    /// Whether domains that ask are told how TLS went.
    pub reports_tls: bool,
}

impl Default for Sending {
    fn default() -> Sending {
        Sending {
            is_on: true,
            smarthost: None,
            smarthost_user: None,
            smarthost_password: None,
            authorities: None,
            queue: post::queue::QueueSettings::default(),
            backoff: Backoff::default(),
            connections: LaneSettings::default().most,
            reports_tls: true,
        }
    }
}

/// A server that takes mail for everybody, from us: `HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Smarthost {
    pub host: Host,
    pub port: u16,
}

impl FromStr for Smarthost {
    type Err = String;
    fn from_str(text: &str) -> Result<Smarthost, String> {
        let of = |address: IpAddr, port| Smarthost {
            host: Host::Literal(match address {
                IpAddr::V4(v4) => AddressLiteral::V4(v4),
                IpAddr::V6(v6) => AddressLiteral::V6(v6),
            }),
            port,
        };
        if let Ok(at) = text.parse::<SocketAddr>() {
            return Ok(of(at.ip(), at.port()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(of(address, SMTP_PORT));
        }
        let (name, port) = match text.rsplit_once(':') {
            None => (text, SMTP_PORT),
            Some((name, port)) => {
                let number = port.parse::<u16>().ok().filter(|port| *port != 0);
                (name, number.ok_or_else(|| format!("{port} is no port"))?)
            }
        };
        let domain: Domain = name.parse().map_err(|_| format!("{name} is no host"))?;
        Ok(Smarthost {
            host: Host::Name(domain),
            port,
        })
    }
}

impl fmt::Display for Smarthost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(domain) => write!(f, "{domain}:{}", self.port),
            Host::Literal(literal) => match literal.ip() {
                Some(address) => write!(f, "{}", SocketAddr::new(address, self.port)),
                None => write!(f, "{literal}:{}", self.port),
            },
        }
    }
}

/// Mail of the users of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// Stands behind names without a domain; None: what the hostname says.
    pub domain: Option<Domain>,
    /// Login names that may send in anybody's name, beside root.
    pub trusted: Vec<String>,
}

impl Default for Local {
    fn default() -> Local {
        Local {
            domain: None,
            trusted: vec!["uucp".to_owned()],
        }
    }
}

/// Mail over UUCP.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Uucp {
    /// What our system is called there; None: the first label of the hostname.
    pub name: Option<String>,
    /// Systems that a bang path may begin with.
    pub neighbours: Vec<String>,
    /// Those that may send to anybody.
    pub relay: Vec<String>,
}

/// Which way mail takes to other servers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Road {
    pub routes: Vec<routes::RouteRow>,
    pub customers: Vec<customers::CustomerRow>,
    pub families: Families,
    /// Beside those that are listened at.
    pub own_addresses: Vec<IpAddr>,
    /// Between two attempts at one destination.
    pub pause: Duration,
    /// How long other servers are waited for.
    pub patience: Patience,
}

impl Road {
    /// Whether there are customers who pick up by ATRN.
    pub fn is_picked_up(&self) -> bool {
        let mut all = self.customers.iter();
        all.any(|row| row.who.holds == post::customer::Holds::UntilAtrn)
    }
}

/// Everything that a server is told.
#[derive(Clone)]
pub struct Settings {
    pub process: Process,
    /// Our name in greetings and header fields.
    pub hostname: String,
    /// The first is for those who ask for no name. None: one is made.
    pub certificates: Vec<CertificateFiles>,
    /// One for each kind, in the order of [`KINDS`].
    pub listen: Vec<Listen>,
    pub cleartext: Cleartext,
    /// The file of those who vouch for mail programs. None: they are not asked for certificates.
    pub client_authorities: Option<PathBuf>,
    pub oauth: OAuth,
    pub dns: Dns,
    pub road: Road,
    pub local: Local,
    pub uucp: Uucp,
    /// The largest message that anybody may send or append.
    pub message_bytes: u64,
    pub store: store::Settings,
    /// Its issuer is made from `oauth`.
    pub mail: mail::MailSettings,
    /// Hostname and message size stand above.
    pub post: post::PostSettings,
    pub sending: Sending,
    pub bare_newline: Newlines,
    pub bare_newline_networks: Vec<net::Network>,
    /// What stands above or comes from the listener is not read here; so for the other doors.
    pub smtp: smtpd::Settings,
    pub imap: imapd::Settings,
    pub pop3: popd::Settings,
}

/// Of a listener that the internet reaches.
const BOUNDS: Bounds = Bounds {
    total: 4_000,
    per_address: 100,
};

impl Settings {
    /// The usual settings of a server with this name, at the standard ports of all addresses.
    /// What neighbours in UUCP call us.
    pub fn uucp_name(&self) -> String {
        let label = self.hostname.split('.').next().unwrap_or_default();
        self.uucp.name.clone().unwrap_or_else(|| label.to_owned())
    }

    pub fn new(hostname: &str) -> Settings {
        let listen = KINDS.iter().map(|row| Listen {
            kind: row.kind,
            addresses: match row.kind {
                // for a program on this machine
                Kind::Lmtp => vec![At::Unix(PathBuf::from(LMTP_SOCKET))],
                Kind::Submit => vec![At::Unix(PathBuf::from(SUBMIT_SOCKET))],
                // for a program on this machine as well
                Kind::Metrics => vec![At::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, row.port)))],
                _ => vec![
                    At::Tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, row.port))),
                    At::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, row.port))),
                ],
            },
            bounds: BOUNDS,
        });
        Settings {
            process: Process {
                data: PathBuf::from("/var/lib/whimbrel"),
                user: "whimbrel".to_owned(),
                group: None,
                log_level: "info".to_owned(),
                log_format: LogFormat::default(),
            },
            hostname: hostname.to_owned(),
            certificates: Vec::new(),
            listen: listen.collect(),
            cleartext: Cleartext::default(),
            client_authorities: None,
            oauth: OAuth {
                issuer: None,
                audience: Vec::new(),
                account_claim: "email".to_owned(),
                scope: None,
                keys_url: None,
                client_id: None,
                client_secret: None,
                introspection_url: None,
                authorities: None,
            },
            dns: Dns::default(),
            road: Road::default(),
            local: Local::default(),
            uucp: Uucp::default(),
            message_bytes: post::limits::MESSAGE_BYTES,
            store: store::Settings::default(),
            mail: mail::MailSettings::default(),
            post: post::PostSettings::new(hostname),
            sending: Sending::default(),
            bare_newline: Newlines::default(),
            bare_newline_networks: Vec::new(),
            smtp: smtpd::Settings::new(hostname, smtpd::Role::Exchange),
            imap: imapd::Settings::default(),
            pop3: popd::Settings::new(hostname),
        }
    }

    /// Where a socket is, wherever its path was counted from.
    pub fn socket(&self, path: &Path) -> PathBuf {
        self.process
            .data
            .join(path.strip_prefix(".").unwrap_or(path))
    }

    pub fn listen(&self, kind: Kind) -> &Listen {
        let found = self.listen.iter().find(|listen| listen.kind == kind);
        found.expect("because every kind stands in the table")
    }
}
