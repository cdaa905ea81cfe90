//! The queue as an operator sees it, and where messages are.
//!
//! What never happens here: a decision of the queue; words for people.

use super::{Answered, Office, fault, read_domain};
use crate::admin::limits::{LISTED_ENTRIES, LISTED_MESSAGES};
use crate::admin::measure;
use crate::admin::request::{Answer, Kind, Refused};
use crate::admin::road::{
    Arrival, ArrivalPlace, Attempt, Entry, Leg, LegState, Message, Queue, Said, SaidOf, Selection,
    Story, Traveller, TravellerState, Waiting,
};
use addr::{Address, ForwardPath, ReversePath};
use mail::road::{MessageNumber, RoadLook};
use mail::{Presence, Sought};
use net::Time;
use post::queue::{
    AttemptRecord, EntryNumber, EntryRecord, MessageRecord, RecipientState, Standing, keys,
};
use post::trail::{self, How, Passage, Place};

impl Office {
    pub(super) fn queue_list(&self, selection: &Selection) -> Answered {
        let limit = selection.limit.unwrap_or(LISTED_ENTRIES);
        let mut found = self.selected(selection, limit.saturating_add(1))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let now = self.mail.clock().now();
        let entries = found.iter().map(|one| waiting(one, now)).collect();
        Ok(Answer::Queue(Queue { entries, more }))
    }

    /// What a message in the queue has come through.
    pub(super) async fn queue_show(&self, which: &str) -> Answered {
        let look = self.mail.road();
        let number = number_of(&look, which)?.filter(|number| {
            let entry = look.below(&keys::entries_of(*number)).next();
            entry.is_some()
        });
        let Some(number) = number else {
            return Err(not_waiting(which));
        };
        let passage = trail::passage(&look, number).map_err(fault)?;
        let passage = passage.ok_or_else(|| not_waiting(which))?;
        let id = passage.trail.id.clone();
        let has_local = passage.trail.recipients.iter();
        let has_local = has_local.filter(|one| one.place == Place::Here).count() > 0;
        let arrivals = match has_local {
            true => self.arrivals(&Sought::Id(id), LISTED_MESSAGES).await?,
            false => mail::Arrivals::default(),
        };
        self.story(&[passage], &arrivals)
    }

    /// Where messages are: by our id or number, by Message-ID, by an address.
    pub(super) async fn why(&self, about: &str, limit: Option<usize>) -> Answered {
        let limit = limit.unwrap_or(LISTED_MESSAGES);
        let look = self.mail.road();
        let mut ways = ways(about);
        if ways.is_empty() {
            let text = format!(
                "“{about}” is no id of a message, no Message-ID and no address; the id is what \
                 the server said after 250"
            );
            return Err(Refused::new(Kind::Invalid, text));
        }
        for way in ways.drain(..) {
            let numbers = numbers(&look, about, &way, limit)?;
            let passages = numbers
                .into_iter()
                .filter_map(|number| trail::passage(&look, number).transpose());
            let passages: Vec<Passage> = passages.collect::<Result<_, _>>().map_err(fault)?;
            let arrivals = self.arrivals(&way, limit).await?;
            if !passages.is_empty() || !arrivals.found.is_empty() {
                return self.story(&passages, &arrivals);
            }
        }
        let days = self.mail.history_s() / 86_400;
        let text = format!(
            "nothing is known of “{about}”: no message on the road or in a mailbox here has it. \
             What has left the queue and what was expunged is known for {days} days"
        );
        Err(Refused::new(Kind::NotFound, text))
    }

    async fn arrivals(&self, sought: &Sought, limit: usize) -> Result<mail::Arrivals, Refused> {
        let found = self.mail.arrivals(&self.admin, sought, limit).await;
        found.map_err(fault)
    }

    fn story(&self, passages: &[Passage], arrivals: &mail::Arrivals) -> Answered {
        let known = self.directory().accounts(&self.admin).map_err(fault)?;
        let name = |id| {
            let account = known.iter().find(|account| account.id == id);
            account.map_or_else(|| id.to_string(), |account| account.address.to_string())
        };
        let arrival = |one: &mail::Arrival| arrival(one, name(one.account));
        Ok(Answer::Story(Story {
            messages: passages.iter().map(message).collect(),
            arrivals: arrivals.found.iter().map(arrival).collect(),
            is_cut: arrivals.is_cut,
        }))
    }

    /// Entries of the queue with their messages, the oldest first.
    pub(super) fn selected(
        &self,
        selection: &Selection,
        limit: usize,
    ) -> Result<Vec<Found>, Refused> {
        let look = self.mail.road();
        let filter = self.filter(selection)?;
        let mut found = Vec::new();
        let mut of_prefix = |prefix: &[u8], part: Option<u32>| {
            let before = found.len();
            for row in look.below(prefix) {
                if found.len() == limit {
                    break;
                }
                let (key, value) = row.map_err(fault)?;
                let Some(number) = keys::entry_of(&key) else {
                    continue;
                };
                if part.is_some_and(|part| part != number.part) {
                    continue;
                }
                let entry = mail::codec::decode(&key, &value).map_err(fault)?;
                found.extend(filter.fits(&look, number, entry)?);
            }
            Ok::<usize, Refused>(found.len() - before)
        };
        if selection.which.is_empty() {
            of_prefix(keys::ENTRIES, None)?;
        }
        for which in &selection.which {
            let number = number_of(&look, which)?.ok_or_else(|| not_waiting(which))?;
            if of_prefix(&keys::entries_of(number), part_of(which))? == 0 {
                return Err(not_waiting(which));
            }
        }
        Ok(found)
    }

    fn filter(&self, selection: &Selection) -> Result<Filter, Refused> {
        let domain = selection.domain.as_deref();
        let is_literal = |text: &&str| text.starts_with('[');
        let domain = match domain.filter(is_literal) {
            Some(literal) => Some(literal.to_owned()),
            None => domain
                .map(read_domain)
                .transpose()?
                .map(|one| one.to_string()),
        };
        let sender = match selection.sender.as_deref() {
            None => None,
            Some("" | "<>") => Some(None),
            Some(text) => Some(Some(self.read_address(text)?.key())),
        };
        let age = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
        let now = self.mail.clock().now().seconds();
        let before = selection
            .older_s
            .map(|seconds| Time::from_seconds(now.saturating_sub(age(seconds))));
        Ok(Filter {
            domain,
            sender,
            before,
        })
    }
}

/// An entry of the queue with its message.
pub(super) struct Found {
    pub number: EntryNumber,
    pub entry: EntryRecord,
    pub message: MessageRecord,
}

struct Filter {
    domain: Option<String>,
    /// Some(None): the null path.
    sender: Option<Option<String>>,
    before: Option<Time>,
}

impl Filter {
    fn fits(
        &self,
        look: &RoadLook,
        number: EntryNumber,
        entry: EntryRecord,
    ) -> Result<Option<Found>, Refused> {
        let to = entry.domain.to_string();
        let goes_there = |domain: &String| to.eq_ignore_ascii_case(domain);
        if !self.domain.as_ref().is_none_or(goes_there) {
            return Ok(None);
        }
        let message = look.record::<MessageRecord>(&keys::message(number.message));
        let Some(message) = message.map_err(fault)? else {
            return Ok(None);
        };
        let sender = message.sender.address().map(Address::key);
        let is_theirs = self.sender.as_ref().is_none_or(|wanted| *wanted == sender);
        let is_old = self.before.is_none_or(|before| message.arrived <= before);
        Ok((is_theirs && is_old).then_some(Found {
            number,
            entry,
            message,
        }))
    }
}

/// What a text may mean, in the order in which it is looked for.
fn ways(about: &str) -> Vec<Sought> {
    let bare = about.trim().trim_start_matches('<').trim_end_matches('>');
    if bare.is_empty() || bare.contains(char::is_whitespace) {
        return Vec::new();
    }
    let message_id = Sought::MessageId(bare.to_owned());
    match (bare.contains('@'), bare.parse::<Address>()) {
        (true, Ok(address)) => vec![Sought::Address(address), message_id],
        (true, Err(_)) => vec![message_id],
        (false, _) => vec![Sought::Id(bare.to_owned()), message_id],
    }
}

fn numbers(
    look: &RoadLook,
    about: &str,
    way: &Sought,
    limit: usize,
) -> Result<Vec<MessageNumber>, Refused> {
    match way {
        Sought::Id(_) => Ok(number_of(look, about)?.into_iter().collect()),
        Sought::MessageId(text) => trail::by_message_id(look, text, limit).map_err(fault),
        Sought::Address(address) => trail::by_address(look, address, limit).map_err(fault),
    }
}

/// A message by its id, its number, or the number of one of its entries.
fn number_of(look: &RoadLook, which: &str) -> Result<Option<MessageNumber>, Refused> {
    let found = trail::by_id(look, which).map_err(fault)?;
    let number = || {
        let number = which.split_once('.').map_or(which, |(number, _)| number);
        number.parse().ok().map(MessageNumber)
    };
    Ok(found.or_else(number))
}

/// The entry's part in `17.0`.
fn part_of(which: &str) -> Option<u32> {
    which.split_once('.')?.1.parse().ok()
}

fn not_waiting(which: &str) -> Refused {
    let text = format!(
        "“{which}” is not in the queue; `whimbrel queue list` shows what is, and `whimbrel why \
         {which}` what became of it"
    );
    Refused::new(Kind::NotFound, text)
}

fn path(path: &ForwardPath) -> String {
    let address = path.address().map(Address::to_string);
    address.unwrap_or_else(|| "postmaster".to_owned())
}

fn sender(path: &ReversePath) -> String {
    path.address().map(Address::to_string).unwrap_or_default()
}

fn waiting(found: &Found, now: Time) -> Waiting {
    let message = &found.message;
    let age = now.seconds().saturating_sub(message.arrived.seconds());
    Waiting {
        entry: found.number.to_string(),
        id: message.id.clone(),
        sender: sender(&message.sender),
        arrived: measure::date(message.arrived),
        age_s: u64::try_from(age).unwrap_or(0),
        bytes: message.size(),
        expires: measure::date(message.expires),
        leg: leg(&found.entry, None),
    }
}

/// `how`: why it is over, if it is.
fn leg(entry: &EntryRecord, how: Option<How>) -> Leg {
    let state = match (how, entry.standing) {
        (Some(How::Over), _) => LegState::Over,
        (Some(How::Removed), _) => LegState::Removed,
        (None, Standing::Free) => LegState::Waiting,
        (None, Standing::Held) => LegState::Held,
    };
    let recipients = entry.recipients.iter().map(|onward| Traveller {
        address: path(&onward.to),
        state: match onward.state {
            RecipientState::Waiting => TravellerState::Waiting,
            RecipientState::Done => TravellerState::Done,
            RecipientState::Failed => TravellerState::Failed,
        },
        said: onward.said.as_ref().map(said),
    });
    Leg {
        domain: entry.domain.to_string(),
        state,
        recipients: recipients.collect(),
        attempts: entry.attempts,
        due: (state == LegState::Waiting).then(|| measure::date(entry.due)),
        delay_told: entry.delay_told.map(measure::date),
    }
}

fn said(said: &post::queue::Said) -> Said {
    Said {
        at: measure::date(said.at),
        host: said.host.clone(),
        stage: said.stage.clone(),
        reply: said.reply.as_ref().map(ToString::to_string),
        why: said.why.clone(),
        status: said.status.to_string(),
    }
}

fn message(passage: &Passage) -> Message {
    let trail = &passage.trail;
    let here = trail.recipients.iter();
    let here = here.filter(|one| one.place == Place::Here);
    let mut entries: Vec<(EntryNumber, Entry)> = Vec::new();
    for (number, record) in &passage.waiting {
        let entry = entry(passage, *number, record, None);
        entries.push((*number, entry));
    }
    for (number, end) in &passage.ends {
        let entry = Entry {
            ended: Some(measure::date(end.at)),
            told: end.told.clone(),
            ..entry(passage, *number, &end.entry, Some(end.how))
        };
        entries.push((*number, entry));
    }
    entries.sort_by_key(|(number, _)| *number);
    Message {
        id: trail.id.clone(),
        number: passage.number.0,
        message_id: trail.message_id.clone(),
        sender: sender(&trail.sender),
        here: here.map(|one| path(&one.path)).collect(),
        client: trail.client.clone(),
        login: trail.login.clone(),
        arrived: measure::date(trail.arrived),
        bytes: trail.bytes,
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
    }
}

fn entry(passage: &Passage, number: EntryNumber, record: &EntryRecord, how: Option<How>) -> Entry {
    let tried = passage.attempts.iter();
    let tried = tried.filter(|(of, _)| *of == number);
    Entry {
        entry: number.to_string(),
        leg: leg(record, how),
        tried: tried.map(|(_, one)| attempt(one, record)).collect(),
        ended: None,
        told: None,
    }
}

fn attempt(one: &AttemptRecord, entry: &EntryRecord) -> Attempt {
    let said = one.said.iter().filter_map(|(place, words)| {
        let onward = entry.recipients.get(*place)?;
        Some(SaidOf {
            recipient: path(&onward.to),
            said: said(words),
        })
    });
    Attempt {
        begun: measure::date(one.begun),
        ended: measure::date(one.ended),
        host: one.host.clone(),
        address: one.address.clone(),
        tls: one.tls.clone(),
        proof: one.proof.clone(),
        notes: one.notes.clone(),
        said: said.collect(),
    }
}

fn arrival(one: &mail::Arrival, account: String) -> Arrival {
    let place = |place: &mail::ArrivalPlace| ArrivalPlace {
        mailbox: place.mailbox.as_ref().map(ToString::to_string),
        uid: place.uid,
        there: place.presence == Presence::There,
    };
    let message_id = one.message_id.as_ref();
    Arrival {
        account,
        id: one.id.clone(),
        message_id: message_id.map(|text| format!("<{text}>")),
        sender: one.envelope.sender.clone(),
        recipient: one.envelope.recipient.clone(),
        client: one.envelope.client.clone(),
        login: one.envelope.login.clone(),
        arrived: measure::date(one.envelope.at),
        bytes: one.bytes,
        places: one.places.iter().map(place).collect(),
    }
}
