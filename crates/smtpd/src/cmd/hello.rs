//! EHLO and HELO, and LMTP's LHLO. [rfc5321 2.2.1] [rfc5321 4.1.1.1]
//!
//! The name is kept for the trace and believed by nobody: a client with a wrong one is served.

use crate::session::{Session, State};
use crate::table::Doing;
use post::{Greeting, Role, Wish};
use smtp::{ClientName, Command, Reply, date_time};

pub(crate) fn ehlo(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Ehlo(name) = command else {
        unreachable!("the table gives EHLO to this function")
    };
    begin(session, Greeting::Ehlo, &name);
    send_keywords(session);
    Box::pin(async { Ok(()) })
}

/// [rfc2033 4.1]
pub(crate) fn lhlo(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Lhlo(name) = command else {
        unreachable!("the table gives LHLO to this function")
    };
    begin(session, Greeting::Lhlo, &name);
    send_keywords(session);
    Box::pin(async { Ok(()) })
}

fn send_keywords(session: &mut Session) {
    let mut reply = Reply::plain(250, session.door.settings.hostname.clone());
    let keywords = match session.client.role {
        Role::OnDemand => on_demand(session),
        _ => keywords(session),
    };
    for keyword in keywords {
        reply = reply.and(keyword);
    }
    session.send(reply);
}

/// One line, whatever EHLO would tell. [rfc5321 3.2] [rfc5321 F.3]
pub(crate) fn helo(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Helo(name) = command else {
        unreachable!("the table gives HELO to this function")
    };
    begin(session, Greeting::Helo, &name);
    session.send(Reply::plain(250, session.door.settings.hostname.clone()));
    Box::pin(async { Ok(()) })
}

/// Hello again clears the message that was begun. [rfc5321 4.1.4]
fn begin(session: &mut Session, greeting: Greeting, name: &ClientName) {
    session.client.helo = Some((greeting, name.as_str().to_owned()));
    let neighbour = session.door.settings.users.neighbour(name);
    if let Some(user) = &mut session.client.local {
        user.bringing(neighbour);
    }
    session.clear_to(State::Greeted);
}

/// What works on this connection now, and nothing else; keywords of registered extensions only.
/// [rfc5321 2.2.2] [rfc5321 4.2.4]
fn keywords(session: &Session) -> Vec<String> {
    let mut keywords = vec![
        "PIPELINING".to_owned(),                                   // [rfc2920]
        format!("SIZE {}", session.door.post.max_message_bytes()), // [rfc1870]
        "8BITMIME".to_owned(),                                     // [rfc6152]
        "SMTPUTF8".to_owned(),                                     // [rfc6531]
        "ENHANCEDSTATUSCODES".to_owned(),                          // [rfc2034]
        "CHUNKING".to_owned(),                                     // [rfc3030 2]
        "BINARYMIME".to_owned(),                                   // [rfc3030 3]
        "DSN".to_owned(),                                          // [rfc3461]
        limits(session),                                           // [rfc9422 3]
    ];
    if session.may_start_tls() {
        keywords.push("STARTTLS".to_owned()); // [rfc3207]
    }
    if session.client.tls.is_some() {
        keywords.push("REQUIRETLS".to_owned()); // [rfc8689 2]
    }
    if session.client.role != Role::Lmtp && !session.door.settings.customers.is_empty() {
        keywords.push("ETRN".to_owned()); // [rfc1985 3]
    }
    let offers = |wish| session.door.post.offers(&session.client, wish);
    if offers(Wish::Hold) {
        let (longest, until) = session.door.post.longest_hold();
        let until = date_time(until.seconds());
        keywords.push(format!("FUTURERELEASE {} {until}", longest.as_secs())); // [rfc4865 3]
    }
    if offers(Wish::Time) {
        keywords.push("DELIVERBY".to_owned()); // [rfc2852 2]
    }
    if offers(Wish::Priority) {
        keywords.push("MT-PRIORITY MIXER".to_owned()); // [rfc6710 3]
    }
    let mechanisms = session.mechanisms();
    if !mechanisms.is_empty() {
        keywords.push(format!("AUTH {}", mechanisms.join(" "))); // [rfc4954 3]
    }
    keywords.push("HELP".to_owned());
    keywords
}

/// Nothing of mail: no message comes in here. [rfc2645 5.1.1]
fn on_demand(session: &Session) -> Vec<String> {
    let mut keywords = vec!["ENHANCEDSTATUSCODES".to_owned()];
    if session.may_start_tls() {
        keywords.push("STARTTLS".to_owned());
    }
    let mechanisms = session.mechanisms();
    if !mechanisms.is_empty() {
        keywords.push(format!("AUTH {}", mechanisms.join(" ")));
    }
    keywords.push("ATRN".to_owned());
    keywords
}

fn limits(session: &Session) -> String {
    let transactions = session.door.settings.transactions;
    let recipients = session.door.post.max_recipients();
    format!("LIMITS MAILMAX={transactions} RCPTMAX={recipients}")
}
