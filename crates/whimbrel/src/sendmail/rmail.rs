//! `rmail`: what UUCP's `uuxqt` starts with the recipients of one message, and the message behind its
//! From_ line.
//!
//! Whoever calls reads nothing but the exit code: 75 keeps the job for later, any other ends it and
//! tells the neighbour. So a message is refused only as a whole; of which some recipients are
//! refused, the server tells the sender by mail. What never happens here: a choice whom a neighbour may
//! send to; that is the server's.

use super::exit::{Code, Ended};
use super::house::House;
use super::message::{self, Message};
use super::post_in::{handed_over, in_runtime};
use super::said::Sorted;
use super::{drop_folder, header, neighbour};
use addr::{Charset, ForwardPath};
use smtp::ClientName;
use smtp::client::Recipient;
use smtp::{BodyType, MailParameters, RcptParameters};
use uucp::FromLines;

pub fn run(words: &[String]) -> Result<(), Ended> {
    let recipients = recipients(words)?;
    let house = House::of_job()?;
    let most = house.settings.message_bytes + MOST_LINES;
    let input = message::input(most)?;
    let by = neighbour::of_caller();
    let message = made(recipients, &input, by.as_deref())?;
    // whom he may send to hangs on it, so a From_ line cannot say it
    let name = neighbour::name(by.as_deref());
    let sorted = in_runtime(handed_over(&house, &name, &message))??;
    settled(&house, &name, &message, &sorted)
}

/// Room for From_ lines before a message of the largest size.
const MOST_LINES: u64 = 64 * 1024;

fn recipients(words: &[String]) -> Result<Vec<Recipient>, Ended> {
    let recipient = |word: &String| {
        if word.starts_with('-') {
            return Err(Ended::new(
                Code::Usage,
                format!("knows no {word}; it takes recipients only"),
            ));
        }
        let to = uucp::recipient(word);
        let to = to.map_err(|error| Ended::new(Code::Data, error.to_string()))?;
        Ok(Recipient {
            to: ForwardPath::Address(to),
            parameters: RcptParameters::default(),
        })
    };
    match words.is_empty() {
        true => Err(Ended::new(Code::Usage, "no recipient is named")),
        false => words.iter().map(recipient).collect(),
    }
}

/// The message. Where who called does not say which neighbour brought it, its sender is read as the From_
/// line has it.
fn made(recipients: Vec<Recipient>, input: &[u8], by: Option<&str>) -> Result<Message, Ended> {
    let wrong = |why: String| Ended::new(Code::Data, why);
    let lines = FromLines::read(input).map_err(|error| wrong(error.to_string()))?;
    let first = lines.path.split_once('!').map(|(first, _)| first);
    let from = uucp::sender(&lines.path, by.or(first));
    let from = from.map_err(|error| wrong(error.to_string()))?;
    let content = input[lines.len..].to_vec();
    let parameters = MailParameters {
        body: Some(match content.is_ascii() {
            true => BodyType::SevenBit,
            false => BodyType::EightBitMime,
        }),
        charset: match header::split(&content).is_ascii() {
            true => Charset::Ascii,
            false => Charset::Utf8,
        },
        ..MailParameters::default()
    };
    Ok(Message {
        from,
        parameters,
        recipients,
        content,
    })
}

/// All are settled when this is done, or the caller knows.
fn settled(
    house: &House,
    name: &ClientName,
    message: &Message,
    sorted: &Sorted,
) -> Result<(), Ended> {
    let all = message.recipients.len();
    if let Some(ended) = sorted.ended().filter(|_| sorted.refused.len() == all) {
        return Err(ended);
    }
    let refused = sorted.refused.iter().map(|(one, _, _)| one.clone());
    // what is refused there once more, its sender is told
    let rest: Vec<Recipient> = sorted.later.iter().cloned().chain(refused).collect();
    if rest.is_empty() {
        return Ok(());
    }
    drop_folder::put(&house.drop_folder(), name, &[(message, &rest)]).map_err(|ended| match &sorted
        .not_now
    {
        Some(why) => Ended::new(ended.code, format!("{}\nthe server: {why}", ended.why)),
        None => ended,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(words: &[&str]) -> Result<String, Code> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let all = recipients(&words).map_err(|ended| ended.code)?;
        let all: Vec<String> = all.iter().map(|one| one.to.to_string()).collect();
        Ok(all.join(" "))
    }

    #[test]
    fn recipients_are_addresses_and_paths() {
        assert_eq!(
            to(&["bob", "gamma!dave", "ann@x.test"]).unwrap(),
            "<bob@localhost> <dave@gamma.uucp> <ann@x.test>"
        );
        assert_eq!(to(&[]), Err(Code::Usage));
        assert_eq!(to(&["-D", "bob"]), Err(Code::Usage));
        assert_eq!(to(&["a@b@c"]), Err(Code::Data));
    }

    #[test]
    fn only_a_header_that_is_not_ascii_needs_smtputf8() {
        // [rfc6531 3.4] whatever ends its lines
        let charset = |text: &str| {
            let text = format!("From a@x.test date\n{text}");
            made(Vec::new(), text.as_bytes(), None)
                .unwrap()
                .parameters
                .charset
        };
        assert_eq!(charset("Subject: x\r\n\r\n\u{e4}\r\n"), Charset::Ascii);
        assert_eq!(charset("Subject: x\n\n\u{e4}\n"), Charset::Ascii);
        assert_eq!(charset("Subject: \u{e4}\r\n\r\n"), Charset::Utf8);
    }

    #[test]
    fn the_from_line_says_who_sent_it_and_goes() {
        let read = |input: &str, by: Option<&str>| {
            let message = made(Vec::new(), input.as_bytes(), by)?;
            let text = String::from_utf8(message.content).unwrap();
            Ok::<_, Ended>((message.from.to_string(), text))
        };
        let text = "From dave Mon Nov 23 01:20:09 2026 remote from delta\nSubject: x\n\ny\n";
        let rest = "Subject: x\n\ny\n".to_owned();
        let (from, content) = read(text, Some("alpha")).unwrap();
        assert_eq!((from.as_str(), content), ("<delta!dave@alpha.uucp>", rest));
        let (from, _) = read(text, None).unwrap();
        assert_eq!(from, "<dave@delta.uucp>");
        for wrong in ["", "Subject: x\n\n", "From \n\n", "From a@b@c x\n\n"] {
            assert_eq!(read(wrong, None).unwrap_err().code, Code::Data, "{wrong}");
        }
    }
}
