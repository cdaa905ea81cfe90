//! Mail for a program of this machine: what it is started with, what it gets, and what its end means.
//!
//! The program is started without a shell, and gets the message with Return-Path before it and LF at
//! the end of lines, as programs of this kind expect it; what goes by UUCP has a From_ line before it
//! or is a batch. What never happens here: a process (that is `net`), a choice of what follows.

mod input;

use crate::limits::PROGRAM;
use crate::queue::AttemptRecord;
use crate::road::attempt::{Load, Reports};
use crate::road::failure::{Class, Failure};
use crate::road::lanes::Came;
use crate::road::route::{Form, Program};
use crate::road::visit::{Settled, Visited};
use crate::road::{Road, said};
use addr::{ForwardPath, ReversePath};
use input::Input;
use net::{ProgramEnd, ProgramRan, run_program};
use smtp::Status;

/// A null sender where a From_ line and uux need a word.
const NOBODY: &str = "MAILER-DAEMON";
/// Recipients of one rmail, and of one batch; Exim's numbers.
const UUCP_RECIPIENTS: usize = 20;
const BATCH_RECIPIENTS: usize = 100;

/// What an exit code means, by the names of `sysexits.h`; all others, and whatever else can happen to a
/// program, are for now: a program that breaks has refused nobody.
const EXITS: &[(i32, &str, Class, (u16, u16))] = &[
    (65, "EX_DATAERR", Class::Permanent, (6, 0)),
    (66, "EX_NOINPUT", Class::Permanent, (3, 0)),
    (67, "EX_NOUSER", Class::Permanent, (1, 1)),
    (68, "EX_NOHOST", Class::Permanent, (1, 2)),
    (69, "EX_UNAVAILABLE", Class::Permanent, (3, 0)),
    (70, "EX_SOFTWARE", Class::Permanent, (3, 0)),
    (73, "EX_CANTCREAT", Class::Permanent, (2, 0)),
    (74, "EX_IOERR", Class::Transient, (3, 0)),
    (75, "EX_TEMPFAIL", Class::Transient, (3, 0)),
    (76, "EX_PROTOCOL", Class::Permanent, (5, 0)),
    (77, "EX_NOPERM", Class::Permanent, (7, 0)),
    (78, "EX_CONFIG", Class::Transient, (3, 5)),
];

/// What a program's end means: nothing, or why the message is not delivered.
fn meaning(end: &ProgramEnd) -> Option<(Class, Status, String)> {
    let now = |text| Some((Class::Transient, Status(4, 3, 0), text));
    let code = match end {
        ProgramEnd::Code(0) => return None,
        ProgramEnd::Code(code) => *code,
        ProgramEnd::Signal(signal) => return now(format!("the program ended by signal {signal}")),
        ProgramEnd::TimedOut => return now("the program took too long and was ended".to_owned()),
        ProgramEnd::NotStarted(error) => {
            return now(format!("the program could not be started: {error}"));
        }
    };
    match EXITS.iter().find(|row| row.0 == code) {
        None => now(format!("the program ended with {code}")),
        Some((_, name, class, (subject, detail))) => {
            let digit = match class {
                Class::Transient => 4,
                Class::Permanent => 5,
            };
            let status = Status(digit, *subject, *detail);
            Some((
                *class,
                status,
                format!("the program ended with {code} ({name})"),
            ))
        }
    }
}

/// Why a message cannot be given to a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unfit {
    Option,
    /// uux and the shells behind it would read more than an address.
    Word,
}

impl Unfit {
    fn why(self) -> &'static str {
        match self {
            Unfit::Option => "the address would be taken for an option of the program",
            Unfit::Word => "the address cannot be written in a command of UUCP",
        }
    }
}

fn bare(path: &str) -> String {
    path.trim_start_matches('<')
        .trim_end_matches('>')
        .to_owned()
}

/// What stands for the sender where UUCP reads it. No mailer there has a null sender with a safe
/// spelling; this is Postfix's.
fn uucp_sender(sender: &ReversePath) -> Option<String> {
    match sender.address() {
        Some(address) => {
            let word = uucp::argument(address)?;
            let system = address.domain().and_then(uucp::system_of);
            Some(system.map_or(word.clone(), |system| format!("{system}!{word}")))
        }
        None => Some(NOBODY.to_owned()),
    }
}

/// The words for an address of a recipient.
fn word(form: &Form, to: &ForwardPath) -> Result<String, Unfit> {
    match (form, to.address()) {
        (Form::FromLine(_), Some(address)) => uucp::argument(address).ok_or(Unfit::Word),
        // batches are older than SMTPUTF8
        (Form::Batch(_), Some(address)) if address.needs_utf8() => Err(Unfit::Word),
        _ => Ok(bare(&to.to_string())),
    }
}

/// The command for these recipients: a word with `{recipient}` stands once for each.
fn command(
    program: &Program,
    sender: &ReversePath,
    recipients: &[&ForwardPath],
) -> Result<Vec<String>, Unfit> {
    let sender = match &program.form {
        Form::ReturnPath => bare(&sender.to_string()),
        Form::FromLine(_) => uucp_sender(sender).ok_or(Unfit::Word)?,
        // only for those who look after the link
        Form::Batch(_) => uucp_sender(sender).unwrap_or_else(|| NOBODY.to_owned()),
    };
    let words = recipients.iter().map(|to| word(&program.form, to));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let mut filled = Vec::new();
    for word in &program.command {
        let by_sender = word
            .replace("{recipient}", "\0")
            .replace("{sender}", &sender);
        let each = match by_sender.contains('\0') {
            true => words.iter().map(|to| by_sender.replace('\0', to)).collect(),
            false => vec![by_sender],
        };
        let is_bent = |filled: &String| filled.starts_with('-') && !word.starts_with('-');
        if each.iter().any(is_bent) {
            return Err(Unfit::Option);
        }
        filled.extend(each);
    }
    Ok(filled)
}

impl Road {
    /// Gives the message to a program, once for each recipient.
    pub(crate) async fn to_program(
        &self,
        program: &Program,
        load: &Load,
        recipients: &[usize],
    ) -> Visited {
        let begun = self.clock().now();
        let mut visited = Visited {
            settled: Vec::new(),
            record: AttemptRecord {
                begun,
                ended: begun,
                host: None,
                address: program.command.first().cloned(),
                tls: None,
                proof: None,
                notes: Vec::new(),
                said: Vec::new(),
            },
            came: Came::Answered,
            is_not_ascii: false,
            is_too_plain: false,
            is_last: false,
        };
        let at_once = match program.form {
            Form::ReturnPath => 1,
            Form::FromLine(_) => UUCP_RECIPIENTS,
            Form::Batch(_) => BATCH_RECIPIENTS,
        };
        for some in recipients.chunks(at_once) {
            let ran = self.run(program, load, some, &mut visited).await;
            for index in some {
                let settled = match &ran {
                    Ok(output) => Settled::Taken {
                        said: said::of_program(Status(2, 0, 0), output.clone(), self.clock().now()),
                        reports: Reports::Ours,
                    },
                    Err((class, status, why)) => self.not(*class, *status, why.clone()),
                };
                visited.settled.push((*index, settled));
            }
        }
        visited.record.ended = self.clock().now();
        visited
    }

    /// Runs it once for these: what it said, or why they do not have the message.
    async fn run(
        &self,
        program: &Program,
        load: &Load,
        recipients: &[usize],
        visited: &mut Visited,
    ) -> Result<String, (Class, Status, String)> {
        let to: Vec<&ForwardPath> = recipients
            .iter()
            .map(|index| &load.recipients[*index].recipient.to)
            .collect();
        let unfit = |unfit: Unfit| {
            let why = unfit.why().to_owned();
            (Class::Permanent, Status(5, 1, 3), why)
        };
        let command = command(program, &load.sender, &to).map_err(unfit)?;
        let mut input = match &program.form {
            Form::ReturnPath => Input::with_return_path(&load.sender, load.content.feed()),
            Form::FromLine(own) => {
                let date = self.clock().now().asctime();
                let path = uucp_sender(&load.sender).ok_or_else(|| unfit(Unfit::Word))?;
                let domain = load.sender.address().and_then(|address| address.domain());
                let system = domain.and_then(uucp::system_of).map(|_| own.as_str());
                Input::with_line(uucp::from_line(&path, &date, system), load.content.feed())
            }
            Form::Batch(packed) => Input::batch(&load.sender, &to, *packed, load.content.feed()),
        };
        let ran = run_program(&command, PROGRAM, || input.next()).await;
        match ran {
            Err(fault) => {
                visited.is_last = true;
                Err((Class::Transient, Status(4, 3, 0), fault.to_string()))
            }
            Ok(ProgramRan { end, output }) => {
                let output = shown(&output);
                match meaning(&end) {
                    None => Ok(output),
                    Some((class, status, why)) if output.is_empty() => Err((class, status, why)),
                    Some((class, status, why)) => Err((class, status, format!("{why}: {output}"))),
                }
            }
        }
    }

    fn not(&self, class: Class, status: Status, why: String) -> Settled {
        Settled::Not {
            failure: Failure::of_program(class),
            said: said::of_program(status, why, self.clock().now()),
        }
    }
}

/// What a program says, in one harmless line.
fn shown(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::road::route::Packed;
    use addr::Charset;

    fn all(form: Form, words: &[&str], to: &[&str]) -> Option<Vec<String>> {
        let program = Program {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            form,
        };
        let path = |to: &&str| ForwardPath::parse(to.as_bytes(), Charset::Ascii).unwrap();
        let to: Vec<ForwardPath> = to.iter().map(path).collect();
        let sender = ReversePath::parse(b"<{recipient}@here.test>", Charset::Ascii).unwrap();
        command(&program, &sender, &to.iter().collect::<Vec<_>>()).ok()
    }

    fn filled(words: &[&str], to: &str) -> Option<Vec<String>> {
        all(Form::ReturnPath, words, &[to])
    }

    #[test]
    fn a_neighbours_rmail_gets_all_recipients_at_once_and_nothing_that_a_shell_reads() {
        let rmail = |to: &[&str]| {
            let words = ["/uux", "-", "-a{sender}", "b!rmail", "({recipient})"];
            all(Form::FromLine("a".to_owned()), &words, to)
        };
        assert_eq!(
            rmail(&["<x@b.test>", "<c!y@b.uucp>"]).unwrap()[2..],
            ["-a{recipient}@here.test", "b!rmail", "(x@b.test)", "(c!y)"]
        );
        assert_eq!(rmail(&["<\"x y\"@b.test>"]), None);
        assert_eq!(rmail(&["<a`b@b.test>"]), None);
        let batch = ["/uux", "-a{sender}", "b!rsmtp"];
        let batch = all(Form::Batch(Packed::Not), &batch, &["<\"x y\"@b.test>"]);
        assert_eq!(batch.unwrap()[2], "b!rsmtp");
    }

    #[test]
    fn addresses_stand_where_they_are_meant_to_and_nowhere_else() {
        assert_eq!(
            filled(&["/p", "-f{sender}", "{recipient}"], "<bob@x.test>").unwrap(),
            ["/p", "-f{recipient}@here.test", "bob@x.test"]
        );
        assert_eq!(
            filled(&["/p", "{recipient}"], "<\"a b;c\"@x.test>").unwrap(),
            ["/p", "\"a b;c\"@x.test"]
        );
        assert_eq!(
            filled(&["/p", "{recipient}"], "<postmaster>").unwrap()[1],
            "postmaster"
        );
    }

    #[test]
    fn an_address_is_never_an_option() {
        assert_eq!(filled(&["/p", "{recipient}"], "<-oQ/tmp@x.test>"), None);
        assert!(filled(&["/p", "--to={recipient}"], "<-oQ/tmp@x.test>").is_some());
    }

    #[test]
    fn ends_mean_what_sysexits_says() {
        let check = |end, expected: Option<(Class, &str)>| {
            let got = meaning(&end).map(|(class, status, _)| (class, status.to_string()));
            let expected = expected.map(|(class, status)| (class, status.to_owned()));
            assert_eq!(got, expected, "{end:?}");
        };
        use Class::{Permanent, Transient};
        check(ProgramEnd::Code(0), None);
        check(ProgramEnd::Code(67), Some((Permanent, "5.1.1")));
        check(ProgramEnd::Code(77), Some((Permanent, "5.7.0")));
        check(ProgramEnd::Code(75), Some((Transient, "4.3.0")));
        for code in [1, 2, 64, 78, 126, 127, 255] {
            assert_eq!(
                meaning(&ProgramEnd::Code(code)).unwrap().0,
                Transient,
                "{code}"
            );
        }
        check(ProgramEnd::Signal(9), Some((Transient, "4.3.0")));
        check(ProgramEnd::TimedOut, Some((Transient, "4.3.0")));
        let missing = std::io::ErrorKind::NotFound.into();
        check(ProgramEnd::NotStarted(missing), Some((Transient, "4.3.0")));
    }

    #[test]
    fn what_a_program_says_stays_in_its_line() {
        assert_eq!(
            shown(b"no\r\n such\x1b[1m user\xff\n"),
            "no such?[1m user\u{fffd}"
        );
    }
}
