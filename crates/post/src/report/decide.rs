//! Who is told what, and how much of the message comes back. Pure decisions.

use super::Action;
use crate::limits;
use addr::{Address, Charset, ReversePath};
use smtp::Protection;
use smtp::dsn::{Notify, Occasion, Ret};
use std::fmt;

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
    /// Whichever: the sender, who has set a time, wants to hear of each. [rfc2852 4.1.4]
    Traced,
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
    /// Nothing shows that the message is from its sender, who may never have heard of it.
    Unproven(SpfResult),
}

/// What shows that a message is from its envelope's sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SenderProof {
    /// It is ours, or somebody handed it in whom we know.
    Known,
    /// The sender's domain says that its mail comes from where this came from.
    Spf,
    /// The sender's domain has signed it.
    Dkim,
    /// Nothing; what SPF says.
    Nothing(SpfResult),
}

/// What a domain says of an address from which mail in its name came. [rfc7208 2.6]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpfResult {
    /// Nothing is published, or nobody was asked.
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

impl SpfResult {
    /// As Authentication-Results has it. [rfc8601 2.7.2]
    pub fn word(self) -> &'static str {
        match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::SoftFail => "softfail",
            SpfResult::TempError => "temperror",
            SpfResult::PermError => "permerror",
        }
    }
}

impl fmt::Display for WhyNobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody is told: ")?;
        match self {
            WhyNobody::NotAsked => f.write_str("the sender asked for silence"),
            WhyNobody::NullSender => f.write_str("it is a report itself"),
            WhyNobody::NextHost => f.write_str("the next server tells"),
            WhyNobody::Unproven(spf) => write!(
                f,
                "the sender may be forged, as no DKIM signature is its domain's and SPF says {}",
                spf.word()
            ),
        }
    }
}

/// Who handed a message in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandedInBy {
    /// Somebody who logged in, or a program on this machine that answers for its mail.
    Known,
    Stranger,
}

/// What shows that a message is from its sender: `signers` are the domains whose signatures hold.
pub fn sender_proof(
    by: HandedInBy,
    sender: &ReversePath,
    spf: SpfResult,
    signers: &[String],
) -> SenderProof {
    let domain = sender.address().and_then(Address::domain);
    let is_its =
        |signer: &String| domain.is_some_and(|domain| domain.as_str().eq_ignore_ascii_case(signer));
    match (by, spf) {
        (HandedInBy::Known, _) => SenderProof::Known,
        (HandedInBy::Stranger, SpfResult::Pass) => SenderProof::Spf,
        (HandedInBy::Stranger, _) if signers.iter().any(is_its) => SenderProof::Dkim,
        (HandedInBy::Stranger, spf) => SenderProof::Nothing(spf),
    }
}

/// Who is told of what happened to a recipient for whom this was asked. A report to a sender that
/// was forged would bother somebody who has nothing to do with the message.
pub fn tell(
    sender: &ReversePath,
    proof: SenderProof,
    notify: Option<&Notify>,
    happened: Happened,
) -> Tell {
    match asked_for(sender, notify, happened) {
        Tell::Nobody(why) => Tell::Nobody(why),
        Tell::Sender(action) => match proof {
            SenderProof::Known | SenderProof::Spf | SenderProof::Dkim => Tell::Sender(action),
            SenderProof::Nothing(spf) => Tell::Nobody(WhyNobody::Unproven(spf)),
        },
    }
}

/// Who wants to hear of it.
fn asked_for(sender: &ReversePath, notify: Option<&Notify>, happened: Happened) -> Tell {
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
        Happened::PassedOn(NextHost::Traced) => (Action::Relayed, unless_never(notify)),
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

/// [rfc2852 4.1.4]
fn unless_never(notify: Option<&Notify>) -> Unsaid {
    match notify {
        Some(Notify::Never) => Unsaid::Silence,
        Some(Notify::When(_)) | None => Unsaid::Tell,
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
/// where something failed, and within bounds; of a message that requires TLS never more than the
/// header, whatever was asked. [rfc3461 4.3] [rfc3461 6.2] [rfc8689 5]
pub fn returned(
    ret: Option<Ret>,
    protection: Protection,
    message_bytes: u64,
    actions: impl IntoIterator<Item = Action>,
) -> Returned {
    let mut actions = actions.into_iter();
    let most = match (protection, ret) {
        (Protection::Required, _) | (_, Some(Ret::Hdrs)) => return Returned::Header,
        (_, Some(Ret::Full)) => limits::RETURNED_IF_ASKED_BYTES,
        (_, None) => limits::RETURNED_BYTES,
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
                let told = tell(&sender, SenderProof::Known, notify.as_ref(), happened);
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
    fn only_who_is_proven_to_have_sent_a_message_is_told_of_it() {
        // [rfc7208 2.6]
        let sender = ReversePath::parse(b"<a@Example.test>", Charset::Ascii).unwrap();
        let all = Notify::read("SUCCESS,FAILURE,DELAY").unwrap();
        let theirs = ["other.example".to_owned(), "example.test".to_owned()];
        let others = ["other.example".to_owned(), "test".to_owned()];
        let check = |by, spf, signers: &[String], is_told: bool| {
            let proof = sender_proof(by, &sender, spf, signers);
            for happened in [Happened::Failed, Happened::Delayed, Happened::Delivered] {
                let told = tell(&sender, proof, Some(&all), happened);
                assert_eq!(matches!(told, Tell::Sender(_)), is_told, "{spf:?} {told:?}");
            }
        };
        check(HandedInBy::Known, SpfResult::Fail, &[], true);
        check(HandedInBy::Stranger, SpfResult::Pass, &[], true);
        check(HandedInBy::Stranger, SpfResult::Fail, &theirs, true);
        check(HandedInBy::Stranger, SpfResult::None, &others, false);
        for spf in [SpfResult::Fail, SpfResult::SoftFail, SpfResult::Neutral] {
            check(HandedInBy::Stranger, spf, &[], false);
        }
        for spf in [SpfResult::TempError, SpfResult::PermError, SpfResult::None] {
            check(HandedInBy::Stranger, spf, &[], false);
        }
        // silence that was asked for is not a matter of proof
        let unproven = SenderProof::Nothing(SpfResult::None);
        let told = tell(&sender, unproven, Some(&Notify::Never), Happened::Failed);
        assert_eq!(told, Tell::Nobody(WhyNobody::NotAsked));
    }

    #[test]
    fn who_set_a_time_hears_of_each_relay_unless_he_wants_silence() {
        // [rfc2852 4.1.4] [rfc2852 4.1.4.2]
        let sender = ReversePath::parse(b"<a@example.test>", Charset::Ascii).unwrap();
        let traced = Happened::PassedOn(NextHost::Traced);
        for (notify, is_told) in [("", true), ("FAILURE", true), ("NEVER", false)] {
            let notify = Notify::read(notify);
            let told = tell(&sender, SenderProof::Known, notify.as_ref(), traced);
            assert_eq!(told == Tell::Sender(Action::Relayed), is_told, "{notify:?}");
        }
    }

    #[test]
    fn a_report_gets_no_report() {
        // [rfc3461 5.2] [rfc3464 2]
        let all = Notify::read("SUCCESS,FAILURE,DELAY").unwrap();
        for happened in [Happened::Failed, Happened::Delayed, Happened::Delivered] {
            for notify in [None, Some(&all)] {
                let told = tell(&ReversePath::Null, SenderProof::Known, notify, happened);
                assert_eq!(told, Tell::Nobody(WhyNobody::NullSender));
            }
        }
    }

    #[test]
    fn the_whole_message_comes_back_only_where_it_helps() {
        // [rfc3461 4.3] [rfc3461 6.2] [rfc8689 5]
        let any = Protection::AsPublished;
        let check = |ret, bytes, action, expect| {
            let found = returned(ret, any, bytes, [action]);
            assert_eq!(found, expect, "{ret:?} {bytes}");
        };
        let (small, large) = (limits::RETURNED_BYTES, limits::RETURNED_IF_ASKED_BYTES);
        check(None, small, Action::Failed, Returned::Whole);
        check(None, small + 1, Action::Failed, Returned::Header);
        check(Some(Ret::Hdrs), 1, Action::Failed, Returned::Header);
        check(Some(Ret::Full), large, Action::Failed, Returned::Whole);
        check(Some(Ret::Full), large + 1, Action::Failed, Returned::Header);
        check(Some(Ret::Full), 1, Action::Delivered, Returned::Header);
        let both = [Action::Delivered, Action::Failed];
        assert_eq!(returned(Some(Ret::Full), any, 1, both), Returned::Whole);
        let secret = Protection::Required;
        assert_eq!(returned(Some(Ret::Full), secret, 1, both), Returned::Header);
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
