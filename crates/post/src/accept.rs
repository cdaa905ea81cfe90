//! The one way in: sender, recipients, the place for the content; what follows is in `deliver`.
//!
//! Each step gathers evidence, lets `judge` decide, acts, and writes one log line where something
//! was refused. What never happens here: a decision (that is `judge`), a protocol's words.

use crate::arriving::{Arriving, Bits, body_refusal};
use crate::client::{Client, LocalUser, Role, Trust};
use crate::envelope::{Envelope, Leads, MessageId, Recipient};
use crate::header::HeaderReader;
use crate::judge::{self, Elsewhere, Policy, Proof, QueueRoom, Relay, Whose, Wish};
use crate::limits;
use crate::log::{self, Stage};
use crate::queue::{Amount, Queue};
use crate::refusal::{Refusal, Refused};
use crate::sign::gather::Gather;
use crate::sign::keyring::Keyring;
use crate::srs::{self, Srs};
use addr::{Address, Charset, Domain, ForwardPath, ReversePath};
use mail::{Company, Delivery, Directory, Forward, Mail, Resolved, Room};
use net::time::Duration;
use net::{Clock, Random, Resolver, Time};
use smtp::{DataEnd, MailParameters, Priority, RcptParameters};
use std::sync::Arc;
use store::Fault;
use tally::Tally;
use tokio::sync::OnceCell;

/// Letters of a message's id: about 70 bits.
pub(crate) const ID_LETTERS: usize = 14;

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
    /// What stands behind names without a domain that users of this machine write; if none, the
    /// hostname, or the domain above it that is hosted here.
    pub origin: Option<Domain>,
    /// Who asks the DNS about the signatures of what is sent on.
    pub resolver: Option<Resolver>,
    /// The most urgent that a submission may be. [rfc6710 4.1]
    pub highest_priority: Priority,
    /// How long a message may be held for later; zero: nothing is. [rfc4865 3]
    pub longest_hold: Duration,
    /// How many of a login may be. [rfc4865 6]
    pub most_held: usize,
    /// Their octets.
    pub most_held_bytes: u64,
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
            origin: None,
            resolver: None,
            highest_priority: Priority::USUAL,
            longest_hold: limits::HOLD,
            most_held: limits::HELD_MESSAGES,
            most_held_bytes: limits::HELD_BYTES,
        }
    }
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub mail: Mail,
    pub clock: Clock,
    pub random: Random,
    pub hostname: String,
    pub origin: Option<Domain>,
    pub policy: Policy,
    pub keyring: Keyring,
    /// None: nothing is asked of the DNS, and no seal is put on what is sent on.
    pub resolver: Option<Resolver>,
    /// Made when it is first needed.
    pub srs: OnceCell<Srs>,
    /// Where mail for other servers goes, if it goes anywhere.
    pub queue: Option<Queue>,
}

/// A message is in its mailboxes, durably.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub id: MessageId,
}

impl Post {
    /// A server that sends to no other.
    pub fn new(mail: Mail, clock: Clock, random: Random, settings: PostSettings) -> Post {
        Post::over(mail, clock, random, settings, None)
    }

    /// Takes mail for other servers as well, from those who log in to submit it.
    pub fn sending(
        mail: Mail,
        clock: Clock,
        random: Random,
        settings: PostSettings,
        queue: Queue,
    ) -> Post {
        Post::over(mail, clock, random, settings, Some(queue))
    }

    fn over(
        mail: Mail,
        clock: Clock,
        random: Random,
        settings: PostSettings,
        queue: Option<Queue>,
    ) -> Post {
        let elsewhere = match queue {
            Some(_) => Elsewhere::Taken,
            None => Elsewhere::Refused,
        };
        let policy = Policy {
            max_message_bytes: settings.max_message_bytes,
            max_recipients: settings.max_recipients,
            max_deliveries: limits::DELIVERIES,
            max_hops: settings.max_hops,
            max_own_hops: settings.max_own_hops,
            elsewhere,
            highest_priority: settings.highest_priority,
            longest_hold: settings.longest_hold,
            most_held: Amount {
                count: settings.most_held,
                bytes: settings.most_held_bytes,
            },
        };
        let PostSettings {
            hostname, origin, ..
        } = settings;
        Post {
            inner: Arc::new(Inner {
                mail,
                clock,
                random,
                hostname,
                origin,
                policy,
                keyring: Keyring::default(),
                resolver: settings.resolver,
                srs: OnceCell::new(),
                queue,
            }),
        }
    }

    /// A user of this machine; None if nobody can be called anything here.
    pub fn local_user(
        &self,
        uid: u32,
        name: Option<String>,
        trust: Trust,
    ) -> Result<Option<LocalUser>, Fault> {
        let Ok(hostname) = self.inner.hostname.parse::<Domain>() else {
            return Ok(None);
        };
        let origin = match &self.inner.origin {
            Some(origin) => origin.clone(),
            None => self.hosted_above(&hostname)?.unwrap_or(hostname.clone()),
        };
        Ok(Some(LocalUser::new(uid, name, trust, [origin, hostname])))
    }

    /// The name itself or the nearest above it that is hosted here.
    fn hosted_above(&self, name: &Domain) -> Result<Option<Domain>, Fault> {
        let mut above = Some(name.clone());
        while let Some(domain) = above {
            if self.directory().hosts(&domain)? {
                return Ok(Some(domain));
            }
            let parent = domain.as_str().split_once('.');
            above = parent.and_then(|(_, parent)| parent.parse().ok());
        }
        Ok(None)
    }

    /// Where is counted what became of mail.
    pub(crate) fn tally(&self) -> &Tally {
        self.inner.mail.tally()
    }

    /// The largest message that is taken.
    pub fn max_message_bytes(&self) -> u64 {
        self.inner.policy.max_message_bytes
    }

    /// Whether this client may ask for this.
    pub fn offers(&self, client: &Client, wish: Wish) -> bool {
        judge::offers(client.asks_as(), wish, &self.inner.policy)
    }

    /// How long from now on, and until when, a message may be held for later. [rfc4865 3]
    pub fn longest_hold(&self) -> (Duration, Time) {
        let longest = self.inner.policy.longest_hold;
        (longest, self.inner.clock.now().after(longest))
    }

    pub(crate) fn held_by(&self, client: &Client) -> Amount {
        let queue = self.inner.queue.as_ref();
        let both = queue.zip(client.holder());
        both.map_or_else(Amount::default, |(queue, holder)| queue.held_by(&holder))
    }

    /// Recipients that one message may have.
    pub fn max_recipients(&self) -> usize {
        self.inner.policy.max_recipients
    }

    /// A sender: the beginning of an envelope. [rfc5321 3.3]
    pub async fn sender(
        &self,
        client: &Client,
        from: ReversePath,
        written_in: Charset,
        parameters: MailParameters,
    ) -> Result<Envelope, Refused> {
        let id = MessageId(self.inner.random.token(ID_LETTERS));
        let from = placed_sender(client, from);
        let whose = match (may_send_as(client, from.address()), from.address()) {
            (Some(true), _) => Whose::Theirs,
            (Some(false), Some(address)) => Whose::NotTheirs(address.clone()),
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
        let asked = judge::AskedEvidence {
            role: client.asks_as(),
            parameters: &parameters,
            now: self.inner.clock.now(),
            held: match parameters.hold {
                Some(_) => self.held_by(client),
                None => Amount::default(),
            },
        };
        let policy = &self.inner.policy;
        let judged = judge::sender(evidence, policy).and_then(|()| judge::asked(&asked, policy));
        match judged {
            Ok(asked) => Ok(Envelope {
                id,
                sender: from,
                parameters,
                asked,
                recipients: Vec::new(),
                named: Vec::new(),
                note: None,
            }),
            Err(refusal) => {
                log::refused(
                    self.tally(),
                    client,
                    &id,
                    Stage::Mail,
                    (&from.to_string(), ""),
                    &refusal,
                );
                Err(Refused { id, refusal })
            }
        }
    }

    /// One more recipient of the envelope; the same one again is accepted and changes nothing, but
    /// at LMTP it is answered once more.
    pub async fn recipient(
        &self,
        client: &Client,
        envelope: &mut Envelope,
        to: ForwardPath,
        written_in: Charset,
        parameters: RcptParameters,
    ) -> Result<(), Refusal> {
        let known = client.local.as_ref().zip(to.address());
        let known = known.map_or(Ok(()), |(user, address)| user.knows_way(address));
        let to = placed(client, to);
        if let Some(position) = envelope.position(&to) {
            if client.role == Role::Lmtp {
                judge::count(envelope.named.len(), &self.inner.policy)?;
                envelope.named.push(position);
            }
            return Ok(());
        }
        let found = match known {
            Ok(()) => self.leads_of(client, envelope, &to, written_in).await,
            Err(uucp::UnknownSystem(name)) => Err(Refusal::UnknownSystem(name)),
        };
        match found {
            Ok(leads) => {
                envelope.named.push(envelope.recipients.len());
                let recipient = Recipient::new(to, leads, parameters);
                envelope.recipients.push(recipient);
                Ok(())
            }
            Err(refusal) => {
                let ends = (envelope.sender.to_string(), to.to_string());
                log::refused(
                    self.tally(),
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

    async fn leads_of(
        &self,
        client: &Client,
        envelope: &Envelope,
        to: &ForwardPath,
        written_in: Charset,
    ) -> Result<Leads, Refusal> {
        let policy = &self.inner.policy;
        let right = judge::right(client.role, proof(client));
        let evidence = judge::RecipientEvidence {
            local: local_part(to),
            written_in,
            asked: envelope.charset(),
            recipients: envelope.named.len(),
            right,
        };
        judge::recipient_form(evidence, policy)?;
        let trouble = |fault: Fault| {
            log::fault(&envelope.id, &fault);
            Refusal::Unavailable
        };
        let back = self.back(to).await.map_err(trouble)?;
        let resolved = match back {
            Some(back) => {
                self.returned(judge::returned(&envelope.sender, back)?)
                    .await
            }
            None => match self.resolve(to).await {
                // what a machine tells its root is for whoever looks after it
                Ok(Resolved::UnknownUser) if is_root_here(client, to) => {
                    self.directory().resolve_postmaster().await
                }
                resolved => resolved,
            },
        };
        let resolved = resolved.map_err(trouble)?;
        let queue = self.inner.queue.as_ref();
        let host = to.address().map(Address::host);
        let customer = queue
            .zip(host)
            .and_then(|(queue, host)| queue.customers().of(host).cloned());
        let evidence = judge::ResolvedEvidence {
            to,
            right,
            relay: match &customer {
                Some(_) => Relay::ForCustomer,
                None => Relay::Denied,
            },
            deliveries_so_far: envelope.delivery_count(),
            queue: queue.map_or(QueueRoom::Enough, |queue| {
                queue.room_for(customer.as_deref(), envelope.declared_bytes())
            }),
        };
        let found = judge::resolved(resolved, evidence, policy)?;
        let room = self
            .room(&found.here, envelope.declared_bytes())
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

    /// Whom a return address of ours stands for, if the recipient has the form of one.
    async fn back(&self, to: &ForwardPath) -> Result<Option<Result<Address, srs::NotOurs>>, Fault> {
        let Some(address) = to.address().filter(|address| srs::has_form(address)) else {
            return Ok(None);
        };
        let srs = self.srs().await?;
        srs.origin(self.directory(), address, self.inner.clock.now())
    }

    /// Where a bounce goes that came to a return address: to whom it stands for, here or elsewhere.
    async fn returned(&self, to: Address) -> Result<Resolved, Fault> {
        Ok(match self.directory().resolve(&to).await? {
            Resolved::NotOurs => Resolved::Onward {
                here: Vec::new(),
                onward: vec![Forward {
                    to,
                    owner: None,
                    company: Company::Alone,
                }],
            },
            here => here,
        })
    }

    /// What makes and reads return addresses.
    pub(crate) async fn srs(&self) -> Result<&Srs, Fault> {
        let make = || Srs::of(self.directory(), &self.inner.random);
        self.inner.srs.get_or_try_init(make).await
    }

    async fn resolve(&self, to: &ForwardPath) -> Result<Resolved, Fault> {
        let directory = self.directory();
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
                let signs = self.may_sign(client);
                let gather = (signs || self.looks_back(client, envelope)).then(Gather::new);
                let bits = if signs { Bits::Seven } else { Bits::AsTheyCame };
                let arriving = Arriving::new(envelope, writer, header, gather, bits);
                Ok(match &client.local {
                    // names without a domain in a neighbour's mail are not ours
                    Some(user) if client.neighbour().is_none() => arriving.qualifying(&user.origin),
                    _ => arriving,
                })
            }
            Err(refused) => {
                let refusal = body_refusal(&envelope.id, &refused);
                self.log_refused(client, envelope, Stage::Data, &refusal);
                Err(refusal)
            }
        }
    }

    /// What became of the content so far, for those who are told before its end (BDAT).
    pub fn chunk(
        &self,
        client: &Client,
        envelope: &Envelope,
        arriving: &Arriving,
        end: DataEnd,
    ) -> Result<(), Refusal> {
        let judged = judge::content(end.problem, &self.inner.policy);
        let refusal = match (judged, arriving.trouble()) {
            (Ok(()), None) => return Ok(()),
            (Err(refusal), _) | (Ok(()), Some(refusal)) => refusal,
        };
        self.log_refused(client, envelope, Stage::Content, &refusal);
        Err(refusal)
    }

    pub(crate) fn directory(&self) -> &Directory {
        self.inner.mail.directory()
    }

    pub(crate) fn log_refused(
        &self,
        client: &Client,
        envelope: &Envelope,
        stage: Stage,
        refusal: &Refusal,
    ) {
        let to = log::recipients(envelope.recipients.iter());
        let ends = (envelope.sender.to_string(), to);
        log::refused(
            self.tally(),
            client,
            &envelope.id,
            stage,
            (&ends.0, &ends.1),
            refusal,
        );
    }
}

fn proof(client: &Client) -> Proof {
    match (&client.login, &client.local) {
        (Some(_), _) => Proof::LoggedIn,
        (None, Some(_)) if client.may_send_to_us_only() => Proof::OfNeighbour,
        (None, Some(_)) => Proof::OfThisMachine,
        (None, None) => Proof::Stranger,
    }
}

/// Whether who speaks may send as this address; None if there is none, or nobody knows who it is.
fn may_send_as(client: &Client, address: Option<&Address>) -> Option<bool> {
    let address = address?;
    let login = client.login.as_ref();
    let login = login.map(|login| login.may_send_as(address));
    let local = client.local.as_ref();
    login.or(local.map(|user| user.may_send_as(address)))
}

/// The recipient as a user of this machine means it.
fn placed(client: &Client, to: ForwardPath) -> ForwardPath {
    let placed = client.local.as_ref().zip(to.address());
    let placed = placed.and_then(|(user, address)| user.placed(address));
    placed.map_or(to, ForwardPath::Address)
}

fn placed_sender(client: &Client, from: ReversePath) -> ReversePath {
    let placed = client.local.as_ref().zip(from.address());
    let placed = placed.and_then(|(user, address)| user.placed_sender(address));
    placed.map_or(from, ReversePath::Address)
}

fn is_root_here(client: &Client, to: &ForwardPath) -> bool {
    let both = client.local.as_ref().zip(to.address());
    both.is_some_and(|(user, to)| to.local().key() == "root" && to.domain() == Some(&user.origin))
}

fn local_part(to: &ForwardPath) -> Option<&str> {
    match to {
        ForwardPath::Address(address) => Some(address.local().as_str()),
        ForwardPath::Postmaster => None,
    }
}
