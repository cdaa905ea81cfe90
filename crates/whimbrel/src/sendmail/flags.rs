//! What programs say when they call `sendmail`: flags of forty years.
//!
//! `table` says which there are. What is asked of another server's insides is taken and does nothing;
//! what would do something else than was asked is refused. What never happens here: an effect.

use super::exit::{Code, Ended};
use super::table::{self, Does, Row, Takes};
use smtp::dsn::{EnvelopeId, Notify, Ret};

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// A message comes in.
    #[default]
    Deliver,
    /// `-bs`: SMTP on standard input and output.
    Dialogue,
    /// `-bS`: a batch of SMTP on standard input.
    Batch,
    /// `-bv`: say whether mail for these is taken.
    Verify,
    /// `-bp`: list the queue.
    Queue,
    /// `-q`: try these of the queue now, in words of `whimbrel queue retry`.
    Flush(Vec<String>),
    /// `-bi`: take in the aliases.
    Aliases,
    /// `-bV`
    Version,
    /// `-bC` and others: see that the settings can be read, and end.
    Nothing,
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
    /// `-oA`: another file of aliases.
    pub aliases: Option<String>,
    /// `--data`: the server of this data folder.
    pub data: Option<String>,
}

/// Not Sendmail's, but as all commands of this program have it.
const DATA: &str = "--data";

/// Reads the words behind the program's name.
pub fn read(words: &[String]) -> Result<Flags, Ended> {
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            flags.named.push(word.clone());
            continue;
        };
        match word.as_str() {
            "--" => {
                flags.named.extend(words.cloned());
                break;
            }
            DATA => flags.data = Some(next(&mut words, DATA, "--data DIR")?),
            _ => match word
                .strip_prefix(DATA)
                .and_then(|rest| rest.strip_prefix('='))
            {
                Some(data) => flags.data = Some(data.to_owned()),
                None => flags.read_word(letters, &mut words)?,
            },
        }
    }
    Ok(flags)
}

fn next<'a>(
    words: &mut impl Iterator<Item = &'a String>,
    flag: &str,
    example: &str,
) -> Result<String, Ended> {
    let next = words.next().cloned();
    next.ok_or_else(|| usage(format!("{flag} needs a value, as in `{example}`")))
}

impl Flags {
    /// The letters behind a dash.
    fn read_word<'a>(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Ended> {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            let row = table::find(rest);
            let row = row.ok_or_else(|| usage(format!("-{letter} is not known")))?;
            rest = &rest[row.letters().len()..];
            if row.does == Does::Refused {
                return Err(usage(format!("{}{rest}: {}", row.flag, row.says)));
            }
            let value = match row.takes {
                Takes::Nothing => String::new(),
                Takes::Attached => std::mem::take(&mut rest).to_owned(),
                Takes::Value if !rest.is_empty() => std::mem::take(&mut rest).to_owned(),
                Takes::Value => next(words, row.flag, row.example)?,
            };
            self.take(row, value)?;
        }
        Ok(())
    }

    fn take(&mut self, row: &Row, value: String) -> Result<(), Ended> {
        match row.flag {
            "-i" | "-oi" => self.dot = Dot::IsText,
            "-t" => self.recipients = Recipients::InHeader,
            "-f" | "-r" => self.from = Some(value),
            "-F" => self.full_name = Some(value),
            "-C" => self.config = Some(value),
            "-e" | "-oe" => self.errors = errors(&value),
            "-oA" => self.aliases = Some(value),
            "-O" => self.option(&value),
            "-p" => self.brought_by = value.split_once(':').map(|(_, host)| host.to_owned()),
            "-N" | "-R" | "-V" => self.notification(row.flag, &value)?,
            _ => {
                if let Some(mode) = mode(row.flag, value) {
                    self.mode = mode;
                }
            }
        }
        Ok(())
    }

    /// What is asked of reports. [rfc3461 4]
    fn notification(&mut self, flag: &str, value: &str) -> Result<(), Ended> {
        let wrong = |must: &str| usage(format!("{flag} {value}: {must}"));
        match flag {
            "-N" => {
                let notify = Notify::read(value);
                let notify = notify.ok_or_else(|| wrong("never, or success, delay and failure"))?;
                self.notify = Some(notify);
            }
            "-R" => {
                let word = match value.to_ascii_lowercase().as_str() {
                    "hdrs" | "headers" => "HDRS",
                    "full" => "FULL",
                    _ => return Err(wrong("hdrs or full")),
                };
                self.ret = Ret::read(word);
            }
            _ => {
                let id = EnvelopeId::read(value);
                self.envid = Some(id.ok_or_else(|| wrong("it is no envelope id"))?);
            }
        }
        Ok(())
    }

    /// `-O`: what is not known is tolerated, as everybody does.
    fn option(&mut self, value: &str) {
        let (name, value) = value.split_once('=').unwrap_or((value, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "ignoredots" => self.dot = Dot::IsText,
            "errormode" => self.errors = errors(value.trim()),
            "aliasfile" => self.aliases = Some(value.trim().to_owned()),
            _ => {}
        }
    }
}

/// None where the flag asks for nothing.
fn mode(flag: &str, value: String) -> Option<Mode> {
    let flush = |word: &str, value: String| Mode::Flush(vec![word.to_owned(), value]);
    Some(match flag {
        "-bs" => Mode::Dialogue,
        "-bS" => Mode::Batch,
        "-bv" | "-bt" => Mode::Verify,
        "-bp" => Mode::Queue,
        "-bi" | "-I" => Mode::Aliases,
        "-bV" => Mode::Version,
        "-bh" | "-bH" | "-bC" => Mode::Nothing,
        // what begins with a time is for a server that has to be told so
        "-q" if value.starts_with(|c: char| c.is_ascii_digit() || c == 'p') => Mode::Nothing,
        "-q" => Mode::Flush(vec!["--all".to_owned()]),
        "-qI" => Mode::Flush(vec![value]),
        "-qR" => {
            let domain = value.rsplit_once('@').map(|(_, domain)| domain.to_owned());
            flush("--domain", domain.unwrap_or(value))
        }
        "-qS" => flush("--sender", value),
        _ => return None,
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
        let flush =
            |words: &[&str]| Mode::Flush(words.iter().map(|&word| word.to_owned()).collect());
        for (line, expected) in [
            ("-q", flush(&["--all"])),
            ("-qf", flush(&["--all"])),
            ("-qRx.test", flush(&["--domain", "x.test"])),
            ("-qR jane@x.test", flush(&["--domain", "x.test"])),
            ("-qSjane@x.test", flush(&["--sender", "jane@x.test"])),
            ("-qIid1", flush(&["id1"])),
            ("-q15m", Mode::Nothing),
            ("-q1h30m", Mode::Nothing),
        ] {
            assert_eq!(flags(line).unwrap().mode, expected, "{line}");
        }
        let got = flags("-N success,failure -R hdrs -V x1 a").unwrap();
        assert_eq!(got.notify.unwrap().to_string(), "SUCCESS,FAILURE");
        assert_eq!(got.ret.unwrap().word(), "HDRS");
        assert_eq!(got.envid.unwrap().as_str(), "x1");
    }

    #[test]
    fn unknown_options_are_tolerated_and_unknown_flags_are_not() {
        let got = flags("-oQ/tmp -oX -O DeliveryMode=b -oMr uucp -Am -v -U -m -n a").unwrap();
        assert_eq!(got.named, ["a"]);
        assert_eq!(flags("--data /d -t").unwrap().data.as_deref(), Some("/d"));
        assert_eq!(flags("--data=/d -t").unwrap().data.as_deref(), Some("/d"));
        assert_eq!(flags("-- --data").unwrap().named, ["--data"]);
        for wrong in [
            "-z",
            "-bx",
            "-bd",
            "-f",
            "-N sometimes a",
            "-V \u{1} a",
            "-R some a",
            "--data",
            "--other",
            "-\u{e9}",
        ] {
            assert_eq!(flags(wrong).unwrap_err().code, Code::Usage, "{wrong}");
        }
    }
}
