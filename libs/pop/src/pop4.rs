//! POP4's words for folders, sets of messages, flags and MIME parts, read and written.
//!
//! The names of nine of its commands, the token in the greeting and "only in TRANSACTION" are the
//! proposal's of 2003 (pop4.org); how arguments are written is ours (`docs/pop4.md`). Never here:
//! which folders there are, and what a command does.

use crate::limits::RANGES;
use std::fmt::{self, Write};

/// What the greeting says for clients that look for POP4.
pub const TOKEN: &str = "POP4 rev 0";

/// The line of CAPA.
pub const CAPABILITY: &str = "X-POP4 REV-0 FOLDERS FLAGS PARTS STOR";

/// A folder as a client names it: its levels from the top, decoded.
///
/// ```abnf
/// folder = "INBOX" / name *("/" name)
/// name   = 1*(fchar / pct)
/// fchar  = %x21-24 / %x26-2E / %x30-7E / UTF8-2 / UTF8-3 / UTF8-4
/// pct    = "%" 2HEXDIG              ; ASCII only
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    levels: Vec<String>,
}

impl Folder {
    /// From its levels; `None` if one is empty.
    pub fn of<T: Into<String>>(levels: impl IntoIterator<Item = T>) -> Option<Folder> {
        let levels: Vec<String> = levels.into_iter().map(Into::into).collect();
        let fits = !levels.is_empty() && levels.iter().all(|level| !level.is_empty());
        fits.then_some(Folder { levels })
    }

    /// Its levels; a `/` in one of them was written `%2F`.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Folder> {
        let levels = bytes.split(|b| *b == b'/').map(decoded);
        Folder::of(levels.collect::<Option<Vec<_>>>()?)
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, level) in self.levels.iter().enumerate() {
            if at > 0 {
                f.write_char('/')?;
            }
            f.write_str(&encoded(level))?;
        }
        Ok(())
    }
}

fn decoded(name: &[u8]) -> Option<String> {
    let (mut out, mut rest) = (Vec::with_capacity(name.len()), name);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (high, low) = (hex(*rest.first()?)?, hex(*rest.get(1)?)?);
                let octet = high << 4 | low;
                if !octet.is_ascii() {
                    return None;
                }
                out.push(octet);
                rest = &rest[2..];
            }
            b' ' | b'/' => return None,
            byte if byte.is_ascii_control() => return None,
            byte => out.push(byte),
        }
    }
    let text = String::from_utf8(out).ok()?;
    (!text.is_empty()).then_some(text)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|n| u8::try_from(n).ok())
}

/// A text as one word of a line: what no `fchar` is stands as `%` and two digits.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '%' | '/' | '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "%{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Where MOVF puts a folder.
///
/// ```abnf
/// place = folder / "/"             ; "/": the top level
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Top,
    Below(Folder),
}

impl Place {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Place> {
        match bytes {
            b"/" => Some(Place::Top),
            bytes => Folder::parse(bytes).map(Place::Below),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Top => f.write_char('/'),
            Place::Below(folder) => folder.fmt(f),
        }
    }
}

/// A part of a set of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// One message, by its number.
    One(u32),
    /// From the first to the second number.
    Between(u32, u32),
    /// From this number to the last message.
    From(u32),
}

/// ```abnf
/// msgset = range *("," range)
/// range  = num / num ":" (num / "*")
/// num    = %x31-39 *DIGIT
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSet(Vec<Range>);

impl MessageSet {
    /// From its ranges; `None` if there is none, or too many for a line.
    pub fn of(ranges: Vec<Range>) -> Option<MessageSet> {
        (1..=RANGES)
            .contains(&ranges.len())
            .then_some(MessageSet(ranges))
    }

    pub fn ranges(&self) -> &[Range] {
        &self.0
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<MessageSet> {
        let ranges = bytes.split(|b| *b == b',').map(range);
        MessageSet::of(ranges.collect::<Option<Vec<_>>>()?)
    }
}

fn range(bytes: &[u8]) -> Option<Range> {
    let mut ends = bytes.splitn(2, |b| *b == b':');
    let first = num(ends.next()?)?;
    Some(match ends.next() {
        None => Range::One(first),
        Some(b"*") => Range::From(first),
        Some(last) => Range::Between(first, num(last)?),
    })
}

/// One beyond all bounds is well formed and names no message.
fn num(bytes: &[u8]) -> Option<u32> {
    let fits = matches!(bytes.first(), Some(b'1'..=b'9')) && bytes.iter().all(u8::is_ascii_digit);
    let digit = |n: u32, b: &u8| n.saturating_mul(10).saturating_add(u32::from(b - b'0'));
    fits.then(|| bytes.iter().fold(0, digit))
}

impl fmt::Display for MessageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            match range {
                Range::One(number) => write!(f, "{number}")?,
                Range::Between(first, last) => write!(f, "{first}:{last}")?,
                Range::From(first) => write!(f, "{first}:*")?,
            }
        }
        Ok(())
    }
}

/// ```abnf
/// flag    = "seen" / "answered" / "flagged" / "draft" / keyword
/// keyword = "$" 1*(ALPHA / DIGIT / "-" / "_")
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flag {
    Seen,
    Answered,
    Flagged,
    Draft,
    /// With its `$`.
    Keyword(String),
}

impl Flag {
    /// The flags that have a word.
    pub const WORDS: [(Flag, &'static str); 4] = [
        (Flag::Seen, "seen"),
        (Flag::Answered, "answered"),
        (Flag::Flagged, "flagged"),
        (Flag::Draft, "draft"),
    ];

    /// A keyword of a message, if POP4 can say it.
    pub fn keyword(word: &str) -> Option<Flag> {
        let rest = word.strip_prefix('$')?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (!rest.is_empty() && rest.bytes().all(fits)).then(|| Flag::Keyword(word.to_owned()))
    }

    fn parse(bytes: &[u8]) -> Option<Flag> {
        let word = std::str::from_utf8(bytes).ok()?;
        let known = Flag::WORDS
            .iter()
            .find(|(_, w)| w.eq_ignore_ascii_case(word));
        match known {
            Some((flag, _)) => Some(flag.clone()),
            None => Flag::keyword(word),
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::Keyword(word) => f.write_str(word),
            flag => {
                let row = Flag::WORDS.iter().find(|(known, _)| known == flag);
                f.write_str(row.map_or("", |(_, word)| word))
            }
        }
    }
}

/// ```abnf
/// flags = flag *("," flag)
/// ```
pub(crate) fn flags(bytes: &[u8]) -> Option<Vec<Flag>> {
    bytes.split(|b| *b == b',').map(Flag::parse).collect()
}

/// Flags as one word; `-` if there is none.
pub fn flags_text(flags: &[Flag]) -> String {
    match flags {
        [] => "-".to_owned(),
        flags => flags
            .iter()
            .map(Flag::to_string)
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// What SFLG does with the flags that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `+`
    Add,
    /// `-`
    Remove,
    /// `=`
    Replace,
}

/// ```abnf
/// change = ("+" / "-" / "=") [flags]
/// ```
pub(crate) fn change(bytes: &[u8]) -> Option<(Setting, Vec<Flag>)> {
    let (first, rest) = bytes.split_first()?;
    let setting = match first {
        b'+' => Setting::Add,
        b'-' => Setting::Remove,
        b'=' => Setting::Replace,
        _ => return None,
    };
    match rest.is_empty() {
        true => Some((setting, Vec::new())),
        false => Some((setting, flags(rest)?)),
    }
}

/// What of a message RPRT sends.
///
/// ```abnf
/// section = "HEADER" / ptnum / ptnum ".MIME"
/// ptnum   = num *("." num)          ; as in IMAP's BODY[]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSection {
    /// The header of the message.
    Header,
    /// The content of a part, still encoded for transfer.
    Part(Vec<u32>),
    /// The header of a part.
    Mime(Vec<u32>),
}

impl PartSection {
    pub(crate) fn parse(bytes: &[u8]) -> Option<PartSection> {
        if bytes.eq_ignore_ascii_case(b"HEADER") {
            return Some(PartSection::Header);
        }
        let mime = bytes
            .len()
            .checked_sub(5)
            .map(|at| bytes.split_at(at))
            .filter(|(_, end)| end.eq_ignore_ascii_case(b".MIME"));
        let path = |bytes: &[u8]| bytes.split(|b| *b == b'.').map(num).collect::<Option<_>>();
        match mime {
            Some((numbers, _)) => path(numbers).map(PartSection::Mime),
            None => path(bytes).map(PartSection::Part),
        }
    }
}

/// The numbers of a part as one word.
pub fn part_text(path: &[u32]) -> String {
    let numbers: Vec<String> = path.iter().map(u32::to_string).collect();
    numbers.join(".")
}

impl fmt::Display for PartSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartSection::Header => f.write_str("HEADER"),
            PartSection::Part(path) => f.write_str(&part_text(path)),
            PartSection::Mime(path) => write!(f, "{}.MIME", part_text(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folder(text: &str, levels: &[&str]) {
        let folder = Folder::parse(text.as_bytes()).unwrap();
        assert_eq!(folder.levels(), levels, "{text}");
    }

    #[test]
    fn a_folder_has_levels_and_its_octets_may_be_encoded() {
        folder("INBOX", &["INBOX"]);
        folder("Work/2026", &["Work", "2026"]);
        folder("To%20do/100%25", &["To do", "100%"]);
        folder("a%2fb", &["a/b"]);
        folder("Entwürfe", &["Entwürfe"]);
        for bad in [
            "", "/", "a/", "/a", "a//b", "a b", "%", "%2", "%zz", "%E9", "a\tb",
        ] {
            assert_eq!(Folder::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Folder::parse(b"\xff"), None);
        assert_eq!(Place::parse(b"/"), Some(Place::Top));
    }

    #[test]
    fn a_set_has_numbers_and_ranges() {
        let ranges = |text: &str| MessageSet::parse(text.as_bytes()).map(|set| set.0);
        assert_eq!(ranges("7"), Some(vec![Range::One(7)]));
        assert_eq!(
            ranges("1,3:5,9:*"),
            Some(vec![Range::One(1), Range::Between(3, 5), Range::From(9)])
        );
        assert_eq!(
            ranges("99999999999999999999"),
            Some(vec![Range::One(u32::MAX)])
        );
        for bad in [
            "", "0", "01", "1,", ",1", "*", "1:", ":1", "1:2:3", "a", "1-2", "-1",
        ] {
            assert_eq!(ranges(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn flags_have_words_and_keywords_a_dollar() {
        let read = |text: &str| flags(text.as_bytes());
        assert_eq!(
            read("Seen,$Forwarded"),
            Some(vec![Flag::Seen, Flag::Keyword("$Forwarded".into())])
        );
        for bad in ["", "deleted", "$", "$a.b", "seen,", "\\Seen"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert_eq!(change(b"="), Some((Setting::Replace, Vec::new())));
        assert_eq!(change(b"-seen"), Some((Setting::Remove, vec![Flag::Seen])));
        assert_eq!(change(b"seen"), None);
        assert_eq!(flags_text(&[]), "-");
    }

    #[test]
    fn a_section_is_a_header_a_part_or_a_parts_header() {
        let read = |text: &str| PartSection::parse(text.as_bytes());
        assert_eq!(read("header"), Some(PartSection::Header));
        assert_eq!(read("1.2"), Some(PartSection::Part(vec![1, 2])));
        assert_eq!(read("2.mime"), Some(PartSection::Mime(vec![2])));
        for bad in ["", "0", "1.", ".1", ".MIME", "MIME", "1.HEADER", "TEXT"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    fn ranges() -> impl Strategy<Value = Vec<Range>> {
        let number = 1..u32::MAX;
        let range = prop_oneof![
            number.clone().prop_map(Range::One),
            (number.clone(), number.clone()).prop_map(|(a, b)| Range::Between(a, b)),
            number.prop_map(Range::From),
        ];
        prop::collection::vec(range, 1..20)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            levels in prop::collection::vec("\\PC{1,9}|[ %/a]{1,5}", 1..4),
            ranges in ranges(),
            path in prop::collection::vec(1..1000u32, 1..6),
            keyword in "\\$[a-zA-Z0-9_-]{1,9}",
        ) {
            let folder = Folder::of(levels).unwrap();
            prop_assert_eq!(Folder::parse(folder.to_string().as_bytes()), Some(folder));
            let set = MessageSet::of(ranges).unwrap();
            prop_assert_eq!(MessageSet::parse(set.to_string().as_bytes()), Some(set));
            for section in [PartSection::Part(path.clone()), PartSection::Mime(path)] {
                let text = section.to_string();
                prop_assert_eq!(PartSection::parse(text.as_bytes()), Some(section));
            }
            let said = [Flag::Draft, Flag::keyword(&keyword).unwrap()];
            prop_assert_eq!(flags(flags_text(&said).as_bytes()), Some(said.to_vec()));
        }
    }
}
