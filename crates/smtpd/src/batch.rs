//! A batch that lies in a folder: its messages enter as those of a session do, only that nobody waits
//! for an answer.
//!
//! What is refused for good is told to its sender by mail; what is refused for now makes the rest wait.
//! Whoever reads the folder keeps in mind how many messages are done, so that none enters twice. What
//! never happens here: a file.

use crate::{Door, reply};
use addr::{Charset, ForwardPath, ReversePath};
use mail::Fault;
use post::{Arriving, Client, Envelope, Greeting, MessageId, Refusal, Remains, Role, Untaken};
use smtp::batch::{Event, Wrong};
use smtp::{Batch, DataEnd, MailParameters, RcptParameters, Reply};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// How much of a message is kept for a report.
const HEAD_BYTES: usize = post::limits::RETURNED_HEADER_BYTES;

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
    sender: ReversePath,
    parameters: MailParameters,
    entry: Result<Envelope, (MessageId, Reply)>,
    untaken: Vec<Untaken>,
    /// Made when the content begins, if anybody is to get it.
    arriving: Option<Arriving>,
    head: Vec<u8>,
}

/// A batch while it is read.
pub struct HandedIn {
    door: Arc<Door>,
    client: Client,
    machine: Batch,
    patience: Patience,
    message: Option<Box<Message>>,
    is_ended: bool,
    done: u64,
    /// How many were done before.
    skipped: u64,
}

impl HandedIn {
    /// Of a user of this machine; the first `skipped` messages are done.
    pub fn new(
        door: Arc<Door>,
        uid: u32,
        skipped: u64,
        patience: Patience,
    ) -> Result<HandedIn, Fault> {
        let local = door.settings.users.find(&door.post, uid)?;
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
            done: 0,
            skipped,
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
            let is_skipped = self.done < self.skipped;
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
                Event::Rcpt {
                    to,
                    written_in,
                    parameters,
                } => self.rcpt(to, written_in, parameters).await,
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
                Err((refused.id, reply))
            }
        };
        self.message = Some(Box::new(Message {
            sender,
            parameters,
            entry,
            untaken: Vec::new(),
            arriving: None,
            head: Vec::new(),
        }));
        Ok(())
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
        let user = self.client.local.as_ref();
        let placed = user.zip(to.address());
        let placed = placed.and_then(|(user, address)| user.placed(address));
        let to = placed.map_or(to, ForwardPath::Address);
        let reply = match &mut message.entry {
            Err((_, reply)) => reply.clone(),
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
            message.untaken.push(untaken(to, parameters, &reply));
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
            sender,
            parameters,
            entry,
            mut untaken,
            arriving,
            head,
        } = *message;
        let (id, sender) = match entry {
            Err((id, _)) => {
                // it is not his sender that is told, but he
                let own = self.client.local.as_ref().and_then(|user| user.address());
                (id, own.cloned().map_or(sender, ReversePath::Address))
            }
            Ok(envelope) => {
                let id = envelope.id().clone();
                let sender = envelope.sender().clone();
                if let Some(arriving) = arriving {
                    let all: Vec<ForwardPath> = envelope
                        .recipients()
                        .iter()
                        .map(|one| one.path().clone())
                        .collect();
                    let post = &self.door.post;
                    let accepted = post.accept(&self.client, envelope, arriving, end).await;
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
        let remains = Remains {
            id: &id,
            sender: &sender,
            parameters: &parameters,
            head: &head,
        };
        self.door.post.tell_untaken(&remains, &untaken).await;
        Ok(())
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

fn untaken(to: ForwardPath, parameters: RcptParameters, reply: &Reply) -> Untaken {
    Untaken {
        to,
        parameters,
        status: reply.status().unwrap_or(smtp::Status(5, 0, 0)),
        why: reply.lines().join(" "),
    }
}
