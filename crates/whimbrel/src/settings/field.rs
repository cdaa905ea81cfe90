//! The types that settings have: how each is read from TOML and written back.
//!
//! What never happens here: the name of a setting.

use super::customers::{self, CustomerRow};
use super::routes::{self, RouteRow};
use super::units::Unit;
use super::{At, CertificateFiles, Cleartext, LogFormat, Newlines, Smarthost};
use addr::Domain;
use mail::{FirstMailbox, MailboxName, Mechanism, SpecialUse, WeakPasswords};
use net::{Dnssec, Network};
use popd::{AfterRetr, Expire, Language};
use post::road::route::Families;
use smtpd::Vrfy;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Compression;
use toml::de::{DeTable, DeValue};

/// A setting's value, where it lies. Reading and writing go through here only.
pub enum Field<'a> {
    /// A host's name, as EHLO says it.
    Host(&'a mut String),
    Text(&'a mut String),
    OptionalText(&'a mut Option<String>),
    OptionalDomain(&'a mut Option<Domain>),
    /// What the log shows: a level, or a filter.
    LogLevel(&'a mut String),
    Path(&'a mut PathBuf),
    OptionalPath(&'a mut Option<PathBuf>),
    Texts(&'a mut Vec<String>),
    /// The name of a system in UUCP.
    OptionalSystem(&'a mut Option<String>),
    Systems(&'a mut Vec<String>),
    Mechanisms(&'a mut Vec<Mechanism>),
    /// Login names by the SHA-256 of certificates.
    CertificateLogins(&'a mut BTreeMap<String, String>),
    Number(Unit, &'a mut dyn Number),
    Choice(&'a mut dyn Choice),
    Addresses(&'a mut Vec<At>),
    Smarthost(&'a mut Option<Smarthost>),
    Networks(&'a mut Vec<Network>),
    /// Such as only this machine itself has.
    Loopbacks(&'a mut Vec<Network>),
    /// Servers of the DNS.
    Servers(&'a mut Vec<SocketAddr>),
    /// Who may ask for whose mail.
    Customers(&'a mut Vec<CustomerRow>),
    Switch(&'a mut bool),
    Certificates(&'a mut Vec<CertificateFiles>),
    Mailboxes(&'a mut Vec<FirstMailbox>),
    Routes(&'a mut Vec<RouteRow>),
    Ips(&'a mut Vec<IpAddr>),
}

/// A number wherever and however wide it is kept.
pub trait Number {
    /// `None`: there is none, where that may be.
    fn get(&self) -> Option<u64>;
    /// False if it does not fit.
    fn set(&mut self, value: Option<u64>) -> bool;
    fn may_be_none(&self) -> bool {
        false
    }
}

macro_rules! numbers {
    ($($kept:ty)*) => {$(
        impl Number for $kept {
            fn get(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }

            fn set(&mut self, value: Option<u64>) -> bool {
                match value.map(<$kept>::try_from) {
                    Some(Ok(value)) => *self = value,
                    _ => return false,
                }
                true
            }
        }
    )*};
}
numbers!(u16 u32 u64 usize);

impl Number for Duration {
    fn get(&self) -> Option<u64> {
        Some(self.as_secs())
    }

    fn set(&mut self, value: Option<u64>) -> bool {
        if let Some(value) = value {
            *self = Duration::from_secs(value);
        }
        value.is_some()
    }
}

impl Number for Option<u64> {
    fn get(&self) -> Option<u64> {
        *self
    }

    fn set(&mut self, value: Option<u64>) -> bool {
        *self = value;
        true
    }

    fn may_be_none(&self) -> bool {
        true
    }
}

/// What is granted of it; to ask for less than nothing needs no leave.
impl Number for smtp::Priority {
    fn get(&self) -> Option<u64> {
        u64::try_from(self.number()).ok()
    }

    fn set(&mut self, value: Option<u64>) -> bool {
        let number = value.and_then(|value| i8::try_from(value).ok());
        match number.and_then(smtp::Priority::new) {
            Some(priority) => *self = priority,
            None => return false,
        }
        true
    }
}

/// Whole days, as POP3 announces them.
impl Number for Expire {
    fn get(&self) -> Option<u64> {
        match self {
            Expire::Never => None,
            Expire::Days(days) => Some(u64::from(*days) * DAY_S),
        }
    }

    fn set(&mut self, value: Option<u64>) -> bool {
        let days = value.map(|seconds| u32::try_from(seconds / DAY_S));
        *self = match (value, days) {
            (None, _) => Expire::Never,
            (Some(seconds), Some(Ok(days))) if seconds % DAY_S == 0 => Expire::Days(days),
            _ => return false,
        };
        true
    }

    fn may_be_none(&self) -> bool {
        true
    }
}

/// One of a few words.
pub trait Choice {
    fn words(&self) -> &'static [&'static str];
    /// The place of the chosen word.
    fn get(&self) -> usize;
    fn set(&mut self, place: usize);
}

macro_rules! choice {
    ($kept:ty: $($word:literal = $value:expr),*) => {
        impl Choice for $kept {
            fn words(&self) -> &'static [&'static str] {
                &[$($word),*]
            }

            fn get(&self) -> usize {
                let place = [$($value),*].iter().position(|value| value == self);
                place.expect("because every value has a word")
            }

            fn set(&mut self, place: usize) {
                *self = [$($value),*][place];
            }
        }
    };
}
choice!(Cleartext: "never" = Cleartext::Never, "loopback" = Cleartext::Loopback, "always" = Cleartext::Always);
choice!(WeakPasswords: "refuse" = WeakPasswords::Refused, "allow" = WeakPasswords::Allowed);
choice!(Compression: "zstd" = Compression::Zstd, "none" = Compression::None);
choice!(LogFormat: "text" = LogFormat::Text, "json" = LogFormat::Json);
choice!(Vrfy: "untold" = Vrfy::Untold, "to_logins" = Vrfy::ToLogins);
choice!(Language: "en" = Language::English, "de" = Language::German);
choice!(AfterRetr: "unchanged" = AfterRetr::Unchanged, "seen" = AfterRetr::Seen);
choice!(Dnssec: "auto" = Dnssec::Auto, "validate" = Dnssec::Validate, "off" = Dnssec::Off);
choice!(Families: "both" = Families::Both, "ipv4" = Families::V4, "ipv6" = Families::V6);
choice!(Newlines: "reject" = Newlines::Reject, "normalize" = Newlines::Normalize);

/// Every new account gets them in one transaction.
const MAX_FIRST_MAILBOXES: usize = 50;
const DAY_S: u64 = 86_400;
/// The word for a number that is not there.
const NONE: &str = "none";

impl Field<'_> {
    /// What is asked for, as the end of “must be …”.
    pub fn asked(&self) -> String {
        match self {
            Field::Host(_) => "a host name such as \"mail.example.org\"".to_owned(),
            Field::OptionalDomain(_) => "a domain such as \"example.org\"".to_owned(),
            Field::Text(_) | Field::OptionalText(_) => "a text in quotes".to_owned(),
            Field::LogLevel(_) => {
                "error, warn, info, debug, trace, or a filter such as \"imapd=debug,info\""
                    .to_owned()
            }
            Field::Path(_) | Field::OptionalPath(_) => "an absolute path in quotes".to_owned(),
            Field::Texts(_) => "a list of texts such as [\"one\", \"two\"]".to_owned(),
            Field::OptionalSystem(_) => {
                "the name of a system, of letters, digits and hyphens, such as \"beta\"".to_owned()
            }
            Field::Systems(_) => {
                "a list of names of systems, of letters, digits and hyphens, such as [\"alpha\"]"
                    .to_owned()
            }
            Field::Mechanisms(_) => {
                let all: Vec<_> = Mechanism::all().map(|one| quoted(one.name())).collect();
                format!("a list of some of {}", all.join(", "))
            }
            Field::CertificateLogins(_) => {
                "a list of { sha256 = \"DIGITS\", login = \"NAME\" }".to_owned()
            }
            Field::Number(unit, number) if number.may_be_none() => {
                format!("{}, or \"{NONE}\"", unit.asked())
            }
            Field::Number(unit, _) => unit.asked().to_owned(),
            Field::Choice(choice) => {
                let words: Vec<_> = choice.words().iter().map(|w| format!("\"{w}\"")).collect();
                words.join(" or ")
            }
            Field::Addresses(_) => {
                "a list of addresses with ports or of paths, such as [\"0.0.0.0:25\", \"[::]:25\"]"
                    .to_owned()
            }
            Field::Servers(_) => {
                "a list of addresses, with a port where it is not 53, such as [\"192.0.2.53\", \
                 \"[2001:db8::53]:5353\"]"
                    .to_owned()
            }
            Field::Smarthost(_) => {
                "a host with its port, such as \"relay.example.org:587\"".to_owned()
            }
            Field::Networks(_) => "a list of networks such as [\"192.0.2.0/24\"]".to_owned(),
            Field::Loopbacks(_) => {
                "a list of loopback addresses or networks such as [\"127.0.0.1\", \"::1\"]"
                    .to_owned()
            }
            Field::Customers(_) => customers::ASKED.to_owned(),
            Field::Switch(_) => "true or false".to_owned(),
            Field::Routes(_) => routes::ASKED.to_owned(),
            Field::Ips(_) => "a list of addresses such as [\"192.0.2.1\"]".to_owned(),
            Field::Certificates(_) => "a list of { chain = \"FILE\", key = \"FILE\" }".to_owned(),
            Field::Mailboxes(_) => {
                "a list of { name = \"NAME\", use = \"sent\" }, where use is archive, drafts, \
                 junk, sent or trash, or left out"
                    .to_owned()
            }
        }
    }

    /// The type's name for the reference.
    pub fn title(&self) -> String {
        match self {
            Field::Host(_) => "host name".to_owned(),
            Field::OptionalDomain(_) => "domain".to_owned(),
            Field::Text(_) | Field::OptionalText(_) => "text".to_owned(),
            Field::LogLevel(_) => "level or filter".to_owned(),
            Field::Path(_) | Field::OptionalPath(_) => "path".to_owned(),
            Field::Texts(_) => "list of texts".to_owned(),
            Field::OptionalSystem(_) => "name of a system".to_owned(),
            Field::Systems(_) => "list of names of systems".to_owned(),
            Field::Mechanisms(_) => "list of mechanisms".to_owned(),
            Field::CertificateLogins(_) => "list of `{ sha256, login }`".to_owned(),
            Field::Number(unit, number) if number.may_be_none() => {
                format!("{} or `{NONE}`", unit.title())
            }
            Field::Number(unit, _) => unit.title().to_owned(),
            Field::Choice(choice) => {
                let words: Vec<_> = choice.words().iter().map(|w| format!("`{w}`")).collect();
                words.join(", ")
            }
            Field::Addresses(_) => "list of addresses or paths".to_owned(),
            Field::Smarthost(_) => "host with a port".to_owned(),
            Field::Networks(_) | Field::Loopbacks(_) => "list of networks".to_owned(),
            Field::Servers(_) => "list of addresses".to_owned(),
            Field::Customers(_) => "list of customers".to_owned(),
            Field::Switch(_) => "`true`, `false`".to_owned(),
            Field::Routes(_) => "list of routes".to_owned(),
            Field::Ips(_) => "list of addresses".to_owned(),
            Field::Certificates(_) => "list of `{ chain, key }`".to_owned(),
            Field::Mailboxes(_) => "list of `{ name, use }`".to_owned(),
        }
    }

    /// Takes a value from a file; the error is what is wrong with it.
    pub fn take(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        let asked = self.asked();
        let must = || format!("must be {asked}");
        match self {
            Field::Host(kept) => **kept = host(value.as_str().ok_or_else(must)?)?,
            Field::Text(kept) => **kept = full(value.as_str()).ok_or_else(must)?.to_owned(),
            Field::OptionalText(kept) => {
                let text = value.as_str().ok_or_else(must)?;
                **kept = full(Some(text)).map(str::to_owned);
            }
            Field::OptionalDomain(kept) => {
                let text = full(Some(value.as_str().ok_or_else(must)?));
                let domain = text.map(str::parse).transpose();
                **kept = domain.map_err(|_| must())?;
            }
            Field::LogLevel(kept) => {
                let text = full(value.as_str()).ok_or_else(must)?;
                crate::log::filter(text).map_err(|error| format!("{}: {error}", must()))?;
                **kept = text.to_owned();
            }
            Field::Path(kept) => **kept = path(value).ok_or_else(must)?,
            Field::OptionalPath(kept) if value.as_str() == Some("") => **kept = None,
            Field::OptionalPath(kept) => **kept = Some(path(value).ok_or_else(must)?),
            Field::Texts(kept) => **kept = each(value, must, |text| Some(text.to_owned()))?,
            Field::OptionalSystem(kept) => {
                let text = full(Some(value.as_str().ok_or_else(must)?));
                **kept = text.map(|text| system(text).ok_or_else(must)).transpose()?;
            }
            Field::Systems(kept) => **kept = each(value, must, system)?,
            Field::Mechanisms(kept) => {
                **kept = each(value, must, |name| Mechanism::from_name(name.as_bytes()))?;
            }
            Field::CertificateLogins(kept) => **kept = certificate_logins(value, &must)?,
            Field::Number(unit, kept) => {
                let number = number(*unit, kept.may_be_none(), value).ok_or_else(must)?;
                if !kept.set(number) {
                    return Err("is too large".to_owned());
                }
            }
            Field::Choice(kept) => {
                let text = value.as_str().ok_or_else(must)?;
                let place = kept.words().iter().position(|word| *word == text);
                kept.set(place.ok_or_else(must)?);
            }
            Field::Addresses(kept) => **kept = each(value, must, address)?,
            Field::Servers(kept) => **kept = each(value, must, server)?,
            Field::Smarthost(kept) if value.as_str() == Some("") => **kept = None,
            Field::Smarthost(kept) => {
                let text = value.as_str().ok_or_else(must)?;
                let parsed = text.parse().map_err(|why| format!("{}: {why}", must()))?;
                **kept = Some(parsed);
            }
            Field::Networks(kept) => **kept = each(value, must, |text| text.parse().ok())?,
            Field::Loopbacks(kept) => {
                let read = |text: &str| text.parse().ok().filter(Network::is_loopback);
                **kept = each(value, must, read)?;
            }
            Field::Customers(kept) => **kept = customers::take(value)?,
            Field::Switch(kept) => **kept = value.as_bool().ok_or_else(must)?,
            Field::Certificates(kept) => **kept = certificates(value, &must)?,
            Field::Mailboxes(kept) => **kept = mailboxes(value, &must)?,
            Field::Routes(kept) => **kept = routes::take(value)?,
            Field::Ips(kept) => **kept = each(value, must, |text| text.parse().ok())?,
        }
        Ok(())
    }

    /// The value as TOML.
    pub fn show(&self) -> String {
        match self {
            Field::Host(text) | Field::Text(text) | Field::LogLevel(text) => quoted(text),
            Field::OptionalDomain(domain) => {
                quoted(&domain.as_ref().map_or_else(String::new, Domain::to_string))
            }
            Field::OptionalText(text) | Field::OptionalSystem(text) => {
                quoted(text.as_deref().unwrap_or_default())
            }
            Field::Path(path) => quoted(&path.display().to_string()),
            Field::OptionalPath(path) => quoted(
                &path
                    .as_ref()
                    .map_or_else(String::new, |p| p.display().to_string()),
            ),
            Field::Texts(texts) | Field::Systems(texts) => {
                list(texts.iter().map(|text| quoted(text)))
            }
            Field::Mechanisms(all) => list(all.iter().map(|one| quoted(one.name()))),
            Field::CertificateLogins(all) => list(all.iter().map(|(sha256, login)| {
                format!(
                    "{{ sha256 = {}, login = {} }}",
                    quoted(sha256),
                    quoted(login)
                )
            })),
            Field::Number(unit, number) => match number.get() {
                None => quoted(NONE),
                Some(number) => match unit.write(number) {
                    text if text.bytes().all(|octet| octet.is_ascii_digit()) => text,
                    text => quoted(&text),
                },
            },
            Field::Choice(choice) => quoted(choice.words()[choice.get()]),
            Field::Addresses(addresses) => list(addresses.iter().map(|at| quoted(&at.to_string()))),
            Field::Servers(servers) => list(servers.iter().map(|at| match at.port() {
                DNS_PORT => quoted(&at.ip().to_string()),
                _ => quoted(&at.to_string()),
            })),
            Field::Smarthost(host) => {
                quoted(&host.as_ref().map_or_else(String::new, ToString::to_string))
            }
            Field::Networks(networks) | Field::Loopbacks(networks) => {
                list(networks.iter().map(|network| quoted(&network.to_string())))
            }
            Field::Customers(all) => list(all.iter().map(|row| row.show(quoted))),
            Field::Switch(on) => on.to_string(),
            Field::Routes(rows) => list(rows.iter().map(|row| row.show(quoted))),
            Field::Ips(all) => list(all.iter().map(|ip| quoted(&ip.to_string()))),
            Field::Mailboxes(all) => list(all.iter().map(|one| {
                let name = quoted(one.name.as_str());
                match one.special_use {
                    None => format!("{{ name = {name} }}"),
                    Some(special_use) => {
                        let word = special_use.name().trim_start_matches('\\');
                        format!(
                            "{{ name = {name}, use = {} }}",
                            quoted(&word.to_lowercase())
                        )
                    }
                }
            })),
            Field::Certificates(files) => list(files.iter().map(|one| {
                let (chain, key) = (one.chain.display(), one.key.display());
                let (chain, key) = (quoted(&chain.to_string()), quoted(&key.to_string()));
                format!("{{ chain = {chain}, key = {key} }}")
            })),
        }
    }

    /// The number, if it is one that is there.
    pub fn number(&self) -> Option<(Unit, u64)> {
        match self {
            Field::Number(unit, number) => number.get().map(|number| (*unit, number)),
            _ => None,
        }
    }
}

fn full(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn system(text: &str) -> Option<String> {
    uucp::is_system(text).then(|| text.to_owned())
}

fn host(text: &str) -> Result<String, String> {
    let domain: addr::Domain = text
        .parse()
        .map_err(|error| format!("is no host name: {error}"))?;
    Ok(domain.to_string())
}

fn path(value: &DeValue<'_>) -> Option<PathBuf> {
    let path = Path::new(value.as_str()?);
    path.is_absolute().then(|| path.to_owned())
}

/// The outer `None`: it is no number. The inner: there is none, which is fine.
fn number(unit: Unit, may_be_none: bool, value: &DeValue<'_>) -> Option<Option<u64>> {
    match value {
        DeValue::String(text) if may_be_none && text == NONE => Some(None),
        DeValue::String(text) => unit.read(text).map(Some),
        DeValue::Integer(digits) => {
            let number = u64::from_str_radix(digits.as_str(), digits.radix());
            number.ok().map(Some)
        }
        _ => None,
    }
}

/// The name of a file in the folder that it is counted from.
fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains('/')
}

fn address(text: &str) -> Option<At> {
    let in_data = text.strip_prefix("./");
    if text.starts_with('/') || in_data.is_some_and(is_name) {
        return Some(At::Unix(PathBuf::from(text)));
    }
    text.parse().ok().map(At::Tcp)
}

/// The port of the DNS.
const DNS_PORT: u16 = 53;

fn server(text: &str) -> Option<SocketAddr> {
    let alone = text.parse::<IpAddr>();
    alone.map_or_else(
        |_| text.parse().ok(),
        |address| Some(SocketAddr::from((address, DNS_PORT))),
    )
}

/// Every text of a list, or what is wrong with the first that is.
fn each<T>(
    value: &DeValue<'_>,
    must: impl Fn() -> String,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    for item in value.as_array().ok_or_else(&must)?.iter() {
        let text = item.get_ref().as_str().ok_or_else(&must)?;
        let read = read(text).ok_or_else(|| format!("holds {}; it {}", quoted(text), must()))?;
        all.push(read);
    }
    Ok(all)
}

fn certificates(
    value: &DeValue<'_>,
    must: &impl Fn() -> String,
) -> Result<Vec<CertificateFiles>, String> {
    let mut all = Vec::new();
    for item in value.as_array().ok_or_else(must)?.iter() {
        let table = item.get_ref().as_table().ok_or_else(must)?;
        let known = ["chain", "key"];
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let key = key.get_ref();
                return Err(format!("knows no `{key}`; it {}", must()));
            }
        }
        all.push(CertificateFiles {
            chain: certificate_file(table, "chain")?,
            key: certificate_file(table, "key")?,
        });
    }
    Ok(all)
}

/// The digits of SHA-256 may have colons between them, as programs print them.
fn certificate_logins(
    value: &DeValue<'_>,
    must: &impl Fn() -> String,
) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for item in value.as_array().ok_or_else(must)?.iter() {
        let table = item.get_ref().as_table().ok_or_else(must)?;
        let text = |name: &str| table.get(name).and_then(|value| value.get_ref().as_str());
        let (Some(sha256), Some(login), 2) = (text("sha256"), text("login"), table.len()) else {
            return Err(must());
        };
        let digits = sha256.replace(':', "").to_ascii_lowercase();
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(format!("holds {}, which is no SHA-256", quoted(sha256)));
        }
        all.insert(digits, login.to_owned());
    }
    Ok(all)
}

/// Mailboxes of new accounts: no name and no use twice, and INBOX is there without saying so.
fn mailboxes(value: &DeValue<'_>, must: &impl Fn() -> String) -> Result<Vec<FirstMailbox>, String> {
    let mut all: Vec<FirstMailbox> = Vec::new();
    for item in value.as_array().ok_or_else(must)?.iter() {
        let table = item.get_ref().as_table().ok_or_else(must)?;
        if table
            .keys()
            .any(|key| !["name", "use"].contains(&key.get_ref().as_ref()))
        {
            return Err(must());
        }
        let text = |key: &str| table.get(key).map(|value| value.get_ref().as_str());
        let name = text("name").flatten().ok_or_else(must)?;
        // One level only: what would stand above it is not made.
        let is_possible = |name: &MailboxName| !name.as_str().contains('/');
        let known = MailboxName::try_from(name).ok().filter(is_possible);
        let name = known.ok_or_else(|| format!("cannot have {}", quoted(name)))?;
        let special_use = match text("use") {
            None => None,
            Some(word) => {
                let attribute = format!("\\{}", word.ok_or_else(must)?);
                Some(SpecialUse::by_name(&attribute).ok_or_else(must)?)
            }
        };
        let is_twice = name.as_str() == "INBOX"
            || all.iter().any(|other| {
                let same_use = special_use.is_some() && other.special_use == special_use;
                other.name == name || same_use
            });
        if is_twice || all.len() == MAX_FIRST_MAILBOXES {
            return Err(format!(
                "has {} or its use twice, or too many",
                quoted(name.as_str())
            ));
        }
        all.push(FirstMailbox { name, special_use });
    }
    Ok(all)
}

fn certificate_file(table: &DeTable<'_>, name: &str) -> Result<PathBuf, String> {
    let value = table.get(name).map(toml::Spanned::get_ref);
    let path = value.and_then(path);
    path.ok_or_else(|| format!("needs `{name}`, an absolute path in quotes"))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a String does not fail.
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
