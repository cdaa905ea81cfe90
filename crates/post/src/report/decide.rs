//! Who is told what, and how much of the message comes back. Pure decisions.

use super::Action;
use crate::limits;
use addr::{Address, Charset, ReversePath};
use smtp::dsn::{Notify, Occasion, Ret};

/// What happened to a message for one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    Failed,
    Delayed,
    /// It is in a mailbox here.
    Delivered,
    /// Another server took it.
    PassedOn(NextHost),
    /// It was sent on to all whom an alias with several targets leads to.
    Expanded,
}

/// Whether the server that took a message knows DSN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextHost {
    /// It was told what the sender asked for, and is in charge of it now.
    KnowsDsn,
    WithoutDsn,
}

/// Whom to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tell {
    Sender(Action),
    Nobody(WhyNobody),
}

/// Why nobody is told; a failure of which nobody is told is logged and stands in the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNobody {
    /// The sender did not ask for it, or asked for silence.
    NotAsked,
    /// There is no sender: it is a report itself. A report on a report never ends.
    NullSender,
    /// The next server tells.
    NextHost,
}

/// Who is told of what happened to a recipient for whom this was asked.
pub fn tell(sender: &ReversePath, notify: Option<&Notify>, happened: Happened) -> Tell {
    if *sender == ReversePath::Null {
        return Tell::Nobody(WhyNobody::NullSender); // [rfc3461 5.2] [rfc3464 2]
    }
    let (action, asked) = match happened {
        Happened::Failed => (
            Action::Failed,
            asked(notify, Occasion::Failure, Unsaid::Tell),
        ), // [rfc3461 5.2.6]
        Happened::Delayed => (
            Action::Delayed,
            asked(notify, Occasion::Delay, Unsaid::Tell),
        ), // [rfc3461 5.2.5]
        Happened::Delivered => (Action::Delivered, success(notify)), // [rfc3461 5.2.3]
        Happened::Expanded => (Action::Expanded, success(notify)),   // [rfc3461 5.2.7.3]
        Happened::PassedOn(NextHost::WithoutDsn) => (Action::Relayed, success(notify)), // [rfc3461 5.2.2]
        Happened::PassedOn(NextHost::KnowsDsn) => return Tell::Nobody(WhyNobody::NextHost), // [rfc3461 5.2.1]
    };
    match asked {
        Unsaid::Tell => Tell::Sender(action),
        Unsaid::Silence => Tell::Nobody(WhyNobody::NotAsked),
    }
}

/// What is done where the sender said nothing.
enum Unsaid {
    Tell,
    Silence,
}

fn asked(notify: Option<&Notify>, occasion: Occasion, unsaid: Unsaid) -> Unsaid {
    match notify {
        None => unsaid,
        Some(Notify::When(occasions)) if occasions.contains(&occasion) => Unsaid::Tell,
        Some(Notify::When(_) | Notify::Never) => Unsaid::Silence,
    }
}

fn success(notify: Option<&Notify>) -> Unsaid {
    asked(notify, Occasion::Success, Unsaid::Silence)
}

/// How much of the message comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Returned {
    Header,
    Whole,
}

/// How much of a message of this size comes back with a report of these actions: the whole only
/// where something failed, and within bounds. [rfc3461 4.3] [rfc3461 6.2]
pub fn returned(
    ret: Option<Ret>,
    message_bytes: u64,
    actions: impl IntoIterator<Item = Action>,
) -> Returned {
    let mut actions = actions.into_iter();
    let most = match ret {
        Some(Ret::Hdrs) => return Returned::Header,
        Some(Ret::Full) => limits::RETURNED_IF_ASKED_BYTES,
        None => limits::RETURNED_BYTES,
    };
    match actions.any(|action| action == Action::Failed) && message_bytes <= most {
        true => Returned::Whole,
        false => Returned::Header,
    }
}

/// Where the sender of a message, to whom a report goes, has the mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SenderPlace {
    Here,
    Elsewhere,
}

/// Whether the report has UTF-8 in its headers and fields. Elsewhere a server may stand on the way
/// that does not know SMTPUTF8, so a report goes there in ASCII unless the address itself needs
/// more. [rfc6533 4.5]
pub fn charset(sender: &Address, original: Charset, place: SenderPlace) -> Charset {
    match (sender.needs_utf8(), original, place) {
        (true, _, _) | (false, Charset::Utf8, SenderPlace::Here) => Charset::Utf8,
        (false, _, _) => Charset::Ascii,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_was_asked_for() {
        // [rfc3461 5.2.1] [rfc3461 5.2.2] [rfc3461 5.2.3] [rfc3461 5.2.5] [rfc3461 5.2.6]
        // [rfc3461 5.2.7.3]
        let sender = ReversePath::parse(b"<a@example.test>", Charset::Ascii).unwrap();
        let relayed = Happened::PassedOn(NextHost::WithoutDsn);
        let conforming = Happened::PassedOn(NextHost::KnowsDsn);
        let check = |notify: &str, expect: [bool; 6]| {
            let notify = (!notify.is_empty()).then(|| Notify::read(notify).unwrap());
            let all = [
                (Happened::Failed, Action::Failed),
                (Happened::Delayed, Action::Delayed),
                (Happened::Delivered, Action::Delivered),
                (relayed, Action::Relayed),
                (Happened::Expanded, Action::Expanded),
                (conforming, Action::Relayed),
            ];
            for ((happened, action), is_told) in all.into_iter().zip(expect) {
                let told = tell(&sender, notify.as_ref(), happened);
                let says = told == Tell::Sender(action);
                assert_eq!(says, is_told, "{notify:?} {happened:?}");
            }
        };
        check("", [true, true, false, false, false, false]);
        check("NEVER", [false; 6]);
        check("FAILURE", [true, false, false, false, false, false]);
        check("DELAY", [false, true, false, false, false, false]);
        check("SUCCESS", [false, false, true, true, true, false]);
        check(
            "SUCCESS,FAILURE,DELAY",
            [true, true, true, true, true, false],
        );
    }

    #[test]
    fn a_report_gets_no_report() {
        // [rfc3461 5.2] [rfc3464 2]
        let all = Notify::read("SUCCESS,FAILURE,DELAY").unwrap();
        for happened in [Happened::Failed, Happened::Delayed, Happened::Delivered] {
            for notify in [None, Some(&all)] {
                let told = tell(&ReversePath::Null, notify, happened);
                assert_eq!(told, Tell::Nobody(WhyNobody::NullSender));
            }
        }
    }

    #[test]
    fn the_whole_message_comes_back_only_where_it_helps() {
        // [rfc3461 4.3] [rfc3461 6.2]
        let check = |ret, bytes, action, expect| {
            assert_eq!(returned(ret, bytes, [action]), expect, "{ret:?} {bytes}");
        };
        let (small, large) = (limits::RETURNED_BYTES, limits::RETURNED_IF_ASKED_BYTES);
        check(None, small, Action::Failed, Returned::Whole);
        check(None, small + 1, Action::Failed, Returned::Header);
        check(Some(Ret::Hdrs), 1, Action::Failed, Returned::Header);
        check(Some(Ret::Full), large, Action::Failed, Returned::Whole);
        check(Some(Ret::Full), large + 1, Action::Failed, Returned::Header);
        check(Some(Ret::Full), 1, Action::Delivered, Returned::Header);
        let both = [Action::Delivered, Action::Failed];
        assert_eq!(returned(Some(Ret::Full), 1, both), Returned::Whole);
    }

    #[test]
    fn a_report_to_elsewhere_is_ascii_where_it_can_be() {
        // [rfc6533 4.5]
        let check = |sender: &str, original, place, expect| {
            let sender: Address = sender.parse().unwrap();
            assert_eq!(charset(&sender, original, place), expect, "{sender}");
        };
        use Charset::{Ascii, Utf8};
        use SenderPlace::{Elsewhere, Here};
        check("a@example.test", Ascii, Here, Ascii);
        check("a@example.test", Utf8, Here, Utf8);
        check("a@example.test", Utf8, Elsewhere, Ascii);
        check("ä@example.test", Utf8, Elsewhere, Utf8);
    }
}
