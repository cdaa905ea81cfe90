//! `rsmtp` and its kin: what UUCP's `uuxqt` starts with a batch of SMTP on standard input, packed or
//! not.
//!
//! The whole batch is read before anything of it counts. Then it is one file in the drop folder, synced,
//! and the job is done: nothing enters twice if it is tried again, and nothing half. The server takes
//! the file in within seconds, and tells senders by mail what it refuses. What never happens here: a
//! choice whom a neighbour may send to; belief in the name under which a batch is packed.

use super::drop_folder::Unfinished;
use super::exit::{Code, Ended};
use super::house::House;
use super::{message, neighbour};
use smtp::batch::{Event, Newline, Writer};
use smtp::{Batch, ClientName, Command, DataProblem};
use uucp::Unpacker;
use uucp::limits::BATCH_BYTES;

/// Octets that are written at once.
const PIECE: usize = 256 * 1024;

pub fn run(words: &[String]) -> Result<(), Ended> {
    if let Some(word) = words.first() {
        let why = format!("takes no words, and not {word}; the batch is read from standard input");
        return Err(Ended::new(Code::Usage, why));
    }
    let house = House::find(None)?;
    let input = message::input(BATCH_BYTES)?;
    let name = neighbour::name(neighbour::of_caller().as_deref());
    let folder = house.drop_folder();
    let mut file = Unfinished::begin(&folder)?;
    let read = read(&input, &name, |piece| file.write(piece));
    match read {
        Ok(()) => file.finish(),
        Err(ended) => Err(ended),
    }
}

/// Gives the batch anew, without what it says of who brings it.
fn read(
    input: &[u8],
    name: &ClientName,
    mut give: impl FnMut(&[u8]) -> Result<(), Ended>,
) -> Result<(), Ended> {
    let wrong = |error: uucp::Wrong| Ended::new(Code::Data, error.to_string());
    let mut unpacker = Unpacker::new(input, BATCH_BYTES).map_err(wrong)?;
    // how large a message may be the server decides, for each
    let mut rewriting = Rewriting {
        machine: Batch::new(u64::MAX),
        writer: None,
        out: Vec::new(),
        messages: 0,
    };
    let hello = Command::Ehlo(name.clone());
    Writer::new(Newline::CrLf).command(&hello, &mut rewriting.out);
    while let Some(piece) = unpacker.piece().map_err(wrong)? {
        rewriting.machine.receive(&piece);
        rewriting.go_on()?;
        if rewriting.out.len() > PIECE {
            give(&std::mem::take(&mut rewriting.out))?;
        }
    }
    rewriting.machine.end();
    rewriting.go_on()?;
    give(&rewriting.out)?;
    match rewriting.messages {
        0 => Err(Ended::new(Code::Data, "there is no message in the batch")),
        _ => Ok(()),
    }
}

struct Rewriting {
    machine: Batch,
    /// Of the content that was begun.
    writer: Option<Writer>,
    out: Vec<u8>,
    messages: u64,
}

impl Rewriting {
    fn go_on(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.machine.next() {
            self.take(event)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Wrong(wrong) => return Err(Ended::new(Code::Data, wrong.to_string())),
            Event::Hello(_) | Event::Reset => self.command(&Command::Rset),
            Event::Mail {
                from,
                written_in,
                parameters,
            } => self.command(&Command::Mail {
                from,
                written_in,
                parameters,
            }),
            Event::Rcpt {
                to,
                written_in,
                parameters,
            } => self.command(&Command::Rcpt {
                to,
                written_in,
                parameters,
            }),
            Event::Data(piece) => {
                let mut writer = self.content();
                writer.content(&piece, &mut self.out);
                self.writer = Some(writer);
            }
            Event::DataEnd(end) => {
                self.messages += 1;
                if let Some(problem) = end.problem {
                    return Err(Ended::new(Code::Data, odd(self.messages, problem)));
                }
                self.content().end(&mut self.out);
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) {
        Writer::new(Newline::CrLf).command(command, &mut self.out);
    }

    /// The writer of the content, which begins with DATA.
    fn content(&mut self) -> Writer {
        self.writer.take().unwrap_or_else(|| {
            self.command(&Command::Data);
            Writer::new(Newline::CrLf)
        })
    }
}

fn odd(number: u64, problem: DataProblem) -> String {
    let what = match problem {
        DataProblem::Nul => "holds a NUL",
        DataProblem::LineTooLong => "has a line without end",
        DataProblem::TooLarge => "is too large",
        DataProblem::BareCr | DataProblem::BareLf => "has broken line ends",
    };
    format!("message {number} of the batch {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = "HELO evil.test\nMAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\n\
                         Subject: one\n\n..dot\n.\nHELO localhost\nMAIL FROM:<>\n\
                         RCPT TO:<c@y.test>\nDATA\n.\nQUIT\n";

    fn rewritten(input: &[u8]) -> Result<String, Ended> {
        let mut all = Vec::new();
        let name = neighbour::name(Some("alpha"));
        read(input, &name, |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(String::from_utf8(all).unwrap())
    }

    #[test]
    fn a_batch_cannot_say_who_brings_it() {
        let expected = "EHLO alpha.uucp\r\nRSET\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n\
                        DATA\r\nSubject: one\r\n\r\n..dot\r\n.\r\nRSET\r\nMAIL FROM:<>\r\n\
                        RCPT TO:<c@y.test>\r\nDATA\r\n.\r\n";
        assert_eq!(rewritten(BATCH.as_bytes()).unwrap(), expected);
        assert_eq!(
            rewritten(BATCH.replace('\n', "\r\n").as_bytes()).unwrap(),
            expected
        );
    }

    #[test]
    fn what_is_not_whole_is_refused_as_a_whole() {
        let torn = &BATCH[..BATCH.len() - 8];
        let long = format!("MAIL FROM:<{}", "a".repeat(100_000));
        let nul = BATCH.replace("..dot", "a\0b");
        let odd = BATCH.replace("MAIL FROM:<>", "MAIL FORM:<>");
        for (wrong, says) in [
            (torn, "torn"),
            ("", "no message"),
            ("HELO x.test\nQUIT\n", "no message"),
            ("Subject: x\n\n", "line 1"),
            (&long, "without end"),
            (&nul, "NUL"),
            (&odd, "line 10"),
            ("\x1f\u{9d}", ""),
        ] {
            let ended = rewritten(wrong.as_bytes()).unwrap_err();
            assert_eq!(ended.code, Code::Data, "{wrong:.40}");
            assert!(ended.why.contains(says), "{wrong:.40}: {}", ended.why);
        }
        let frozen = rewritten(b"\x1f\x9ffrozen").unwrap_err();
        assert!(frozen.why.contains("freeze"), "{}", frozen.why);
    }
}
