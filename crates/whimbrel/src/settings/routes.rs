//! Rows of `road.route`: how each is read from TOML, written back, and made a route.
//!
//! What never happens here: reading a file.

use addr::{Charset, Host};
use post::road::route::{
    Credentials, Demand, DomainPattern, Form, Next, Packed, Program, Protocol, Route,
    SenderPattern, Server, Sources,
};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::DeValue;

/// One row, as it is written.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RouteRow {
    pub to: Option<String>,
    pub from: Option<String>,
    /// `mx` if it says nothing.
    pub via: Option<String>,
    pub tls: Option<String>,
    pub login: Option<String>,
    pub password: Option<PathBuf>,
    pub source: Vec<String>,
    pub command: Vec<String>,
    pub form: Option<String>,
}

/// What a row must be, as the end of “must be …”.
pub const ASKED: &str = "a list of { to = \"DOMAIN\", from = \"ADDRESS\", via = \"smtp://HOST:PORT\" } \
                         and more, as the manual has it";

const TLS: &[(&str, Demand)] = &[
    ("offered", Demand::WhereOffered),
    ("verified", Demand::Verified),
    ("at_once", Demand::AtOnce),
];

/// Reads all rows; the error is what is wrong with the first that is.
pub fn take(value: &DeValue<'_>) -> Result<Vec<RouteRow>, String> {
    let must = || format!("must be {ASKED}");
    let mut all = Vec::new();
    for item in value.as_array().ok_or_else(must)?.iter() {
        let mut row = RouteRow::default();
        for (key, value) in item.get_ref().as_table().ok_or_else(must)?.iter() {
            let (key, value) = (key.get_ref().as_ref(), value.get_ref());
            let text = || {
                let text = value.as_str().filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| format!("needs a text in quotes for `{key}`"));
                text.map(|text| Some(text.to_owned()))
            };
            match key {
                "to" => row.to = text()?,
                "from" => row.from = text()?,
                "via" => row.via = text()?,
                "tls" => row.tls = text()?,
                "login" => row.login = text()?,
                "password" => row.password = text()?.map(PathBuf::from),
                "source" => row.source = texts(key, value)?,
                "command" => row.command = texts(key, value)?,
                "form" => row.form = text()?,
                other => return Err(format!("knows no `{other}`; it {}", must())),
            }
        }
        // What is wrong with it shows without the password's file.
        row.route(row.password.as_ref().map(|_| Vec::new()), "")?;
        all.push(row);
    }
    Ok(all)
}

fn texts(key: &str, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let must = || format!("needs a list of texts for `{key}`");
    let items = value.as_array().ok_or_else(must)?.iter();
    let text = items.map(|item| item.get_ref().as_str().map(str::to_owned));
    text.collect::<Option<_>>().ok_or_else(must)
}

impl RouteRow {
    /// The row in TOML; `quoted` makes a string of it.
    pub fn show(&self, quoted: impl Fn(&str) -> String) -> String {
        let password = self
            .password
            .as_ref()
            .map(|path| path.display().to_string());
        let texts = [
            ("to", &self.to),
            ("from", &self.from),
            ("via", &self.via),
            ("tls", &self.tls),
            ("login", &self.login),
            ("password", &password),
            ("form", &self.form),
        ];
        let mut words: Vec<String> = texts
            .into_iter()
            .filter_map(|(key, text)| Some(format!("{key} = {}", quoted(text.as_deref()?))))
            .collect();
        for (key, all) in [("source", &self.source), ("command", &self.command)] {
            if !all.is_empty() {
                let all: Vec<String> = all.iter().map(|text| quoted(text)).collect();
                words.push(format!("{key} = [{}]", all.join(", ")));
            }
        }
        match words.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{ {} }}", words.join(", ")),
        }
    }

    /// As the road has it; the password is what stands in its file, and `own` our name in UUCP.
    pub fn route(&self, password: Option<Vec<u8>>, own: &str) -> Result<Route, String> {
        let login = match (&self.login, password) {
            (None, None) => None,
            (Some(name), Some(password)) => Some(Credentials {
                name: name.clone(),
                password,
            }),
            _ => return Err("has `login` or `password` without the other".to_owned()),
        };
        let to = self.to.as_deref().map(domain_pattern).transpose()?;
        let from = self.from.as_deref().map(sender_pattern).transpose()?;
        let next = self.next(login, own)?;
        Ok(Route {
            to,
            from,
            next,
            sources: self.sources()?,
        })
    }

    fn next(&self, login: Option<Credentials>, own: &str) -> Result<Next, String> {
        let via = self.via.as_deref().unwrap_or("mx");
        let is_server = via.contains("://");
        if !is_server && (login.is_some() || self.tls.is_some()) {
            return Err(format!(
                "has a login or `tls` with \"{via}\", which knows none"
            ));
        }
        if (via == "pipe") == self.command.is_empty() {
            return Err("needs via = \"pipe\" and a `command` together".to_owned());
        }
        if via != "pipe" && self.form.is_some() {
            return Err("has a `form`, which is for via = \"pipe\"".to_owned());
        }
        match via {
            "mx" => Ok(Next::Exchanges),
            "pipe" => {
                let command = self.command.clone();
                if !Path::new(&command[0]).is_absolute() {
                    return Err("needs a `command` that begins with an absolute path".to_owned());
                }
                let form = self.form(own)?;
                Ok(Next::Program(Arc::new(Program { command, form })))
            }
            via => match via
                .strip_prefix("lmtp:/")
                .filter(|rest| !rest.starts_with('/'))
            {
                Some(path) => Ok(Next::Socket(PathBuf::from(format!("/{path}")))),
                None => self.server(via, login),
            },
        }
    }

    /// By the name of the command that reads it there.
    fn form(&self, own: &str) -> Result<Form, String> {
        let is_named = self.command.iter().any(|word| word.contains("{recipient}"));
        match (self.form.as_deref(), is_named) {
            (Some("rmail"), false) => {
                return Err("needs a word with {recipient} in a `command` for rmail".to_owned());
            }
            (Some(form), true) if form != "rmail" => {
                return Err(format!(
                    "has {{recipient}} in a `command` for {form}, whose batch names them"
                ));
            }
            _ => {}
        }
        Ok(match self.form.as_deref() {
            None => Form::ReturnPath,
            Some("rmail") => Form::FromLine(own.to_owned()),
            Some("rsmtp") => Form::Batch(Packed::Not),
            Some("rgsmtp") => Form::Batch(Packed::Gzip),
            Some("rcsmtp") => Form::Batch(Packed::Compress),
            Some(_) => {
                return Err("has a `form` that is none of rmail, rsmtp, rgsmtp, rcsmtp".to_owned());
            }
        })
    }

    fn server(&self, via: &str, login: Option<Credentials>) -> Result<Next, String> {
        let wrong = || {
            format!(
                "cannot go by \"{via}\": mx, smtp://HOST:PORT, lmtp://HOST:PORT, lmtp:/PATH or pipe"
            )
        };
        let (protocol, place) = match via.split_once("://") {
            Some(("smtp", place)) => (Protocol::Smtp, place),
            Some(("lmtp", place)) => (Protocol::Lmtp, place),
            _ => return Err(wrong()),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ if protocol == Protocol::Smtp => (place, 25),
            _ => (place, 24),
        };
        let tls = match &self.tls {
            Some(word) => {
                let row = TLS.iter().find(|row| row.0 == word);
                row.ok_or("has a `tls` that is none of offered, verified, at_once")?
                    .1
            }
            None if port == 465 => Demand::AtOnce,
            None if login.is_some() => Demand::Verified,
            None => Demand::WhereOffered,
        };
        Ok(Next::Server(Arc::new(Server {
            host: host_of(host).ok_or_else(wrong)?,
            port,
            protocol,
            tls,
            login,
        })))
    }

    fn sources(&self) -> Result<Sources, String> {
        let mut sources = Sources::default();
        for text in &self.source {
            let taken = match text.parse() {
                Ok(IpAddr::V4(v4)) => sources.v4.replace(v4).is_some(),
                Ok(IpAddr::V6(v6)) => sources.v6.replace(v6).is_some(),
                Err(_) => return Err(format!("has a `source` \"{text}\" that is no address")),
            };
            if taken {
                return Err("has two of one kind of address in `source`".to_owned());
            }
        }
        Ok(sources)
    }
}

/// A name, or an address in brackets or bare.
fn host_of(text: &str) -> Option<Host> {
    let literal = match text.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(v4)) => format!("[{v4}]"),
        Ok(IpAddr::V6(v6)) => format!("[IPv6:{v6}]"),
        Err(_) => text.to_owned(),
    };
    Host::parse(literal.as_bytes(), Charset::Utf8).ok()
}

fn domain_pattern(text: &str) -> Result<DomainPattern, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("has a `to` \"{text}\" that is neither a domain nor *.DOMAIN"))
}

fn sender_pattern(text: &str) -> Result<SenderPattern, String> {
    let wrong = || format!("has a `from` \"{text}\" that is neither an address nor a domain");
    match text.contains('@') {
        true => text
            .parse()
            .map(SenderPattern::Address)
            .map_err(|_| wrong()),
        false => text.parse().map(SenderPattern::Domain).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<RouteRow>, String> {
        take(DeValue::parse(text).unwrap().get_ref())
    }

    fn route(text: &str) -> Route {
        let row = read(&format!("[{text}]")).unwrap().remove(0);
        let password = row.password.as_ref().map(|_| b"secret".to_vec());
        row.route(password, "beta").unwrap()
    }

    fn server(text: &str) -> Server {
        match route(text).next {
            Next::Server(server) => Server::clone(&server),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_smarthost_with_a_login_is_proven_before_it_hears_the_password() {
        let got = server("{ via = \"smtp://relay.test:587\", login = \"ann\", password = \"/p\" }");
        assert_eq!((got.port, got.tls), (587, Demand::Verified));
        assert_eq!(got.login.unwrap().password, b"secret");
        let got = server("{ via = \"smtp://relay.test:465\" }");
        assert_eq!(got.tls, Demand::AtOnce);
        let got = server("{ via = \"smtp://[2001:db8::1]\", tls = \"verified\" }");
        assert_eq!(
            (got.host.to_string(), got.port),
            ("[IPv6:2001:db8::1]".to_owned(), 25)
        );
        assert_eq!(got.tls, Demand::Verified);
        let got = server("{ via = \"lmtp://192.0.2.1\" }");
        assert_eq!(
            (got.host.to_string(), got.port),
            ("[192.0.2.1]".to_owned(), 24)
        );
    }

    #[test]
    fn rows_may_be_for_domains_senders_sockets_programs_and_sources() {
        let got = route("{ to = \"*.x.test\", from = \"ann@a.test\", via = \"lmtp:/run/x\" }");
        assert_eq!(
            got.to,
            Some(DomainPattern::Below("x.test".parse().unwrap()))
        );
        assert_eq!(got.next, Next::Socket("/run/x".into()));
        let got = route("{ from = \"a.test\", source = [\"192.0.2.1\", \"2001:db8::1\"] }");
        assert_eq!(got.next, Next::Exchanges);
        assert!(got.sources.v4.is_some() && got.sources.v6.is_some());
        let got = route("{ via = \"pipe\", command = [\"/bin/x\", \"{recipient}\"] }");
        assert!(matches!(got.next, Next::Program(_)));
        let form = |name: &str| {
            let to = if name == "rmail" {
                ", \"{recipient}\""
            } else {
                ""
            };
            let text =
                format!("{{ via = \"pipe\", command = [\"/bin/x\"{to}], form = \"{name}\" }}");
            match route(&text).next {
                Next::Program(program) => program.form.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(form("rmail"), Form::FromLine("beta".to_owned()));
        assert_eq!(form("rcsmtp"), Form::Batch(Packed::Compress));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for wrong in [
            "\"x\"",
            "{ colour = \"red\" }",
            "{ to = 7 }",
            "{ to = \"*\" }",
            "{ from = \"a b\" }",
            "{ via = \"http://x.test\" }",
            "{ via = \"smtp://x.test:99999\" }",
            "{ via = \"smtp://-\" }",
            "{ via = \"pipe\" }",
            "{ via = \"pipe\", command = [\"x\"] }",
            "{ command = [\"/bin/x\"] }",
            "{ via = \"pipe\", command = [\"/bin/x\"], form = \"rfsmtp\" }",
            "{ via = \"mx\", form = \"rmail\" }",
            "{ via = \"pipe\", command = [\"/bin/x\"], form = \"rmail\" }",
            "{ via = \"pipe\", command = [\"/bin/x\", \"{recipient}\"], form = \"rsmtp\" }",
            "{ login = \"ann\", password = \"/p\" }",
            "{ via = \"smtp://x.test\", login = \"ann\" }",
            "{ via = \"smtp://x.test\", tls = \"perhaps\" }",
            "{ source = [\"192.0.2.1\", \"192.0.2.2\"] }",
            "{ source = [\"here\"] }",
        ] {
            assert!(read(&format!("[{wrong}]")).is_err(), "{wrong}");
        }
    }
}
