//! Mail for a program of this machine: what it is started with, what it gets, and what its end means.
//!
//! The program is started once for each recipient, without a shell, and gets the message with Return-Path
//! before it and LF at the end of lines, as programs of this kind expect it. What never happens here: a
//! process (that is `net`), a choice of what follows.

use crate::limits::PROGRAM;
use crate::queue::AttemptRecord;
use crate::road::attempt::{Load, Reports};
use crate::road::content::Feed;
use crate::road::failure::{Class, Failure};
use crate::road::lanes::Came;
use crate::road::route::Program;
use crate::road::visit::{Settled, Visited};
use crate::road::{Road, said};
use addr::{ForwardPath, ReversePath};
use bytes::Bytes;
use net::{ProgramEnd, ProgramRan, run_program};
use smtp::Status;
use store::Fault;

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

/// The command for one recipient; none if an address would be taken for an option.
fn command(program: &Program, sender: &ReversePath, to: &ForwardPath) -> Option<Vec<String>> {
    let bare = |path: String| {
        path.trim_start_matches('<')
            .trim_end_matches('>')
            .to_owned()
    };
    let (sender, to) = (bare(sender.to_string()), bare(to.to_string()));
    let fill = |word: &String| {
        let filled = word
            .replace("{recipient}", "\0")
            .replace("{sender}", &sender);
        let filled = filled.replace('\0', &to);
        let is_bent = filled.starts_with('-') && !word.starts_with('-');
        (!is_bent).then_some(filled)
    };
    program.command.iter().map(fill).collect()
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
        for index in recipients {
            let settled = self.for_one(program, load, *index, &mut visited).await;
            visited.settled.push((*index, settled));
        }
        visited.record.ended = self.clock().now();
        visited
    }

    async fn for_one(
        &self,
        program: &Program,
        load: &Load,
        index: usize,
        visited: &mut Visited,
    ) -> Settled {
        let to = &load.recipients[index].recipient.to;
        let Some(command) = command(program, &load.sender, to) else {
            let why = "the address would be taken for an option of the program".to_owned();
            return self.not(Class::Permanent, Status(5, 1, 3), why, "");
        };
        let mut lines = Lines::new(&load.sender, load.content.feed());
        match run_program(&command, PROGRAM, || lines.next()).await {
            Err(fault) => {
                visited.is_last = true;
                self.not(Class::Transient, Status(4, 3, 0), fault.to_string(), "")
            }
            Ok(ProgramRan { end, output }) => {
                let output = shown(&output);
                match meaning(&end) {
                    None => Settled::Taken {
                        said: said::of_program(Status(2, 0, 0), output, self.clock().now()),
                        reports: Reports::Ours,
                    },
                    Some((class, status, why)) => self.not(class, status, why, &output),
                }
            }
        }
    }

    fn not(&self, class: Class, status: Status, why: String, output: &str) -> Settled {
        let why = match output {
            "" => why,
            output => format!("{why}: {output}"),
        };
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

/// The message as programs expect it.
struct Lines<'a> {
    /// Until it was given.
    return_path: Option<String>,
    feed: Feed<'a>,
    /// The last piece ended with a CR.
    cr: bool,
}

impl<'a> Lines<'a> {
    fn new(sender: &ReversePath, feed: Feed<'a>) -> Lines<'a> {
        Lines {
            return_path: Some(format!("Return-Path: {sender}\n")),
            feed,
            cr: false,
        }
    }

    fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if let Some(field) = self.return_path.take() {
            return Ok(Some(field.into()));
        }
        let Some(piece) = self.feed.next()? else {
            let last = std::mem::take(&mut self.cr);
            return Ok(last.then(|| Bytes::from_static(b"\r")));
        };
        let mut lines = Vec::with_capacity(piece.len() + 1);
        for octet in piece {
            if std::mem::take(&mut self.cr) && octet != b'\n' {
                lines.push(b'\r');
            }
            match octet {
                b'\r' => self.cr = true,
                octet => lines.push(octet),
            }
        }
        Ok(Some(lines.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use addr::Charset;

    fn filled(words: &[&str], to: &str) -> Option<Vec<String>> {
        let program = Program {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let to = ForwardPath::parse(to.as_bytes(), Charset::Ascii).unwrap();
        let sender = ReversePath::parse(b"<{recipient}@here.test>", Charset::Ascii).unwrap();
        command(&program, &sender, &to)
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
