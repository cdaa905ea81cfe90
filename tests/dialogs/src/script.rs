//! A dialogue file as values: setup lines first, then steps.
//!
//! Here lives the reading of the text. What never happens here: a connection.

use crate::pattern::Pattern;
use std::path::Path;
use std::str::FromStr;

/// Which door a session knocks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Listener {
    Smtp,
    Submission,
    Submissions,
    Lmtp,
    Odmr,
    Imap,
    Imaps,
    Pop3,
    Pop3s,
}

impl Listener {
    /// The ports where TLS begins with the first byte [rfc8314 3].
    pub fn is_tls_at_once(self) -> bool {
        matches!(
            self,
            Listener::Submissions | Listener::Imaps | Listener::Pop3s
        )
    }
}

impl FromStr for Listener {
    type Err = String;
    fn from_str(word: &str) -> Result<Listener, String> {
        Ok(match word {
            "smtp" => Listener::Smtp,
            "submission" => Listener::Submission,
            "submissions" => Listener::Submissions,
            "lmtp" => Listener::Lmtp,
            "odmr" => Listener::Odmr,
            "imap" => Listener::Imap,
            "imaps" => Listener::Imaps,
            "pop3" => Listener::Pop3,
            "pop3s" => Listener::Pop3s,
            other => return Err(format!("no listener is called {other}")),
        })
    }
}

/// What has to be there before the first word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Setup {
    Account {
        name: String,
        password: String,
    },
    Alias {
        name: String,
        targets: Vec<String>,
    },
    Mail {
        account: String,
        mailbox: String,
        file: String,
    },
    Host {
        domain: String,
        account: String,
        second: String,
    },
    Deliver {
        sender: String,
        recipients: Vec<String>,
        file: String,
    },
    /// A token of the house's issuer, kept under this name.
    Token {
        name: String,
        address: String,
        ends_s: i64,
    },
    /// A certificate of the house's authority that a session shows when it is asked.
    Certificate {
        session: u32,
        address: String,
    },
    Set {
        key: String,
        value: String,
    },
}

/// One thing that happens, with the line it stands in.
#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub session: u32,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// Text in which `<$name>` is still to be replaced; CRLF follows.
    Say(String),
    SendRaw(Vec<u8>),
    Expect(Pattern),
    SkipTo(Pattern),
    ExpectClose,
    StartTls,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub name: String,
    /// The comment at the top: what this file guards against.
    pub danger: String,
    pub setup: Vec<Setup>,
    pub listener: Listener,
    pub session_listeners: Vec<(u32, Listener)>,
    pub steps: Vec<Step>,
}

impl Script {
    pub fn read(path: &Path) -> Result<Script, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        Script::parse(&name, &text)
    }

    pub fn parse(name: &str, text: &str) -> Result<Script, String> {
        let danger: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .map(str::trim)
            .collect();
        if danger.iter().all(|line| line.is_empty()) {
            return Err(format!(
                "{name}: the first lines do not say what the file guards against"
            ));
        }
        let mut draft = Draft::default();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            draft
                .line(number, line)
                .map_err(|reason| format!("{name}:{number}: {reason}"))?;
        }
        Ok(Script {
            name: name.to_owned(),
            danger: danger.join(" "),
            setup: draft.setup,
            listener: draft.listener.ok_or(format!("{name}: no @listener line"))?,
            session_listeners: draft.session_listeners,
            steps: draft.steps,
        })
    }

    /// Where session `number` connects.
    pub fn listener_of(&self, number: u32) -> Listener {
        let own = self
            .session_listeners
            .iter()
            .find(|(session, _)| *session == number);
        own.map_or(self.listener, |(_, listener)| *listener)
    }

    /// The value of the last `@set KEY`.
    pub fn setting(&self, wanted: &str) -> Option<&str> {
        self.setup.iter().rev().find_map(|setup| match setup {
            Setup::Set { key, value } if key == wanted => Some(value.as_str()),
            _ => None,
        })
    }
}

#[derive(Default)]
struct Draft {
    setup: Vec<Setup>,
    listener: Option<Listener>,
    session_listeners: Vec<(u32, Listener)>,
    steps: Vec<Step>,
}

impl Draft {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(setup) = line.strip_prefix('@') {
            return self.setup_line(setup);
        }
        let digits_end = line[1..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(line.len(), |end| end + 1);
        let session = match line.get(1..digits_end) {
            Some("") => 1,
            Some(digits) => digits
                .parse()
                .map_err(|_| "the session number is too large")?,
            None => return Err(format!("this is no step: {line}")),
        };
        let action = action(&line[..1], &line[digits_end..]).ok_or("this is no step")??;
        self.steps.push(Step {
            line: number,
            session,
            action,
        });
        Ok(())
    }

    fn setup_line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["account", name, password] => self.setup.push(Setup::Account {
                name: (*name).to_owned(),
                password: (*password).to_owned(),
            }),
            ["alias", name, targets] => self.setup.push(Setup::Alias {
                name: (*name).to_owned(),
                targets: targets.split(',').map(str::to_owned).collect(),
            }),
            ["mail", account, mailbox, file] => self.setup.push(Setup::Mail {
                account: (*account).to_owned(),
                mailbox: (*mailbox).to_owned(),
                file: (*file).to_owned(),
            }),
            ["host", domain, account, second] => self.setup.push(Setup::Host {
                domain: (*domain).to_owned(),
                account: (*account).to_owned(),
                second: (*second).to_owned(),
            }),
            ["deliver", sender, recipients, file] => self.setup.push(Setup::Deliver {
                sender: (*sender).to_owned(),
                recipients: recipients.split(',').map(str::to_owned).collect(),
                file: (*file).to_owned(),
            }),
            ["set", key, value] => {
                self.setup.push(Setup::Set {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                });
            }
            ["token", name, address, seconds] => self.setup.push(Setup::Token {
                name: (*name).to_owned(),
                address: (*address).to_owned(),
                ends_s: seconds.parse().map_err(|_| "a token ends in seconds")?,
            }),
            ["certificate", session, address] => self.setup.push(Setup::Certificate {
                session: session.parse().map_err(|_| "a session has a number")?,
                address: (*address).to_owned(),
            }),
            ["listener", kind] => self.listener = Some(kind.parse()?),
            ["listener", session, kind] => {
                let session = session.parse().map_err(|_| "a session has a number")?;
                self.session_listeners.push((session, kind.parse()?));
            }
            _ => return Err(format!("not a setup line: @{line}")),
        }
        Ok(())
    }
}

/// The step after `C` or `S` and the session number; `None` when it is none.
fn action(who: &str, rest: &str) -> Option<Result<Action, String>> {
    let (kind, text) = match rest.split_once(':') {
        Some((kind, text)) => (kind, text.strip_prefix(' ').unwrap_or(text)),
        None => (rest, ""),
    };
    Some(match (who, kind) {
        ("C", "") => Ok(Action::Say(text.to_owned())),
        ("C", "!") => unescape(text).map(Action::SendRaw),
        ("S", "") => Pattern::parse(text).map(Action::Expect),
        ("S", "~") => Pattern::parse(text).map(Action::SkipTo),
        ("S", "!close") => Ok(Action::ExpectClose),
        ("T", "") => Ok(Action::StartTls),
        _ => return None,
    })
}

/// `\r \n \t \0 \\ \xNN` and `\*N{text}`: text, N times.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut chars = after.chars();
        rest = match chars.next() {
            Some('r') => push(&mut out, b'\r', chars.as_str()),
            Some('n') => push(&mut out, b'\n', chars.as_str()),
            Some('t') => push(&mut out, b'\t', chars.as_str()),
            Some('0') => push(&mut out, 0, chars.as_str()),
            Some('\\') => push(&mut out, b'\\', chars.as_str()),
            Some('x') => {
                let digits = after.get(1..3).ok_or("\\x needs two digits")?;
                let byte = u8::from_str_radix(digits, 16).map_err(|_| "\\x needs two digits")?;
                push(&mut out, byte, &after[3..])
            }
            Some('*') => {
                let (count, tail) = after[1..].split_once('{').ok_or("\\*N{text}")?;
                let (inner, tail) = tail.split_once('}').ok_or("\\*N{text}")?;
                let count: usize = count.parse().map_err(|_| "\\*N{text} needs a number")?;
                out.extend_from_slice(&unescape(inner)?.repeat(count));
                tail
            }
            _ => return Err("an unknown escape".to_owned()),
        };
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn push<'a>(out: &mut Vec<u8>, byte: u8, rest: &'a str) -> &'a str {
    out.push(byte);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "# Guards a thing.\n@listener imap\n@listener 2 smtp\n@account alice pw\n\
                         S: * OK <*>\nC: a NOOP\nC2!: x\\x00\\r\\n\\*3{ab}\nS2!close\nT:\nS~: a OK\n";

    #[test]
    fn reads_setup_steps_and_sessions() {
        let script = Script::parse("small", SMALL).unwrap();
        assert_eq!(script.danger, "Guards a thing.");
        assert_eq!(script.listener_of(1), Listener::Imap);
        assert_eq!(script.listener_of(2), Listener::Smtp);
        assert_eq!(script.steps.len(), 6);
        let Action::SendRaw(bytes) = &script.steps[2].action else {
            panic!("not raw")
        };
        assert_eq!(bytes, b"x\0\r\nababab");
        assert!(matches!(script.steps[3].action, Action::ExpectClose));
        assert_eq!(script.steps[3].session, 2);
    }

    #[test]
    fn refuses_a_file_that_names_no_danger() {
        assert!(Script::parse("bare", "@listener imap\nC: x\n").is_err());
    }

    #[test]
    fn refuses_a_step_that_it_does_not_know() {
        let reason = Script::parse("odd", "# x\n@listener imap\nX: y\n").unwrap_err();
        assert!(reason.starts_with("odd:3:"), "{reason}");
    }
}
