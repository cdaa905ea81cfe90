//! What travels on, and in whose name: a message's ways to other servers, put together by sender.
//!
//! What our users address elsewhere goes as they sent it. What an alias of ours sends on keeps its
//! sender, who hears of failures, under a return address of ours if the sender is a stranger; what a
//! list sends on goes in its owner's name. [rfc5321 3.9] What never happens here: I/O, a clock.

use crate::envelope::{By, Recipient};
use crate::queue::Onward;
use crate::srs::Srs;
use addr::{Address, Domain, ForwardPath, ReversePath};
use mail::Company;
use net::Time;
use smtp::dsn::{Notify, OriginalRecipient};
use std::collections::BTreeSet;

/// The ways that go in one sender's name: one message of the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Group {
    pub sender: ReversePath,
    pub purpose: Purpose,
    pub ways: Vec<Onward>,
    /// Those who have their mailbox here and get it later.
    pub here: Vec<Onward>,
    /// The recipients that lead there, as they were named.
    pub recipients: Vec<ForwardPath>,
}

/// Why a message travels on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Its sender wants it to.
    Sent,
    /// An alias here leads elsewhere.
    Forwarded,
    /// A list here does. Nothing that the sender asked about notifications goes on.
    /// [rfc3461 5.2.7.1]
    Listed,
}

/// Who sends, and what is needed to send on in that name.
pub(crate) struct InNameOf<'a> {
    pub sender: &'a ReversePath,
    pub whose: SenderOf<'a>,
    pub at: Time,
}

/// Whose sender it is.
pub(crate) enum SenderOf<'a> {
    /// At a domain that we may send for.
    Ours,
    /// A stranger's; return addresses are made by this.
    Elsewhere(&'a Srs),
}

/// All ways of these recipients; each address once in each sender's name.
pub(crate) fn groups<'a>(
    recipients: impl Iterator<Item = &'a Recipient>,
    name: &InNameOf<'_>,
) -> Vec<Group> {
    // with each group the addresses that it has, however many they are
    let mut groups: Vec<(Group, BTreeSet<Option<String>>)> = Vec::new();
    for recipient in recipients {
        for step in recipient.onward() {
            let (sender, purpose) = in_whose_name(&step.by, recipient.path(), name);
            let same = groups
                .iter()
                .position(|(group, _)| group.sender == sender && group.purpose == purpose);
            let (group, has) = match same {
                Some(at) => &mut groups[at],
                None => {
                    let group = Group {
                        sender,
                        purpose,
                        ways: Vec::new(),
                        here: Vec::new(),
                        recipients: Vec::new(),
                    };
                    groups.push((group, BTreeSet::new()));
                    let last = groups.last_mut();
                    last.expect("because one was just pushed")
                }
            };
            if has.insert(step.to.address().map(Address::key)) {
                let way = way(recipient, &step.by, step.to.clone());
                group.ways.push(way);
            }
            // all ways of one recipient come together
            if group.recipients.last() != Some(recipient.path())
                && !group.recipients.contains(recipient.path())
            {
                group.recipients.push(recipient.path().clone());
            }
        }
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

/// The same with those who lead to mailboxes here, for a message that is held until later. It is one
/// of its sender's own.
pub(crate) fn held(
    mut groups: Vec<Group>,
    recipients: &[&Recipient],
    sender: &ReversePath,
) -> Vec<Group> {
    let leads_here = |one: &&&Recipient| !one.here().is_empty();
    let all: Vec<&Recipient> = recipients.iter().filter(leads_here).copied().collect();
    if all.is_empty() {
        return groups;
    }
    let is_own = |group: &Group| group.purpose == Purpose::Sent;
    let at = match groups.iter().position(is_own) {
        Some(at) => at,
        None => {
            let group = Group {
                sender: sender.clone(),
                purpose: Purpose::Sent,
                ways: Vec::new(),
                here: Vec::new(),
                recipients: Vec::new(),
            };
            groups.insert(0, group);
            0
        }
    };
    for one in all {
        let asked = one.parameters();
        let path = one.path().clone();
        let onward = Onward::new(path.clone(), asked.notify.clone(), asked.orcpt.clone());
        groups[at].here.push(onward);
        if !groups[at].recipients.contains(&path) {
            groups[at].recipients.push(path);
        }
    }
    groups
}

/// Who hears of failures, and why the message travels on.
fn in_whose_name(by: &By, recipient: &ForwardPath, name: &InNameOf<'_>) -> (ReversePath, Purpose) {
    match by {
        By::Itself => (name.sender.clone(), Purpose::Sent),
        By::List(owner) => (ReversePath::Address(owner.clone()), Purpose::Listed),
        By::Alias(_) => {
            let ours = recipient.address().and_then(Address::domain);
            (returned_to(ours, name), Purpose::Forwarded)
        }
    }
}

/// The sender, or an address at our domain that leads back to it. One that does not fit stays.
fn returned_to(ours: Option<&Domain>, name: &InNameOf<'_>) -> ReversePath {
    let rewritten = match (&name.whose, name.sender.address(), ours) {
        (SenderOf::Elsewhere(srs), Some(sender), Some(ours)) => srs.forward(sender, ours, name.at),
        _ => None,
    };
    rewritten.map_or_else(|| name.sender.clone(), ReversePath::Address)
}

/// The way with what the sender asked about it, as far as it goes on. [rfc3461 5.2.7]
fn way(recipient: &Recipient, by: &By, to: ForwardPath) -> Onward {
    let asked = recipient.parameters();
    let named = || asked.orcpt.clone().or_else(|| original(recipient.path()));
    match by {
        By::Itself => Onward::new(to, asked.notify.clone(), asked.orcpt.clone()),
        By::Alias(Company::Alone) => Onward::new(to, asked.notify.clone(), named()),
        By::Alias(Company::WithOthers) => {
            let notify = asked.notify.as_ref().map(Notify::without_success);
            Onward::new(to, notify, named())
        }
        By::List(_) => Onward::new(to, None, None),
    }
}

/// The recipient that we were told, which is what its sender knows. [rfc3461 5.2.1]
fn original(path: &ForwardPath) -> Option<OriginalRecipient> {
    let address = path.address()?.to_string();
    let plain = |octet: u8| (b'!'..=b'~').contains(&octet) && octet != b'+' && octet != b'=';
    let xtext = address.bytes().map(|octet| match plain(octet) {
        true => char::from(octet).to_string(),
        false => format!("+{octet:02X}"),
    });
    let xtext: String = xtext.collect();
    let kind = if address.is_ascii() {
        "rfc822"
    } else {
        return None;
    };
    OriginalRecipient::read(&format!("{kind};{xtext}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Leads, Step};
    use addr::Charset;
    use smtp::RcptParameters;

    const SECRET: [u8; 32] = [7; 32];

    fn path(text: &str) -> ForwardPath {
        ForwardPath::parse(format!("<{text}>").as_bytes(), Charset::Utf8).unwrap()
    }

    fn recipient(named: &str, steps: &[(&str, By)], asked: RcptParameters) -> Recipient {
        let onward = steps.iter().map(|(to, by)| Step {
            to: path(to),
            by: by.clone(),
        });
        let leads = Leads {
            here: Vec::new(),
            onward: onward.collect(),
        };
        Recipient::new(path(named), leads, asked)
    }

    fn owner() -> Address {
        "owner@example.test".parse().unwrap()
    }

    fn grouped(recipients: &[Recipient], sender: &str, whose: SenderOf<'_>) -> Vec<Group> {
        let sender = ReversePath::parse(sender.as_bytes(), Charset::Utf8).unwrap();
        let name = InNameOf {
            sender: &sender,
            whose,
            at: Time::from_seconds(0),
        };
        groups(recipients.iter(), &name)
    }

    /// What becomes of one that one alias sends on.
    fn forwarded(sender: &str, whose: SenderOf<'_>) -> String {
        let by = By::Alias(Company::Alone);
        let one = recipient(
            "fwd@example.test",
            &[("x@far.example", by)],
            RcptParameters::default(),
        );
        let groups = grouped(&[one], sender, whose);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].purpose, Purpose::Forwarded);
        groups[0].sender.to_string()
    }

    #[test]
    fn a_strangers_mail_goes_on_under_a_return_address_of_ours() {
        let srs = Srs::new(&SECRET);
        let made = forwarded("<carol@elsewhere.example>", SenderOf::Elsewhere(&srs));
        assert!(made.starts_with("<SRS0="), "{made}");
        assert!(
            made.ends_with("=elsewhere.example=carol@example.test>"),
            "{made}"
        );
        // a bounce has none, and our own users' addresses are ours
        assert_eq!(forwarded("<>", SenderOf::Elsewhere(&srs)), "<>");
        let own = forwarded("<ann@example.test>", SenderOf::Ours);
        assert_eq!(own, "<ann@example.test>");
    }

    #[test]
    fn each_sender_has_one_message_and_each_address_one_way_in_it() {
        // [rfc5321 3.9] [rfc5321 3.9.1] [rfc5321 3.9.2]
        let srs = Srs::new(&SECRET);
        let alias = |company| By::Alias(company);
        let all = [
            recipient(
                "fwd@example.test",
                &[
                    ("x@far.example", alias(Company::WithOthers)),
                    ("y@far.example", alias(Company::WithOthers)),
                ],
                RcptParameters::default(),
            ),
            recipient(
                "other@example.test",
                &[("X@far.example", alias(Company::Alone))],
                RcptParameters::default(),
            ),
            recipient(
                "list@example.test",
                &[("x@far.example", By::List(owner()))],
                RcptParameters::default(),
            ),
        ];
        let groups = grouped(&all, "<carol@elsewhere.example>", SenderOf::Elsewhere(&srs));
        let shown: Vec<_> = groups
            .iter()
            .map(|g| (g.purpose, g.ways.len(), g.recipients.len()))
            .collect();
        // the local parts of other domains are told apart by their case, but not by our own
        assert_eq!(shown, [(Purpose::Forwarded, 2, 2), (Purpose::Listed, 1, 1)]);
        assert_eq!(groups[1].sender.to_string(), "<owner@example.test>");
        let sent = recipient(
            "a@far.example",
            &[("a@far.example", By::Itself)],
            RcptParameters::default(),
        );
        let groups = grouped(&[sent], "<ann@example.test>", SenderOf::Ours);
        assert_eq!(groups[0].purpose, Purpose::Sent);
    }

    #[test]
    fn what_is_asked_about_notifications_goes_on_as_far_as_it_may() {
        // [rfc3461 5.2.7] [rfc3461 5.2.7.1] [rfc3461 5.2.7.2] [rfc3461 5.2.7.3] [rfc3461 5.2.1]
        let asked = |notify: &str, orcpt: Option<&str>| RcptParameters {
            notify: Notify::read(notify),
            orcpt: orcpt.and_then(OriginalRecipient::read),
        };
        let told = |by: By, asked: RcptParameters| {
            let one = recipient("a+b@example.test", &[("x@far.example", by)], asked);
            let groups = grouped(&[one], "<ann@example.test>", SenderOf::Ours);
            let way = &groups[0].ways[0];
            let notify = way.notify.as_ref().map(ToString::to_string);
            let orcpt = way.orcpt.as_ref().map(|one| one.as_str().to_owned());
            (notify.unwrap_or_default(), orcpt.unwrap_or_default())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let named = "rfc822;first@else.example";
        let own = Some(named);
        let alone = By::Alias(Company::Alone);
        let others = By::Alias(Company::WithOthers);
        assert_eq!(
            told(alone.clone(), asked("SUCCESS,DELAY", None)),
            pair("SUCCESS,DELAY", "rfc822;a+2Bb@example.test")
        );
        assert_eq!(told(alone, asked("NEVER", own)), pair("NEVER", named));
        assert_eq!(
            told(others.clone(), asked("SUCCESS,FAILURE", own)),
            pair("FAILURE", named)
        );
        assert_eq!(
            told(others.clone(), asked("SUCCESS", own)),
            pair("NEVER", named)
        );
        assert_eq!(told(others, asked("NEVER", own)), pair("NEVER", named));
        assert_eq!(told(By::List(owner()), asked("SUCCESS", own)), pair("", ""));
        assert_eq!(
            told(By::Itself, asked("SUCCESS", None)),
            pair("SUCCESS", "")
        );
    }
}
