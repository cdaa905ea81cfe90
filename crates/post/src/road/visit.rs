//! One host: the connection, the transactions on it, and what they came to.
//!
//! What never happens here: the choice of another host, the meaning of a failure.

use crate::limits::NOTE_BYTES;
use crate::queue::{AttemptRecord, Said};
use crate::road::attempt::{Form, Load, Reports, Terms};
use crate::road::content::Content;
use crate::road::failure::{Before, Decision, Failure, HostsLeft, Others, Scope, Stage, decide};
use crate::road::lanes::Came;
use crate::road::opening::{Need, NotOpen, Opening};
use crate::road::policy::policies::Gathered;
use crate::road::policy::{self, Ground, NotHere, Without};
use crate::road::pool::Key;
use crate::road::route::{Demand, Destination, Hop, Next, Place, Server};
use crate::road::talk::{NotSent, Talk};
use crate::road::tls_report::{Ends, Outcome};
use crate::road::{Road, said};
use addr::Host;
use net::{Conn, Time, Trust, dial_unix};
use smtp::client::{self, Capabilities, Envelope, Extension, Protocol, Stage as Word, Unfit};
use smtp::{BodyType, By, ByMode, MailParameters, Protection};
use std::io;

/// What the record says of a message that was changed on its way. [rfc6152 3]
const MADE_SEVEN_BIT: &str = "made 7-bit: no host takes 8BITMIME";

/// What it says of one whose lines are longer than servers have to take. What others have written,
/// and may have signed, is not ours to fold. [rfc5321 4.5.3.1.6]
const LONG_LINES: &str = "some lines are longer than 998 octets";

/// What is to be done at one host.
pub(crate) struct Visit<'a> {
    pub road: &'a Road,
    pub load: &'a Load,
    pub terms: Terms,
    pub destination: &'a Destination,
    pub key: Key,
    /// None on a connection that waited for us.
    pub hop: Option<&'a Hop>,
    pub form: Form,
    /// In that form.
    pub content: &'a Content,
}

/// What it came to.
pub(crate) struct Visited {
    /// For every recipient that was asked for.
    pub settled: Vec<(usize, Settled)>,
    /// Without what was said of the recipients.
    pub record: AttemptRecord,
    pub came: Came,
    /// The content is not what the message says it is, and has to go in another form.
    pub is_not_ascii: bool,
    /// The host takes the message only in ASCII.
    pub is_too_plain: bool,
    /// Another host would be no better: our own trouble. Or none is to be looked for that delivers in
    /// time. [rfc2852 7]
    pub is_last: bool,
}

/// How a connection has to begin.
struct Way {
    need: Need,
    ask_for: String,
    /// Who demands it, but for the operator.
    ground: Ground,
}

impl Way {
    fn of(need: Need, ask_for: String) -> Way {
        let ground = Ground::Nothing;
        Way {
            need,
            ask_for,
            ground,
        }
    }
}

/// What one host said of one recipient.
pub(crate) enum Settled {
    Taken { said: Said, reports: Reports },
    Not { failure: Failure, said: Said },
}

impl Settled {
    pub fn said(&self) -> &Said {
        match self {
            Settled::Taken { said, .. } | Settled::Not { said, .. } => said,
        }
    }
}

impl Visit<'_> {
    /// On a connection that waited. None: it was dead, and nobody has heard of the message.
    pub async fn reuse(&self, talk: Talk, recipients: &[usize]) -> Option<Visited> {
        let mut visited = self.begin();
        if let Some(name) = talk.name() {
            visited.record.host = Some(name.to_owned());
        }
        visited
            .record
            .notes
            .push("on a connection that was open".to_owned());
        self.transact(talk, recipients, &mut visited).await;
        let is_dead = |(_, settled): &(usize, Settled)| match settled {
            Settled::Taken { .. } => false,
            Settled::Not { failure, .. } => {
                let unheard = failure.stage == Stage::Said(Word::Mail);
                unheard && matches!(failure.scope, Scope::Connection | Scope::Host)
            }
        };
        (!visited.settled.iter().all(is_dead)).then_some(visited)
    }

    /// On a new connection.
    pub async fn make(&self, recipients: &[usize]) -> Visited {
        let mut visited = self.begin();
        match self.connect(&mut visited.record).await {
            Ok(talk) => {
                let talk = talk.named(visited.record.host.clone());
                self.transact(talk, recipients, &mut visited).await;
            }
            Err(not_open) => self.nobody(not_open, recipients, &mut visited),
        }
        visited
    }

    fn begin(&self) -> Visited {
        let now = self.now();
        let name = self.hop.and_then(|hop| hop.name.as_ref());
        Visited {
            settled: Vec::new(),
            record: AttemptRecord {
                begun: now,
                ended: now,
                host: Some(name.map_or_else(|| self.key.place.to_string(), |n| n.to_string())),
                address: Some(self.key.place.to_string()),
                tls: None,
                proof: None,
                notes: match self.form {
                    Form::SevenBit => vec![MADE_SEVEN_BIT.to_owned()],
                    Form::AsTaken | Form::EightBit => Vec::new(),
                },
                said: Vec::new(),
            },
            came: Came::Unreachable,
            is_not_ascii: false,
            is_too_plain: false,
            is_last: false,
        }
    }

    fn now(&self) -> Time {
        self.road.clock().now()
    }

    /// A connection ready for mail. Where TLS is nobody's demand and fails, once more without.
    async fn connect(&self, record: &mut AttemptRecord) -> Result<Talk, NotOpen> {
        let gathered = self.gathered().await;
        let way = match self.way(gathered.as_ref()) {
            Ok(way) => way,
            Err(why) => {
                self.count(gathered.as_ref(), &Outcome::NotTried, None);
                return Err(NotOpen::not_here(&why));
            }
        };
        if way.ground != Ground::Nothing {
            record.notes.push(format!("{} demands TLS", way.ground));
        }
        let opened = self.open(&way, way.need.clone()).await;
        self.count_opened(gathered.as_ref(), &opened);
        match opened {
            Err(not_open) if not_open.is_tls_broken && way.need == Need::WhereOffered => {
                let why = not_open.why.unwrap_or_default();
                record
                    .notes
                    .push(note(format!("in the clear, because {why}")));
                self.open(&way, Need::Clear).await
            }
            Err(not_open) if self.load.protection() == Protection::Required => {
                Err(not_open.for_good())
            }
            opened => {
                let refused = opened.as_ref().ok().and_then(Talk::tls_refused);
                let refused = refused.map(|why| note(format!("in the clear, because {why}")));
                record.notes.extend(refused);
                opened
            }
        }
    }

    /// What came of TLS, for the reports.
    fn count_opened(&self, gathered: Option<&Gathered>, opened: &Result<Talk, NotOpen>) {
        let not_open = match opened {
            Ok(talk) => {
                let conn = talk.conn();
                match conn.tls() {
                    Some(tls) => self.count(gathered, &Outcome::Secured(&tls), Some(conn)),
                    None => self.count(gathered, &Outcome::NotOffered, Some(conn)),
                }
                return;
            }
            Err(not_open) => not_open,
        };
        match (&not_open.tls, not_open.failure.stage) {
            (Some(failure), _) => self.count(gathered, &Outcome::Failed(failure), None),
            (None, Stage::Tls | Stage::Said(Word::StartTls)) => {
                self.count(gathered, &Outcome::NotOffered, None);
            }
            _ => {}
        }
    }

    fn count(&self, gathered: Option<&Gathered>, outcome: &Outcome<'_>, conn: Option<&Conn>) {
        let settings = self.road.settings();
        let (Some(gathered), Some(tally)) = (gathered, &settings.tls_tally) else {
            return;
        };
        let ends = Ends {
            host: gathered.host.to_string(),
            from: conn.map(|conn| conn.local().ip().to_string()),
            to: self.key.place.ip().map(|ip| ip.to_string()),
        };
        tally.count(self.now(), gathered, outcome, &ends);
    }

    async fn open(&self, way: &Way, need: Need) -> Result<Talk, NotOpen> {
        let conn = self
            .dial()
            .await
            .map_err(|error| NotOpen::no_connection(&error))?;
        let (server, settings) = (self.server(), self.road.settings());
        let opening = Opening {
            protocol: match (&self.destination.next, server) {
                (Next::Socket(_), _) => Protocol::Lmtp,
                (_, Some(server)) => server.protocol,
                (_, None) => Protocol::Smtp,
            },
            name: (&settings.hostname).into(),
            host: &way.ask_for,
            need,
            authorities: &settings.authorities,
            login: server.and_then(|server| server.login.as_ref()),
            random: self.road.random(),
            patience: settings.patience,
        };
        opening.open(conn).await
    }

    async fn dial(&self) -> io::Result<Conn> {
        match &self.key.place {
            Place::Tcp(at) => {
                let source = self.destination.sources.towards(at.ip());
                let within = self.road.settings().patience.connect;
                self.road.dialer().dial(*at, source, within).await
            }
            Place::Unix(path) => dial_unix(path).await,
        }
    }

    fn server(&self) -> Option<&Server> {
        match &self.destination.next {
            Next::Server(server) => Some(server),
            _ => None,
        }
    }

    /// What is known of the host that the DNS names, if it counts for this message. What needs no TLS
    /// is often a report about TLS, and is not counted for another. [rfc8460 3]
    async fn gathered(&self) -> Option<Gathered> {
        let host = self.hop.and_then(|hop| hop.name.as_ref())?;
        let domain = self.destination.domain.as_ref().and_then(Host::domain)?;
        if self.load.protection() == Protection::NotNeeded {
            return None;
        }
        Some(match &self.road.settings().policies {
            Some(policies) => policies.gather(domain, host).await,
            None => Gathered::nothing(domain, host),
        })
    }

    /// What TLS has to give here, and by which name the host is asked for.
    fn way(&self, gathered: Option<&Gathered>) -> Result<Way, NotHere> {
        if let Some(server) = self.server() {
            return Ok(self.way_of_server(server));
        }
        let Place::Tcp(at) = &self.key.place else {
            return Ok(Way::of(Need::Clear, String::new()));
        };
        let terms = match (gathered, self.load.protection()) {
            (Some(gathered), protection) => gathered.demand(protection)?,
            // nothing is published about an address
            (None, Protection::Required) => return Err(NotHere::Unproven),
            (None, _) => {
                let host = self.hop.and_then(|hop| hop.name.as_ref());
                let host = host.map_or_else(|| at.ip().to_string(), ToString::to_string);
                policy::Terms::opportunistic(&host)
            }
        };
        let need = match terms.without {
            Without::May => Need::WhereOffered,
            Without::MustNot => Need::Required(terms.trust),
        };
        Ok(Way {
            need,
            ask_for: terms.ask_for,
            ground: terms.ground,
        })
    }

    /// The operator's demand, and the message's.
    fn way_of_server(&self, server: &Server) -> Way {
        let name = match (server.host.domain(), self.key.place.ip()) {
            (Some(name), _) => name.to_string(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => String::new(),
        };
        let trust = Trust::Names(vec![name.clone()]);
        let need = match (server.tls, self.load.protection()) {
            (Demand::AtOnce, _) => Need::AtOnce(trust),
            (Demand::Verified, _) | (_, Protection::Required) => Need::Required(trust),
            (Demand::WhereOffered, _) => Need::WhereOffered,
        };
        Way::of(need, name)
    }

    /// There was nobody to say it to.
    fn nobody(&self, not_open: NotOpen, recipients: &[usize], visited: &mut Visited) {
        let NotOpen {
            failure,
            reply,
            why,
            status,
            ..
        } = not_open;
        let at = self.now();
        visited.record.ended = at;
        visited.came = match (&reply, failure.class) {
            (Some(_), crate::road::failure::Class::Transient) => Came::Deferred,
            _ => Came::Unreachable,
        };
        let mut said = said::of_failure(failure, reply, why, visited.record.host.clone(), at);
        said.status = status.unwrap_or(said.status);
        visited.settled = recipients
            .iter()
            .map(|index| {
                let said = said.clone();
                (*index, Settled::Not { failure, said })
            })
            .collect();
    }

    /// On a connection that stays with whoever has it.
    pub async fn stay(&self, talk: &mut Talk, recipients: &[usize]) -> Visited {
        let mut visited = self.begin();
        if self.load.protection() == Protection::Required && talk.conn().tls().is_none() {
            let not_open = NotOpen::not_here(&NotHere::Unproven);
            self.nobody(not_open, recipients, &mut visited);
        } else {
            self.transact_all(talk, recipients, &mut visited).await;
        }
        visited
    }

    async fn transact(&self, mut talk: Talk, recipients: &[usize], visited: &mut Visited) {
        self.transact_all(&mut talk, recipients, visited).await;
        let settings = self.road.settings();
        let left = self.road.pool().put(&settings.pool, self.key.clone(), talk);
        if let Some(talk) = left {
            self.road.leave(talk);
        }
    }

    /// All transactions that it takes. [rfc5321 4.5.3.1.10]
    async fn transact_all(&self, talk: &mut Talk, recipients: &[usize], visited: &mut Visited) {
        if let Some(tls) = talk.conn().tls() {
            visited.record.tls = Some(format!("{} {}", tls.version, tls.cipher));
            visited.record.proof = tls.voucher.map(|voucher| match voucher {
                Ok(voucher) => voucher.to_string(),
                Err(why) => why.to_string(),
            });
        }
        visited.came = Came::Answered;
        let mut left = recipients.to_vec();
        while !left.is_empty() {
            left = self.one_transaction(talk, left, visited).await;
        }
        visited.record.ended = self.now();
    }

    /// Gives those who are to go in another one, at once.
    async fn one_transaction(
        &self,
        talk: &mut Talk,
        recipients: Vec<usize>,
        visited: &mut Visited,
    ) -> Vec<usize> {
        let server = talk.client().capabilities();
        let envelope = self.envelope(&recipients, server);
        let reports = self.reports(envelope.parameters.by, server);
        let host = visited.record.host.clone();
        let transacted = match talk.transact(envelope, self.content.feed()).await {
            Ok(transacted) => transacted,
            Err(not_sent) => {
                self.not_sent(&not_sent, &recipients, visited);
                return Vec::new();
            }
        };
        if transacted.has_long_line {
            let note = LONG_LINES.to_owned();
            visited.record.notes.push(note);
        }
        let at = self.now();
        let any_taken = transacted.outcomes.iter().any(|o| Failure::of(o).is_none());
        let others = match any_taken && talk.is_open() {
            true => Others::SomeTaken,
            false => Others::NoneTaken,
        };
        let mut again = Vec::new();
        for (index, outcome) in recipients.into_iter().zip(&transacted.outcomes) {
            let said = said::of_outcome(outcome, transacted.lost.as_ref(), host.clone(), at);
            let settled = match Failure::of(outcome) {
                None => Settled::Taken { said, reports },
                Some(failure) if self.is_again(failure, others) => {
                    again.push(index);
                    continue;
                }
                Some(failure) => {
                    if narrows(failure, outcome) {
                        visited.came = Came::Deferred;
                    }
                    Settled::Not { failure, said }
                }
            };
            visited.settled.push((index, settled));
        }
        again
    }

    fn is_again(&self, failure: Failure, others: Others) -> bool {
        let attempt = self
            .road
            .attempt(self.terms, HostsLeft::Some, Before::NoHope);
        let attempt = crate::road::failure::Attempt { others, ..attempt };
        let Failure {
            stage,
            scope,
            class,
        } = failure;
        decide(stage, scope, class, &attempt) == Decision::Again
    }

    fn not_sent(&self, not_sent: &NotSent, recipients: &[usize], visited: &mut Visited) {
        let (failure, why) = match not_sent {
            NotSent::Unfit(unfit) => {
                visited.is_too_plain = *unfit == Unfit::EightBitMime;
                visited.is_last = matches!(unfit, Unfit::DeliverBy | Unfit::TooLittleTime { .. });
                (Failure::unfit(), unfit.to_string())
            }
            NotSent::NotAscii => {
                visited.is_not_ascii = true;
                let failure = Failure::of_connection(Stage::Said(Word::Content));
                (
                    failure,
                    "the content is not 7-bit as it was said to be".to_owned(),
                )
            }
            NotSent::Unreadable(why) => {
                visited.is_last = true;
                let failure = Failure::of_connection(Stage::Said(Word::Content));
                (failure, why.clone())
            }
        };
        let at = self.now();
        let host = visited.record.host.clone();
        let mut said = said::of_failure(failure, None, Some(why), host, at);
        if let NotSent::Unfit(unfit) = not_sent {
            said.status = said::status_of_unfit(*unfit);
        }
        let settled = recipients.iter().map(|index| {
            let said = said.clone();
            (*index, Settled::Not { failure, said })
        });
        visited.settled.extend(settled);
    }

    /// What is left of the time that the sender has set. Who delivers himself has delivered in time
    /// when he takes it, and need not know of the time. [rfc2852 1] [rfc2852 4.1.4]
    fn by(&self, server: &Capabilities) -> Option<By> {
        let by = self.load.deliver_by?;
        let delivers = match &self.destination.next {
            Next::Socket(_) => true,
            Next::Server(server) => server.protocol == Protocol::Lmtp,
            _ => false,
        };
        if delivers && !server.offers(Extension::DeliverBy) {
            return None;
        }
        let left = by.by.0.saturating_sub(self.now().0);
        Some(By {
            seconds: By::seconds_of(left.div_euclid(1_000_000)),
            mode: by.mode,
            trace: by.trace,
        })
    }

    /// Who tells the sender more of a message that this server takes.
    fn reports(&self, by: Option<By>, server: &Capabilities) -> Reports {
        let is_traced = by.is_some_and(|by| {
            let knows_no_time = !server.offers(Extension::DeliverBy);
            let is_in_time = by.mode == ByMode::Notify && by.seconds > 0;
            by.trace || (is_in_time && knows_no_time) // [rfc2852 4.1.4.2]
        });
        match (is_traced, server.offers(Extension::Dsn)) {
            (true, _) => Reports::Traced,
            (false, true) => Reports::TheirMatter,
            (false, false) => Reports::Ours,
        }
    }

    fn envelope(&self, recipients: &[usize], server: &Capabilities) -> Envelope {
        let load = self.load;
        let body = match (self.form, load.parameters.body) {
            (Form::EightBit, _) => Some(BodyType::EightBitMime),
            (Form::SevenBit, _) => Some(BodyType::SevenBit),
            // what came as BINARYMIME was made lines when it came
            (Form::AsTaken, Some(BodyType::BinaryMime)) => Some(BodyType::EightBitMime),
            (Form::AsTaken, body) => body,
        };
        let recipients = recipients
            .iter()
            .map(|i| load.recipients[*i].recipient.clone());
        Envelope {
            from: load.sender.clone(),
            parameters: MailParameters {
                size_bytes: Some(self.content.size()),
                body,
                by: self.by(server),
                ..load.parameters.clone()
            },
            recipients: recipients.collect(),
        }
    }
}

/// Whether it says that too much is sent at once: not a recipient of whom nobody knows yet.
fn narrows(failure: Failure, outcome: &client::Outcome) -> bool {
    let unanswered = outcome.reply().is_none();
    let transient = failure.class == crate::road::failure::Class::Transient;
    unanswered || (transient && matches!(failure.scope, Scope::Host | Scope::Message))
}

fn note(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(NOTE_BYTES));
    text
}
