//! The one way in: sender, recipients, content, commit.
//!
//! Each step gathers evidence, lets `judge` decide, acts, and writes one log line where something
//! was refused. What never happens here: a decision (that is `judge`), a protocol's words.

use crate::arriving::{Arriving, body_refusal};
use crate::client::Client;
use crate::envelope::{Envelope, MessageId, Recipient};
use crate::header::{Facts, HeaderReader};
use crate::judge::{self, FieldEvidence, MessageEvidence, Policy, Proof, Whose};
use crate::limits;
use crate::log::{self, Stage};
use crate::refusal::{Refusal, Refused};
use crate::trace;
use addr::{Address, Charset, ForwardPath, ReversePath};
use mail::{DeliverError, Delivery, Incoming, Mail, Prefix, Resolved, Room};
use net::{Clock, Random};
use smtp::{DataEnd, MailParameters};
use std::sync::Arc;
use store::{Body, Fault};

/// Letters of a message's id: about 70 bits.
const ID_LETTERS: usize = 14;

/// What may be set about accepting.
#[derive(Clone, Debug)]
pub struct PostSettings {
    /// Our name in Received and Message-ID fields.
    pub hostname: String,
    pub max_message_bytes: u64,
    pub max_recipients: usize,
    /// Received fields before a message counts as looping.
    pub max_hops: u32,
    /// Received fields that we wrote ourselves.
    pub max_own_hops: u32,
}

impl PostSettings {
    /// The usual settings of a server with this name.
    pub fn new(hostname: impl Into<String>) -> PostSettings {
        PostSettings {
            hostname: hostname.into(),
            max_message_bytes: limits::MESSAGE_BYTES,
            max_recipients: limits::RECIPIENTS,
            max_hops: limits::HOPS,
            max_own_hops: limits::OWN_HOPS,
        }
    }
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    inner: Arc<Inner>,
}

struct Inner {
    mail: Mail,
    clock: Clock,
    random: Random,
    hostname: String,
    policy: Policy,
}

/// A message is in its mailboxes, durably.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub id: MessageId,
}

impl Post {
    pub fn new(mail: Mail, clock: Clock, random: Random, settings: PostSettings) -> Post {
        let policy = Policy {
            max_message_bytes: settings.max_message_bytes,
            max_recipients: settings.max_recipients,
            max_deliveries: limits::DELIVERIES,
            max_hops: settings.max_hops,
            max_own_hops: settings.max_own_hops,
        };
        let hostname = settings.hostname;
        Post {
            inner: Arc::new(Inner {
                mail,
                clock,
                random,
                hostname,
                policy,
            }),
        }
    }

    /// The largest message that is taken.
    pub fn max_message_bytes(&self) -> u64 {
        self.inner.policy.max_message_bytes
    }

    /// A sender: the beginning of an envelope. [rfc5321 3.3]
    pub async fn sender(
        &self,
        client: &Client,
        from: ReversePath,
        written_in: Charset,
        parameters: &MailParameters,
    ) -> Result<Envelope, Refused> {
        let id = MessageId(self.inner.random.token(ID_LETTERS));
        let whose = match (&client.login, from.address()) {
            (Some(login), Some(address)) if login.may_send_as(address) => Whose::Theirs,
            (Some(_), Some(address)) => Whose::NotTheirs(address.clone()),
            _ => Whose::Nobodys,
        };
        let evidence = judge::SenderEvidence {
            role: client.role,
            proof: proof(client),
            whose,
            written_in,
            asked: parameters.charset,
            size_bytes: parameters.size_bytes,
        };
        match judge::sender(evidence, &self.inner.policy) {
            Ok(()) => Ok(Envelope {
                id,
                sender: from,
                charset: parameters.charset,
                declared_bytes: parameters.size_bytes.unwrap_or(0),
                recipients: Vec::new(),
            }),
            Err(refusal) => {
                log::refused(client, &id, Stage::Mail, (&from.to_string(), ""), &refusal);
                Err(Refused { id, refusal })
            }
        }
    }

    /// One more recipient of the envelope; the same one again is accepted and changes nothing.
    pub async fn recipient(
        &self,
        client: &Client,
        envelope: &mut Envelope,
        to: ForwardPath,
        written_in: Charset,
    ) -> Result<(), Refusal> {
        if envelope.has(&to) {
            return Ok(());
        }
        match self.deliveries_of(client, envelope, &to, written_in).await {
            Ok(deliveries) => {
                envelope.recipients.push(Recipient::new(to, deliveries));
                Ok(())
            }
            Err(refusal) => {
                let ends = (envelope.sender.to_string(), to.to_string());
                log::refused(
                    client,
                    &envelope.id,
                    Stage::Rcpt,
                    (&ends.0, &ends.1),
                    &refusal,
                );
                Err(refusal)
            }
        }
    }

    async fn deliveries_of(
        &self,
        client: &Client,
        envelope: &Envelope,
        to: &ForwardPath,
        written_in: Charset,
    ) -> Result<Vec<Delivery>, Refusal> {
        let policy = &self.inner.policy;
        let evidence = judge::RecipientEvidence {
            local: local_part(to),
            written_in,
            asked: envelope.charset,
            recipients: envelope.recipients.len(),
        };
        judge::recipient_form(evidence, policy)?;
        let resolved = self.resolve(to).await.map_err(|fault| {
            log::fault(&envelope.id, &fault);
            Refusal::Unavailable
        })?;
        let found = judge::resolved(resolved, proof(client), envelope.delivery_count(), policy)?;
        let room = self
            .room(&found, envelope.declared_bytes)
            .map_err(|fault| {
                log::fault(&envelope.id, &fault);
                Refusal::Unavailable
            })?;
        judge::room(room).map(|()| found)
    }

    /// Whether every mailbox behind a recipient can take a message of the size that MAIL declared.
    fn room(&self, deliveries: &[Delivery], bytes: u64) -> Result<Room, Fault> {
        for delivery in deliveries {
            if self.inner.mail.room_for(delivery, bytes)? == Room::OverQuota {
                return Ok(Room::OverQuota);
            }
        }
        Ok(Room::Enough)
    }

    async fn resolve(&self, to: &ForwardPath) -> Result<Resolved, Fault> {
        let directory = self.inner.mail.directory();
        match to {
            ForwardPath::Address(address) => directory.resolve(address).await,
            ForwardPath::Postmaster => directory.resolve_postmaster().await,
        }
    }

    /// A place for the content of the envelope's message.
    pub async fn new_body(
        &self,
        client: &Client,
        envelope: &Envelope,
    ) -> Result<Arriving, Refusal> {
        match self.inner.mail.new_body().await {
            Ok(writer) => {
                let header = HeaderReader::new(&self.inner.hostname);
                Ok(Arriving::new(envelope.id.clone(), writer, header))
            }
            Err(refused) => {
                let refusal = body_refusal(&envelope.id, &refused);
                self.log_refused(client, envelope, Stage::Data, &refusal);
                Err(refusal)
            }
        }
    }

    /// Judges the message and puts it into the mailboxes. `Ok` after the durable commit, not
    /// before.
    pub async fn accept(
        &self,
        client: &Client,
        envelope: Envelope,
        arriving: Arriving,
        end: DataEnd,
    ) -> Result<Accepted, Refusal> {
        match self.deliver(client, &envelope, arriving, end).await {
            Ok(()) => {
                log::accepted(client, &envelope, end.bytes);
                Ok(Accepted { id: envelope.id })
            }
            Err(refusal) => {
                self.log_refused(client, &envelope, Stage::Content, &refusal);
                Err(refusal)
            }
        }
    }

    async fn deliver(
        &self,
        client: &Client,
        envelope: &Envelope,
        arriving: Arriving,
        end: DataEnd,
    ) -> Result<(), Refusal> {
        let trouble = arriving.trouble();
        let Arriving { writer, header, .. } = arriving;
        let facts = header.finish();
        let fields = fields(client, &facts);
        let evidence = MessageEvidence {
            problem: end.problem,
            facts: &facts,
            fields,
        };
        let additions = judge::message(evidence, &self.inner.policy)?;
        let writer = match (trouble, writer) {
            (Some(trouble), _) => return Err(trouble),
            (None, Some(writer)) => writer,
            (None, None) => return Err(Refusal::Unavailable),
        };
        let body = writer.finish(&tag(client, envelope)).await;
        let body = body.map_err(|refused| body_refusal(&envelope.id, &refused))?;
        self.commit(client, envelope, body, additions).await
    }

    /// One body, one prefix, all mailboxes, one durable group.
    async fn commit(
        &self,
        client: &Client,
        envelope: &Envelope,
        body: Body,
        additions: judge::Additions,
    ) -> Result<(), Refusal> {
        let Inner {
            mail,
            clock,
            random,
            hostname,
            ..
        } = &*self.inner;
        let at = clock.now();
        let prefix = trace::prefix(client, envelope, hostname, at, additions, random);
        let prefix = Prefix(prefix.into());
        let deliveries = envelope.deliveries();
        let to = deliveries
            .into_iter()
            .map(|delivery| (delivery, prefix.clone()))
            .collect();
        let helo = client.helo.as_ref().map_or("", |(_, name)| name.as_str());
        let incoming = Incoming {
            body,
            sender: envelope
                .sender
                .address()
                .map(Address::to_string)
                .unwrap_or_default(),
            client: format!("{helo} {}", client.address_literal())
                .trim_start()
                .to_owned(),
            login: client.login.as_ref().map(|login| login.name().to_owned()),
            at,
        };
        match mail.deliver(incoming, to).await {
            // THE COMMIT LINE: from here on the message is ours, durably, in every mailbox. The
            // 250 that follows from this Ok is sent nowhere else.
            Ok(_) => Ok(()),
            Err(error) => Err(deliver_refusal(&envelope.id, error)),
        }
    }

    fn log_refused(&self, client: &Client, envelope: &Envelope, stage: Stage, refusal: &Refusal) {
        let ends = (envelope.sender.to_string(), log::recipients(envelope));
        log::refused(client, &envelope.id, stage, (&ends.0, &ends.1), refusal);
    }
}

fn proof(client: &Client) -> Proof {
    if client.login.is_some() {
        Proof::LoggedIn
    } else {
        Proof::Stranger
    }
}

fn local_part(to: &ForwardPath) -> Option<&str> {
    match to {
        ForwardPath::Address(address) => Some(address.local().as_str()),
        ForwardPath::Postmaster => None,
    }
}

/// What From and Sender say about the login; of strangers nothing is asked.
fn fields(client: &Client, facts: &Facts) -> Option<(FieldEvidence, FieldEvidence)> {
    let login = client.login.as_ref()?;
    let of = |values: &[_]| judge::field(values, |address| login.may_send_as(address));
    Some((of(&facts.from), of(&facts.sender)))
}

/// The note beside the body in the store: whose it is, even if its records are gone.
fn tag(client: &Client, envelope: &Envelope) -> Vec<u8> {
    let mut text = format!("id={}\nfrom={}\n", envelope.id, envelope.sender);
    text.push_str(&format!("client={}\n", client.address_literal()));
    for delivery in envelope.deliveries() {
        let line = format!(
            "to={} account={}\n",
            delivery.recipient(),
            delivery.account_id()
        );
        if text.len() + line.len() > limits::TAG_BYTES {
            break;
        }
        text.push_str(&line);
    }
    text.into_bytes()
}

fn deliver_refusal(id: &MessageId, error: DeliverError) -> Refusal {
    match error {
        DeliverError::OverQuota(_) => Refusal::MailboxFull,
        DeliverError::Gone(_) => Refusal::RecipientGone,
        DeliverError::Busy => Refusal::Busy,
        DeliverError::ReadOnly(fault) => {
            log::fault(id, &fault);
            Refusal::StoreFull
        }
        DeliverError::Unavailable(fault) => {
            log::fault(id, &fault);
            Refusal::Unavailable
        }
    }
}
