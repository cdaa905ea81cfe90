//! Which names LIST shows: a decision over what an account has. What never happens here: reading
//! an account, spelling an answer.

use imap::{ListPattern, ListSelect, Mailbox};
use mail::{MailboxInfo, MailboxName};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A name that LIST shows.
#[derive(Debug)]
pub(crate) struct Line {
    pub name: MailboxName,
    /// `None`: there is no mailbox of that name.
    pub mailbox: Option<MailboxInfo>,
    pub subscribed: bool,
    pub fits: Fits,
    pub below: Below,
}

/// Whether a name fits the selection options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fits {
    Yes,
    /// It is shown for the sake of a name below it.
    No,
}

/// What RECURSIVEMATCH found below a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Below {
    /// No name that fits, or nobody asked.
    #[default]
    Nothing,
    /// Only names that fit and are shown themselves.
    Shown,
    /// A name that fits and that the patterns leave out.
    Hidden,
}

/// The canonical pattern: the reference, then the pattern [rfc3501 6.3.8], with its letters composed
/// as in names, so that what CREATE took under another spelling is found by it [rfc9051 5.1].
pub(crate) fn canonical(reference: &Mailbox, pattern: &ListPattern) -> ListPattern {
    let whole = pattern.within(reference);
    match MailboxName::composed(whole.as_str()) {
        Cow::Owned(composed) => ListPattern::new(&composed),
        Cow::Borrowed(_) => whole,
    }
}

/// The names to show, in the order of lists. A name shows if it matches a pattern and fits the
/// options or, with RECURSIVEMATCH, has such a name below it that does not show itself
/// [rfc9051 6.3.9.3] [rfc9051 6.3.9.6].
pub(crate) fn lines(
    select: ListSelect,
    patterns: &[ListPattern],
    mailboxes: Vec<MailboxInfo>,
    subscribed: Vec<MailboxName>,
) -> Vec<Line> {
    let matches = |name: &MailboxName| {
        let matches = |p: &ListPattern| p.matches(name.as_str(), MailboxName::SEPARATOR);
        patterns.iter().any(matches)
    };
    let mut lines: BTreeMap<MailboxName, Line> = BTreeMap::new();
    for mailbox in mailboxes {
        lines.insert(mailbox.name.clone(), line(select, mailbox));
    }
    for name in subscribed {
        lines.entry(name).or_insert_with_key(|name| Line {
            subscribed: true,
            fits: match select.subscribed && !select.special_use {
                true => Fits::Yes,
                false => Fits::No,
            },
            ..missing(name)
        });
    }
    if select.recursive_match {
        look_below(&mut lines, matches);
    }
    let mut shown: Vec<Line> = lines
        .into_values()
        .filter(|line| line.fits == Fits::Yes || line.below == Below::Hidden)
        .filter(|line| matches(&line.name))
        .collect();
    shown.sort_by(|a, b| a.name.listing_order(&b.name));
    shown
}

fn line(select: ListSelect, mailbox: MailboxInfo) -> Line {
    let fits = (!select.subscribed || mailbox.subscribed)
        && (!select.special_use || mailbox.special_use.is_some());
    Line {
        name: mailbox.name.clone(),
        subscribed: mailbox.subscribed,
        fits: if fits { Fits::Yes } else { Fits::No },
        below: Below::Nothing,
        mailbox: Some(mailbox),
    }
}

/// A name without a mailbox.
fn missing(name: &MailboxName) -> Line {
    Line {
        name: name.clone(),
        mailbox: None,
        subscribed: false,
        fits: Fits::No,
        below: Below::Nothing,
    }
}

/// Notes at every name what is below it; makes lines for superiors that are no mailboxes.
fn look_below(lines: &mut BTreeMap<MailboxName, Line>, matches: impl Fn(&MailboxName) -> bool) {
    let fitting = lines.values().filter(|line| line.fits == Fits::Yes);
    let fitting: Vec<MailboxName> = fitting.map(|line| line.name.clone()).collect();
    for name in fitting {
        let below = match matches(&name) {
            true => Below::Shown,
            false => Below::Hidden,
        };
        let mut superior = name.superior();
        while let Some(up) = superior {
            superior = up.superior();
            let line = lines.entry(up).or_insert_with_key(missing);
            line.below = line.below.max(below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::{MailboxId, SpecialUse};

    fn name(name: &str) -> MailboxName {
        MailboxName::try_from(name).unwrap()
    }

    /// Mailboxes with `+` are subscribed, those with `!` are for drafts.
    fn mailboxes(names: &str) -> Vec<MailboxInfo> {
        let all: Vec<&str> = names.split(' ').collect();
        let plain = |word: &str| word.trim_end_matches(['+', '!']).to_owned();
        let info = |word: &&str| MailboxInfo {
            id: MailboxId(1),
            name: name(&plain(word)),
            special_use: word.contains('!').then_some(SpecialUse::Drafts),
            subscribed: word.contains('+'),
            selectable: true,
            has_children: all
                .iter()
                .any(|other| other.starts_with(&format!("{}/", plain(word)))),
        };
        all.iter().map(info).collect()
    }

    const SUBSCRIBED: ListSelect = ListSelect {
        subscribed: true,
        special_use: false,
        remote: false,
        recursive_match: false,
    };

    /// `name*` has CHILDINFO, `-name` is no mailbox.
    fn check(select: ListSelect, patterns: &str, boxes: &str, alone: &[&str], expect: &str) {
        let patterns: Vec<_> = patterns.split(' ').map(ListPattern::new).collect();
        let alone = alone.iter().map(|word| name(word)).collect();
        let shown = lines(select, &patterns, mailboxes(boxes), alone);
        let show = |line: &Line| {
            let missing = if line.mailbox.is_none() { "-" } else { "" };
            let star = if line.below > Below::Nothing { "*" } else { "" };
            format!("{missing}{}{star}", line.name)
        };
        let shown: Vec<String> = shown.iter().map(show).collect();
        assert_eq!(shown.join(" "), expect);
    }

    const FRUIT: &str =
        "Fruit Fruit/Apple Fruit/Banana+ INBOX+ Tofu Vegetable+ Vegetable/Broccoli+";

    /// [rfc9051 6.3.9.8]: the examples 1, 2 and 7.
    #[test]
    fn subscribed_names_are_listed_whether_they_exist_or_not() {
        let all = ListSelect::default();
        check(
            all,
            "*",
            FRUIT,
            &["Fruit/Peach"],
            "INBOX Fruit Fruit/Apple Fruit/Banana Tofu Vegetable Vegetable/Broccoli",
        );
        check(
            SUBSCRIBED,
            "*",
            FRUIT,
            &["Fruit/Peach"],
            "INBOX Fruit/Banana -Fruit/Peach Vegetable Vegetable/Broccoli",
        );
        check(
            all,
            "INBOX % Fruit/%",
            FRUIT,
            &[],
            "INBOX Fruit Fruit/Apple Fruit/Banana Tofu Vegetable",
        );
    }

    /// [rfc9051 6.3.9.6]: the examples 8, 9 and 10.
    #[test]
    fn recursivematch_shows_what_has_fitting_names_below() {
        let recursive = ListSelect {
            recursive_match: true,
            ..SUBSCRIBED
        };
        check(recursive, "%", "Foo Foo/Baz+ Moo", &[], "Foo*");
        check(recursive, "%", "Foo+ Foo/Baz+ Moo", &[], "Foo*");
        check(recursive, "%", "Moo", &["Foo/Baz"], "-Foo*");
        check(recursive, "%", "Foo Foo/Bar Moo", &[], "");
        check(recursive, "%", "Foo+ Foo/Bar Moo+", &[], "Foo Moo");
        check(
            recursive,
            "*2",
            "foo2 foo2/bar1+ foo2/bar2+ baz2 baz2/bar2+ baz2/bar22+ eps2+ eps2/mamba+",
            &["qux2/bar2"],
            "baz2/bar2 baz2/bar22 eps2* foo2* foo2/bar2 -qux2/bar2",
        );
        check(recursive, "foo", "foo", &["foo/bar"], "foo*");
    }

    /// [rfc6154 2]
    #[test]
    fn special_use_selects_what_is_for_something() {
        let special = ListSelect {
            special_use: true,
            ..ListSelect::default()
        };
        check(special, "*", "INBOX a a/d! b+", &["c"], "a/d");
        let both = ListSelect {
            special_use: true,
            ..SUBSCRIBED
        };
        check(both, "*", "a! b+ c!+", &["d"], "c");
        let recursive = ListSelect {
            recursive_match: true,
            ..special
        };
        check(recursive, "%", "a a/d! b", &[], "a*");
    }
}
