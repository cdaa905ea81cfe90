//! STOR: a message that the client puts into a folder (docs/pop4.md).
//!
//! A message streams to its place; what is wrong with it is told at its end, because a client that
//! sends reads nothing before. What is kept has CRLF lines and no NUL.

use crate::cmd::flags::meant;
use crate::folders::mailbox_name;
use crate::reply::{self, Refused};
use crate::session::{End, Session};
use crate::table::Doing;
use crate::text::Text;
use mail::{Body, BodyWriter, LineEnds, MailboxName, NewMessage};
use pop::pop4::{Flag, Folder};
use pop::{Event, Reply};

/// Into the selected folder, if none is named.
pub(crate) fn stor(session: &mut Session, folder: Option<Folder>, flags: Vec<Flag>) -> Doing<'_> {
    Box::pin(async move {
        let place = match place(session, folder.as_ref()) {
            Ok(name) => meant(&flags).map(|flags| (name, flags)),
            Err(refused) => Err(refused),
        };
        let (name, flags) = match place {
            Ok(place) => place,
            Err(refused) => {
                session.refuse(&refused);
                return Ok(());
            }
        };
        let writer = session.door.mail.new_body().await;
        let writer = match writer.map_err(|error| reply::body(&error, session.id)) {
            Ok(writer) => writer,
            Err(refused) => {
                session.refuse(&refused);
                return Ok(());
            }
        };
        let text = Text::SendMessage.in_language(session.language);
        session.machine.send(Reply::Receive(&text));
        let kept = match receive(session, writer, &name).await? {
            Ok(body) => {
                let message = NewMessage {
                    body,
                    flags,
                    internal_date: None,
                };
                keep(session, &name, message).await
            }
            Err(refused) => Err(refused),
        };
        session.settle(kept);
        Ok(())
    })
}

/// Everything that can be refused of a message is refused before it is sent.
fn place(session: &mut Session, folder: Option<&Folder>) -> Result<MailboxName, Refused> {
    let id = session.id;
    let folders = session.folders();
    let name = match folder {
        Some(folder) => mailbox_name(folder)?,
        None => folders.selected_name()?,
    };
    folders.find_open(&name)?;
    let quota = folders.account().quota();
    let quota = quota.map_err(|fault| reply::fault(&fault, id))?;
    match quota
        .limit_bytes
        .is_some_and(|most| quota.used_bytes >= most)
    {
        true => Err(reply::over_quota()),
        false => Ok(name),
    }
}

async fn keep(
    session: &mut Session,
    name: &MailboxName,
    message: NewMessage,
) -> Result<String, Refused> {
    let id = session.id;
    let account = session.folders().account().clone();
    let appended = account.append(name, vec![message]).await;
    let appended = appended.map_err(|error| reply::append(&error, id))?;
    let uid = appended.uids.first().copied().unwrap_or_default();
    // as UIDL says it
    Ok(format!("{}.{uid}", appended.uid_validity))
}

/// The message up to its dot, or what is wrong with it.
async fn receive(
    session: &mut Session,
    writer: BodyWriter,
    name: &MailboxName,
) -> Result<Result<Body, Refused>, End> {
    let mut taking = Taking {
        writer,
        upload: Upload::new(session.door.settings.max_message_bytes),
        session: session.id,
    };
    while let Event::Data(piece) = session.next_event().await? {
        taking.piece(&piece).await;
    }
    let account = session.folders().account().id();
    // kept beside the body, so that it can be found even if its records are gone
    let found_by = format!("pop stor, account {account}, mailbox {name}");
    Ok(taking.end(found_by.as_bytes()).await)
}

/// What comes until the dot: counted, and with the line ends of mail. What is wrong with a piece is
/// wrong with all.
pub(super) struct Upload {
    pub lines: LineEnds,
    pub octets: u64,
    most: u64,
    pub trouble: Option<Refused>,
}

impl Upload {
    pub fn new(most: u64) -> Upload {
        Upload {
            lines: LineEnds::default(),
            octets: 0,
            most,
            trouble: None,
        }
    }

    /// The text of a piece, if nothing was wrong so far.
    pub fn piece(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        self.octets += piece.len() as u64;
        if self.trouble.is_some() {
            return None;
        }
        if self.octets > self.most {
            self.trouble = Some(Refused::new(Text::MessageTooLarge));
            return None;
        }
        if memchr::memchr(0, piece).is_some() {
            self.trouble = Some(Refused::new(Text::NulInMessage));
            return None;
        }
        let mut text = Vec::with_capacity(piece.len() + 1);
        self.lines.piece(piece, &mut text);
        Some(text)
    }
}

/// A message on its way to its place.
struct Taking {
    writer: BodyWriter,
    upload: Upload,
    session: u64,
}

impl Taking {
    async fn piece(&mut self, piece: &[u8]) {
        if let Some(text) = self.upload.piece(piece) {
            self.write(&text).await;
        }
    }

    async fn write(&mut self, text: &[u8]) {
        if let Err(error) = self.writer.write(text).await {
            self.upload.trouble = Some(reply::body(&error, self.session));
        }
    }

    async fn end(mut self, found_by: &[u8]) -> Result<Body, Refused> {
        let mut text = Vec::new();
        self.upload.lines.end(&mut text);
        self.write(&text).await;
        if self.upload.octets == 0 {
            return Err(Refused::new(Text::NoMessage));
        }
        match self.upload.trouble {
            Some(trouble) => Err(trouble),
            None => {
                let body = self.writer.finish(found_by).await;
                body.map_err(|error| reply::body(&error, self.session))
            }
        }
    }
}
