//! The end of the content: judged, and put into mailboxes and queue by one durable commit.
//!
//! What never happens here: a protocol's words.

use crate::accept::{Accepted, Inner, Post};
use crate::arriving::{Arriving, body_refusal};
use crate::client::{Client, Trust};
use crate::confirm::Taken;
use crate::envelope::{Envelope, MessageId, Recipient};
use crate::header::Facts;
use crate::judge::{self, FieldEvidence, Manners, MessageEvidence};
use crate::limits;
use crate::log::{self, Stage};
use crate::onward::{self, Group, InNameOf, Purpose, SenderOf};
use crate::provenance::Provenance;
use crate::queue::{Asked, Full, Leaving, MessageRecord, NewMessage};
use crate::refusal::Refusal;
use crate::report::SenderProof;
use crate::sign::gather::Gathered;
use crate::{trace, trail};
use addr::{Address, ForwardPath};
use bytes::Bytes;
use mail::{Addressed, DeliverError, Incoming, Leg, Prefix};
use net::Time;
use smtp::{DataEnd, Protection};
use std::fmt::Write;
use store::{Body, Edit, Fault};

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
                Uncommitted::Deliver(_) | Uncommitted::NotHeld(_) => true,
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
        let is_signed = fields
            .as_ref()
            .is_some_and(|(from, _)| judge::is_signed(from));
        let evidence = MessageEvidence {
            problem: end.problem,
            facts: &facts,
            fields,
            manners: manners(client),
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
        // what strangers write into From is not ours to sign
        let signatures = match &gathered {
            Some(gathered) if is_signed => self.signatures(&facts, gathered, &added, at),
            _ => Ok(String::new()),
        };
        let trouble = |fault: Fault| {
            log::fault(&envelope.id, &fault);
            Refusal::Unavailable
        };
        let signatures = signatures.map_err(trouble)?;
        let provenance = self.provenance(client, envelope, gathered.as_ref(), &body);
        let provenance = provenance.await.map_err(trouble)?;
        Ok(Ready {
            body,
            at,
            fields: signatures + &added,
            gathered: gathered.filter(|_| !client.is_known() && envelope.is_sent_on()),
            provenance,
            message_id: facts.message_id_text,
            protection: facts.protection,
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
        let groups = self.groups(envelope, recipients, at).await;
        let groups = groups.map_err(|fault| Uncommitted::Deliver(fault.into()))?;
        let groups = self.sealed(groups, ready);
        let groups = groups.map_err(|fault| Uncommitted::Deliver(fault.into()))?;
        if envelope.is_held(at) {
            let (held, policy) = (self.held_by(client), &self.inner.policy);
            let judged = judge::may_hold_more(held, ready.body.len(), policy);
            judged.map_err(Uncommitted::NotHeld)?;
        }
        let leaving = self.leaving(client, envelope, groups, ready, (&prefix.0, at))?;
        let deliveries = match envelope.is_held(at) {
            // nobody sees it before its time [rfc4865 4.2]
            true => Vec::new(),
            false => envelope.deliveries(recipients.iter().copied()),
        };
        let addressed = |(recipient, delivery): (&Recipient, &mail::Delivery)| Addressed {
            delivery: delivery.clone(),
            prefix: trace::for_delivery(delivery, &prefix),
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
        let all = |edit: &mut Edit| {
            envelope.note.iter().for_each(|note| note.write(edit));
            leaving.iter().try_for_each(|one| one.leg()(edit))
        };
        let is_needed = !leaving.is_empty() || envelope.note.is_some();
        let leg = is_needed.then_some(&all as Leg<'_>);
        // THE COMMIT LINE: from here on the message is ours, durably, in every one of these
        // mailboxes and in the queue for all others. The 250 that follows from this Ok is sent
        // nowhere else. [rfc5321 2.1] [rfc5321 4.2.5] [rfc5321 6.1]
        let committed = mail.deliver_and(incoming, to, leg).await;
        for leaving in &leaving {
            leaving.committed(committed.as_ref().err());
        }
        committed.map_err(Uncommitted::Deliver)?;
        let taken = Taken {
            envelope,
            recipients,
            prefix: &prefix.0,
            body: &ready.body,
            at,
            proof: ready.provenance.proof,
            protection: protection(envelope.parameters().protection, ready.protection),
        };
        self.confirm(&taken).await;
        Ok(())
    }

    /// The ways to other servers, by the sender in whose name they go.
    async fn groups(
        &self,
        envelope: &Envelope,
        recipients: &[&Recipient],
        at: Time,
    ) -> Result<Vec<Group>, Fault> {
        let held = |groups| match envelope.is_held(at) {
            true => onward::held(groups, recipients, &envelope.sender),
            false => groups,
        };
        if recipients.iter().all(|one| one.onward().is_empty()) {
            return Ok(held(Vec::new()));
        }
        let domain = envelope.sender.address().and_then(Address::domain);
        let is_ours = match domain {
            Some(domain) => self.directory().hosts(domain)?,
            None => true,
        };
        let name = InNameOf {
            sender: &envelope.sender,
            whose: match is_ours {
                true => SenderOf::Ours,
                false => SenderOf::Elsewhere(self.srs().await?),
            },
            at,
        };
        Ok(held(onward::groups(recipients.iter().copied(), &name)))
    }

    /// The groups with the seals of those that an alias or a list sends on.
    fn sealed(&self, groups: Vec<Group>, ready: &Ready) -> Result<Vec<(Group, String)>, Fault> {
        let mut all = Vec::with_capacity(groups.len());
        for group in groups {
            let mut paths = group.recipients.iter().filter_map(ForwardPath::address);
            let seal = match (&ready.gathered, paths.find_map(Address::domain)) {
                (Some(gathered), Some(domain)) if group.purpose != Purpose::Sent => {
                    self.seal(gathered, &ready.provenance, domain, ready.at)?
                }
                _ => String::new(),
            };
            all.push((group, seal));
        }
        Ok(all)
    }

    /// What goes into the queue with the message: a message for each sender in whose name it goes.
    fn leaving(
        &self,
        client: &Client,
        envelope: &Envelope,
        groups: Vec<(Group, String)>,
        ready: &Ready,
        (prefix, at): (&Bytes, Time),
    ) -> Result<Vec<Leaving>, Uncommitted> {
        let Some(queue) = self.inner.queue.as_ref() else {
            return Ok(Vec::new());
        };
        let asked = envelope.parameters();
        let mut all = Vec::new();
        for (place, (group, seal)) in groups.into_iter().enumerate() {
            let is_list = group.purpose == Purpose::Listed;
            let id = match place {
                0 => envelope.id.to_string(),
                more => format!("{}.{}", envelope.id, more + 1),
            };
            let proof = match group.purpose {
                // its owner is ours
                Purpose::Listed => SenderProof::Known,
                Purpose::Sent | Purpose::Forwarded => ready.provenance.proof,
            };
            let message = MessageRecord {
                envid: asked.envid.clone().filter(|_| !is_list),
                ret: asked.ret.filter(|_| !is_list),
                body_type: asked.body,
                charset: asked.charset,
                // all that a message becomes needs what it needs [rfc8689 4.1]
                asked: Asked {
                    protection: protection(asked.protection, ready.protection),
                    ..envelope.asked
                },
                prefix: trace::sealed(&seal, &trace::without_return_path(prefix)),
                client: client_text(client),
                login: client.login.as_ref().map(|login| login.name().to_owned()),
                ..MessageRecord::new(id, group.sender, proof, at)
            };
            let message = NewMessage {
                message,
                message_id: ready.message_id.clone().or_else(|| added_id(prefix)),
                recipients: whither(envelope, &group.recipients, place),
            };
            let leaving = queue.leaving_later(message, group.ways, group.here, &ready.body);
            all.push(leaving.map_err(|Full| Uncommitted::QueueFull)?);
        }
        Ok(all)
    }
}

/// Why a message was not taken at the last step.
enum Uncommitted {
    Deliver(DeliverError),
    QueueFull,
    /// Its sender has as much held as he may.
    NotHeld(Refusal),
}

/// For the trail: where these recipients lead, and with the first message those who are here.
fn whither(envelope: &Envelope, onward: &[ForwardPath], place: usize) -> Vec<trail::Destination> {
    let all = envelope.recipients.iter().map(Recipient::path);
    let destination = |path: &ForwardPath| trail::Destination {
        path: path.clone(),
        place: match onward.contains(path) {
            true => trail::Place::Elsewhere,
            false => trail::Place::Here,
        },
    };
    let leads_on = |path: &&ForwardPath| {
        let of = envelope.recipients.iter().find(|one| one.path() == *path);
        of.is_some_and(|one| !one.onward().is_empty())
    };
    all.filter(|path| onward.contains(path) || (place == 0 && !leads_on(path)))
        .map(destination)
        .collect()
}

/// The Message-ID that we gave it.
fn added_id(prefix: &Bytes) -> Option<String> {
    let prefix = std::str::from_utf8(prefix).ok()?;
    let value = |line: &str| line.strip_prefix("Message-ID: ").map(str::to_owned);
    prefix.lines().find_map(value)
}

/// Name and address of the client, for people.
fn client_text(client: &Client) -> String {
    if let Some(user) = &client.local {
        return user.to_string();
    }
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
    /// For the seals of what is sent on.
    gathered: Option<Gathered>,
    /// Where it comes from.
    provenance: Provenance,
    /// What its own Message-ID field says.
    message_id: Option<String>,
    /// What its header says of TLS.
    protection: Protection,
}

/// What MAIL asks counts; what the header says, where MAIL asks for nothing. [rfc8689 4.1]
fn protection(asked: Protection, said: Protection) -> Protection {
    match asked {
        Protection::AsPublished => said,
        Protection::Required | Protection::NotNeeded => asked,
    }
}

fn not_refused<'a>(
    envelope: &'a Envelope,
    refused: &'a [Option<Refusal>],
) -> impl Iterator<Item = &'a Recipient> {
    let both = envelope.recipients.iter().zip(refused);
    both.filter(|(_, refusal)| refusal.is_none())
        .map(|(recipient, _)| recipient)
}

/// What From and Sender say about the login or the user of this machine; of strangers nothing is
/// asked.
fn fields(client: &Client, facts: &Facts) -> Option<(FieldEvidence, FieldEvidence)> {
    let may = |address: &Address| match (&client.login, &client.local) {
        (Some(login), _) => login.may_send_as(address),
        (None, Some(user)) => user.may_send_as(address),
        (None, None) => false,
    };
    let of = |values: &[_]| judge::field(values, may);
    // what a neighbour brings was written elsewhere
    let is_asked = client.is_known() && client.neighbour().is_none();
    is_asked.then(|| (of(&facts.from), of(&facts.sender)))
}

fn manners(client: &Client) -> Manners {
    match &client.local {
        None => Manners::Refuse,
        Some(user) if user.trust == Trust::Anybody => Manners::Believe,
        Some(_) => Manners::NameTheSender,
    }
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
        Uncommitted::NotHeld(refusal) => return refusal.clone(),
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
