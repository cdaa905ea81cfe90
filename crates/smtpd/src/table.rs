//! Every command of the door: when it is allowed, what it runs, how it is written, and where it is
//! specified. HELP reads it out.
//!
//! The words and the forms of their arguments are read by `smtp`; a test holds both together.

use crate::cmd::{atrn, chunk, content, etrn, hello, login, recipient, sender, small, tls};
use crate::session::{End, Session};
use post::Role;
use smtp::{Command, Verb};
use std::future::Future;
use std::pin::Pin;

/// A command at work. An `Err` ends the session.
pub(crate) type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), End>> + Send + 'a>>;

/// When a command is allowed. [rfc5321 4.1.4]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    Any,
    /// After EHLO or HELO.
    Greeted,
    /// After EHLO or HELO, with no message begun.
    NoMessage,
    /// After MAIL.
    Message,
}

/// In which of the two protocols a command is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    Both,
    Smtp,
    /// [rfc2033 4.1]
    Lmtp,
    /// On-demand mail relay: one more, and few of the others. [rfc2645 5]
    OnDemand,
}

/// One row of [`TABLE`].
pub(crate) struct Row {
    pub verb: Verb,
    pub tongue: Tongue,
    pub states: States,
    pub run: for<'a> fn(&'a mut Session, Command) -> Doing<'a>,
    /// How it is written, for HELP.
    pub form: &'static str,
    /// Where it is specified.
    pub rfc: &'static str,
}

const fn row(
    verb: Verb,
    states: States,
    run: for<'a> fn(&'a mut Session, Command) -> Doing<'a>,
    form: &'static str,
    rfc: &'static str,
) -> Row {
    Row {
        verb,
        tongue: match verb {
            Verb::Ehlo | Verb::Helo | Verb::Etrn => Tongue::Smtp,
            Verb::Lhlo => Tongue::Lmtp,
            Verb::Atrn => Tongue::OnDemand,
            _ => Tongue::Both,
        },
        states,
        run,
        form,
        rfc,
    }
}

use States::{Any, Greeted, Message, NoMessage};

/// All commands: those that every server has, and those of registered extensions.
/// [rfc5321 4.1.5] [rfc5321 4.5.1]
pub(crate) static TABLE: &[Row] = &[
    row(Verb::Ehlo, Any, hello::ehlo, "EHLO host", "rfc5321 4.1.1.1"),
    row(Verb::Helo, Any, hello::helo, "HELO host", "rfc5321 4.1.1.1"),
    row(Verb::Lhlo, Any, hello::lhlo, "LHLO host", "rfc2033 4.1"),
    row(
        Verb::Mail,
        NoMessage,
        sender::run,
        "MAIL FROM:<address> [parameters]",
        "rfc5321 4.1.1.2",
    ),
    row(
        Verb::Rcpt,
        Message,
        recipient::run,
        "RCPT TO:<address> [parameters]",
        "rfc5321 4.1.1.3",
    ),
    row(Verb::Data, Message, content::run, "DATA", "rfc5321 4.1.1.4"),
    // when it is allowed is told after its octets
    row(Verb::Bdat, Any, chunk::run, "BDAT size [LAST]", "rfc3030 2"),
    row(Verb::Rset, Any, small::rset, "RSET", "rfc5321 4.1.1.5"),
    row(Verb::Noop, Any, small::noop, "NOOP", "rfc5321 4.1.1.9"),
    row(Verb::Vrfy, Any, small::vrfy, "VRFY name", "rfc5321 4.1.1.6"),
    row(
        Verb::Help,
        Any,
        small::help,
        "HELP [command]",
        "rfc5321 4.1.1.8",
    ),
    row(Verb::Quit, Any, small::quit, "QUIT", "rfc5321 4.1.1.10"),
    row(Verb::StartTls, Greeted, tls::run, "STARTTLS", "rfc3207 4"),
    row(
        Verb::Auth,
        NoMessage,
        login::run,
        "AUTH mechanism [response]",
        "rfc4954 4",
    ),
    row(
        Verb::Etrn,
        NoMessage,
        etrn::run,
        "ETRN [@]domain, ETRN #name",
        "rfc1985 5",
    ),
    // whoever has logged in has said EHLO
    row(
        Verb::Atrn,
        Any,
        atrn::run,
        "ATRN [domain,domain]",
        "rfc2645 5.2.1",
    ),
];

impl Row {
    /// Whether it is a command at a listener of this kind.
    pub fn is_spoken(&self, role: Role) -> bool {
        // BDAT is answered behind its octets, which have to be read first
        const ON_DEMAND: &[Verb] = &[
            Verb::Ehlo,
            Verb::StartTls,
            Verb::Auth,
            Verb::Atrn,
            Verb::Quit,
            Verb::Bdat,
        ];
        match (role, self.tongue) {
            (Role::OnDemand, _) => ON_DEMAND.contains(&self.verb),
            (_, Tongue::Both) => true,
            (_, Tongue::Smtp) => role != Role::Lmtp,
            (_, Tongue::Lmtp) => role == Role::Lmtp,
            (_, Tongue::OnDemand) => false,
        }
    }
}

/// The row of a verb.
pub(crate) fn find(verb: Verb) -> &'static Row {
    let row = TABLE.iter().find(|row| row.verb == verb);
    row.expect("because a test shows that every verb has a row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_one_row() {
        // [rfc5321 4.1.5] every command has the standard that it comes from [rfc5321 4.1.5 #1]
        for (verb, word) in smtp::VERBS {
            let rows: Vec<_> = TABLE.iter().filter(|row| row.verb == *verb).collect();
            assert_eq!(rows.len(), 1, "{word}");
            assert!(rows[0].form.starts_with(word), "{word}");
            assert!(rows[0].rfc.starts_with("rfc"), "{word}");
        }
        assert_eq!(TABLE.len(), smtp::VERBS.len());
    }
}
