//! What is answered, in SMTP's words. All codes and texts of this door stand here.
//!
//! What never happens here: a decision; `refusal` only translates.

use mail::LoginRefusal;
use post::queue::NoPickUp;
use post::{MessageId, NotHeld, Refusal, Role, Verified};
use sasl::Failure;
use smtp::{ArgumentError, Malformed, Node, Priority, Reply, Status, Verb};

/// A refusal of `post`; its code says whether it is for good.
/// [rfc5321 3.3] [rfc5321 4.2.2] [rfc5321 4.3.1] [rfc3463]
pub(crate) fn refusal(refusal: &Refusal, id: &MessageId) -> Reply {
    let (code, status, text) = words(refusal);
    Reply::new(code, status, format!("{text} ({id})"))
}

fn words(refusal: &Refusal) -> (u16, Status, String) {
    let text = |text: &str| text.to_owned();
    match refusal {
        Refusal::LoginNeeded => (530, Status(5, 7, 0), text("Authentication required")),
        Refusal::SenderNotYours(address) => (
            550,
            Status(5, 7, 1),
            format!("You may not send as <{address}>"),
        ),
        Refusal::FromNotYours(address) => (
            550,
            Status(5, 7, 1),
            format!("The From field has an address not yours: <{address}>"),
        ),
        Refusal::SenderFieldNotYours(address) => (
            550,
            Status(5, 7, 1),
            format!("The Sender field has an address not yours: <{address}>"),
        ),
        Refusal::FieldUnreadable(name) => (
            554,
            Status(5, 6, 0),
            format!("The message needs one {name} field that can be read"),
        ),
        Refusal::Utf8NotAsked => (
            553,
            Status(5, 6, 7),
            text("This address needs SMTPUTF8 in the MAIL command"),
        ),
        Refusal::TooLarge { max_bytes } => (
            552,
            Status(5, 3, 4),
            format!("The message is larger than {max_bytes} octets"),
        ),
        // [rfc5321 4.1.1.11]
        Refusal::NotOffered(name) => (555, Status(5, 5, 4), format!("{name} is not offered here")),
        Refusal::NotHeld(why) => not_held(*why),
        Refusal::RelayDenied | Refusal::RelayForm => {
            (550, Status(5, 7, 1), text("Relaying denied"))
        }
        Refusal::NoRoad => (
            550,
            Status(5, 7, 1),
            text(
                "This server does not send to others (see `queue.send`; try: --smarthost HOST:PORT)",
            ),
        ),
        Refusal::QueueFull => (
            452,
            Status(4, 3, 1),
            text("Too much mail waits to be sent, try again later"),
        ),
        Refusal::CustomerFull => (
            452,
            Status(4, 2, 2),
            text("Too much mail waits to be picked up there, try again later"),
        ),
        Refusal::UnknownUser => (550, Status(5, 1, 1), text("No such user here")),
        Refusal::UnknownSystem(name) => (
            550,
            Status(5, 1, 2),
            format!("No UUCP system {name} is known here"),
        ),
        Refusal::NoReturn => (
            550,
            Status(5, 1, 1),
            text("This return address takes bounces only, and only in their time"),
        ),
        Refusal::MailboxClosed => (550, Status(5, 2, 1), text("The mailbox takes no mail")),
        Refusal::MailboxFull => (452, Status(4, 2, 2), text("The mailbox is full")),
        Refusal::TooManyRecipients => (452, Status(4, 5, 3), text("Too many recipients")),
        Refusal::AliasTooWide => (
            550,
            Status(5, 4, 6),
            text("The alias leads in a circle or to too many"),
        ),
        Refusal::BareNewline => (
            554,
            Status(5, 6, 0),
            text("The message has a CR or LF that stands alone"),
        ),
        Refusal::Nul => (554, Status(5, 6, 0), text("The message has a NUL octet")),
        Refusal::LineTooLong => (
            554,
            Status(5, 6, 0),
            text("The message has a line too long"),
        ),
        Refusal::Loop => (554, Status(5, 4, 6), text("The message goes in circles")),
        Refusal::RecipientGone => (451, Status(4, 2, 1), text("A recipient is gone, try again")),
        Refusal::Busy => (452, Status(4, 3, 1), text("Busy, try again later")),
        Refusal::StoreFull => (
            452,
            Status(4, 3, 1),
            text("No room for mail, try again later"),
        ),
        Refusal::Unavailable => (451, Status(4, 3, 0), text("A fault on our side, try again")),
    }
}

/// A line that is no command; it changes nothing. [rfc5321 4.1.4]
pub(crate) fn malformed(malformed: &Malformed) -> Reply {
    let syntax = Status(5, 5, 2);
    match malformed {
        Malformed::LineTooLong => Reply::new(500, syntax, "Line too long"),
        Malformed::BareNewline => Reply::new(500, syntax, "Lines end in CRLF"),
        // [rfc5321 4.1.2] characters that no command may have
        Malformed::ControlOctet => Reply::new(501, syntax, "Control octet in a command"),
        Malformed::NotUtf8 => Reply::new(501, syntax, "Neither ASCII nor UTF-8"),
        Malformed::UnknownWord(word) => {
            Reply::new(500, Status(5, 5, 1), format!("Unknown command: {word}"))
        }
        Malformed::NotImplemented(word) => {
            Reply::new(502, Status(5, 5, 1), format!("{word} is not implemented"))
        }
        Malformed::ChunkSize => Reply::new(
            521,
            Status(5, 5, 4),
            "The form is BDAT size [LAST]; what follows cannot be told from commands",
        ),
        Malformed::OtherProtocol => Reply::new(421, Status(4, 7, 0), "This is no web server"),
        Malformed::Argument { verb, error } => argument(*verb, error),
    }
}

fn argument(verb: Verb, error: &ArgumentError) -> Reply {
    let word = verb.word();
    let arguments = Status(5, 5, 4);
    let (code, status, text) = match error {
        // [rfc1985 7]
        ArgumentError::Missing if verb == Verb::Etrn => {
            (500, Status(5, 5, 2), "ETRN needs a domain".to_owned())
        }
        ArgumentError::Missing => (501, arguments, format!("{word} needs an argument")),
        ArgumentError::Unexpected => (501, arguments, format!("{word} takes no such argument")),
        ArgumentError::ClientName => (501, arguments, format!("{word} needs a host name")),
        ArgumentError::Keyword => {
            let example = if verb == Verb::Mail {
                "MAIL FROM:<address>"
            } else {
                "RCPT TO:<address>"
            };
            (501, arguments, format!("The form is {example}"))
        }
        // [rfc3463 3.2]
        ArgumentError::Address(error) if verb == Verb::Mail => {
            (501, Status(5, 1, 7), format!("Bad sender address: {error}"))
        }
        ArgumentError::Address(error) => (
            501,
            Status(5, 1, 3),
            format!("Bad recipient address: {error}"),
        ),
        // [rfc5321 4.1.1.11]
        ArgumentError::UnknownParameter(name) => {
            (555, arguments, format!("Unknown parameter: {name}"))
        }
        // [rfc6710 4.1]
        ArgumentError::ParameterValue(name @ "MT-PRIORITY") => {
            (501, Status(5, 5, 2), format!("Bad value of {name}"))
        }
        ArgumentError::ParameterTwice(name @ "MT-PRIORITY") => {
            (501, Status(5, 5, 2), format!("{name} is given twice"))
        }
        ArgumentError::ParameterValue(name) => (501, arguments, format!("Bad value of {name}")),
        ArgumentError::ParameterTwice(name) => (501, arguments, format!("{name} is given twice")),
        ArgumentError::TooManyParameters => (501, arguments, "Too many parameters".to_owned()),
        ArgumentError::Node => (
            501,
            arguments,
            format!("{word} needs the full name of a domain"),
        ),
        ArgumentError::Mechanism => (501, arguments, "That is no mechanism".to_owned()),
    };
    match verb {
        // no status in replies to these [rfc2034 4]
        Verb::Ehlo | Verb::Helo => Reply::plain(code, text),
        _ => Reply::new(code, status, text),
    }
}

/// A command of the other protocol: LHLO at SMTP, EHLO at LMTP [rfc2033 4.1]; or one that is known and
/// not done here. [rfc2645 5.4]
pub(crate) fn not_spoken(verb: Verb, role: Role) -> Reply {
    match (role, verb) {
        (Role::OnDemand, _) | (_, Verb::Atrn) => malformed(&Malformed::NotImplemented(verb.word())),
        _ => malformed(&Malformed::UnknownWord(verb.word().to_owned())),
    }
}

/// DATA or BDAT when no recipient was accepted. [rfc2920 3.1] [rfc2033 4.2] [rfc2033 4.3]
pub(crate) fn no_recipients(role: Role) -> Reply {
    let code = if role == Role::Lmtp { 503 } else { 554 };
    Reply::new(code, Status(5, 5, 1), "No valid recipients")
}

/// The message is taken with another priority than its sender asked for. [rfc6710 4.1]
pub(crate) fn other_priority(priority: Priority) -> Reply {
    let text = format!("{priority} is the priority of the message now; more is not granted here");
    Reply::new(250, Status(2, 3, 6), text)
}

/// Why a message is not held for later. [rfc4865 4.2] [rfc4865 5.2.2] [rfc4865 6]
fn not_held(why: NotHeld) -> (u16, Status, String) {
    let arguments = Status(5, 5, 4);
    match why {
        NotHeld::TooLong { most_s } => {
            let text = format!("Messages are held for {most_s} seconds at most");
            (501, arguments, text)
        }
        NotHeld::TooLate => {
            let text = "That is held until after the time by which it has to be there";
            (501, arguments, text.to_owned())
        }
        NotHeld::TooMany => {
            let text = "Too many of your messages are held for later";
            (552, Status(5, 7, 16), text.to_owned())
        }
        NotHeld::TooMuch => {
            let text = "Your messages that are held for later are too large together";
            (552, Status(5, 7, 16), text.to_owned())
        }
    }
}

/// What asks for TLS all the way must come over it. [rfc8689 2]
pub(crate) fn require_tls_without_tls() -> Reply {
    Reply::new(530, Status(5, 7, 10), "REQUIRETLS needs TLS first")
}

/// Parameters are part of the extensions, and HELO asks for none. [rfc5321 4.1.1.11]
pub(crate) fn parameters_after_helo() -> Reply {
    Reply::new(555, Status(5, 5, 4), "Parameters need EHLO")
}

/// ETRN for somebody else's mail. [rfc1985 5.1]
pub(crate) fn node_not_allowed(node: &Node) -> Reply {
    let text = format!("Node {node} not allowed: not yours, or not from here");
    Reply::new(459, Status(4, 7, 1), text)
}

/// ETRN where nothing can be started.
pub(crate) fn node_not_queued(node: &Node) -> Reply {
    let text = format!("Unable to queue messages for node {node}");
    Reply::new(458, Status(4, 3, 3), text)
}

/// So many messages are on their way by now. [rfc1985 5.1]
pub(crate) fn node_started(node: &Node, messages: usize) -> Reply {
    let text = format!("{messages} pending messages for node {node} started");
    Reply::new(253, Status(2, 0, 0), text)
}

pub(crate) fn node_has_nothing(node: &Node) -> Reply {
    let text = format!("No messages waiting for node {node}");
    Reply::new(251, Status(2, 0, 0), text)
}

/// Nothing waits for it, and something for another of the same customer.
pub(crate) fn node_queuing(node: &Node) -> Reply {
    let text = format!("Queuing for node {node} started");
    Reply::new(250, Status(2, 0, 0), text)
}

/// Whoever asks for mail has to say who it is. [rfc2645 5.2.1]
pub(crate) fn login_needed() -> Reply {
    Reply::new(530, Status(5, 7, 0), "Authentication required")
}

/// The connection is the customer's from here on. [rfc2645 5.2.1]
pub(crate) fn turning() -> Reply {
    Reply::new(250, Status(2, 0, 0), "Now reversing the connection")
}

/// Why no mail is handed over. [rfc2645 5.2.1] [rfc2645 7]
pub(crate) fn no_pick_up(why: NoPickUp) -> Reply {
    match why {
        NoPickUp::NotYours => Reply::new(
            450,
            Status(4, 7, 1),
            "Request refused: not your domain, or its mail is not kept for ATRN",
        ),
        NoPickUp::AnotherRuns => Reply::new(
            450,
            Status(4, 7, 0),
            "Request refused: another connection of yours takes the mail now",
        ),
        NoPickUp::TooOften => Reply::new(
            450,
            Status(4, 7, 0),
            "Request refused: you ask too often; try again in a minute",
        ),
        NoPickUp::NothingWaits => Reply::new(453, Status(4, 0, 0), "You have no mail"),
        NoPickUp::NotNow => Reply::new(451, Status(4, 3, 0), "Mail cannot be handed over now"),
    }
}

/// VRFY where nothing is told. [rfc5321 3.5.3]
pub(crate) fn untold() -> Reply {
    Reply::new(252, Status(2, 0, 0), "Not verified here; RCPT tells")
}

/// What VRFY found; None after a fault. [rfc5321 3.5.1] [rfc5321 3.5.2]
pub(crate) fn verified(verified: Option<Verified>) -> Reply {
    match verified {
        // replies are ASCII [rfc6531 3.7.4.2]
        Some(Verified::Address(address)) if address.needs_utf8() => untold(),
        Some(Verified::Address(address)) => {
            Reply::new(250, Status(2, 1, 5), format!("<{address}>"))
        }
        Some(Verified::UnknownUser) => Reply::new(550, Status(5, 1, 1), "No such user here"),
        Some(Verified::NotOurs) => untold(),
        Some(Verified::Unreadable) => Reply::new(501, Status(5, 1, 3), "That is no address"),
        None => Reply::new(451, Status(4, 3, 0), "A fault on our side, try again"),
    }
}

/// A command at the wrong time. [rfc5321 3.3] [rfc5321 4.1.4]
pub(crate) fn out_of_order(text: &str) -> Reply {
    Reply::new(503, Status(5, 5, 1), text)
}

/// Why a login failed. [rfc4954 6]
pub(crate) fn login_refusal(refusal: &LoginRefusal) -> Reply {
    match refusal {
        LoginRefusal::Wrong => Reply::new(535, Status(5, 7, 8), "Wrong name or password"),
        LoginRefusal::Expired => Reply::new(535, Status(5, 7, 8), "The token has expired"),
        LoginRefusal::WellKnown => {
            let text = "This password is known to attackers, ask for another to be set";
            Reply::new(535, Status(5, 7, 8), text)
        }
        LoginRefusal::TooManyFailures { retry_after_s } => {
            let text = format!("Too many failed logins, try again in {retry_after_s} seconds");
            Reply::new(454, Status(4, 7, 0), text)
        }
        LoginRefusal::Busy => Reply::new(454, Status(4, 7, 0), "Busy, try again later"),
        LoginRefusal::Unavailable(_) => {
            Reply::new(454, Status(4, 7, 0), "A fault on our side, try again later")
        }
    }
}

/// Why an exchange ended without credentials. [rfc4954 4]
pub(crate) fn exchange_failure(failure: Failure) -> Reply {
    match failure {
        Failure::Cancelled => Reply::new(501, Status(5, 7, 0), "Authentication cancelled"),
        Failure::BadBase64 => Reply::new(501, Status(5, 5, 2), "That is not base64"),
        Failure::TooLong => Reply::new(500, Status(5, 5, 6), "Authentication line too long"),
        Failure::Malformed => Reply::new(501, Status(5, 5, 2), "The response cannot be read"),
        Failure::OtherIdentity => {
            Reply::new(535, Status(5, 7, 8), "You may not act as somebody else")
        }
        Failure::Channel => Reply::new(
            535,
            Status(5, 7, 8),
            "The login is not bound to this connection",
        ),
        Failure::WrongProof | Failure::Refused => {
            Reply::new(535, Status(5, 7, 8), "Wrong name or password")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smtp::sequence::{Answered, may_answer};

    fn check(answered: Answered, reply: &Reply) {
        let code = reply.code();
        assert!(may_answer(answered, code), "{code} to {answered:?}");
    }

    /// Where `post` refuses so.
    fn places(refusal: &Refusal) -> &'static [Answered] {
        const MAIL: Answered = Answered::Command(Verb::Mail);
        const RCPT: Answered = Answered::Command(Verb::Rcpt);
        const DATA: Answered = Answered::Command(Verb::Data);
        const CONTENT: Answered = Answered::Content;
        match refusal {
            Refusal::LoginNeeded | Refusal::SenderNotYours(_) | Refusal::NotOffered(_) => &[MAIL],
            Refusal::NotHeld(NotHeld::TooMuch) => &[MAIL, CONTENT],
            Refusal::NotHeld(_) => &[MAIL],
            Refusal::Utf8NotAsked => &[MAIL, RCPT],
            Refusal::TooLarge { .. } => &[MAIL, CONTENT],
            Refusal::RelayDenied
            | Refusal::RelayForm
            | Refusal::NoRoad
            | Refusal::CustomerFull
            | Refusal::UnknownUser
            | Refusal::UnknownSystem(_)
            | Refusal::NoReturn
            | Refusal::MailboxClosed
            | Refusal::TooManyRecipients
            | Refusal::AliasTooWide => &[RCPT],
            Refusal::MailboxFull | Refusal::QueueFull => &[RCPT, CONTENT],
            Refusal::FromNotYours(_)
            | Refusal::SenderFieldNotYours(_)
            | Refusal::FieldUnreadable(_)
            | Refusal::BareNewline
            | Refusal::Nul
            | Refusal::LineTooLong
            | Refusal::Loop
            | Refusal::RecipientGone => &[CONTENT],
            Refusal::Busy | Refusal::StoreFull => &[DATA, CONTENT],
            Refusal::Unavailable => &[MAIL, RCPT, DATA, CONTENT],
        }
    }

    /// One of each.
    fn refusals() -> Vec<Refusal> {
        let bob: addr::Address = "bob@example.test".parse().unwrap();
        vec![
            Refusal::LoginNeeded,
            Refusal::SenderNotYours(bob.clone()),
            Refusal::FromNotYours(bob.clone()),
            Refusal::SenderFieldNotYours(bob),
            Refusal::FieldUnreadable("From"),
            Refusal::Utf8NotAsked,
            Refusal::TooLarge { max_bytes: 1 },
            Refusal::NotOffered("MT-PRIORITY"),
            Refusal::NotHeld(NotHeld::TooLong { most_s: 1 }),
            Refusal::NotHeld(NotHeld::TooLate),
            Refusal::NotHeld(NotHeld::TooMany),
            Refusal::NotHeld(NotHeld::TooMuch),
            Refusal::RelayDenied,
            Refusal::RelayForm,
            Refusal::NoRoad,
            Refusal::QueueFull,
            Refusal::UnknownUser,
            Refusal::UnknownSystem("delta".to_owned()),
            Refusal::NoReturn,
            Refusal::MailboxClosed,
            Refusal::MailboxFull,
            Refusal::TooManyRecipients,
            Refusal::AliasTooWide,
            Refusal::BareNewline,
            Refusal::Nul,
            Refusal::LineTooLong,
            Refusal::Loop,
            Refusal::RecipientGone,
            Refusal::Busy,
            Refusal::StoreFull,
            Refusal::Unavailable,
        ]
    }

    #[test]
    fn every_refusal_has_a_code_that_its_command_can_have() {
        // [rfc5321 4.3.1 #2] [rfc5321 4.3.2]
        for refusal in refusals() {
            let (code, status, text) = words(&refusal);
            for place in places(&refusal) {
                check(*place, &Reply::new(code, status, text.clone()));
            }
            let temporary = if refusal.is_temporary() { 4 } else { 5 };
            assert_eq!(code / 100, temporary, "{refusal:?}");
        }
        for role in [
            Role::Exchange,
            Role::Submission,
            Role::Lmtp,
            Role::Local,
            Role::OnDemand,
        ] {
            check(Answered::Command(Verb::Data), &no_recipients(role));
            check(Answered::Content, &no_recipients(role));
        }
    }

    #[test]
    fn every_bad_line_has_a_code_that_its_command_can_have() {
        // [rfc5321 4.3.2]
        for (verb, _) in smtp::VERBS {
            for error in [
                ArgumentError::Missing,
                ArgumentError::Unexpected,
                ArgumentError::ClientName,
                ArgumentError::Keyword,
                ArgumentError::Address(addr::AddressError::NoAt),
                ArgumentError::ParameterValue("SIZE"),
                ArgumentError::ParameterTwice("SIZE"),
                ArgumentError::TooManyParameters,
                ArgumentError::Mechanism,
            ] {
                check(Answered::Command(*verb), &argument(*verb, &error));
            }
            for role in [Role::Exchange, Role::Lmtp, Role::OnDemand] {
                check(Answered::NoCommand, &not_spoken(*verb, role));
            }
        }
        let parameter = ArgumentError::UnknownParameter("X".to_owned());
        for verb in [Verb::Mail, Verb::Rcpt] {
            check(Answered::Command(verb), &argument(verb, &parameter));
            check(Answered::Command(verb), &parameters_after_helo());
            check(Answered::Command(verb), &out_of_order("not now"));
        }
        for line in [
            Malformed::LineTooLong,
            Malformed::BareNewline,
            Malformed::ControlOctet,
            Malformed::NotUtf8,
            Malformed::UnknownWord("X".to_owned()),
            Malformed::NotImplemented("EXPN"),
            Malformed::ChunkSize,
            Malformed::OtherProtocol,
        ] {
            check(Answered::NoCommand, &malformed(&line));
        }
    }

    #[test]
    fn every_answer_to_vrfy_and_auth_has_a_code_of_theirs() {
        // [rfc5321 4.3.2] [rfc4954 6]
        let vrfy = Answered::Command(Verb::Vrfy);
        check(vrfy, &untold());
        let address = Verified::Address("bob@example.test".parse().unwrap());
        for found in [
            Some(address),
            Some(Verified::UnknownUser),
            Some(Verified::NotOurs),
            Some(Verified::Unreadable),
            None,
        ] {
            check(vrfy, &verified(found));
        }
        let auth = Answered::Command(Verb::Auth);
        for refusal in [
            LoginRefusal::Wrong,
            LoginRefusal::Expired,
            LoginRefusal::TooManyFailures { retry_after_s: 1 },
            LoginRefusal::Busy,
        ] {
            check(auth, &login_refusal(&refusal));
        }
        for failure in [
            Failure::Cancelled,
            Failure::BadBase64,
            Failure::TooLong,
            Failure::Malformed,
            Failure::OtherIdentity,
            Failure::Channel,
            Failure::WrongProof,
            Failure::Refused,
        ] {
            check(auth, &exchange_failure(failure));
        }
    }

    #[test]
    fn no_status_in_replies_to_ehlo_and_helo() {
        // [rfc2034 4]
        for verb in [Verb::Ehlo, Verb::Helo] {
            assert_eq!(argument(verb, &ArgumentError::Missing).status(), None);
        }
        assert!(
            argument(Verb::Mail, &ArgumentError::Missing)
                .status()
                .is_some()
        );
    }

    #[test]
    fn tells_a_bad_sender_from_a_bad_recipient() {
        // [rfc3463 3.2]
        let error = ArgumentError::Address(addr::AddressError::NoAt);
        assert_eq!(argument(Verb::Mail, &error).status(), Some(Status(5, 1, 7)));
        assert_eq!(argument(Verb::Rcpt, &error).status(), Some(Status(5, 1, 3)));
    }

    #[test]
    fn a_login_that_fails_is_told_what_to_do() {
        // [rfc4954 6]
        assert_eq!(login_refusal(&LoginRefusal::Wrong).code(), 535);
        assert_eq!(login_refusal(&LoginRefusal::Busy).code(), 454);
        let wait = login_refusal(&LoginRefusal::TooManyFailures { retry_after_s: 7 });
        assert_eq!((wait.code(), wait.status()), (454, Some(Status(4, 7, 0))));
        assert!(wait.lines()[0].contains("7 seconds"));
    }

    #[test]
    fn every_refusal_has_a_code_of_its_meaning() {
        // [rfc5321 4.2.2] [rfc5321 4.3.1 #2]
        let code = |r: &Refusal| (words(r).0, Some(words(r).1));
        assert_eq!(code(&Refusal::UnknownUser), (550, Some(Status(5, 1, 1))));
        assert_eq!(code(&Refusal::RelayDenied), (550, Some(Status(5, 7, 1))));
        assert_eq!(code(&Refusal::MailboxFull), (452, Some(Status(4, 2, 2))));
        assert_eq!(code(&Refusal::StoreFull), (452, Some(Status(4, 3, 1))));
        assert_eq!(code(&Refusal::BareNewline), (554, Some(Status(5, 6, 0))));
        assert_eq!(code(&Refusal::Loop), (554, Some(Status(5, 4, 6))));
    }

    #[test]
    fn our_trouble_is_always_temporary() {
        // [rfc5321 3.3] [rfc5321 3.3 #1]
        for ours in [
            Refusal::Busy,
            Refusal::StoreFull,
            Refusal::Unavailable,
            Refusal::RecipientGone,
        ] {
            assert_eq!(words(&ours).0 / 100, 4, "{ours:?}");
        }
    }
}
