//! The end of the content: judged, and put into mailboxes and queue by one durable commit.
//!
//! What never happens here: a protocol's words.

use crate::accept::{Accepted, Inner, Post};
use crate::arriving::{Arriving, body_refusal};
use crate::client::Client;
use crate::confirm::Taken;
use crate::envelope::{Envelope, MessageId, Recipient};
use crate::header::Facts;
use crate::judge::{self, FieldEvidence, MessageEvidence};
use crate::limits;
use crate::log::{self, Stage};
use crate::queue::{Asked, Full, Leaving, NewMessage, Onward};
use crate::refusal::Refusal;
use crate::{trace, trail};
use addr::Address;
use bytes::Bytes;
use mail::{Addressed, DeliverError, Incoming, Leg, Prefix};
use net::Time;
use smtp::dsn::Notify;
use smtp::{DataEnd, RcptParameters};
use std::fmt::Write;
use store::Body;

/// Room for most notes beside a body.
const USUAL_TAG_BYTES: usize = 256;

impl Post {
    /// Judges the message and puts it into the mailboxes. `Ok` after the durable commit, not
    /// before. One recipient that cannot be delivered to refuses it for all: there is one answer.
    pub async fn accept(
        &self,
        client: &Client,
        envelope: Envelope,
        arriving: Arriving,
        end: DataEnd,
    ) -> Result<Accepted, Refusal> {
        let all: Vec<&Recipient> = envelope.recipients.iter().collect();
        let taken = match self.ready(client, &envelope, arriving, end).await {
            Ok(ready) => {
                let committed = self.commit(client, &envelope, &all, &ready).await;
                committed.map_err(|error| refusal(&envelope.id, &error))
            }
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok(()) => {
                log::accepted(
                    self.tally(),
                    client,
                    &envelope,
                    &log::recipients(all.into_iter()),
                    end.bytes,
                );
                Ok(Accepted { id: envelope.id })
            }
            Err(refusal) => {
                self.log_refused(client, &envelope, Stage::Content, &refusal);
                Err(refusal)
            }
        }
    }

    /// The same with an answer for every RCPT that was accepted, in their order. A recipient that
    /// leads to several accounts is taken if all of them take it. [rfc2033 4.2]
    pub async fn accept_each(
        &self,
        client: &Client,
        envelope: Envelope,
        arriving: Arriving,
        end: DataEnd,
    ) -> Vec<Result<Accepted, Refusal>> {
        let count = envelope.recipients.len();
        let refused = match self.ready(client, &envelope, arriving, end).await {
            Ok(ready) => self.commit_each(client, &envelope, &ready).await,
            Err(refusal) => vec![Some(refusal); count],
        };
        self.log_each(client, &envelope, &refused, end.bytes);
        let answer = |position: &usize| match &refused[*position] {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(Accepted {
                id: envelope.id.clone(),
            }),
        };
        envelope.named.iter().map(answer).collect()
    }

    /// Delivers to all who can be delivered to; says of each recipient why not.
    async fn commit_each(
        &self,
        client: &Client,
        envelope: &Envelope,
        ready: &Ready,
    ) -> Vec<Option<Refusal>> {
        let mut refused: Vec<Option<Refusal>> = vec![None; envelope.recipients.len()];
        // each round refuses one recipient at least, or is the last
        for _ in 0..=refused.len() {
            let left: Vec<&Recipient> = not_refused(envelope, &refused).collect();
            if left.is_empty() {
                return refused;
            }
            let error = match self.commit(client, envelope, &left, ready).await {
                Ok(()) => return refused,
                Err(error) => error,
            };
            let refusal = refusal(&envelope.id, &error);
            let concerns = |recipient: &Recipient| match &error {
                Uncommitted::Deliver(DeliverError::OverQuota(whom) | DeliverError::Gone(whom)) => {
                    recipient.leads_to(whom)
                }
                Uncommitted::Deliver(_) => true,
                Uncommitted::QueueFull => !recipient.onward().is_empty(),
            };
            for (recipient, place) in envelope.recipients.iter().zip(&mut refused) {
                if place.is_none() && concerns(recipient) {
                    *place = Some(refusal.clone());
                }
            }
        }
        refused
            .into_iter()
            .map(|refusal| refusal.or(Some(Refusal::Unavailable)))
            .collect()
    }

    fn log_each(
        &self,
        client: &Client,
        envelope: &Envelope,
        refused: &[Option<Refusal>],
        bytes: u64,
    ) {
        let taken = log::recipients(not_refused(envelope, refused));
        if !taken.is_empty() {
            log::accepted(self.tally(), client, envelope, &taken, bytes);
        }
        let from = envelope.sender.to_string();
        for (recipient, refusal) in envelope.recipients.iter().zip(refused) {
            if let Some(refusal) = refusal {
                let to = log::recipients(std::iter::once(recipient));
                log::refused(
                    self.tally(),
                    client,
                    &envelope.id,
                    Stage::Content,
                    (&from, &to),
                    refusal,
                );
            }
        }
    }

    /// The whole content, judged.
    async fn ready(
        &self,
        client: &Client,
        envelope: &Envelope,
        mut arriving: Arriving,
        end: DataEnd,
    ) -> Result<Ready, Refusal> {
        arriving.end().await;
        let trouble = arriving.trouble();
        let Arriving {
            writer,
            header,
            gather,
            ..
        } = arriving;
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
        let Inner {
            clock,
            random,
            hostname,
            ..
        } = &*self.inner;
        let at = clock.now();
        let added = trace::added(client, envelope, hostname, at, additions, random);
        let gathered = gather.and_then(|gather| gather.finish(facts.begins));
        let signatures = match gathered {
            Some(gathered) => self.signatures(&facts, &gathered, &added, at),
            None => Ok(String::new()),
        };
        let signatures = signatures.map_err(|fault| {
            log::fault(&envelope.id, &fault);
            Refusal::Unavailable
        })?;
        Ok(Ready {
            body,
            at,
            fields: signatures + &added,
            message_id: facts.message_id_text,
        })
    }

    /// One body, one prefix, the mailboxes of these recipients, one durable group.
    async fn commit(
        &self,
        client: &Client,
        envelope: &Envelope,
        recipients: &[&Recipient],
        ready: &Ready,
    ) -> Result<(), Uncommitted> {
        let Inner { mail, hostname, .. } = &*self.inner;
        let at = ready.at;
        let prefix = trace::prefix(client, envelope, hostname, at, &ready.fields);
        let prefix = Prefix(prefix.into());
        let leaving = self.leaving(client, envelope, recipients, ready, (&prefix.0, at))?;
        let deliveries = envelope.deliveries(recipients.iter().copied());
        let addressed = |(recipient, delivery): (&Recipient, &mail::Delivery)| Addressed {
            delivery: delivery.clone(),
            prefix: prefix.clone(),
            dsn: envelope.dsn(recipient),
        };
        let to = deliveries.into_iter().map(addressed).collect();
        let incoming = Incoming {
            body: ready.body.clone(),
            sender: envelope
                .sender
                .address()
                .map(Address::to_string)
                .unwrap_or_default(),
            client: client_text(client),
            login: client.login.as_ref().map(|login| login.name().to_owned()),
            at,
        };
        let leg = leaving.as_ref().map(Leaving::leg);
        let leg = leg.as_ref().map(|leg| leg as Leg<'_>);
        // THE COMMIT LINE: from here on the message is ours, durably, in every one of these
        // mailboxes and in the queue for all others. The 250 that follows from this Ok is sent
        // nowhere else. [rfc5321 2.1] [rfc5321 4.2.5] [rfc5321 6.1]
        let committed = mail.deliver_and(incoming, to, leg).await;
        if let Some(leaving) = &leaving {
            leaving.committed(committed.as_ref().err());
        }
        committed.map_err(Uncommitted::Deliver)?;
        let taken = Taken {
            envelope,
            recipients,
            prefix: &prefix.0,
            body: &ready.body,
            at,
        };
        self.confirm(&taken).await;
        Ok(())
    }

    /// What goes into the queue with the message, if anything does.
    fn leaving(
        &self,
        client: &Client,
        envelope: &Envelope,
        recipients: &[&Recipient],
        ready: &Ready,
        (prefix, at): (&Bytes, Time),
    ) -> Result<Option<Leaving>, Uncommitted> {
        let onward = recipients.iter().flat_map(|recipient| {
            let RcptParameters { notify, orcpt } = recipient.parameters();
            let to = recipient.onward().iter();
            let notify = match recipient.leads_to_many() {
                // the sender hears of the whole [rfc3461 5.2.7.3]
                true => notify.as_ref().map(Notify::without_success),
                false => notify.clone(),
            };
            to.map(move |to| Onward::new(to.clone(), notify.clone(), orcpt.clone()))
        });
        let onward: Vec<Onward> = onward.collect();
        let queue = self.inner.queue.as_ref().filter(|_| !onward.is_empty());
        let Some(queue) = queue else { return Ok(None) };
        let asked = envelope.parameters();
        let message = NewMessage {
            id: envelope.id.to_string(),
            sender: envelope.sender.clone(),
            envid: asked.envid.clone(),
            ret: asked.ret,
            body_type: asked.body,
            charset: asked.charset,
            asked: Asked::default(),
            prefix: trace::without_return_path(prefix),
            client: client_text(client),
            login: client.login.as_ref().map(|login| login.name().to_owned()),
            at,
            message_id: ready.message_id.clone().or_else(|| added_id(prefix)),
            recipients: recipients
                .iter()
                .map(|recipient| whither(recipient))
                .collect(),
        };
        let leaving = queue.leaving(message, onward, &ready.body);
        leaving.map(Some).map_err(|Full| Uncommitted::QueueFull)
    }
}

/// Why a message was not taken at the last step.
enum Uncommitted {
    Deliver(DeliverError),
    QueueFull,
}

/// For the trail.
fn whither(recipient: &Recipient) -> trail::Destination {
    trail::Destination {
        path: recipient.path().clone(),
        place: match recipient.onward().is_empty() {
            true => trail::Place::Here,
            false => trail::Place::Elsewhere,
        },
    }
}

/// The Message-ID that we gave it.
fn added_id(prefix: &Bytes) -> Option<String> {
    let prefix = std::str::from_utf8(prefix).ok()?;
    let value = |line: &str| line.strip_prefix("Message-ID: ").map(str::to_owned);
    prefix.lines().find_map(value)
}

/// Name and address of the client, for people.
fn client_text(client: &Client) -> String {
    let helo = client.helo.as_ref().map_or("", |(_, name)| name.as_str());
    let text = format!("{helo} {}", client.address_literal());
    text.trim_start().to_owned()
}

/// A message that may be delivered.
struct Ready {
    body: Body,
    /// When it was accepted.
    at: Time,
    /// What is put before it except for trace: signatures, and fields that were missing.
    fields: String,
    /// What its own Message-ID field says.
    message_id: Option<String>,
}

fn not_refused<'a>(
    envelope: &'a Envelope,
    refused: &'a [Option<Refusal>],
) -> impl Iterator<Item = &'a Recipient> {
    let both = envelope.recipients.iter().zip(refused);
    both.filter(|(_, refusal)| refusal.is_none())
        .map(|(recipient, _)| recipient)
}

/// What From and Sender say about the login; of strangers nothing is asked.
fn fields(client: &Client, facts: &Facts) -> Option<(FieldEvidence, FieldEvidence)> {
    let login = client.login.as_ref()?;
    let of = |values: &[_]| judge::field(values, |address| login.may_send_as(address));
    Some((of(&facts.from), of(&facts.sender)))
}

/// The note beside the body in the store: whose it is, even if its records are gone.
fn tag(client: &Client, envelope: &Envelope) -> Vec<u8> {
    let mut text = String::with_capacity(USUAL_TAG_BYTES);
    let address = client.address_literal();
    let _ = write!(
        text,
        "id={}\nfrom={}\nclient={address}\n",
        envelope.id, envelope.sender
    );
    for (_, delivery) in envelope.deliveries(envelope.recipients.iter()) {
        let whole = text.len();
        let (recipient, account) = (delivery.recipient(), delivery.account_id());
        let _ = writeln!(text, "to={recipient} account={account}");
        if text.len() > limits::TAG_BYTES {
            text.truncate(whole);
            break;
        }
    }
    text.into_bytes()
}

fn refusal(id: &MessageId, error: &Uncommitted) -> Refusal {
    let error = match error {
        Uncommitted::Deliver(error) => error,
        Uncommitted::QueueFull => return Refusal::QueueFull,
    };
    match error {
        DeliverError::OverQuota(_) => Refusal::MailboxFull,
        DeliverError::Gone(_) => Refusal::RecipientGone,
        DeliverError::Busy => Refusal::Busy,
        DeliverError::ReadOnly(fault) => {
            log::fault(id, fault);
            Refusal::StoreFull
        }
        DeliverError::Unavailable(fault) => {
            log::fault(id, fault);
            Refusal::Unavailable
        }
    }
}
