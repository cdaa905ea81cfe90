//! Mailbox names and LIST patterns as they are sent. Never here: which names are allowed or exist.

use crate::limits;
use crate::refusal::What;
use crate::utf7;

/// How mailbox names are written on this connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NameEncoding {
    /// RFC 3501; UTF-8 from the client is taken too.
    #[default]
    ModifiedUtf7,
    /// After ENABLE IMAP4rev2 or UTF8=ACCEPT.
    Utf8,
}

/// A decoded name. INBOX in any case is `INBOX`. May be empty (LIST's reference) and may be a name
/// that no store would take.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mailbox {
    name: String,
    /// In modified UTF-7, if it is to be another text there than in UTF-8.
    spelling: Option<String>,
}

impl Mailbox {
    /// `mailbox = "INBOX" / astring`, INBOX in any case. [rfc3501 5.1]
    pub fn new(name: &str) -> Mailbox {
        let name = match name.eq_ignore_ascii_case("INBOX") {
            true => "INBOX",
            false => name,
        };
        Mailbox {
            name: name.to_owned(),
            spelling: None,
        }
    }

    /// A name in NFC for clients that read UTF-8, and for others as it was spelled when it was made:
    /// modified UTF-7 comes back as it was sent. [rfc3501 5.1.3] [rfc9051 A]
    pub fn spelled(name: &str, spelling: &str) -> Mailbox {
        let spelling = (spelling != name).then(|| spelling.to_owned());
        Mailbox {
            spelling,
            ..Mailbox::new(name)
        }
    }

    pub fn from_wire(wire: &[u8], encoding: NameEncoding) -> Result<Mailbox, What> {
        decode(wire, encoding).map(|name| Mailbox::new(&name))
    }

    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name as it is sent, before quoting.
    pub fn to_wire(&self, encoding: NameEncoding) -> String {
        match encoding {
            NameEncoding::ModifiedUtf7 => {
                utf7::encode(self.spelling.as_deref().unwrap_or(&self.name))
            }
            NameEncoding::Utf8 => self.name.clone(),
        }
    }
}

fn decode(wire: &[u8], encoding: NameEncoding) -> Result<String, What> {
    if wire.len() > limits::MAILBOX_BYTES {
        return Err(What::TooMany("octets in a mailbox name"));
    }
    match encoding {
        NameEncoding::ModifiedUtf7 => utf7::decode(wire).ok_or(What::MailboxEncoding),
        NameEncoding::Utf8 => String::from_utf8(wire.to_vec()).map_err(|_| What::NotUtf8),
    }
}

/// `list-mailbox`: a name with `*` (anything) and `%` (anything within one level).
///
/// Matching walks all ways through the pattern at once, one bit each, so that no pattern makes it
/// slow: the name's length times a 64th of the pattern's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPattern {
    text: String,
    /// Bit i of `literal[b]`: the i-th element is the octet b.
    literal: Vec<(u8, Vec<u64>)>,
    star: Vec<u64>,
    percent: Vec<u64>,
    elements: usize,
}

impl ListPattern {
    pub fn new(pattern: &str) -> ListPattern {
        let elements = merge_wildcards(pattern.as_bytes());
        let words = elements.len() / 64 + 1;
        let mut compiled = ListPattern {
            text: pattern.to_owned(),
            literal: Vec::new(),
            star: vec![0; words],
            percent: vec![0; words],
            elements: elements.len(),
        };
        for (index, &element) in elements.iter().enumerate() {
            let bits = match element {
                b'*' => &mut compiled.star,
                b'%' => &mut compiled.percent,
                octet => literal_bits(&mut compiled.literal, octet, words),
            };
            bits[index / 64] |= 1 << (index % 64);
        }
        compiled
    }

    pub fn from_wire(wire: &[u8], encoding: NameEncoding) -> Result<ListPattern, What> {
        decode(wire, encoding).map(|pattern| ListPattern::new(&pattern))
    }

    /// A pattern that matches nothing: a NUL is in no name.
    pub fn of_no_name() -> ListPattern {
        ListPattern::new("\0")
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern with LIST's reference before it. [rfc3501 6.3.8]
    pub fn within(&self, reference: &Mailbox) -> ListPattern {
        ListPattern::new(&format!("{}{}", reference.as_str(), self.text))
    }

    /// Whether the pattern names it; the first level INBOX matches in any case.
    pub fn matches(&self, name: &str, separator: char) -> bool {
        let inbox = name
            .strip_prefix("INBOX")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(separator));
        let separator = separator as u32;
        let mut at = vec![0u64; self.star.len()];
        at[0] = 1;
        self.pass_wildcards(&mut at);
        for (index, octet) in name.bytes().enumerate() {
            let within_level = u32::from(octet) != separator;
            let any_case = inbox && index < "INBOX".len();
            self.step(&mut at, octet, within_level, any_case);
            if at.iter().all(|&word| word == 0) {
                return false;
            }
        }
        at[self.elements / 64] >> (self.elements % 64) & 1 == 1
    }

    /// From "the first i elements are matched" to the same after one more octet of the name.
    fn step(&self, at: &mut [u64], octet: u8, within_level: bool, any_case: bool) {
        let exact = self.bits(octet);
        let other = any_case
            .then(|| self.bits(octet.to_ascii_lowercase()))
            .flatten();
        let mut carry = 0;
        for (index, here) in at.iter_mut().enumerate() {
            let word = |bits: Option<&[u64]>| bits.map_or(0, |bits| bits[index]);
            let moved = *here & (word(exact) | word(other));
            let stays = self.star[index] | if within_level { self.percent[index] } else { 0 };
            *here = (moved << 1) | carry | (*here & stays);
            carry = moved >> 63;
        }
        self.pass_wildcards(at);
    }

    /// A wildcard may match nothing. (There are never two side by side.)
    fn pass_wildcards(&self, at: &mut [u64]) {
        let mut carry = 0;
        for (index, here) in at.iter_mut().enumerate() {
            let passed = *here & (self.star[index] | self.percent[index]);
            *here |= passed << 1 | carry;
            carry = passed >> 63;
        }
    }

    fn bits(&self, octet: u8) -> Option<&[u64]> {
        self.literal
            .iter()
            .find(|(other, _)| *other == octet)
            .map(|(_, bits)| bits.as_slice())
    }
}

/// `**` is `*`, `%%` is `%`, and `*` swallows a `%` beside it.
fn merge_wildcards(pattern: &[u8]) -> Vec<u8> {
    let mut merged: Vec<u8> = Vec::with_capacity(pattern.len());
    for &octet in pattern {
        match (merged.last_mut(), octet) {
            (Some(b'*'), b'*' | b'%') | (Some(b'%'), b'%') => {}
            (Some(before @ b'%'), b'*') => *before = b'*',
            _ => merged.push(octet),
        }
    }
    merged
}

fn literal_bits(literal: &mut Vec<(u8, Vec<u64>)>, octet: u8, words: usize) -> &mut Vec<u64> {
    let index = literal
        .iter()
        .position(|(other, _)| *other == octet)
        .unwrap_or_else(|| {
            literal.push((octet, vec![0; words]));
            literal.len() - 1
        });
    &mut literal[index].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, name: &str, expect: bool) {
        assert_eq!(
            ListPattern::new(pattern).matches(name, '/'),
            expect,
            "{pattern} on {name}"
        );
    }

    #[test]
    fn star_crosses_levels_and_percent_does_not() {
        // [rfc3501 6.3.8]
        check("*", "a/b/c", true);
        check("%", "a", true);
        check("%", "a/b", false);
        check("a/%", "a/b", true);
        check("a/%", "a/b/c", false);
        check("a/%", "a", false);
        check("a%", "a", true);
        check("%/%", "a/b", true);
        check("*c", "a/b/c", true);
        check("%*%", "a/b", true);
        check("a*b%c", "a/x/byc", true);
        check("a*b%c", "a/x/by/c", false);
        check("", "", true);
        check("", "a", false);
        check("a", "A", false);
        check("Entw*", "Entwürfe", true);
    }

    #[test]
    fn inbox_matches_in_any_case() {
        check("inbox", "INBOX", true);
        check("InB%", "INBOX", true);
        check("inbox/%", "INBOX/a", true);
        check("inbox/A", "INBOX/a", false);
        check("inboxes", "INBOXES", false);
    }

    #[test]
    fn hostile_patterns_are_matched_at_once() {
        let pattern = ListPattern::new(&"%a*a".repeat(1_000));
        let name = "a".repeat(1_000);
        for _ in 0..50 {
            assert!(!pattern.matches(&name, '/'));
        }
    }

    #[test]
    fn inbox_is_inbox_in_any_case() {
        // [rfc3501 5.1]
        assert_eq!(Mailbox::new("iNbOx").as_str(), "INBOX");
        assert_eq!(
            Mailbox::from_wire(b"inbox", NameEncoding::ModifiedUtf7),
            Ok(Mailbox::new("INBOX"))
        );
    }

    #[test]
    fn undecodable_names_have_a_refusal_of_their_own() {
        let refused = Mailbox::from_wire(b"Tom & Jerry", NameEncoding::ModifiedUtf7);
        assert_eq!(refused, Err(What::MailboxEncoding));
        assert!(Mailbox::from_wire(b"Tom & Jerry", NameEncoding::Utf8).is_ok());
    }

    /// The plain way to say what a pattern matches, exponential at worst.
    fn matches_plainly(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| matches_plainly(rest, &name[at..])),
            Some((b'%', rest)) => {
                let level = name
                    .iter()
                    .position(|&octet| octet == b'/')
                    .unwrap_or(name.len());
                (0..=level).any(|at| matches_plainly(rest, &name[at..]))
            }
            Some((octet, rest)) => name.first() == Some(octet) && matches_plainly(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn matches_as_the_plain_definition(pattern in "[ab/%*]{0,9}", name in "[ab/]{0,9}") {
            let expect = matches_plainly(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(ListPattern::new(&pattern).matches(&name, '/'), expect);
        }

        #[test]
        fn long_patterns_match_as_well(name in "[ab/]{60,140}") {
            prop_assert!(ListPattern::new(&name).matches(&name, '/'));
            let pattern = format!("{name}*{name}");
            let doubled = format!("{name}x{name}");
            prop_assert!(ListPattern::new(&pattern).matches(&doubled, '/'));
        }
    }
}
