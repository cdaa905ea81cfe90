//! A batch that lies in a folder: its messages enter as those of a session do, only that nobody waits
//! for an answer.
//!
//! What is refused for good is told to its sender by mail; what is refused for now makes the rest wait.
//! The commit that takes a message, or tells of it, notes how much of the file is done, so that none
//! enters twice. What never happens here: a file.

use crate::{Door, reply};
use addr::{Charset, ForwardPath, ReversePath};
use mail::Fault;
use post::limits::TOLD_RECIPIENTS;
use post::{
    Arriving, Client, DroppedFile, Envelope, Greeting, Meant, MessageId, Note, Progress, Refusal,
    Remains, Role, Trust, Untaken,
};
use smtp::batch::{Event, Unreadable, Wrong};
use smtp::{Batch, DataEnd, MailParameters, RcptParameters, Reply};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// How much of a message is kept for a report.
const HEAD_BYTES: usize = post::limits::RETURNED_HEADER_BYTES;

/// Octets of `RCPT `.
const RCPT_BYTES: usize = 5;

/// Whether what is refused for now may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    Waits,
    /// It has waited long enough: its sender is told.
    IsOver,
}

/// What came of a step.
#[derive(Debug)]
pub enum Step {
    /// More of the batch is needed.
    More,
    /// One message is done: so many now. It never enters again.
    Done(u64),
    /// This message cannot enter now, nor those behind it.
    Later(String),
    /// The rest cannot be read.
    Wrong(Wrong),
}

/// A message on its way in.
struct Message {
    parameters: MailParameters,
    entry: Result<Envelope, Spoilt>,
    /// RCPT commands.
    named: u32,
    untaken: Vec<Untaken>,
    /// The places of these among the RCPT commands.
    places: BTreeSet<u32>,
    /// So many more do not get it than a report names.
    more_untaken: u64,
    /// Made when the content begins, if anybody is to get it.
    arriving: Option<Arriving>,
    head: Vec<u8>,
}

impl Message {
    /// The place of the next RCPT; None if an earlier reading settled it.
    fn next_place(&mut self, done: u64, before: &Progress) -> Option<u32> {
        let place = self.named;
        self.named += 1;
        (done != before.done || before.left.has(place)).then_some(place)
    }

    fn refuse(&mut self, place: u32, untaken: Untaken) {
        self.places.insert(place);
        match self.untaken.len() < TOLD_RECIPIENTS {
            true => self.untaken.push(untaken),
            false => self.more_untaken += 1,
        }
    }
}

/// A message that nobody gets.
struct Spoilt {
    id: MessageId,
    reply: Reply,
    /// Whom its recipients are told.
    told: ReversePath,
}

/// A batch while it is read.
pub struct HandedIn {
    door: Arc<Door>,
    client: Client,
    machine: Batch,
    patience: Patience,
    message: Option<Box<Message>>,
    is_ended: bool,
    file: DroppedFile,
    /// Messages of this reading that are done.
    done: u64,
    /// How much was done before.
    before: Progress,
}

/// The names of the files of which it is noted how much is done.
pub fn noted(door: &Door) -> Result<Vec<Vec<u8>>, Fault> {
    door.post.noted()
}

/// The file of this name is gone for good.
pub async fn forget(door: &Door, name: &[u8]) -> Result<(), Fault> {
    door.post.forget_dropped(name).await
}

impl HandedIn {
    /// Of a user of this machine; goes on where the last reading of this file ended.
    pub fn new(
        door: Arc<Door>,
        uid: u32,
        file: DroppedFile,
        patience: Patience,
    ) -> Result<HandedIn, Fault> {
        let local = door.settings.users.find(&door.post, uid)?;
        let before = door.post.progress(&file)?;
        Ok(HandedIn {
            client: Client {
                peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                helo: None,
                tls: None,
                login: None,
                local,
                role: Role::Local,
            },
            machine: Batch::new(door.post.max_message_bytes()),
            door,
            patience,
            message: None,
            is_ended: false,
            file,
            done: 0,
            before,
        })
    }

    /// Takes a piece of the batch.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.machine.receive(bytes);
    }

    /// There is no more than what was received.
    pub fn end(&mut self) {
        self.is_ended = true;
        self.machine.end();
    }

    /// Whether `end` was said.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Goes on until something is to be told.
    pub async fn step(&mut self) -> Step {
        loop {
            let Some(event) = self.machine.next() else {
                return Step::More;
            };
            let is_skipped = self.done < self.before.done;
            let came = match event {
                Event::Wrong(wrong) => return Step::Wrong(wrong),
                Event::Hello(name) => {
                    self.message = None;
                    let neighbour = self.door.settings.users.neighbour(&name);
                    if let Some(user) = &mut self.client.local {
                        user.bringing(neighbour);
                    }
                    self.client.helo = Some((Greeting::Ehlo, name.as_str().to_owned()));
                    Ok(())
                }
                Event::Reset => {
                    self.message = None;
                    Ok(())
                }
                Event::DataEnd(_) if is_skipped => {
                    self.done += 1;
                    Ok(())
                }
                _ if is_skipped => Ok(()),
                Event::Mail {
                    from,
                    written_in,
                    parameters,
                } => self.mail(from, written_in, parameters).await,
                Event::BadMail { from, bad } => self.bad_mail(from, &bad).await,
                Event::Rcpt {
                    to,
                    written_in,
                    parameters,
                } => self.rcpt(to, written_in, parameters).await,
                Event::BadRcpt(bad) => {
                    self.bad_rcpt(&bad);
                    Ok(())
                }
                Event::Data(piece) => self.data(&piece).await,
                Event::DataEnd(end) => match self.data_end(end).await {
                    Ok(()) => {
                        self.done += 1;
                        return Step::Done(self.done);
                    }
                    Err(later) => Err(later),
                },
            };
            if let Err(Later(why)) = came {
                return Step::Later(why);
            }
        }
    }

    async fn mail(
        &mut self,
        from: ReversePath,
        written_in: Charset,
        parameters: MailParameters,
    ) -> Result<(), Later> {
        let post = &self.door.post;
        let asked = parameters.clone();
        let sender = from.clone();
        let entry = post.sender(&self.client, from, written_in, asked).await;
        let entry = match entry {
            Ok(envelope) => Ok(envelope),
            Err(refused) => {
                self.for_good(&refused.refusal)?;
                let reply = reply::refusal(&refused.refusal, &refused.id);
                Err(Spoilt {
                    id: refused.id,
                    reply,
                    told: self.told(sender.clone()),
                })
            }
        };
        self.message = Some(Box::new(Message {
            parameters,
            entry,
            named: 0,
            untaken: Vec::new(),
            places: BTreeSet::new(),
            more_untaken: 0,
            arriving: None,
            head: Vec::new(),
        }));
        Ok(())
    }

    /// It goes to nobody, and its sender is told, as far as he can be read.
    async fn bad_mail(&mut self, from: Option<ReversePath>, bad: &Unreadable) -> Result<(), Later> {
        let reply = reply::malformed(&bad.malformed);
        let sender = from.unwrap_or(ReversePath::Null);
        self.mail(sender.clone(), Charset::Ascii, MailParameters::default())
            .await?;
        let told = self.told(sender);
        if let Some(message) = &mut self.message {
            let id = match &message.entry {
                Ok(envelope) => envelope.id().clone(),
                Err(spoilt) => spoilt.id.clone(),
            };
            message.entry = Err(Spoilt { id, reply, told });
        }
        Ok(())
    }

    /// Who is told of a message that is refused as a whole: its sender, if whoever brings it may say who
    /// that is; else he himself.
    fn told(&self, sender: ReversePath) -> ReversePath {
        let Some(user) = &self.client.local else {
            return sender;
        };
        let own = || user.address().cloned().map(ReversePath::Address);
        match (user.trust, sender) {
            (Trust::Anybody, ReversePath::Address(address)) => {
                let placed = user.placed_sender(&address);
                ReversePath::Address(placed.unwrap_or(address))
            }
            (Trust::Anybody, ReversePath::Null) => ReversePath::Null,
            (Trust::Own, sender) => own().unwrap_or(sender),
        }
    }

    fn bad_rcpt(&mut self, bad: &Unreadable) {
        let Some(message) = &mut self.message else {
            return;
        };
        let Some(place) = message.next_place(self.done, &self.before) else {
            return;
        };
        let reply = match &message.entry {
            Err(spoilt) => spoilt.reply.clone(),
            Ok(_) => reply::malformed(&bad.malformed),
        };
        let behind = bad.command.get(RCPT_BYTES..).unwrap_or_default();
        let to = Meant::unreadable(behind);
        message.refuse(place, untaken(to, RcptParameters::default(), &reply));
    }

    async fn rcpt(
        &mut self,
        to: ForwardPath,
        written_in: Charset,
        parameters: RcptParameters,
    ) -> Result<(), Later> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        let Some(place) = message.next_place(self.done, &self.before) else {
            return Ok(());
        };
        let user = self.client.local.as_ref();
        let placed = user.zip(to.address());
        let placed = placed.and_then(|(user, address)| user.placed(address));
        let to = placed.map_or(to, ForwardPath::Address);
        let reply = match &mut message.entry {
            Err(spoilt) => spoilt.reply.clone(),
            Ok(envelope) => {
                let (to, asked) = (to.clone(), parameters.clone());
                let post = &self.door.post;
                let taken = post.recipient(&self.client, envelope, to, written_in, asked);
                match taken.await {
                    Ok(()) => return Ok(()),
                    Err(refusal) => {
                        let reply = reply::refusal(&refusal, envelope.id());
                        // however often it is tried, there are as many
                        if refusal != Refusal::TooManyRecipients {
                            self.for_good(&refusal)?;
                        }
                        reply
                    }
                }
            }
        };
        if let Some(message) = &mut self.message {
            message.refuse(place, untaken(Meant::Path(to), parameters, &reply));
        }
        Ok(())
    }

    /// Opens the message for its content, if there is somebody to get it.
    async fn open(&mut self) -> Result<(), Later> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        let Ok(envelope) = &message.entry else {
            return Ok(());
        };
        if message.arriving.is_some() || envelope.recipients().is_empty() {
            return Ok(());
        }
        match self.door.post.new_body(&self.client, envelope).await {
            Ok(arriving) => message.arriving = Some(arriving),
            // what keeps us from taking content is never the content's matter
            Err(refusal) => return Err(Later(refusal.to_string())),
        }
        Ok(())
    }

    async fn data(&mut self, piece: &[u8]) -> Result<(), Later> {
        self.open().await?;
        if let Some(message) = &mut self.message {
            let room = HEAD_BYTES.saturating_sub(message.head.len());
            message
                .head
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if let Some(arriving) = &mut message.arriving {
                arriving.write(piece).await;
            }
        }
        Ok(())
    }

    async fn data_end(&mut self, end: DataEnd) -> Result<(), Later> {
        self.open().await?;
        let Some(message) = self.message.take() else {
            return Ok(());
        };
        let Message {
            parameters,
            entry,
            mut untaken,
            places,
            more_untaken,
            arriving,
            head,
            named: _,
        } = *message;
        let done = self.note(Progress::done(self.done + 1));
        let (id, sender) = match entry {
            Err(spoilt) => (spoilt.id, spoilt.told),
            Ok(mut envelope) => {
                let id = envelope.id().clone();
                let sender = envelope.sender().clone();
                if let Some(arriving) = arriving {
                    envelope.noting(match untaken.is_empty() {
                        true => done.clone(),
                        false => self.note(Progress::but_for(self.done, places)),
                    });
                    let all: Vec<Meant> = envelope
                        .recipients()
                        .iter()
                        .map(|one| Meant::Path(one.path().clone()))
                        .collect();
                    let post = &self.door.post;
                    let accepted = post.accept(&self.client, envelope, arriving, end).await;
                    if accepted.is_ok() && untaken.is_empty() {
                        return Ok(());
                    }
                    if let Err(refusal) = accepted {
                        self.for_good(&refusal)?;
                        let reply = reply::refusal(&refusal, &id);
                        let each = all.into_iter();
                        let each =
                            each.map(|to| self::untaken(to, RcptParameters::default(), &reply));
                        untaken.extend(each);
                    }
                }
                (id, sender)
            }
        };
        if let (1.., Some(last)) = (more_untaken, untaken.last().cloned()) {
            let to = Meant::Unreadable(format!("({more_untaken} more)"));
            untaken.push(Untaken { to, ..last });
        }
        let remains = Remains {
            id: &id,
            sender: &sender,
            parameters: &parameters,
            head: &head,
        };
        self.tell(&remains, &untaken, &done).await
    }

    /// Tells the sender of those who do not get it. What cannot be told now is told later, as long as
    /// it may wait.
    async fn tell(
        &self,
        remains: &Remains<'_>,
        untaken: &[Untaken],
        done: &Note,
    ) -> Result<(), Later> {
        let post = &self.door.post;
        let Err(fault) = post.tell_untaken(remains, untaken, done).await else {
            return Ok(());
        };
        tracing::error!(target: "smtp", message_id = %remains.id, %fault, "fault");
        let later = |fault: &Fault| Later(format!("its sender cannot be told: {fault}"));
        match self.patience {
            Patience::Waits => Err(later(&fault)),
            Patience::IsOver => post.note(done).await.map_err(|fault| later(&fault)),
        }
    }

    fn note(&self, progress: Progress) -> Note {
        let file = self.file.clone();
        Note { file, progress }
    }

    /// What is refused for now waits, as long as it may.
    fn for_good(&self, refusal: &Refusal) -> Result<(), Later> {
        match refusal.is_temporary() && self.patience == Patience::Waits {
            true => Err(Later(refusal.to_string())),
            false => Ok(()),
        }
    }
}

/// Why a message waits.
struct Later(String);

fn untaken(to: Meant, parameters: RcptParameters, reply: &Reply) -> Untaken {
    Untaken {
        to,
        parameters,
        status: reply.status().unwrap_or(smtp::Status(5, 0, 0)),
        why: reply.lines().join(" "),
    }
}
