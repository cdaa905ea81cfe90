//! What programs say when they call `sendmail`: flags of forty years.
//!
//! The flags are those that Sendmail, Postfix and Exim share. What is asked of their insides is taken
//! and does nothing; what is no flag at all is refused. What never happens here: an effect.

use super::exit::{Code, Ended};
use smtp::dsn::{EnvelopeId, Notify, Ret};

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// A message comes in.
    #[default]
    Deliver,
    /// `-bs`: SMTP on standard input and output.
    Dialogue,
    /// `-bv`: say whether mail for these is taken.
    Verify,
    /// `-bp`: list the queue.
    Queue,
    /// `-q`: try all of the queue now.
    Flush,
    /// `-bi`: take in the aliases.
    Aliases,
}

/// Whether a line with only a dot ends the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dot {
    #[default]
    Ends,
    IsText,
}

/// Where the recipients stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Recipients {
    #[default]
    Named,
    /// `-t`: in the header as well.
    InHeader,
}

/// What becomes of refusals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Errors {
    /// They are printed.
    #[default]
    Print,
    /// They are mailed to the sender.
    Mail,
    /// The same, and the program ends well.
    MailAndEndWell,
    /// Only the exit code tells.
    Quiet,
}

/// A whole command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    pub mode: Mode,
    pub dot: Dot,
    pub recipients: Recipients,
    pub named: Vec<String>,
    /// `-f`, `-r`
    pub from: Option<String>,
    /// `-F`
    pub full_name: Option<String>,
    pub notify: Option<Notify>,
    pub ret: Option<Ret>,
    pub envid: Option<EnvelopeId>,
    pub errors: Errors,
    /// `-p protocol:host`: the host that brought it.
    pub brought_by: Option<String>,
    /// `-C`: another settings file.
    pub config: Option<String>,
    /// `-I` behind `newaliases`, `-oA`: another file of aliases.
    pub aliases: Option<String>,
}

/// Flags with a value that is taken and not used: -B -d -D -h -L -M -O -X, -A.
const UNUSED_WITH_VALUE: &[u8] = b"ABDhLMOX";
/// Flags that are taken and not used.
const UNUSED: &[u8] = b"cGmnUvxI";

/// Reads the words behind the program's name.
pub fn read(words: &[String]) -> Result<Flags, Ended> {
    let mut flags = Flags::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            flags.named.push(word.clone());
            continue;
        };
        if letters == "-" {
            flags.named.extend(words.cloned());
            break;
        }
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let takes = Takes::of(letter).ok_or_else(|| unknown(letter))?;
            let value = match takes {
                Takes::Nothing => None,
                Takes::Attached => Some(std::mem::take(&mut rest).to_owned()),
                Takes::Value if !rest.is_empty() => Some(std::mem::take(&mut rest).to_owned()),
                Takes::Value => {
                    let next = words.next().cloned();
                    let missing = || usage(format!("-{letter} needs a value"));
                    Some(next.ok_or_else(missing)?)
                }
            };
            flags.take(letter, value.as_deref().unwrap_or_default())?;
        }
    }
    Ok(flags)
}

/// What stands behind a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Takes {
    Nothing,
    /// The rest of its word, which may be empty.
    Attached,
    /// The rest of its word, or the next.
    Value,
}

impl Takes {
    fn of(letter: char) -> Option<Takes> {
        let octet = u8::try_from(letter).ok()?;
        match octet {
            b'q' | b'Q' | b'd' | b'e' => Some(Takes::Attached),
            b'b' | b'C' | b'f' | b'F' | b'N' | b'o' | b'p' | b'r' | b'R' | b'V' => {
                Some(Takes::Value)
            }
            b'i' | b't' => Some(Takes::Nothing),
            _ if UNUSED.contains(&octet) => Some(Takes::Nothing),
            _ if UNUSED_WITH_VALUE.contains(&octet) => Some(Takes::Value),
            _ => None,
        }
    }
}

impl Flags {
    fn take(&mut self, letter: char, value: &str) -> Result<(), Ended> {
        let owned = || Some(value.to_owned());
        match letter {
            'b' => self.mode = mode(value)?,
            'q' => self.mode = Mode::Flush,
            'i' => self.dot = Dot::IsText,
            't' => self.recipients = Recipients::InHeader,
            'f' | 'r' => self.from = owned(),
            'F' => self.full_name = owned(),
            'C' => self.config = owned(),
            'e' => self.errors = errors(value),
            'o' => self.option(value),
            'p' => self.brought_by = value.split_once(':').map(|(_, host)| host.to_owned()),
            'N' => {
                let wrong = || usage(format!("-N {value}: never, or success, delay and failure"));
                self.notify = Some(Notify::read(value).ok_or_else(wrong)?);
            }
            'R' => {
                let word = match value.to_ascii_lowercase().as_str() {
                    "hdrs" | "headers" => "HDRS",
                    _ => "FULL",
                };
                self.ret = Ret::read(word);
            }
            'V' => {
                let wrong = || usage(format!("-V {value} is no envelope id"));
                self.envid = Some(EnvelopeId::read(value).ok_or_else(wrong)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// `-o`: what is not known is tolerated, as everybody does.
    fn option(&mut self, value: &str) {
        match value.split_at_checked(1) {
            Some(("i", _)) => self.dot = Dot::IsText,
            Some(("e", how)) => self.errors = errors(how),
            Some(("A", file)) if !file.is_empty() => self.aliases = Some(file.to_owned()),
            _ => {}
        }
    }
}

fn mode(value: &str) -> Result<Mode, Ended> {
    Ok(match value {
        "m" | "a" => Mode::Deliver,
        "s" => Mode::Dialogue,
        "v" => Mode::Verify,
        "p" => Mode::Queue,
        "i" => Mode::Aliases,
        "d" | "D" | "l" => {
            return Err(usage("the server is started by `systemctl start whimbrel`"));
        }
        other => return Err(usage(format!("-b{other} is not known"))),
    })
}

fn errors(value: &str) -> Errors {
    match value {
        "m" | "w" => Errors::Mail,
        "e" => Errors::MailAndEndWell,
        "q" => Errors::Quiet,
        _ => Errors::Print,
    }
}

fn unknown(letter: char) -> Ended {
    usage(format!("-{letter} is not known"))
}

fn usage(why: impl Into<String>) -> Ended {
    Ended::new(Code::Usage, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Result<Flags, Ended> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn reads_what_programs_say() {
        // cron
        let got = flags("-FCronDaemon -i -B8BITMIME -oem root").unwrap();
        assert_eq!(got.full_name.as_deref(), Some("CronDaemon"));
        assert_eq!((got.dot, got.errors), (Dot::IsText, Errors::Mail));
        assert_eq!(got.named, ["root"]);
        // mutt
        let got = flags("-oem -oi -f jane@x.test -- a@x.test -b").unwrap();
        assert_eq!(got.from.as_deref(), Some("jane@x.test"));
        assert_eq!(got.named, ["a@x.test", "-b"]);
        // PHP
        let got = flags("-t -i").unwrap();
        assert_eq!(
            (got.recipients, got.dot),
            (Recipients::InHeader, Dot::IsText)
        );
        // git send-email, s-nail, rmail
        assert_eq!(flags("-i a@x.test b@x.test").unwrap().named.len(), 2);
        assert_eq!(flags("-ti").unwrap().dot, Dot::IsText);
        let got = flags("-G -oee -odq -oi -pUUCP:alpha.UUCP -falpha!alice bob").unwrap();
        assert_eq!(got.brought_by.as_deref(), Some("alpha.UUCP"));
        assert_eq!(got.errors, Errors::MailAndEndWell);
        assert_eq!(got.from.as_deref(), Some("alpha!alice"));
    }

    #[test]
    fn modes_and_notifications() {
        assert_eq!(flags("-bs").unwrap().mode, Mode::Dialogue);
        assert_eq!(flags("-bp").unwrap().mode, Mode::Queue);
        assert_eq!(flags("-bi").unwrap().mode, Mode::Aliases);
        for flush in ["-q", "-q15m", "-qRx.test"] {
            assert_eq!(flags(flush).unwrap().mode, Mode::Flush, "{flush}");
        }
        let got = flags("-N success,failure -R hdrs -V x1 a").unwrap();
        assert_eq!(got.notify.unwrap().to_string(), "SUCCESS,FAILURE");
        assert_eq!(got.ret.unwrap().word(), "HDRS");
        assert_eq!(got.envid.unwrap().as_str(), "x1");
    }

    #[test]
    fn unknown_options_are_tolerated_and_unknown_flags_are_not() {
        let got = flags("-oQ/tmp -oX -O DeliveryMode=b -Am -v -U -m -n a").unwrap();
        assert_eq!(got.named, ["a"]);
        for wrong in [
            "-z",
            "-bx",
            "-bd",
            "-f",
            "-N sometimes a",
            "-V \u{1} a",
            "-\u{e9}",
        ] {
            assert_eq!(flags(wrong).unwrap_err().code, Code::Usage, "{wrong}");
        }
    }
}
