//! Tokens to mailboxes and groups.

use super::lexer::{Kind, Lexer, Token};
use super::{AddressList, Item, Mailbox, Trouble};
use crate::limits::{ENTRY_TOKENS, LIST_BYTES, LIST_ITEMS};

pub(super) fn read(raw: &[u8]) -> AddressList {
    let mut reader = Reader::new(&raw[..raw.len().min(LIST_BYTES)]);
    if raw.len() > LIST_BYTES {
        reader.trouble(Trouble::TooLong);
    }
    while let Some(token) = reader.lexer.next() {
        if reader.count >= LIST_ITEMS {
            reader.trouble(Trouble::TooMany);
            reader.entry = Entry::default();
            break;
        }
        reader.take(token);
    }
    reader.finish()
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    list: AddressList,
    /// The group that is open.
    group: Option<(Vec<u8>, Vec<Mailbox>)>,
    entry: Entry<'a>,
    count: usize,
}

/// The mailbox that is being read.
#[derive(Default)]
struct Entry<'a> {
    /// What stands outside of angle brackets.
    plain: Vec<Token<'a>>,
    /// What stands inside; None if there are none.
    angle: Option<Vec<Token<'a>>>,
    in_angle: bool,
    /// Inside, and what was read may be a source route.
    in_route: bool,
    tokens: usize,
}

impl<'a> Reader<'a> {
    fn new(raw: &'a [u8]) -> Reader<'a> {
        Reader {
            lexer: Lexer::new(raw),
            list: AddressList::default(),
            group: None,
            entry: Entry::default(),
            count: 0,
        }
    }

    /// The first trouble is kept.
    fn trouble(&mut self, trouble: Trouble) {
        self.list.trouble.get_or_insert(trouble);
    }

    fn malformed(&mut self) {
        self.trouble(Trouble::Malformed);
    }

    fn take(&mut self, token: Token<'a>) {
        self.entry.tokens += 1;
        let ends = matches!(token.kind, Kind::Comma | Kind::Semicolon | Kind::Greater);
        if self.entry.tokens > ENTRY_TOKENS && !ends {
            return self.trouble(Trouble::TooLong);
        }
        if self.entry.in_angle {
            return self.take_in_angle(token);
        }
        match token.kind {
            Kind::Comma => self.end_entry(),
            Kind::Semicolon => {
                self.end_entry();
                match self.group.take() {
                    Some((name, members)) => self.list.items.push(Item::Group { name, members }),
                    None => self.malformed(),
                }
            }
            Kind::Colon => self.begin_group(),
            Kind::Less if self.entry.angle.is_none() => {
                self.entry.angle = Some(Vec::new());
                self.entry.in_angle = true;
                self.entry.in_route = true;
            }
            Kind::Less | Kind::Greater => self.malformed(),
            _ if self.entry.angle.is_some() => self.malformed(),
            _ => self.entry.plain.push(token),
        }
    }

    fn take_in_angle(&mut self, token: Token<'a>) {
        let Some(angle) = &mut self.entry.angle else {
            return;
        };
        let in_route = self.entry.in_route;
        if angle.is_empty() && !matches!(token.kind, Kind::At | Kind::Comma) {
            self.entry.in_route = false;
        }
        match token.kind {
            Kind::Greater => self.entry.in_angle = false,
            // [rfc5322 4.4] obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])
            Kind::Comma if in_route => {
                if !angle.is_empty() {
                    angle.push(token);
                }
            }
            Kind::Colon if in_route && !angle.is_empty() => {
                angle.push(token);
                self.entry.in_route = false;
            }
            Kind::Comma | Kind::Semicolon => {
                // the bracket was forgotten
                self.malformed();
                self.entry.in_angle = false;
                self.take(token);
            }
            Kind::Colon | Kind::Less => self.malformed(),
            _ => angle.push(token),
        }
    }

    fn begin_group(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        let is_name = entry.angle.is_none()
            && !entry.plain.is_empty()
            && !entry.plain.iter().any(|token| token.kind == Kind::At);
        if self.group.is_some() || !is_name {
            self.malformed();
            self.entry = entry;
            return;
        }
        self.lexer.comment = None;
        self.count += 1;
        self.group = Some((phrase(&entry.plain), Vec::new()));
    }

    fn end_entry(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        let comment = self.lexer.comment.take();
        if entry.in_angle {
            self.malformed();
        }
        // [rfc5322 4.4] empty entries are obsolete syntax, and mean nothing
        if entry.plain.is_empty() && entry.angle.is_none() {
            return;
        }
        let (mut mailbox, whole) = match &entry.angle {
            Some(angle) => angle_addr(angle, &entry.plain),
            None => addr_spec(&entry.plain),
        };
        if !whole || !is_plausible(&mailbox) {
            self.malformed();
        }
        if mailbox.name.is_none() {
            mailbox.name = comment.filter(|comment| !comment.is_empty());
        }
        self.count += 1;
        match &mut self.group {
            Some((_, members)) => members.push(mailbox),
            None => self.list.items.push(Item::Mailbox(mailbox)),
        }
    }

    fn finish(mut self) -> AddressList {
        self.end_entry();
        if let Some((name, members)) = self.group.take() {
            self.malformed();
            self.list.items.push(Item::Group { name, members });
        }
        if self.lexer.skipped {
            self.malformed();
        }
        self.list
    }
}

fn is_plausible(mailbox: &Mailbox) -> bool {
    !mailbox.local.is_empty() && !mailbox.host.is_empty()
}

/// What stands in angle brackets, with the name before them; false if something was wrong.
///
/// ```text
/// angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
/// obs-route  = obs-domain-list ":"
/// ```
fn angle_addr(angle: &[Token<'_>], before: &[Token<'_>]) -> (Mailbox, bool) {
    let colon = angle.iter().position(|token| token.kind == Kind::Colon);
    let (route, spec) = match colon {
        Some(at) => (Some(glue(&angle[..at])), &angle[at + 1..]),
        None => (None, angle),
    };
    let (mut mailbox, mut whole) = addr_spec(spec);
    if mailbox.name.take().is_some() {
        whole = false;
    }
    // a name with an @ in it, unquoted, may be meant to deceive
    if before.iter().any(|token| token.kind == Kind::At) {
        whole = false;
    }
    mailbox.adl = route;
    mailbox.name = (!before.is_empty()).then(|| phrase(before));
    (mailbox, whole)
}

/// `local@host` with obsolete white space; words before it become the name. False if something was
/// wrong.
///
/// ```text
/// addr-spec  = local-part "@" domain
/// local-part = dot-atom / quoted-string / obs-local-part
/// domain     = dot-atom / domain-literal / obs-domain
/// obs-local-part = word *("." word)
/// obs-domain     = atom *("." atom)
/// ```
fn addr_spec(tokens: &[Token<'_>]) -> (Mailbox, bool) {
    let Some(at) = tokens.iter().rposition(|token| token.kind == Kind::At) else {
        let mailbox = Mailbox {
            local: phrase(tokens),
            ..Mailbox::default()
        };
        return (mailbox, false);
    };
    let (before, after) = (&tokens[..at], &tokens[at + 1..]);
    let start = before.len() - joined(before.iter().rev().map(|t| (t, t.spaced)), Side::Before);
    let end = joined(after.iter().map(|t| (t, t.spaced)), Side::After);
    let (name, local) = before.split_at(start);
    let mailbox = Mailbox {
        name: (!name.is_empty()).then(|| phrase(name)),
        adl: None,
        local: glue(local),
        host: glue(&after[..end]),
    };
    let whole = name.is_empty() && end == after.len() && alternates(local) && is_domain(after);
    (mailbox, whole)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// How many tokens next to an `@` belong to its address: those that a dot joins, or that have no
/// white space between them. Counted away from the `@`.
fn joined<'t>(tokens: impl Iterator<Item = (&'t Token<'t>, bool)>, side: Side) -> usize {
    let mut count = 0;
    let mut last_dot = true;
    let mut last_spaced = false;
    for (token, spaced) in tokens {
        let dot = matches!(token.kind, Kind::Dot);
        let gap = match side {
            Side::Before => last_spaced,
            Side::After => spaced,
        };
        if count > 0 && gap && !dot && !last_dot {
            break;
        }
        (last_dot, last_spaced) = (dot, spaced);
        count += 1;
    }
    count
}

/// Words with single dots between them.
fn alternates(tokens: &[Token<'_>]) -> bool {
    tokens.len() % 2 == 1
        && tokens
            .iter()
            .enumerate()
            .all(|(n, token)| match token.kind {
                Kind::Word(_) => n % 2 == 0,
                Kind::Dot => n % 2 == 1,
                _ => false,
            })
}

fn is_domain(tokens: &[Token<'_>]) -> bool {
    matches!(
        tokens,
        [Token {
            kind: Kind::Literal(_),
            ..
        }]
    ) || alternates(tokens)
}

/// The tokens' text without anything between them.
fn glue(tokens: &[Token<'_>]) -> Vec<u8> {
    tokens.iter().flat_map(text).copied().collect()
}

/// The tokens' text with one space where there was white space.
fn phrase(tokens: &[Token<'_>]) -> Vec<u8> {
    let mut phrase = Vec::new();
    for token in tokens {
        if token.spaced && !phrase.is_empty() {
            phrase.push(b' ');
        }
        phrase.extend_from_slice(text(token));
    }
    phrase
}

fn text<'t>(token: &'t Token<'_>) -> &'t [u8] {
    match &token.kind {
        Kind::Word(text) | Kind::Literal(text) => text,
        Kind::Dot => b".",
        Kind::At => b"@",
        Kind::Comma => b",",
        Kind::Colon => b":",
        Kind::Semicolon => b";",
        Kind::Less => b"<",
        Kind::Greater => b">",
    }
}
