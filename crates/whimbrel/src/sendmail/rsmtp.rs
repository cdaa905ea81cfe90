//! `rsmtp` and its kin: what UUCP's `uuxqt` starts with a batch of SMTP on standard input, packed or
//! not.
//!
//! The whole batch is read before anything of it counts: a batch that is torn, or in which commands and
//! content cannot be told apart, is refused as it came. Then its messages are one file in the drop folder,
//! synced, and the job is done: nothing enters twice if it is tried again, and nothing half. The server
//! takes the file in within seconds, and tells senders by mail what it refuses, bad syntax included. Only
//! of a message whose sender cannot be read the exit code tells the neighbour. What never happens here: a
//! choice whom a neighbour may send to; belief in the name under which a batch is packed; a batch in
//! memory.

use super::drop_folder::Unfinished;
use super::exit::{Code, Ended};
use super::house::House;
use super::neighbour;
use smtp::batch::{Event, Newline, Unreadable, Writer};
use smtp::{Batch, ClientName, Command, DataProblem};
use std::io::BufRead;
use uucp::limits::{BATCH_BYTES, NAMED_MESSAGES};
use uucp::{Unpacker, Wrong};

/// Octets that are written at once.
const PIECE: usize = 256 * 1024;

pub fn run(words: &[String]) -> Result<(), Ended> {
    if let Some(word) = words.first() {
        let why = format!("takes no words, and not {word}; the batch is read from standard input");
        return Err(Ended::new(Code::Usage, why));
    }
    let house = House::of_job()?;
    let name = neighbour::name(neighbour::of_caller().as_deref());
    take(&house, &name)
}

/// Takes the batch on standard input, which somebody of this name brings.
pub fn take(house: &House, name: &ClientName) -> Result<(), Ended> {
    let folder = house.drop_folder();
    let mut file = Unfinished::begin(&folder)?;
    let input = std::io::stdin().lock();
    let read = read(input, name, |piece| file.write(piece))?;
    if read.messages > 0 {
        file.finish()?;
    }
    read.ended()
}

/// What was in a batch.
#[derive(Default)]
struct Read {
    /// Messages that the server gets to see.
    messages: u64,
    /// Those of which nobody can be told, and where they stand.
    lost: u64,
    named: Vec<String>,
}

impl Read {
    fn lose(&mut self, bad: &Unreadable) {
        self.lost += 1;
        if self.named.len() < NAMED_MESSAGES {
            self.named.push(bad.to_string());
        }
    }

    /// The neighbour hears of what was lost, and nobody else can.
    fn ended(&self) -> Result<(), Ended> {
        let mut lines = self.named.clone();
        match (self.messages, self.lost) {
            (1.., 0) => return Ok(()),
            (0, 0) => lines.push("there is no message in the batch".to_owned()),
            (taken, lost) => lines.push(format!(
                "{lost} refused of which no sender can be told, {taken} taken"
            )),
        }
        Err(Ended::new(Code::Data, lines.join("\n")))
    }
}

/// Gives the batch anew, without what it says of who brings it.
fn read(
    input: impl BufRead,
    name: &ClientName,
    mut give: impl FnMut(&[u8]) -> Result<(), Ended>,
) -> Result<Read, Ended> {
    let wrong = |error: Wrong| {
        let code = match error {
            Wrong::Input(_) => Code::Temporary,
            _ => Code::Data,
        };
        Ended::new(code, error.to_string())
    };
    let mut unpacker = Unpacker::new(input, BATCH_BYTES).map_err(wrong)?;
    // how large a message may be the server decides, for each
    let mut rewriting = Rewriting {
        machine: Batch::new(u64::MAX),
        writer: None,
        fate: Fate::Given,
        out: Vec::new(),
        read: Read::default(),
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
    Ok(rewriting.read)
}

/// Whether the message that is read is given to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Given,
    /// Its sender cannot be read.
    Lost,
}

struct Rewriting {
    machine: Batch,
    /// Of the content that was begun.
    writer: Option<Writer>,
    fate: Fate,
    out: Vec<u8>,
    read: Read,
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
            Event::Hello(_) | Event::Reset => {
                self.fate = Fate::Given;
                self.command(&Command::Rset);
            }
            Event::BadMail { from: None, bad } => {
                self.fate = Fate::Lost;
                self.read.lose(&bad);
            }
            Event::DataEnd(_) if self.fate == Fate::Lost => self.fate = Fate::Given,
            _ if self.fate == Fate::Lost => {}
            // the server cannot read it either, and tells the sender
            Event::BadMail { bad, .. } | Event::BadRcpt(bad) => {
                self.out.extend_from_slice(&bad.command);
                self.out.extend_from_slice(b"\r\n");
            }
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
                self.read.messages += 1;
                let mut writer = self.content();
                writer.content(problem(end.problem), &mut self.out);
                writer.end(&mut self.out);
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

/// The octet at which the reading of the content stopped: the server stops there, too, and says why.
fn problem(problem: Option<DataProblem>) -> &'static [u8] {
    match problem {
        Some(DataProblem::Nul) => b"\0",
        Some(DataProblem::LineTooLong) => b"x",
        // what these are depends on rules that the server has, too
        Some(DataProblem::TooLarge | DataProblem::BareCr | DataProblem::BareLf) | None => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = "HELO evil.test\nMAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\n\
                         Subject: one\n\n..dot\n.\nHELO localhost\nMAIL FROM:<>\n\
                         RCPT TO:<c@y.test>\nDATA\n.\nQUIT\n";

    fn read_all(input: &[u8]) -> Result<(String, Read), Ended> {
        let mut all = Vec::new();
        let name = neighbour::name(Some("alpha"));
        let read = read(input, &name, |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((String::from_utf8_lossy(&all).into_owned(), read))
    }

    fn rewritten(input: &[u8]) -> Result<String, Ended> {
        let (all, read) = read_all(input)?;
        read.ended().map(|()| all)
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
        let lost = BATCH.replace("DATA\nSubject", "DTAA\nSubject");
        for (wrong, says) in [
            (torn, "torn"),
            ("", "no message"),
            ("HELO x.test\nQUIT\n", "no message"),
            ("Subject: x\n\n", "line 1"),
            (&long, "without end"),
            (&lost, "line 4"),
            ("\x1f\u{9d}", ""),
        ] {
            let ended = rewritten(wrong.as_bytes()).unwrap_err();
            assert_eq!(ended.code, Code::Data, "{wrong:.40}");
            assert!(ended.why.contains(says), "{wrong:.40}: {}", ended.why);
        }
        let frozen = rewritten(b"\x1f\x9ffrozen").unwrap_err();
        assert!(frozen.why.contains("freeze"), "{}", frozen.why);
    }

    #[test]
    fn what_spoils_one_message_is_left_to_the_server_to_tell_its_sender() {
        for (good, bad) in [
            ("MAIL FROM:<a@x.test>", "MAIL FROM:<a@x.test> SIZE=x"),
            ("RCPT TO:<b@y.test>", "RCPT TO:<b y@z.test>"),
            ("..dot", "a\0"),
        ] {
            let all = rewritten(BATCH.replace(good, bad).as_bytes()).unwrap();
            assert!(all.contains(&format!("\r\n{bad}\r\n")), "{all}");
            assert!(
                all.ends_with("RCPT TO:<c@y.test>\r\nDATA\r\n.\r\n"),
                "{all}"
            );
        }
        let endless = usize::try_from(smtp::limits::DATA_LINE_BYTES).unwrap() + 1;
        let endless = BATCH.replace("..dot", &"x".repeat(endless));
        let all = rewritten(endless.as_bytes()).unwrap();
        let mut machine = Batch::new(u64::MAX);
        machine.receive(all.as_bytes());
        let events = std::iter::from_fn(|| machine.next());
        let long = |event: &Event| {
            let problem = Some(DataProblem::LineTooLong);
            matches!(event, Event::DataEnd(end) if end.problem == problem)
        };
        assert_eq!(events.filter(long).count(), 1);
    }

    #[test]
    fn whose_sender_cannot_be_read_is_told_by_the_exit_code_and_the_rest_is_taken() {
        let odd = BATCH.replace("MAIL FROM:<>", "MAIL FORM:<>");
        let (all, read) = read_all(odd.as_bytes()).unwrap();
        assert!(
            all.contains("MAIL FROM:<a@x.test>") && !all.contains("FORM"),
            "{all}"
        );
        assert!(!all.contains("c@y.test"), "{all}");
        assert_eq!((read.messages, read.lost), (1, 1));
        let ended = read.ended().unwrap_err();
        assert_eq!(ended.code, Code::Data);
        assert!(
            ended.why.contains("line 10") && ended.why.contains("1 taken"),
            "{}",
            ended.why
        );
        // many of them make no endless answer
        let many = "MAIL FORM:<>\nRSET\n".repeat(1_000);
        let ended = rewritten(many.as_bytes()).unwrap_err();
        assert_eq!(ended.why.lines().count(), NAMED_MESSAGES + 1);
    }
}
