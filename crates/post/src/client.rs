//! Who is on the line. Values only.

use addr::{Address, AddressLiteral, Charset, Domain, Host, LocalPart};
use mail::Login;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use uucp::{Systems, UnknownSystem};

/// What a listener is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Other servers bring mail for us (port 25).
    Exchange,
    /// Our own users send (587, 465): nothing without a login. [rfc6409 4.3]
    Submission,
    /// A program on this machine brings mail for us and asks about each recipient by itself
    /// (LMTP). Trusted to be that program, with nothing else.
    Lmtp,
    /// A customer's server comes for the mail that is kept for it (366): no mail comes in.
    /// [rfc2645 4]
    OnDemand,
    /// A user of this machine hands in mail; the system says who it is.
    Local,
}

/// Whose name a local user may send in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Only his own.
    Own,
    /// Anybody's: the operator says so.
    Anybody,
}

/// A user of this machine, as the system knows him.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalUser {
    pub uid: u32,
    /// His login name; None if the system has none for him.
    pub name: Option<String>,
    pub trust: Trust,
    /// What stands behind names without a domain.
    pub(crate) origin: Domain,
    /// His addresses, at least one; the first stands in his envelopes.
    pub(crate) own: Vec<Address>,
    /// What bang paths are read with.
    pub(crate) systems: Arc<Systems>,
    /// Whose mail he brings; None if it is his own, or that of programs here.
    pub(crate) neighbour: Option<Neighbour>,
}

/// A system whose mail comes by UUCP. A trusted user of this machine brings it, and says whose it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    pub name: String,
    pub may: MaySend,
}

/// Whom a neighbour may send to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MaySend {
    /// Those for whom mail is taken from everybody.
    ToUs,
    /// Anybody: we are its way out.
    Anywhere,
}

/// What a program on this machine writes where it knows no domain.
pub(crate) const HERE: &str = "localhost";

/// What a name of somebody on this machine stands before.
pub fn here() -> Domain {
    HERE.parse().expect("because `localhost` is a name")
}

impl LocalUser {
    /// He has his name at each of these domains; the first is the origin.
    pub(crate) fn new(
        uid: u32,
        name: Option<String>,
        trust: Trust,
        domains: [Domain; 2],
    ) -> LocalUser {
        let numbered = format!("uid{uid}");
        let local = LocalPart::from_content(name.as_deref().unwrap_or(&numbered));
        let local = local.or_else(|_| LocalPart::from_content(&numbered));
        let local = local.expect("because letters and digits are a local part");
        let own = domains
            .iter()
            .filter_map(|domain| Address::new(local.clone(), Host::Name(domain.clone())).ok());
        let own = own.collect();
        let [origin, _] = domains;
        LocalUser {
            uid,
            name,
            trust,
            origin,
            own,
            systems: Arc::default(),
            neighbour: None,
        }
    }

    /// The same user, where these systems are known.
    pub fn knowing(mut self, systems: Arc<Systems>) -> LocalUser {
        self.systems = systems;
        self
    }

    /// The address that stands for him; None if it would be too long for one.
    pub fn address(&self) -> Option<&Address> {
        self.own.first()
    }

    /// Whether an address is his own, with or without a detail.
    pub(crate) fn is_own(&self, address: &Address) -> bool {
        let key = address.without_detail().key();
        self.own.iter().any(|own| own.key() == key)
    }

    /// Whether he may send as this address.
    pub(crate) fn may_send_as(&self, address: &Address) -> bool {
        self.trust == Trust::Anybody || self.is_own(address)
    }

    /// The same user, with what he brings of this neighbour. Who is not trusted sends in his own name all
    /// the same, and not through us: it may be a neighbour's job whose user nobody has named.
    pub fn bringing(&mut self, neighbour: Option<Neighbour>) {
        self.neighbour = neighbour.map(|neighbour| Neighbour {
            may: match self.trust {
                Trust::Anybody => neighbour.may,
                Trust::Own => MaySend::ToUs,
            },
            ..neighbour
        });
    }

    /// Whether a path begins with a system that we know.
    pub(crate) fn knows_way(&self, address: &Address) -> Result<(), UnknownSystem> {
        self.led(address).map_or(Ok(()), |led| led.map(drop))
    }

    /// Where a recipient is: at the origin, where it is `…@localhost`; where its path leads, if it has one.
    /// None where it stays as it is.
    pub fn placed(&self, address: &Address) -> Option<Address> {
        let led = self.led(address).transpose().ok()?;
        let here = self.at_origin(led.as_ref().unwrap_or(address));
        here.or(led)
    }

    /// Where a path leads. A neighbour's addresses all may be paths; of what is written here only what has
    /// no domain is: `gamma!dave`.
    fn led(&self, address: &Address) -> Option<Result<Address, UnknownSystem>> {
        let is_path = || is_here(address) && address.local().as_str().contains('!');
        let is_read = self.neighbour.is_some() || is_path();
        is_read.then(|| self.systems.resolve(address))
    }

    /// A sender's; what a neighbour calls its own localhost is not ours.
    pub fn placed_sender(&self, address: &Address) -> Option<Address> {
        match self.neighbour {
            Some(_) => None,
            // a program without access to the system's users writes what it knows of itself
            None if self.is_his_number(address) => self.address().cloned(),
            None => self.at_origin(address),
        }
    }

    fn is_his_number(&self, address: &Address) -> bool {
        is_here(address) && address.local().key() == format!("uid{}", self.uid)
    }

    fn at_origin(&self, address: &Address) -> Option<Address> {
        let placed = || Address::new(address.local().clone(), Host::Name(self.origin.clone()));
        is_here(address).then(placed)?.ok()
    }
}

fn is_here(address: &Address) -> bool {
    let domain = address.domain();
    domain.is_some_and(|domain| domain.as_str() == HERE)
}

/// `uid 1000 (jane)`
impl fmt::Display for LocalUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}", self.uid)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        match &self.neighbour {
            Some(neighbour) => write!(f, " for {}.uucp", neighbour.name),
            None => Ok(()),
        }
    }
}

/// How the client said hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeting {
    Helo,
    Ehlo,
    Lhlo,
}

/// Who is on the line, as far as it is known.
#[derive(Clone, Debug)]
pub struct Client {
    pub peer: SocketAddr,
    /// The name it gave itself; nobody checked it.
    pub helo: Option<(Greeting, String)>,
    /// What TLS agreed on (`TLSv1.3 TLS_AES_256_GCM_SHA384`); None without TLS.
    pub tls: Option<String>,
    pub login: Option<Login>,
    /// Only where the role is `Local`.
    pub local: Option<LocalUser>,
    pub role: Role,
}

impl Client {
    /// The address as it stands in a Received field: `[192.0.2.1]`. [rfc5321 4.1.3]
    pub fn address_literal(&self) -> String {
        match self.peer.ip() {
            IpAddr::V4(ip) => AddressLiteral::V4(ip).to_string(),
            IpAddr::V6(ip) => AddressLiteral::V6(ip).to_string(),
        }
    }

    /// Whether it has logged in, or is a user of this machine.
    pub(crate) fn is_known(&self) -> bool {
        self.login.is_some() || self.local.is_some()
    }

    /// The system whose mail it brings by UUCP, if its word counts.
    pub(crate) fn neighbour(&self) -> Option<&Neighbour> {
        let user = self.local.as_ref()?;
        let neighbour = user.neighbour.as_ref();
        neighbour.filter(|_| user.trust == Trust::Anybody)
    }

    /// Whether what it brings by UUCP, trusted or not, may go only where everybody's mail may.
    pub(crate) fn may_send_to_us_only(&self) -> bool {
        let neighbour = self.local.as_ref().and_then(|user| user.neighbour.as_ref());
        neighbour.is_some_and(|neighbour| neighbour.may == MaySend::ToUs)
    }

    /// Whose rights it has to ask for more than to be taken: what a neighbour brings who may send to us
    /// only is no submission.
    pub(crate) fn asks_as(&self) -> Role {
        match self.may_send_to_us_only() {
            true => Role::Exchange,
            false => self.role,
        }
    }

    /// Who has messages held for later: the login, or the user of this machine.
    pub(crate) fn holder(&self) -> Option<String> {
        let login = self.login.as_ref().map(|login| login.name().to_owned());
        login.or_else(|| self.local.as_ref().map(LocalUser::to_string))
    }

    /// The name of the protocol in a Received field. [rfc3848 2] [rfc6531 4.3]
    pub fn protocol(&self, charset: Charset) -> &'static str {
        let names = match &self.helo {
            Some((Greeting::Ehlo, _)) => &ESMTP,
            Some((Greeting::Lhlo, _)) => &LMTP,
            Some((Greeting::Helo, _)) | None => return "SMTP",
        };
        let row = match charset {
            Charset::Ascii => &names[0],
            Charset::Utf8 => &names[1],
        };
        row[usize::from(self.tls.is_some()) + 2 * usize::from(self.login.is_some())]
    }
}

/// Without anything, with TLS, with a login, with both; below the same with SMTPUTF8.
type Names = [[&'static str; 4]; 2];
const ESMTP: Names = [
    ["ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"],
    ["UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"],
];
const LMTP: Names = [
    ["LMTP", "LMTPS", "LMTPA", "LMTPSA"],
    ["UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn user(trust: Trust) -> LocalUser {
        let domains = ["example.test", "mail.example.test"].map(|name| name.parse().unwrap());
        LocalUser::new(1_000, Some("jane".to_owned()), trust, domains)
    }

    #[test]
    fn a_local_user_sends_as_himself_and_only_who_is_trusted_as_anybody() {
        let may = |trust, address: &str| user(trust).may_send_as(&address.parse().unwrap());
        for own in [
            "jane@example.test",
            "JANE+x@example.test",
            "jane@mail.example.test",
        ] {
            assert!(may(Trust::Own, own), "{own}");
        }
        for other in ["joe@example.test", "jane@else.test", "jane@test"] {
            assert!(!may(Trust::Own, other), "{other}");
            assert!(may(Trust::Anybody, other), "{other}");
        }
    }

    #[test]
    fn a_local_user_has_an_address_whatever_he_is_called() {
        let called = |name: Option<&str>| {
            let domains = ["a.test", "b.test"].map(|name| name.parse().unwrap());
            let user = LocalUser::new(7, name.map(str::to_owned), Trust::Own, domains);
            (user.address().unwrap().to_string(), user.to_string())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(called(Some("jane")), pair("jane@a.test", "uid 7 (jane)"));
        assert_eq!(called(None), pair("uid7@a.test", "uid 7"));
        assert_eq!(called(Some("a\nb")).0, "uid7@a.test");
    }

    #[test]
    fn names_here_get_the_domain_of_the_house() {
        let user = user(Trust::Own);
        let placed = |address: &str| user.placed(&address.parse().unwrap());
        let root = placed("root@localhost").unwrap();
        assert_eq!(root.to_string(), "root@example.test");
        assert_eq!(placed("root@else.test"), None);
    }

    #[test]
    fn a_path_that_is_written_here_leads_to_a_neighbour() {
        let systems = Systems {
            own: "beta".to_owned(),
            neighbours: vec!["gamma".to_owned()],
        };
        let user = user(Trust::Own).knowing(Arc::new(systems));
        let placed = |address: &str| {
            let address = address.parse().unwrap();
            let known = user.knows_way(&address).is_ok();
            known.then(|| user.placed(&address).map(|to| to.to_string()))
        };
        let to = |address: &str| Some(Some(address.to_owned()));
        assert_eq!(placed("gamma!dave@localhost"), to("dave@gamma.uucp"));
        assert_eq!(placed("beta!jane@localhost"), to("jane@example.test"));
        assert_eq!(placed("gamma!x!dave@localhost"), to("x!dave@gamma.uucp"));
        assert_eq!(placed("delta!dave@localhost"), None);
        // what has a domain is a mailbox, and its local part is that domain's
        assert_eq!(placed("gamma!dave@x.test"), Some(None));
        assert_eq!(placed("dave@gamma.uucp"), Some(None));
    }

    #[test]
    fn what_a_neighbour_brings_goes_where_its_path_leads() {
        let systems = Systems {
            own: "beta".to_owned(),
            neighbours: vec!["gamma".to_owned()],
        };
        let neighbour = Neighbour {
            name: "alpha".to_owned(),
            may: MaySend::ToUs,
        };
        let mut user = user(Trust::Anybody).knowing(Arc::new(systems));
        user.bringing(Some(neighbour.clone()));
        let placed = |address: &str| {
            let address = address.parse().unwrap();
            let known = user.knows_way(&address).is_ok();
            known.then(|| user.placed(&address).map(|to| to.to_string()))
        };
        let to = |address: &str| Some(Some(address.to_owned()));
        assert_eq!(placed("bob@localhost"), to("bob@example.test"));
        assert_eq!(placed("bob@beta.uucp"), to("bob@example.test"));
        assert_eq!(placed("gamma!dave@beta.uucp"), to("dave@gamma.uucp"));
        assert_eq!(placed("bob@x.test"), to("bob@x.test"));
        assert_eq!(placed("dave@delta.uucp"), None);
        assert_eq!(user.placed_sender(&"a@localhost".parse().unwrap()), None);
        assert_eq!(user.to_string(), "uid 1000 (jane) for alpha.uucp");
        // who is not trusted sends in his own name, and not through us
        let mut jane = super::tests::user(Trust::Own);
        jane.bringing(Some(Neighbour {
            may: MaySend::Anywhere,
            ..neighbour
        }));
        let client = Client {
            peer: "127.0.0.1:0".parse().unwrap(),
            helo: None,
            tls: None,
            login: None,
            local: Some(jane),
            role: Role::Local,
        };
        assert_eq!(client.neighbour(), None);
        assert!(client.may_send_to_us_only());
    }

    #[test]
    fn names_the_protocol_by_what_was_used() {
        // [rfc3848 2] [rfc6531 4.3]
        let client = |greeting, tls: Option<&str>| Client {
            peer: "[2001:db8::1]:25000".parse().unwrap(),
            helo: Some((greeting, "x".to_owned())),
            tls: tls.map(str::to_owned),
            login: None,
            local: None,
            role: Role::Exchange,
        };
        let check = |greeting, tls, charset, expect| {
            assert_eq!(client(greeting, tls).protocol(charset), expect);
        };
        let tls = Some("TLSv1.3");
        check(Greeting::Helo, None, Charset::Ascii, "SMTP");
        check(Greeting::Ehlo, None, Charset::Ascii, "ESMTP");
        check(Greeting::Ehlo, tls, Charset::Ascii, "ESMTPS");
        check(Greeting::Ehlo, None, Charset::Utf8, "UTF8SMTP");
        check(Greeting::Ehlo, tls, Charset::Utf8, "UTF8SMTPS");
        check(Greeting::Lhlo, None, Charset::Ascii, "LMTP");
        check(Greeting::Lhlo, tls, Charset::Utf8, "UTF8LMTPS");
        assert_eq!(
            client(Greeting::Ehlo, None).address_literal(),
            "[IPv6:2001:db8::1]"
        );
    }
}
