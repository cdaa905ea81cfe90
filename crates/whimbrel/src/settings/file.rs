//! The settings file: TOML to values, with everything that is wrong in it told at once.
//!
//! What never happens here: opening a file.

use super::table::{Row, rows};
use super::{At, Settings};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong at one place of the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.text)
    }
}

/// The usual settings with what the file says, or everything that is wrong with it.
pub fn read(text: &str, usual: Settings) -> Result<Settings, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading {
        text,
        rows: rows(),
        settings: usual,
        seen: BTreeMap::new(),
        problems: Vec::new(),
    };
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().replace('\n', ", ");
        reading.problem(at, format!("is no TOML: {what}"));
    }
    // What can be understood of a broken file may mean something else than its writer meant.
    if reading.problems.is_empty() {
        reading.table("", document.get_ref());
        reading.together();
    }
    reading.problems.sort();
    reading.problems.dedup();
    match reading.problems.is_empty() {
        true => Ok(reading.settings),
        false => Err(reading.problems),
    }
}

struct Reading<'t> {
    text: &'t str,
    rows: Vec<Row>,
    settings: Settings,
    /// Where each setting stands that the file has.
    seen: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn problem(&mut self, at: usize, text: String) {
        let (line, column) = place(self.text, at);
        self.problems.push(Problem { line, column, text });
    }

    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = match section {
                "" => key.get_ref().to_string(),
                section => format!("{section}.{}", key.get_ref()),
            };
            self.entry(&name, key.span().start, value);
        }
    }

    fn entry(&mut self, name: &str, at: usize, value: &Spanned<DeValue<'_>>) {
        if let Some(row) = self.rows.iter().find(|row| row.name == name) {
            self.seen.insert(name.to_owned(), at);
            if let Err(wrong) = row.take(&mut self.settings, value.get_ref()) {
                self.problem(value.span().start, format!("`{name}` {wrong}"));
            }
            return;
        }
        let section = format!("{name}.");
        if !self.rows.iter().any(|row| row.name.starts_with(&section)) {
            let advice = nearest(name, &self.rows);
            return self.problem(at, format!("there is no setting `{name}`{advice}"));
        }
        match value.get_ref().as_table() {
            Some(table) => self.table(name, table),
            None => self.problem(at, format!("`{name}` is a section: write [{name}]")),
        }
    }

    /// What only shows when all settings are known.
    fn together(&mut self) {
        let mut taken: BTreeMap<At, &'static str> = BTreeMap::new();
        let mut found = Vec::new();
        for listen in &self.settings.listen {
            let name = crate::listeners::row(listen.kind).name;
            for at in &listen.addresses {
                let any_port = matches!(at, At::Tcp(at) if at.port() == 0);
                if any_port {
                    continue;
                }
                if let Some(other) = taken.insert(at.clone(), name) {
                    let text = format!(
                        "`listen.{name}.addresses` and `listen.{other}.addresses` both have {at}"
                    );
                    found.push((format!("listen.{name}.addresses"), text));
                }
            }
        }
        for (name, text) in found {
            let at = self.seen.get(&name).copied().unwrap_or(0);
            self.problem(at, text);
        }
    }
}

/// Line and column of an octet.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// A known name that may have been meant, as the end of a sentence.
fn nearest(name: &str, rows: &[Row]) -> String {
    let mut known: Vec<&str> = Vec::new();
    for row in rows {
        let mut name = row.name.as_str();
        known.push(name);
        while let Some((section, _)) = name.rsplit_once('.') {
            known.push(section);
            name = section;
        }
    }
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let elsewhere = known.iter().find(|known| last(known) == last(name));
    let alike = known
        .iter()
        .filter(|known| known.matches('.').count() == name.matches('.').count())
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .min();
    match (alike, elsewhere) {
        (Some((distance, known)), _) if distance <= 1 + name.len() / 5 => {
            format!("; `{known}` is meant?")
        }
        (_, Some(known)) => format!("; `{known}` is meant?"),
        _ => "; `whimbrel config example` shows all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners::Kind;

    fn usual() -> Settings {
        Settings::new("mail.example.org")
    }

    fn problems(text: &str) -> Vec<String> {
        let problems = match read(text, usual()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        };
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn an_empty_file_says_nothing_against_the_defaults() {
        let settings = read("", usual()).ok().unwrap();
        for row in rows() {
            assert_eq!(row.show(&settings), row.show(&usual()), "{}", row.name);
        }
    }

    #[test]
    fn takes_values_of_every_kind() {
        let text = r#"
            hostname = "MX.example.net"
            group = "mail"
            [log]
            level = "imapd=debug,info"
            format = "json"
            [[tls.certificate]]
            chain = "/a/chain.pem"
            key = "/a/key.pem"
            [[tls.certificate]]
            chain = "/b/chain.pem"
            key = "/b/key.pem"
            [listen.pop3]
            addresses = []
            [listen.imap]
            addresses = ["127.0.0.1:0", "[::1]:143", "/run/imap"]
            connections_per_address = 7
            [mail]
            message_size = "25 MiB"
            history = "2 weeks"
            quota = "none"
            history_size = 1000
            [smtp]
            bare_newline_networks = ["192.0.2.0/24"]
            [[road.customer]]
            name = "near"
            domains = ["customer.example"]
            networks = ["192.0.2.7"]
            hold = "etrn"
            [[road.customer]]
            name = "far"
            domains = ["other.example"]
            login = "site@example.net"
            [login]
            scram = false
        "#;
        let settings = read(text, usual()).ok().unwrap();
        assert_eq!(settings.hostname, "mx.example.net");
        assert_eq!(settings.process.group.as_deref(), Some("mail"));
        assert_eq!(settings.certificates.len(), 2);
        assert!(settings.listen(Kind::Pop3).addresses.is_empty());
        assert_eq!(settings.listen(Kind::Imap).addresses.len(), 3);
        assert_eq!(settings.listen(Kind::Imap).bounds.per_address, 7);
        assert_eq!(settings.road.customers.len(), 2);
        assert_eq!(settings.road.customers[1].networks, []);
        assert_eq!(settings.message_bytes, 25 << 20);
        assert_eq!(settings.mail.history_s, 14 * 86_400);
        assert_eq!(settings.mail.history_max_bytes, Some(1_000));
        assert!(!settings.mail.scram_verifier);
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let text = r#"hostnam = "mail.example.org"
data = "relative/path"

[log]
level = 7
colour = "red"

[listen.smtp]
addresses = ["0.0.0.0"]
connections = 0

[mial]
quota = 1

[mail]
message_size = "25 elephants"
keywords = "1000000"
autologout = "1 h"

[imap]
autologout = "5 min"

[pop3.autologout]
x = 1

[login]
cleartext = "sometimes"

[uucp]
name = "beta.example"
neighbours = ["alpha", "a_b"]
relay = ["leaf!x"]
"#;
        let expect = [
            "1:1: there is no setting `hostnam`; `hostname` is meant?",
            "2:8: `data` must be an absolute path in quotes",
            "5:9: `log.level` must be error, warn, info, debug, trace, or a filter such as \
             \"imapd=debug,info\"",
            "6:1: there is no setting `log.colour`; `whimbrel config example` shows all",
            "9:13: `listen.smtp.addresses` holds \"0.0.0.0\"; it must be a list of addresses with \
             ports or of paths, such as [\"0.0.0.0:25\", \"[::]:25\"]",
            "10:15: `listen.smtp.connections` must be at least 1",
            "12:2: there is no setting `mial`; `mail` is meant?",
            "16:16: `mail.message_size` must be a size such as \"25 MiB\"",
            "17:12: `mail.keywords` is too large",
            "18:1: there is no setting `mail.autologout`; `imap.autologout` is meant?",
            "21:14: `imap.autologout` must be at least 30 min (RFC 3501 section 5.4)",
            "23:1: `pop3.autologout` must be a time such as \"30 days\" or \"5 min\"",
            "27:13: `login.cleartext` must be \"never\" or \"loopback\" or \"always\"",
            "30:8: `uucp.name` must be the name of a system, of letters, digits and hyphens, such as \
             \"beta\"",
            "31:14: `uucp.neighbours` holds \"a_b\"; it must be a list of names of systems, of \
             letters, digits and hyphens, such as [\"alpha\"]",
            "32:9: `uucp.relay` holds \"leaf!x\"; it must be a list of names of systems, of letters, \
             digits and hyphens, such as [\"alpha\"]",
        ];
        assert_eq!(problems(text), expect);
    }

    #[test]
    fn rpop_is_for_loopback_only() {
        let read = |text: &str| {
            problems(&format!(
                "hostname = \"a.example\"\n[pop3]\nrpop = {text}\n"
            ))
        };
        assert_eq!(read("[\"127.0.0.1\", \"127.0.0.0/8\", \"::1\"]"), [""; 0]);
        for bad in ["192.0.2.7", "0.0.0.0/0", "127.0.0.0/7", "::/0", "localhost"] {
            let told = format!(
                "3:8: `pop3.rpop` holds \"{bad}\"; it must be a list of loopback addresses or \
                 networks such as [\"127.0.0.1\", \"::1\"]"
            );
            assert_eq!(read(&format!("[\"::1\", \"{bad}\"]")), [told]);
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_by_place() {
        let text = "hostname = \"a.example\"\n[log\nlevel = \"info\"\n";
        let told = problems(text);
        assert!(told[0].starts_with("2:"), "{told:?}");
        assert!(told[0].contains("is no TOML"), "{told:?}");
        assert!(problems("hostname = \"a\"\nhostname = \"b\"\n")[0].starts_with("2:1:"));
    }

    #[test]
    fn one_address_for_two_listeners_is_refused() {
        let text = "[listen.imap]\naddresses = [\"0.0.0.0:143\"]\n\
                    [listen.pop3]\naddresses = [\"0.0.0.0:143\"]\n";
        assert_eq!(
            problems(text),
            ["4:1: `listen.pop3.addresses` and `listen.imap.addresses` both have 0.0.0.0:143"]
        );
    }

    #[test]
    fn mailboxes_of_new_accounts_have_one_name_and_use_each() {
        let list = |items: &str| format!("[mail]\nfirst_mailboxes = [{items}]\n");
        let text = list("{ name = \"Gesendet\", use = \"sent\" }, { name = \"Listen\" }");
        let settings = read(&text, usual()).ok().unwrap();
        assert_eq!(settings.mail.first_mailboxes.len(), 2);
        for wrong in [
            "{ name = \"inbox\" }",
            "{ name = \"A/B\" }",
            "{ name = \"A\" }, { name = \"A\" }",
            "{ name = \"A\", use = \"sent\" }, { name = \"B\", use = \"sent\" }",
            "{ name = \"A\", use = \"flagged\" }",
            "{ use = \"sent\" }",
            "{ name = \"A\", colour = \"red\" }",
            "\"A\"",
        ] {
            assert_eq!(problems(&list(wrong)).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_needs_both_files_and_nothing_else() {
        assert_eq!(
            problems("[[tls.certificate]]\nchain = \"/a\"\n"),
            ["1:1: `tls.certificate` needs `key`, an absolute path in quotes"]
        );
        assert_eq!(
            problems("[tls]\ncertificate = [{ chain = \"/a\", key = \"/b\", cert = \"/c\" }]\n"),
            [
                "2:15: `tls.certificate` knows no `cert`; it must be a list of { chain = \"FILE\", \
              key = \"FILE\" }"
            ]
        );
    }
}
