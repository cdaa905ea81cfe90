//! What is remembered of a failure or success: the reply as it came, or why there was none.
//!
//! What never happens here: a decision.

use crate::queue::Said;
use crate::road::failure::{Class, Failure, Stage};
use crate::road::route::NoRoute;
use crate::road::talk::Lost;
use net::Time;
use smtp::client::{Outcome, Stage as Word, Unfit};
use smtp::{Reply, Status};

/// For people: what was being done.
fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Route => "DNS",
        Stage::Connect => "the connection",
        Stage::Tls => "TLS",
        Stage::Fit => "MAIL",
        Stage::Program => "the program",
        Stage::Said(word) => word.name(),
    }
}

/// What became of a recipient.
pub(crate) fn of_outcome(
    outcome: &Outcome,
    lost: Option<&Lost>,
    host: Option<String>,
    at: Time,
) -> Said {
    let stage = Stage::Said(outcome.stage());
    let reply = outcome.reply().cloned();
    let why = match (&reply, lost) {
        (Some(_), _) => None,
        (None, Some(lost)) => Some(lost.to_string()),
        (None, None) => Some(Lost::Closed.to_string()),
    };
    // a 552 to RCPT is said for good and not meant so [rfc5321 4.5.3.1.10]
    let class = match (outcome.class(), Failure::of(outcome)) {
        (_, None) => 2,
        (smtp::Class::Permanent, _) => 5,
        _ => 4,
    };
    let status = match &reply {
        Some(reply) => status_of(reply, class),
        None => Status(4, 4, 2),
    };
    Said {
        at,
        host,
        stage: doing(stage).to_owned(),
        reply,
        why,
        status,
    }
    .cut()
}

/// No transaction came about.
pub(crate) fn of_failure(
    failure: Failure,
    reply: Option<Reply>,
    why: Option<String>,
    host: Option<String>,
    at: Time,
) -> Said {
    let class = match failure.class {
        Class::Transient => 4,
        Class::Permanent => 5,
    };
    let status = match (&reply, failure.stage) {
        (Some(reply), _) => status_of(reply, class),
        // no answer from the host; no proof; the connection was bad
        (None, Stage::Connect) => Status(class, 4, 1),
        (None, Stage::Tls) => Status(class, 7, 5),
        (None, Stage::Said(Word::Auth)) => Status(class, 7, 8),
        (None, _) => Status(class, 4, 2),
    };
    Said {
        at,
        host,
        stage: doing(failure.stage).to_owned(),
        reply,
        why,
        status,
    }
    .cut()
}

/// A program was to take it: what it said, or why it did not take it.
pub(crate) fn of_program(status: Status, why: String, at: Time) -> Said {
    Said {
        at,
        host: None,
        stage: doing(Stage::Program).to_owned(),
        reply: None,
        why: (!why.is_empty()).then_some(why),
        status,
    }
    .cut()
}

/// There was no host to go to.
pub(crate) fn of_route(why: &NoRoute, at: Time) -> Said {
    Said {
        at,
        host: None,
        stage: doing(Stage::Route).to_owned(),
        reply: None,
        why: Some(why.to_string()),
        status: why.status(),
    }
    .cut()
}

/// [rfc6531 3.5]
pub(crate) fn status_of_unfit(unfit: Unfit) -> Status {
    match unfit {
        Unfit::TooLarge { .. } => Status(5, 3, 4),
        Unfit::SmtpUtf8 => Status(5, 6, 7),
        Unfit::EightBitMime | Unfit::BinaryMime => Status(5, 6, 3),
        // the system cannot do what is asked, or the time is over
        Unfit::DeliverBy => Status(5, 3, 3),
        Unfit::TooLittleTime { .. } => Status(5, 4, 7),
        // [rfc8689 4.2.1]
        Unfit::RequireTls => Status(5, 7, 30),
    }
}

/// What the server said in numbers, or the least that its code says.
fn status_of(reply: &Reply, class: u8) -> Status {
    match reply.status() {
        Some(Status(_, subject, detail)) => Status(class, subject, detail),
        None => Status(class, 0, 0),
    }
}
