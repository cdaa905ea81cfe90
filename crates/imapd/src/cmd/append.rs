//! APPEND [rfc3501 6.3.11] [rfc9051 6.3.12] of one or more messages, all or none [rfc3502 6.3.11], with APPENDUID
//! [rfc4315 3]. The messages stream to their places; what is kept is what `lines` makes of them, and
//! of a literal8 what mail's `BinaryEncoder` makes of it [rfc3516 4.4].

use crate::enabled::Extension;
use crate::flags;
use crate::limits;
use crate::reply::{Answer, Outcome, Trouble};
use crate::session::{Session, mailbox_name};
use crate::wire::{Ended, Patience};
use imap::{Append, AppendForm, AppendMessage, Event, Refusal, ResponseCode, SequenceSet, What};
use mail::{AppendError, BinaryEncoder, Body, BodyWriter, LineEnds, MailboxName, NewMessage};
use mail::{NulOutsideBinary, limits::APPEND_MESSAGES, limits::KEYWORDS_PER_MESSAGE};
use net::Time;
use std::time::Duration;

pub(crate) async fn run(session: &mut Session, append: Append) -> Outcome {
    let name = mailbox_name(&append.mailbox)?;
    check_mailbox(session, &name)?;
    let usual = session.wire.patience;
    let stall = Duration::from_secs(session.door.settings.append_stall_s);
    session.wire.patience = Patience::Silence(stall);
    let messages = take_all(session, &name, append.message).await;
    session.wire.patience = usual;

    let appended = session.account().append(&name, messages?).await?;
    let uids = SequenceSet::from_numbers(appended.uids);
    Ok(match uids {
        Some(uids) => {
            let uid_validity = appended.uid_validity;
            Answer::ok_with(ResponseCode::AppendUid { uid_validity, uids }, "kept")
        }
        None => Answer::ok("kept"),
    })
}

fn check_mailbox(session: &Session, name: &MailboxName) -> Result<(), Trouble> {
    match session.account().mailbox(name)? {
        None => Err(AppendError::NotFound.into()),
        Some(mailbox) if !mailbox.selectable => Err(AppendError::NoSelect.into()),
        Some(_) => Ok(()),
    }
}

/// Takes one message after the other. Everything that can be refused of one is refused before it
/// is sent, and with it all that came before.
async fn take_all(
    session: &mut Session,
    name: &MailboxName,
    first: AppendMessage,
) -> Result<Vec<NewMessage>, Trouble> {
    let mut messages: Vec<NewMessage> = Vec::new();
    let (mut offered, mut all_bytes) = (Some(first), 0);
    while let Some(message) = offered {
        if messages.len() == APPEND_MESSAGES {
            return Err(AppendError::TooMany.into());
        }
        check_message(session, &message, all_bytes)?;
        let flags = flags::from_wire(&message.flags)?;
        if flags.keywords.len() > KEYWORDS_PER_MESSAGE {
            return Err(AppendError::TooManyKeywords.into());
        }
        let internal_date = message.date.map(|date| Time::from_seconds(date.seconds));
        let mut body = session.door.mail.new_body().await?;
        if all_bytes > limits::APPEND_WAITING_BYTES {
            body.leave_memory()?;
        }
        let (body, next) = receive(session, name, message.form, body).await?;
        all_bytes += body.len();
        messages.push(NewMessage {
            body,
            flags,
            internal_date,
        });
        offered = next;
    }
    Ok(messages)
}

fn check_message(
    session: &Session,
    message: &AppendMessage,
    bytes_before: u64,
) -> Result<(), Trouble> {
    // RFC 6855 section 4 would also have 8-bit headers refused without ENABLE. They are taken: mail
    // that moves here from elsewhere has them, and must not be lost on the way.
    let utf8 = session.enabled.has(Extension::Utf8Accept);
    if message.form == AppendForm::Utf8 && !utf8 {
        return Err(Answer::bad("ENABLE UTF8=ACCEPT comes first").into());
    }
    // With this a client takes its APPEND back [rfc3502 6.3.11].
    if message.size == 0 {
        return Err(Answer::no(ResponseCode::Cannot, "a message is not empty").into());
    }
    if message.size > session.door.settings.max_append_bytes {
        return Err(Answer::no(ResponseCode::TooBig, "the message is too large").into());
    }
    let quota = session.account().quota()?;
    let bytes = bytes_before.saturating_add(message.size);
    let over = |limit: u64| quota.used_bytes.saturating_add(bytes) > limit;
    match quota.limit_bytes.is_some_and(over) {
        true => Err(AppendError::OverQuota.into()),
        false => Ok(()),
    }
}

/// One message, and the next that is offered behind it.
async fn receive(
    session: &mut Session,
    name: &MailboxName,
    form: AppendForm,
    body: BodyWriter,
) -> Result<(Body, Option<AppendMessage>), Trouble> {
    session.wire.machine().accept_append();
    let mut taking = Taking {
        body,
        lines: LineEnds::default(),
        encoder: match form {
            AppendForm::Literal => None,
            AppendForm::Binary | AppendForm::Utf8 => Some(BinaryEncoder::new()),
        },
    };
    let next = loop {
        match session.wire.event().await? {
            Event::AppendChunk(chunk) => taking.chunk(&chunk).await?,
            Event::AppendNext(message) => break Some(message),
            Event::AppendEnd => break None,
            Event::Refused { refusal, .. } => return Err(refused(&refusal).into()),
            _ => return Err(Ended::Broken.into()),
        }
    };
    let account = session.account().id();
    // Kept beside the body, so that it can be found even if its records are gone.
    let found_by = format!("imap append, account {account}, mailbox {name}");
    Ok((taking.end(found_by.as_bytes()).await?, next))
}

/// A message on its way to its place.
struct Taking {
    body: BodyWriter,
    lines: LineEnds,
    /// Only for a literal8: what is sent as a literal stays as it is labelled.
    encoder: Option<BinaryEncoder>,
}

impl Taking {
    async fn chunk(&mut self, chunk: &[u8]) -> Result<(), Trouble> {
        let mut text = Vec::new();
        for part in chunk.chunks(limits::CONTENT_BYTES) {
            match &mut self.encoder {
                None => self.keep(part).await?,
                Some(encoder) => {
                    text.clear();
                    encoder.piece(part, &mut text).map_err(no_encoding)?;
                    self.keep(&text).await?;
                }
            }
        }
        Ok(())
    }

    async fn keep(&mut self, text: &[u8]) -> Result<(), Trouble> {
        let mut piece = Vec::with_capacity(text.len() + 1);
        self.lines.piece(text, &mut piece);
        Ok(self.body.write(&piece).await?)
    }

    async fn end(mut self, found_by: &[u8]) -> Result<Body, Trouble> {
        if let Some(encoder) = self.encoder.take() {
            let mut text = Vec::new();
            encoder.end(&mut text).map_err(no_encoding)?;
            self.keep(&text).await?;
        }
        let mut piece = Vec::new();
        self.lines.end(&mut piece);
        self.body.write(&piece).await?;
        Ok(self.body.finish(found_by).await?)
    }
}

/// What a literal8 brings must not be lost, and what is no binary part cannot be encoded
/// [rfc3516 4.4].
fn no_encoding(_: NulOutsideBinary) -> Trouble {
    let text = "there is a NUL outside the parts that say binary";
    Answer::no(ResponseCode::UnknownCte, text).into()
}

/// What broke the command off in a message, or behind it.
fn refused(refusal: &Refusal) -> Answer {
    match refusal.what {
        What::Nul => Answer::no(ResponseCode::Cannot, "a message has no NUL in it"),
        _ => Answer::bad(refusal.to_string()),
    }
}
