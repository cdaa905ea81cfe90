//! XTND XMIT: a message that the client sends on by its maildrop's server, to those who stand in its
//! header. qpopper had it; old mail programs use it where nothing else is let through.
//!
//! The header is held until it is whole, because it names the recipients; the rest streams. Bcc fields
//! are taken out. It is a submission like any other: the sender is the login, and the same is refused.

use crate::cmd::upload::Upload;
use crate::limits::{SUBMITTED_HEADER_BYTES, SUBMITTED_LINE_BYTES};
use crate::reply::{self, Refused};
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use addr::{Address, Charset, ForwardPath, ReversePath};
use mail::Login;
use pop::{Event, Reply};
use post::{Arriving, Client, Envelope, Post, Role};
use smtp::{BodyType, DataEnd, MailParameters, Protection, RcptParameters};
use std::collections::BTreeSet;

pub(crate) fn xtnd(session: &mut Session, name: String) -> Doing<'_> {
    Box::pin(async move {
        if name != "XMIT" {
            return session.bad(Text::NoSuchExtension);
        }
        let Some(post) = session.door.post.clone() else {
            session.refuse(&Refused::new(Text::NoSubmission));
            return Ok(());
        };
        let client = client(session)?;
        let text = Text::SendMessage.in_language(session.language);
        session.machine.send(Reply::Receive(&text));
        let mut submitted = Submitted {
            post,
            client,
            upload: Upload::new(session.door.settings.max_message_bytes),
            line_bytes: 0,
            header: Some(Vec::new()),
            content: None,
        };
        while let Event::Data(piece) = session.next_event().await? {
            submitted.piece(&piece).await;
        }
        match submitted.end().await {
            Ok(()) => session.ok(&Text::MessageSent),
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

/// This session as those see it who take mail.
fn client(session: &mut Session) -> Result<Client, End> {
    let login: Login = session.folders().login().clone();
    let conn = session.conn.as_ref().ok_or(End::Lost)?;
    Ok(Client {
        peer: conn.peer(),
        helo: None,
        tls: conn
            .tls()
            .map(|tls| format!("{} {}", tls.version, tls.cipher)),
        login: Some(login),
        local: None,
        role: Role::Submission,
    })
}

/// Fields that name recipients.
const NAMED: &[&str] = &["to", "cc", "bcc"];
/// Those of a message that is sent once more [rfc5322 3.6.6].
const RESENT: &[&str] = &["resent-to", "resent-cc", "resent-bcc"];

/// A message on its way out.
struct Submitted {
    post: Post,
    client: Client,
    upload: Upload,
    /// Of the line that has begun.
    line_bytes: usize,
    /// The header as far as it has come; none once it was whole.
    header: Option<Vec<u8>>,
    content: Option<(Envelope, Arriving)>,
}

impl Submitted {
    async fn piece(&mut self, piece: &[u8]) {
        if let Some(text) = self.upload.piece(piece)
            && let Err(refused) = self.text(text).await
        {
            self.upload.trouble = Some(refused);
        }
    }

    /// Text with CRLF lines.
    async fn text(&mut self, text: Vec<u8>) -> Result<(), Refused> {
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.line_bytes += piece.len();
            if self.line_bytes > SUBMITTED_LINE_BYTES {
                return Err(Refused::new(Text::MessageLineTooLong));
            }
            if piece.ends_with(b"\n") {
                self.line_bytes = 0;
            }
        }
        let Some(header) = &mut self.header else {
            return self.write(&text).await;
        };
        // the empty line may begin in what was here before
        let from = header.len().saturating_sub(3);
        header.extend_from_slice(&text);
        match end_of_header(header, from) {
            Some(end) => {
                let all = self.header.take().unwrap_or_default();
                self.begin(&all[..end]).await?;
                self.write(&all[end..]).await
            }
            None if header.len() > SUBMITTED_HEADER_BYTES => {
                Err(Refused::new(Text::MessageTooLarge))
            }
            None => Ok(()),
        }
    }

    async fn write(&mut self, text: &[u8]) -> Result<(), Refused> {
        if let Some((_, arriving)) = &mut self.content {
            arriving.write(text).await;
        }
        Ok(())
    }

    /// The header is whole.
    async fn begin(&mut self, header: &[u8]) -> Result<(), Refused> {
        let recipients = recipients(header)?;
        let sender = self.client.login.as_ref().map(Login::primary).cloned();
        let sender = sender.ok_or_else(|| Refused::new(Text::LogInFirst))?;
        let all = recipients.iter().chain([&sender]);
        let charset = all.map(written_in).max_by_key(|charset| match charset {
            Charset::Ascii => 0,
            Charset::Utf8 => 1,
        });
        let from = ReversePath::Address(sender.clone());
        let parameters = parameters(charset.unwrap_or(Charset::Ascii));
        let begun = self
            .post
            .sender(&self.client, from, written_in(&sender), parameters)
            .await;
        let mut envelope = begun.map_err(|refused| reply::submission(&refused.refusal))?;
        for recipient in recipients {
            let written_in = written_in(&recipient);
            let to = ForwardPath::Address(recipient.clone());
            let parameters = RcptParameters::default();
            let taken = self
                .post
                .recipient(&self.client, &mut envelope, to, written_in, parameters)
                .await;
            taken.map_err(|refusal| reply::recipient(&refusal, &recipient))?;
        }
        let arriving = self.post.new_body(&self.client, &envelope).await;
        let mut arriving = arriving.map_err(|refusal| reply::submission(&refusal))?;
        arriving.write(&without_bcc(header)).await;
        self.content = Some((envelope, arriving));
        Ok(())
    }

    /// The final dot has come.
    async fn end(mut self) -> Result<(), Refused> {
        if self.upload.octets == 0 {
            return Err(Refused::new(Text::NoMessage));
        }
        let mut text = Vec::new();
        self.upload.lines.end(&mut text);
        if self.upload.trouble.is_none() {
            self.text(text).await?;
        }
        // a message may be a header and nothing else
        if let (Some(header), None) = (self.header.take(), &self.upload.trouble) {
            self.begin(&header).await?;
        }
        if let Some(trouble) = self.upload.trouble {
            return Err(trouble);
        }
        let (envelope, arriving) = self
            .content
            .ok_or_else(|| Refused::new(Text::NoRecipients))?;
        let end = DataEnd {
            bytes: self.upload.octets,
            problem: None,
        };
        let accepted = self
            .post
            .accept(&self.client, envelope, arriving, end)
            .await;
        accepted
            .map(drop)
            .map_err(|refusal| reply::submission(&refusal))
    }
}

fn written_in(address: &Address) -> Charset {
    match address.to_string().is_ascii() {
        true => Charset::Ascii,
        false => Charset::Utf8,
    }
}

fn parameters(charset: Charset) -> MailParameters {
    MailParameters {
        size_bytes: None,
        body: Some(BodyType::EightBitMime),
        charset,
        auth: None,
        ret: None,
        envid: None,
        protection: Protection::default(),
        hold: None,
        by: None,
        priority: None,
    }
}

/// Where the empty line ends behind the header, looked for from `from` on.
fn end_of_header(text: &[u8], from: usize) -> Option<usize> {
    if text.starts_with(b"\r\n") {
        return Some(2);
    }
    let mut four = text[from..].windows(4);
    four.position(|four| four == b"\r\n\r\n")
        .map(|at| from + at + 4)
}

/// The fields of a header, each with the lines that go on with it.
fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (at, byte) in header.iter().enumerate() {
        let next = header.get(at + 1);
        if *byte == b'\n' && !matches!(next, Some(b' ' | b'\t')) {
            fields.push(&header[start..=at]);
            start = at + 1;
        }
    }
    if start < header.len() {
        fields.push(&header[start..]);
    }
    fields
}

fn is_called(field: &[u8], names: &[&str]) -> bool {
    let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = name.trim_ascii_end();
    names
        .iter()
        .any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
}

/// Whom the header names, each once; of a message that is sent once more, whom that names. Who cannot be
/// read is no reason to send to the others alone.
fn recipients(header: &[u8]) -> Result<Vec<Address>, Refused> {
    let fields = fields(header);
    let is_resent = fields.iter().any(|field| is_called(field, RESENT));
    let names = if is_resent { RESENT } else { NAMED };
    let (mut found, mut keys) = (Vec::new(), BTreeSet::new());
    for field in fields.iter().filter(|field| is_called(field, names)) {
        let value = memchr::memchr(b':', field).map_or(&field[..0], |at| &field[at + 1..]);
        let list = addr::header::parse_list(value);
        if list.trouble.is_some() {
            return Err(Refused::new(Text::UnreadableRecipient));
        }
        for mailbox in list.mailboxes() {
            let address = mailbox.address();
            let address = address.ok_or_else(|| Refused::new(Text::UnreadableRecipient))?;
            if keys.insert(address.key()) {
                found.push(address);
            }
        }
    }
    match found.is_empty() {
        true => Err(Refused::new(Text::NoRecipients)),
        false => Ok(found),
    }
}

fn without_bcc(header: &[u8]) -> Vec<u8> {
    let kept = fields(header).into_iter();
    kept.filter(|field| !is_called(field, &["bcc", "resent-bcc"]))
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: alice@example.test\r\nTo: Bob <bob@example.test>,\r\n \
        carol@example.test\r\nBcc: dave@example.test,\r\n eve@example.test\r\nCC: BOB@example.test\r\n\
        Subject: to: x@y.test\r\n\r\n";

    fn named(header: &[u8]) -> Result<Vec<String>, Text> {
        let all = recipients(header).map_err(|refused| refused.text)?;
        Ok(all.iter().map(Address::to_string).collect())
    }

    #[test]
    fn recipients_stand_in_to_cc_and_bcc_each_once() {
        let all = named(HEADER).unwrap();
        assert_eq!(all[..2], ["bob@example.test", "carol@example.test"]);
        assert!(
            all.contains(&"dave@example.test".to_owned()) && !all.contains(&"x@y.test".to_owned())
        );
        assert_eq!(all.len(), 4, "{all:?}");
    }

    #[test]
    fn who_cannot_be_read_keeps_the_message_from_the_others() {
        for wrong in [
            "To: bob, carol@example.test\r\n\r\n",
            "To: carol@example.test\r\nCc: <dave@example.test\r\n\r\n",
            "To: carol@example.test dave@example.test\r\n\r\n",
        ] {
            assert_eq!(
                named(wrong.as_bytes()),
                Err(Text::UnreadableRecipient),
                "{wrong}"
            );
        }
        for none in ["To: undisclosed:;\r\n\r\n", "Subject: x\r\n\r\n", ""] {
            assert_eq!(named(none.as_bytes()), Err(Text::NoRecipients), "{none}");
        }
    }

    #[test]
    fn what_is_sent_once_more_goes_to_whom_that_names() {
        // [rfc5322 3.6.6]
        let all = named(b"To: a@x.test\r\nResent-To: b@x.test\r\nResent-Bcc: c@x.test\r\n\r\n");
        assert_eq!(all.unwrap(), ["b@x.test", "c@x.test"]);
    }

    #[test]
    fn a_header_of_recipients_alone_takes_time_in_proportion() {
        // with a look at all others for each it takes minutes
        let fields = |count: usize| -> Vec<u8> {
            let fields = (0..count).map(|number| format!("To:{number}@x\r\n"));
            fields.collect::<String>().into_bytes()
        };
        let all = recipients(&fields(SUBMITTED_HEADER_BYTES / 12)).unwrap();
        assert_eq!(all.len(), SUBMITTED_HEADER_BYTES / 12);
    }

    #[test]
    fn bcc_is_taken_out_with_all_its_lines() {
        let kept = String::from_utf8(without_bcc(HEADER)).unwrap();
        assert!(!kept.contains("dave") && !kept.contains("eve"), "{kept}");
        assert!(kept.ends_with("CC: BOB@example.test\r\nSubject: to: x@y.test\r\n\r\n"));
        assert_eq!(without_bcc(b"\r\n"), b"\r\n");
    }

    #[test]
    fn a_header_ends_at_its_first_empty_line_in_any_pieces() {
        assert_eq!(end_of_header(HEADER, 0), Some(HEADER.len()));
        for from in 0..HEADER.len() - 3 {
            assert_eq!(end_of_header(HEADER, from), Some(HEADER.len()));
        }
        assert_eq!(end_of_header(b"\r\nbody", 0), Some(2));
        assert_eq!(end_of_header(b"A: 1\r\n", 0), None);
    }
}
