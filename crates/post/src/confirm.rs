//! Telling a sender who asked for it that his message lies in mailboxes here.
//!
//! A report of success comes after the commit that takes the message; if it cannot be made, that is
//! logged, and the message is taken all the same. Nobody is told here of what travels on: the queue
//! does that. What never happens here: a report of failure; what fails here is refused.

use crate::accept::Post;
use crate::dropped::Note;
use crate::envelope::{By, Envelope, MessageId, Recipient, Step};
use crate::limits;
use crate::log;
use crate::queue::{self, Leaving, Onward};
use crate::report::{
    self, Action, Fate, Happened, Reporter, Returned, Said, SenderPlace, SenderProof, Subject,
    Tell, WhyNobody,
};
use addr::{Address, ForwardPath};
use bytes::Bytes;
use mail::{Addressed, DeliverError, Incoming, Leg, Resolved};
use net::Time;
use smtp::{Protection, Status};
use store::{Body, BodyRefusal, Edit, Fault};
use tally::Metric;

/// Letters of a report's boundary and Message-ID: about 120 bits.
pub(crate) const TOKEN_LETTERS: usize = 24;

/// A message that was taken.
pub(crate) struct Taken<'a> {
    pub envelope: &'a Envelope,
    pub recipients: &'a [&'a Recipient],
    pub prefix: &'a Bytes,
    pub body: &'a Body,
    pub at: Time,
    pub proof: SenderProof,
    pub protection: Protection,
}

impl Post {
    /// Tells the sender of those of whom he wants to hear. [rfc3461 5.2.3]
    pub(crate) async fn confirm(&self, taken: &Taken<'_>) {
        let sender = &taken.envelope.sender;
        // who gets it later is told of later
        let is_there =
            |one: &&&Recipient| one.here().is_empty() || !taken.envelope.is_held(taken.at);
        let told = taken
            .recipients
            .iter()
            .filter(is_there)
            .filter_map(|recipient| {
                let notify = recipient.parameters().notify.as_ref();
                match report::tell(sender, taken.proof, notify, happened(recipient)?) {
                    Tell::Sender(action) => Some((*recipient, action)),
                    Tell::Nobody(why) => {
                        not_told(taken, why);
                        None
                    }
                }
            });
        let told: Vec<(&Recipient, Action)> = told.collect();
        let Some(sender) = sender.address().filter(|_| !told.is_empty()) else {
            return;
        };
        match self.tell(taken, sender, &told).await {
            Ok(true) => {
                for (_, action) in &told {
                    self.tally().count(Metric::Reports, &[action.word()]);
                }
            }
            Ok(false) => {}
            Err(fault) => log::fault(&taken.envelope.id, &fault),
        }
    }

    /// False: there is nobody to tell.
    async fn tell(
        &self,
        taken: &Taken<'_>,
        sender: &Address,
        told: &[(&Recipient, Action)],
    ) -> Result<bool, Fault> {
        let compose = |place| self.composed(taken, sender, told, place);
        let when = (taken.at, taken.protection);
        self.report_to(sender, when, None, compose).await
    }

    /// Sends a report to whoever sent the message, with what that asked of TLS; `note` is written with
    /// it. False: there is nobody to tell, and nothing was written.
    pub(crate) async fn report_to(
        &self,
        sender: &Address,
        (at, protection): (Time, Protection),
        note: Option<&Note>,
        compose: impl FnOnce(SenderPlace) -> Result<report::Report, Fault>,
    ) -> Result<bool, Fault> {
        let resolved = match note {
            Some(_) => self.who_hears(sender).await?,
            None => self.directory().resolve(sender).await?,
        };
        let (here, onward) = match resolved {
            Resolved::Local(deliveries) => (deliveries, Vec::new()),
            Resolved::NotOurs => (Vec::new(), vec![sender.clone()]),
            Resolved::Onward { here, onward } => {
                (here, onward.into_iter().map(|one| one.to).collect())
            }
            _ => return Ok(false),
        };
        let queue = self.inner.queue.as_ref().filter(|_| !onward.is_empty());
        if here.is_empty() && queue.is_none() {
            return Ok(false);
        }
        let place = match onward.is_empty() {
            true => SenderPlace::Here,
            false => SenderPlace::Elsewhere,
        };
        let report = compose(place)?;
        let id = MessageId(self.inner.random.token(crate::accept::ID_LETTERS));
        let body = self.body_of(&report, &id, sender).await;
        let body = body.map_err(|refused| Fault::new("writing a report", refused))?;
        let prefix = queue::report_prefix(&self.inner.hostname, &id.to_string(), at);
        let to = queue::addressed(here, &prefix);
        let leaving = match queue {
            None => None,
            Some(queue) => {
                let way = |to| Onward::new(ForwardPath::Address(to), None, None);
                let onward = onward.into_iter().map(way).collect();
                let mut message =
                    queue.report_message(&id.to_string(), &report, sender, String::new());
                message.message.asked.protection = protection; // [rfc8689 5]
                let leaving = queue.leaving(message, onward, &body);
                Some(leaving.map_err(|_| Fault::new("reporting", "the queue is full"))?)
            }
        };
        let incoming = Incoming {
            body,
            sender: String::new(),
            client: String::new(),
            login: None,
            at,
        };
        self.enter(incoming, to, leaving, note).await
    }

    /// That mail is lost which was taken from a program long gone is heard by somebody: by the sender,
    /// also where his quota is used up, or by the postmaster, where the sender is nobody here.
    async fn who_hears(&self, sender: &Address) -> Result<Resolved, Fault> {
        let directory = self.directory();
        match directory.resolve_beyond_quota(sender).await? {
            found @ (Resolved::Local(_) | Resolved::NotOurs | Resolved::Onward { .. }) => Ok(found),
            _ => directory.resolve_postmaster().await,
        }
    }

    async fn enter(
        &self,
        incoming: Incoming,
        to: Vec<Addressed>,
        leaving: Option<Leaving>,
        note: Option<&Note>,
    ) -> Result<bool, Fault> {
        let both = |edit: &mut Edit| {
            note.iter().for_each(|note| note.write(edit));
            leaving.iter().try_for_each(|one| one.leg()(edit))
        };
        let is_needed = leaving.is_some() || note.is_some();
        let leg = is_needed.then_some(&both as Leg<'_>);
        let committed = self.inner.mail.deliver_and(incoming, to, leg).await;
        if let Some(leaving) = &leaving {
            leaving.committed(committed.as_ref().err());
        }
        match committed {
            Ok(_) => Ok(true),
            Err(DeliverError::OverQuota(_) | DeliverError::Gone(_)) => Ok(false),
            Err(DeliverError::Busy) => Err(Fault::new("reporting", "the store is busy")),
            Err(DeliverError::ReadOnly(fault) | DeliverError::Unavailable(fault)) => Err(fault),
        }
    }

    fn composed(
        &self,
        taken: &Taken<'_>,
        sender: &Address,
        told: &[(&Recipient, Action)],
        place: SenderPlace,
    ) -> Result<report::Report, Fault> {
        let token = self.inner.random.token(TOKEN_LETTERS);
        let postmaster = self.postmaster(sender, place);
        let reporter = Reporter {
            hostname: &self.inner.hostname,
            postmaster: &postmaster,
            at: taken.at,
            token: &token,
        };
        let mut header = crate::trace::without_return_path(taken.prefix).to_vec();
        header.extend_from_slice(&taken.body.read(0, limits::RETURNED_HEADER_BYTES)?);
        let asked = taken.envelope.parameters();
        let subject = Subject {
            id: &taken.envelope.id.to_string(),
            sender,
            envid: asked.envid.as_ref(),
            arrived: taken.at,
            deliver_by: taken.envelope.asked.deliver_by.map(|by| by.by),
            hold: taken.envelope.asked.hold.map(|held| held.asked),
            header: &header,
        };
        let fates = told.iter();
        let fates = fates.map(|(recipient, action)| fate(recipient, *action, taken.at));
        let fates: Vec<Fate<'_>> = fates.collect();
        let charset = report::charset(sender, asked.charset, place);
        let original = asked.charset;
        Ok(report::compose(
            &reporter,
            &subject,
            &fates,
            Returned::Header,
            charset,
            original,
        ))
    }

    /// Whom the reader of a report may ask.
    pub(crate) fn postmaster(&self, sender: &Address, place: SenderPlace) -> String {
        let domain = sender.domain().filter(|_| place == SenderPlace::Here);
        match domain {
            Some(domain) => format!("postmaster@{domain}"),
            None => format!("postmaster@{}", self.inner.hostname),
        }
    }

    async fn body_of(
        &self,
        report: &report::Report,
        id: &MessageId,
        sender: &Address,
    ) -> Result<Body, BodyRefusal> {
        let mut writer = self.inner.mail.new_body().await?;
        writer.write(&report.before).await?;
        writer.write(&report.after).await?;
        let tag = format!("id={id}\nfrom=<>\nto={sender}\n");
        writer.finish(tag.as_bytes()).await
    }
}

/// Somebody asked, and hears nothing.
fn not_told(taken: &Taken<'_>, why: WhyNobody) {
    if let WhyNobody::Unproven(_) = why {
        let id = &taken.envelope.id;
        tracing::info!(target: "post", message_id = %id, %why, "no report of a delivery");
    }
}

/// None: nothing yet; it travels on to one address.
fn happened(recipient: &Recipient) -> Option<Happened> {
    let by_list = |step: &Step| matches!(step.by, By::List(_));
    let of_list = recipient.here().iter().any(|one| one.owner().is_some());
    if of_list || recipient.onward().iter().any(by_list) {
        return Some(Happened::Delivered); // [rfc3461 5.2.7.1]
    }
    match (recipient.here(), recipient.onward()) {
        ([], [] | [_]) => None,
        (_, []) => Some(Happened::Delivered),
        (_, _) => Some(Happened::Expanded), // [rfc3461 5.2.7.3]
    }
}

fn fate<'a>(recipient: &'a Recipient, action: Action, at: Time) -> Fate<'a> {
    Fate {
        recipient: report::Named::Path(recipient.path()),
        original: recipient.parameters().orcpt.as_ref(),
        action,
        status: Status(2, 1, 5),
        said: Said::Nothing,
        last_attempt: Some(at),
        retry_until: None,
    }
}
