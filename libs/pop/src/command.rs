//! The words that a POP3 client says, in one table, and the parser of a command line.
//!
//! A further word is a `Verb` and a row of [`WORDS`]; the parser knows shapes of arguments, not
//! words. Whether a word is allowed now, the door decides.

use crate::pop4::{self, Flag, Folder, MessageSet, PartSection, Place, Setting};
use crate::prepared;
use std::fmt;

/// What a word asks for. The door's own table says in which states it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    User,
    Pass,
    Apop,
    Auth,
    Stls,
    Capa,
    Utf8,
    Lang,
    Stat,
    List,
    Retr,
    Dele,
    Top,
    Uidl,
    Last,
    Noop,
    Rset,
    Quit,
    // before RFC 1939
    Rpop,
    Xtnd,
    // SDPS
    Env,
    // POP4: folders
    Lfld,
    Sfld,
    Cfld,
    Dfld,
    Movf,
    Renf,
    // POP4: messages, flags, parts
    Move,
    Copy,
    Stor,
    Lflg,
    Sflg,
    Lprt,
    Rprt,
}

/// The form of a word's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing follows the word.
    Nothing,
    /// A name: UTF-8 to the end of the line, without spaces at its end.
    Name,
    /// A secret: every octet after the one space, spaces included.
    Secret,
    /// A name and the hexadecimal digest of a time stamp with the secret.
    NameAndDigest,
    /// A message number.
    Number,
    /// A message number, or nothing.
    MaybeNumber,
    /// A message number and a number of lines.
    NumberAndLines,
    /// A range of languages (`de`, `de-AT`, `*`), or nothing.
    MaybeLanguage,
    /// A mechanism and perhaps an initial response; or nothing, which asks for the mechanisms.
    Mechanism,
    /// The name of an extension.
    Extension,
    /// A folder, or nothing.
    MaybeFolder,
    /// A folder.
    Folder,
    /// A folder, and another one.
    Folders,
    /// A folder, and where it is to lie.
    FolderAndPlace,
    /// A set of messages and a folder.
    SetAndFolder,
    /// A folder and flags, a folder, or nothing.
    MaybeFolderAndFlags,
    /// A set of messages, or nothing.
    MaybeSet,
    /// A set of messages, and flags with what to do with them.
    SetAndFlags,
    /// A message number and a section of the message.
    NumberAndSection,
}

/// One row of [`WORDS`].
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub verb: Verb,
    pub word: &'static str,
    pub shape: Shape,
    /// How the command is written, for the answer to a wrong one.
    pub usage: &'static str,
}

const fn word(verb: Verb, word: &'static str, shape: Shape, usage: &'static str) -> Word {
    Word {
        verb,
        word,
        shape,
        usage,
    }
}

/// The word of a command, for tables.
pub fn word_of(verb: Verb) -> &'static str {
    let row = WORDS.iter().find(|row| row.verb == verb);
    row.map_or("other", |row| row.word)
}

/// Every word that the machine knows.
pub const WORDS: &[Word] = &[
    word(Verb::User, "USER", Shape::Name, "USER name"),
    word(Verb::Pass, "PASS", Shape::Secret, "PASS password"),
    word(Verb::Apop, "APOP", Shape::NameAndDigest, "APOP name digest"),
    word(
        Verb::Auth,
        "AUTH",
        Shape::Mechanism,
        "AUTH [mechanism [initial-response]]",
    ),
    word(Verb::Stls, "STLS", Shape::Nothing, "STLS"),
    word(Verb::Capa, "CAPA", Shape::Nothing, "CAPA"),
    word(Verb::Utf8, "UTF8", Shape::Nothing, "UTF8"),
    word(Verb::Lang, "LANG", Shape::MaybeLanguage, "LANG [language]"),
    word(Verb::Stat, "STAT", Shape::Nothing, "STAT"),
    word(Verb::List, "LIST", Shape::MaybeNumber, "LIST [number]"),
    word(Verb::Retr, "RETR", Shape::Number, "RETR number"),
    word(Verb::Dele, "DELE", Shape::Number, "DELE number"),
    word(Verb::Top, "TOP", Shape::NumberAndLines, "TOP number lines"),
    word(Verb::Uidl, "UIDL", Shape::MaybeNumber, "UIDL [number]"),
    word(Verb::Last, "LAST", Shape::Nothing, "LAST"),
    word(Verb::Noop, "NOOP", Shape::Nothing, "NOOP"),
    word(Verb::Rset, "RSET", Shape::Nothing, "RSET"),
    word(Verb::Quit, "QUIT", Shape::Nothing, "QUIT"),
    word(Verb::Rpop, "RPOP", Shape::Secret, "RPOP user"),
    word(Verb::Xtnd, "XTND", Shape::Extension, "XTND XMIT"),
    word(Verb::Env, "*ENV", Shape::Number, "*ENV number"),
    word(Verb::Lfld, "LFLD", Shape::MaybeFolder, "LFLD [folder]"),
    word(Verb::Sfld, "SFLD", Shape::Folder, "SFLD folder"),
    word(Verb::Cfld, "CFLD", Shape::Folder, "CFLD folder"),
    word(Verb::Dfld, "DFLD", Shape::Folder, "DFLD folder"),
    word(
        Verb::Movf,
        "MOVF",
        Shape::FolderAndPlace,
        "MOVF folder folder-or-/",
    ),
    word(Verb::Renf, "RENF", Shape::Folders, "RENF folder folder"),
    word(Verb::Move, "MOVE", Shape::SetAndFolder, "MOVE set folder"),
    word(Verb::Copy, "COPY", Shape::SetAndFolder, "COPY set folder"),
    word(
        Verb::Stor,
        "STOR",
        Shape::MaybeFolderAndFlags,
        "STOR [folder [flags]]",
    ),
    word(Verb::Lflg, "LFLG", Shape::MaybeSet, "LFLG [set]"),
    word(
        Verb::Sflg,
        "SFLG",
        Shape::SetAndFlags,
        "SFLG set +|-|=[flags]",
    ),
    word(Verb::Lprt, "LPRT", Shape::Number, "LPRT number"),
    word(
        Verb::Rprt,
        "RPRT",
        Shape::NumberAndSection,
        "RPRT number section",
    ),
];

/// A password as sent. It is never shown by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The arguments of a command, in the [`Shape`] that its row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    Nothing,
    Name(String),
    Secret(Secret),
    NameAndDigest {
        name: String,
        digest: String,
    },
    Number(u32),
    MaybeNumber(Option<u32>),
    NumberAndLines {
        number: u32,
        lines: u64,
    },
    /// In lower case.
    MaybeLanguage(Option<String>),
    Mechanism(Option<Mechanism>),
    /// In upper case.
    Extension(String),
    MaybeFolder(Option<Folder>),
    Folder(Folder),
    Folders(Folder, Folder),
    FolderAndPlace(Folder, Place),
    SetAndFolder(MessageSet, Folder),
    MaybeFolderAndFlags(Option<Folder>, Vec<Flag>),
    MaybeSet(Option<MessageSet>),
    SetAndFlags(MessageSet, Setting, Vec<Flag>),
    NumberAndSection(u32, PartSection),
}

/// What `AUTH` names: the mechanism, and the initial response, still in base64 (`=` is an empty one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    pub name: String,
    pub initial: Option<Secret>,
}

/// A command that is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub verb: Verb,
    pub arguments: Arguments,
}

/// Why a line is not a command. Nothing has changed; it is answered with `-ERR` [rfc1939 3].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The word is not one of [`WORDS`].
    Unknown,
    /// The word is known, what follows it is not what it takes.
    Arguments { usage: &'static str },
    /// The line was longer than its bound; it was read to its end.
    TooLong,
    /// A NUL or a bare CR stood in the line.
    Unprintable,
    /// The name or the password is not UTF-8, or holds what none may hold [rfc6856 2.2].
    Text,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bad::Unknown => f.write_str("unknown command"),
            Bad::Arguments { usage } => write!(f, "wrong arguments, say: {usage}"),
            Bad::TooLong => f.write_str("line too long"),
            Bad::Unprintable => f.write_str("a NUL or a bare CR in the line"),
            Bad::Text => f.write_str("not UTF-8, or characters that none may have here"),
        }
    }
}

/// Whether this line, as far as it has come, may grow to the bound of `AUTH` lines.
pub(crate) fn may_be_long(start: &[u8]) -> bool {
    start.len() >= 5 && start[..5].eq_ignore_ascii_case(b"AUTH ")
}

/// ```abnf
/// command = keyword *(SP param) CRLF    ;255 octets maximum
/// keyword = 3*4VCHAR
/// param   = 1*VCHAR
/// ```
/// The keyword has no case [rfc1939 3]. `line` is without its CRLF. The word of `without` is no command.
pub(crate) fn parse(line: &[u8], without: Option<Verb>) -> Result<Command, Bad> {
    if line.iter().any(|b| matches!(b, 0 | b'\r')) {
        return Err(Bad::Unprintable);
    }
    let (keyword, rest) = match memchr::memchr(b' ', line) {
        Some(at) => (&line[..at], Some(&line[at + 1..])),
        None => (line, None),
    };
    let row = WORDS
        .iter()
        .find(|row| row.word.as_bytes().eq_ignore_ascii_case(keyword))
        .filter(|row| Some(row.verb) != without)
        .ok_or(Bad::Unknown)?;
    let is_text = matches!(row.shape, Shape::Name | Shape::Secret);
    if is_text && !prepared::is_allowed(rest.unwrap_or_default()) {
        return Err(Bad::Text);
    }
    let arguments = arguments(row.shape, rest).ok_or(Bad::Arguments { usage: row.usage })?;
    Ok(Command {
        verb: row.verb,
        arguments,
    })
}

fn arguments(shape: Shape, rest: Option<&[u8]>) -> Option<Arguments> {
    match shape {
        Shape::Name => name(rest?).map(Arguments::Name),
        // spaces belong to the password [rfc1939 7]
        Shape::Secret => rest
            .filter(|secret| !secret.is_empty())
            .map(|secret| Arguments::Secret(Secret(secret.to_vec()))),
        _ => params(shape, &split(rest.unwrap_or_default())),
    }
}

/// The shapes whose parameters are separated by spaces. More than one space is let pass.
fn params(shape: Shape, params: &[&[u8]]) -> Option<Arguments> {
    Some(match (shape, params) {
        (Shape::Nothing, []) => Arguments::Nothing,
        (Shape::Number, [n]) => Arguments::Number(number(n)?),
        (Shape::MaybeNumber, []) => Arguments::MaybeNumber(None),
        (Shape::MaybeNumber, [n]) => Arguments::MaybeNumber(Some(number(n)?)),
        (Shape::NumberAndLines, [n, lines]) => Arguments::NumberAndLines {
            number: number(n)?,
            lines: digits(lines)?,
        },
        (Shape::NameAndDigest, [who, digest]) => Arguments::NameAndDigest {
            name: name(who)?,
            digest: hex_digest(digest)?,
        },
        (Shape::MaybeLanguage, []) => Arguments::MaybeLanguage(None),
        (Shape::MaybeLanguage, [range]) => Arguments::MaybeLanguage(Some(language(range)?)),
        (Shape::Mechanism, []) => Arguments::Mechanism(None),
        (Shape::Mechanism, [mech]) => Arguments::Mechanism(Some(Mechanism {
            name: mechanism(mech)?,
            initial: None,
        })),
        (Shape::Mechanism, [mech, initial]) => Arguments::Mechanism(Some(Mechanism {
            name: mechanism(mech)?,
            initial: Some(Secret(initial.to_vec())),
        })),
        (Shape::Extension, [word]) => Arguments::Extension(extension(word)?),
        _ => return pop4_params(shape, params),
    })
}

/// The shapes of POP4 (`docs/pop4.md`).
///
/// ```abnf
/// lfld = "LFLD" [SP folder]
/// sfld = "SFLD" SP folder              ; cfld, dfld: the same
/// movf = "MOVF" SP folder SP (folder / "/")
/// renf = "RENF" SP folder SP folder
/// move = "MOVE" SP msgset SP folder    ; copy: the same
/// stor = "STOR" [SP folder [SP flags]]
/// lflg = "LFLG" [SP msgset]
/// sflg = "SFLG" SP msgset SP ("+" / "-" / "=") [flags]
/// lprt = "LPRT" SP num
/// rprt = "RPRT" SP num SP section
/// ```
fn pop4_params(shape: Shape, params: &[&[u8]]) -> Option<Arguments> {
    let folder = Folder::parse;
    Some(match (shape, params) {
        (Shape::MaybeFolder, []) => Arguments::MaybeFolder(None),
        (Shape::MaybeFolder, [one]) => Arguments::MaybeFolder(Some(folder(one)?)),
        (Shape::Folder, [one]) => Arguments::Folder(folder(one)?),
        (Shape::Folders, [one, other]) => Arguments::Folders(folder(one)?, folder(other)?),
        (Shape::FolderAndPlace, [one, place]) => {
            Arguments::FolderAndPlace(folder(one)?, Place::parse(place)?)
        }
        (Shape::SetAndFolder, [set, to]) => {
            Arguments::SetAndFolder(MessageSet::parse(set)?, folder(to)?)
        }
        (Shape::MaybeFolderAndFlags, []) => Arguments::MaybeFolderAndFlags(None, Vec::new()),
        (Shape::MaybeFolderAndFlags, [to]) => {
            Arguments::MaybeFolderAndFlags(Some(folder(to)?), Vec::new())
        }
        (Shape::MaybeFolderAndFlags, [to, flags]) => {
            Arguments::MaybeFolderAndFlags(Some(folder(to)?), pop4::flags(flags)?)
        }
        (Shape::MaybeSet, []) => Arguments::MaybeSet(None),
        (Shape::MaybeSet, [set]) => Arguments::MaybeSet(Some(MessageSet::parse(set)?)),
        (Shape::SetAndFlags, [set, change]) => {
            let (setting, flags) = pop4::change(change)?;
            Arguments::SetAndFlags(MessageSet::parse(set)?, setting, flags)
        }
        (Shape::NumberAndSection, [n, section]) => {
            Arguments::NumberAndSection(number(n)?, PartSection::parse(section)?)
        }
        _ => return None,
    })
}

/// `XTND` takes a word of its own; which ones there are, the door knows.
fn extension(bytes: &[u8]) -> Option<String> {
    let fits = bytes.len() <= 20 && bytes.iter().all(u8::is_ascii_alphanumeric);
    fits.then(|| String::from_utf8_lossy(bytes).to_ascii_uppercase())
}

fn split(rest: &[u8]) -> Vec<&[u8]> {
    // no word takes more than two; a third is enough to see that there are too many
    rest.split(|b| *b == b' ')
        .filter(|param| !param.is_empty())
        .take(3)
        .collect()
}

fn name(bytes: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(bytes.trim_ascii_end()).ok()?;
    (!name.is_empty() && !name.chars().any(char::is_control)).then(|| name.to_owned())
}

/// A message number. One beyond all bounds is well formed and names no message.
fn number(bytes: &[u8]) -> Option<u32> {
    digits(bytes).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(bytes.iter().fold(0u64, |n, b| {
        n.saturating_mul(10).saturating_add(u64::from(b - b'0'))
    }))
}

/// ```abnf
/// language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"
/// ```
/// [rfc6856 3.2]; it has no case.
fn language(bytes: &[u8]) -> Option<String> {
    let subtag =
        |tag: &[u8]| (1..=8).contains(&tag.len()) && tag.iter().all(u8::is_ascii_alphanumeric);
    let first = bytes.split(|b| *b == b'-').next()?;
    let fits = bytes == b"*"
        || (first.iter().all(u8::is_ascii_alphabetic) && bytes.split(|b| *b == b'-').all(subtag));
    fits.then(|| String::from_utf8_lossy(bytes).to_ascii_lowercase())
}

/// MD5 in hexadecimal, 32 lower-case digits [rfc1939 7]; upper case is let pass.
fn hex_digest(bytes: &[u8]) -> Option<String> {
    (bytes.len() == 32 && bytes.iter().all(u8::is_ascii_hexdigit))
        .then(|| String::from_utf8_lossy(bytes).to_ascii_lowercase())
}

/// ```abnf
/// mech-char = ALPHA-UPPER / DIGIT / "-" / "_"
/// sasl-mech = 1*20mech-char
/// ```
/// [rfc5034 4]; mechanism names have no case here.
fn mechanism(bytes: &[u8]) -> Option<String> {
    let fits = (1..=20).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits.then(|| String::from_utf8_lossy(bytes).to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(verb: Verb, arguments: Arguments) -> Result<Command, Bad> {
        Ok(Command { verb, arguments })
    }

    fn check(line: &str, expect: Result<Command, Bad>) {
        assert_eq!(parse(line.as_bytes(), None), expect, "{line:?}");
    }

    fn refused(line: &str, verb: Verb) {
        let usage = WORDS.iter().find(|row| row.verb == verb).unwrap().usage;
        check(line, Err(Bad::Arguments { usage }));
    }

    #[test]
    fn a_word_that_is_left_out_is_like_any_that_is_none() {
        for line in ["RPOP ann", "rpop", "RPOP \u{1}"] {
            let line = line.as_bytes();
            assert_eq!(parse(line, Some(Verb::Rpop)), Err(Bad::Unknown));
            assert_ne!(parse(line, None), Err(Bad::Unknown));
        }
    }

    #[test]
    fn reads_every_word_in_any_case() {
        // [rfc1939 3]
        check("STAT", command(Verb::Stat, Arguments::Nothing));
        check("noop", command(Verb::Noop, Arguments::Nothing));
        check("rSeT", command(Verb::Rset, Arguments::Nothing));
        check("QUIT", command(Verb::Quit, Arguments::Nothing));
        check("CAPA", command(Verb::Capa, Arguments::Nothing));
        check("stls", command(Verb::Stls, Arguments::Nothing));
        check("LIST", command(Verb::List, Arguments::MaybeNumber(None)));
        check(
            "uidl 7",
            command(Verb::Uidl, Arguments::MaybeNumber(Some(7))),
        );
        check("RETR 1", command(Verb::Retr, Arguments::Number(1)));
        check("DELE 0012", command(Verb::Dele, Arguments::Number(12)));
        check(
            "TOP 1 0",
            command(
                Verb::Top,
                Arguments::NumberAndLines {
                    number: 1,
                    lines: 0,
                },
            ),
        );
    }

    #[test]
    fn keeps_every_space_of_a_password() {
        // [rfc1939 7]
        let secret = |s: &str| Arguments::Secret(Secret(s.as_bytes().to_vec()));
        check(
            "PASS open sesame ",
            command(Verb::Pass, secret("open sesame ")),
        );
        check("PASS  x", command(Verb::Pass, secret(" x")));
        refused("PASS", Verb::Pass);
        refused("PASS ", Verb::Pass);
    }

    #[test]
    fn takes_a_name_to_the_end_of_the_line() {
        let name = |s: &str| Arguments::Name(s.to_owned());
        check("USER mrose", command(Verb::User, name("mrose")));
        check(
            "USER jos\u{e9}@example.test ",
            command(Verb::User, name("jos\u{e9}@example.test")),
        );
        check("USER Two Words", command(Verb::User, name("Two Words")));
        refused("USER", Verb::User);
        refused("USER  ", Verb::User);
        // [rfc6856 2.2]
        assert_eq!(parse(b"USER \xff\xfe", None), Err(Bad::Text));
        assert_eq!(parse(b"PASS \xff\xfe", None), Err(Bad::Text));
        check("PASS \u{202e}", Err(Bad::Text));
        assert!(matches!(
            parse(b"USER a\tb", None),
            Err(Bad::Arguments { .. })
        ));
    }

    #[test]
    fn reads_apop_and_auth() {
        let digest = "c4c9334bac560ecc979e58001b3e22fb";
        check(
            &format!("APOP mrose {digest}"),
            command(
                Verb::Apop,
                Arguments::NameAndDigest {
                    name: "mrose".into(),
                    digest: digest.into(),
                },
            ),
        );
        refused("APOP mrose c4c9", Verb::Apop);
        let mech = |initial: Option<&str>| {
            Arguments::Mechanism(Some(Mechanism {
                name: "PLAIN".into(),
                initial: initial.map(|s| Secret(s.as_bytes().to_vec())),
            }))
        };
        check("AUTH", command(Verb::Auth, Arguments::Mechanism(None)));
        check("AUTH plain", command(Verb::Auth, mech(None)));
        check("AUTH PLAIN =", command(Verb::Auth, mech(Some("="))));
        check(
            "AUTH PLAIN AGEAYg==",
            command(Verb::Auth, mech(Some("AGEAYg=="))),
        );
        refused("AUTH PLAIN a b", Verb::Auth);
        refused("AUTH ABCDEFGHIJKLMNOPQRSTU", Verb::Auth);
    }

    #[test]
    fn reads_utf8_lang_and_last() {
        // [rfc6856 2.1] [rfc6856 3.2]
        check("UTF8", command(Verb::Utf8, Arguments::Nothing));
        refused("UTF8 USER", Verb::Utf8);
        check("last", command(Verb::Last, Arguments::Nothing));
        let lang = |range: Option<&str>| {
            let range = range.map(str::to_owned);
            command(Verb::Lang, Arguments::MaybeLanguage(range))
        };
        check("LANG", lang(None));
        check("LANG *", lang(Some("*")));
        check("lang de-AT", lang(Some("de-at")));
        check("LANG MUL", lang(Some("mul")));
        for bad in [
            "LANG d\u{e9}",
            "LANG de_AT",
            "LANG -",
            "LANG de-",
            "LANG 12",
            "LANG ninechars",
        ] {
            refused(bad, Verb::Lang);
        }
        refused("LANG de en", Verb::Lang);
    }

    #[test]
    fn refuses_what_is_no_command() {
        // [rfc1939 3]
        check("", Err(Bad::Unknown));
        check(" STAT", Err(Bad::Unknown));
        check("STATS", Err(Bad::Unknown));
        check("XTNDXMIT", Err(Bad::Unknown));
        check("ST\0AT", Err(Bad::Unprintable));
        check("STAT\r", Err(Bad::Unprintable));
        refused("STAT 1", Verb::Stat);
        refused("RETR", Verb::Retr);
        refused("RETR -1", Verb::Retr);
        refused("RETR 1 2", Verb::Retr);
        refused("RETR one", Verb::Retr);
        refused("TOP 1", Verb::Top);
        refused("TOP 1 -1", Verb::Top);
        refused("TOP 1 2 3", Verb::Top);
        refused("LIST 1 2", Verb::List);
    }

    #[test]
    fn reads_what_pop4_and_older_programs_say() {
        let folder = |name: &str| Folder::parse(name.as_bytes()).unwrap();
        let set = |text: &str| MessageSet::parse(text.as_bytes()).unwrap();
        let is = |line: &str, verb, arguments| check(line, command(verb, arguments));
        is("lfld", Verb::Lfld, Arguments::MaybeFolder(None));
        let below = Arguments::MaybeFolder(Some(folder("Work")));
        is("LFLD Work", Verb::Lfld, below);
        is("SFLD INBOX", Verb::Sfld, Arguments::Folder(folder("INBOX")));
        let top = Arguments::FolderAndPlace(folder("a/b"), Place::Top);
        is("MOVF a/b /", Verb::Movf, top);
        let both = Arguments::Folders(folder("a"), folder("b"));
        is("RENF a b", Verb::Renf, both);
        let copy = Arguments::SetAndFolder(set("1:*"), folder("To%20do"));
        is("COPY 1:* To%20do", Verb::Copy, copy);
        let stor = |to, flags| Arguments::MaybeFolderAndFlags(to, flags);
        is("STOR", Verb::Stor, stor(None, vec![]));
        let sent = stor(Some(folder("Sent")), vec![Flag::Seen]);
        is("STOR Sent seen", Verb::Stor, sent);
        let flags = Arguments::SetAndFlags(set("1,3"), Setting::Add, vec![Flag::Flagged]);
        is("SFLG 1,3 +flagged", Verb::Sflg, flags);
        let part = Arguments::NumberAndSection(2, PartSection::Part(vec![1, 2]));
        is("RPRT 2 1.2", Verb::Rprt, part);
        is("*ENV 3", Verb::Env, Arguments::Number(3));
        is("XTND xmit", Verb::Xtnd, Arguments::Extension("XMIT".into()));
        refused("XTND", Verb::Xtnd);
        refused("*ENV", Verb::Env);
        refused("MOVE 1", Verb::Move);
        refused("COPY 0 Trash", Verb::Copy);
        refused("CFLD a b", Verb::Cfld);
        refused("CFLD a//b", Verb::Cfld);
        refused("STOR a seen b", Verb::Stor);
        refused("SFLG 1 seen", Verb::Sflg);
        refused("RPRT 1", Verb::Rprt);
        refused("MOVF a", Verb::Movf);
        assert!(matches!(
            parse(b"SFLD \xff", None),
            Err(Bad::Arguments { .. })
        ));
    }

    #[test]
    fn a_number_beyond_all_bounds_names_no_message() {
        check(
            "RETR 99999999999999999999999",
            command(Verb::Retr, Arguments::Number(u32::MAX)),
        );
        let lines = Arguments::NumberAndLines {
            number: 1,
            lines: u64::MAX,
        };
        check("TOP 1 99999999999999999999999", command(Verb::Top, lines));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let line = format!("{:?}", parse(b"PASS swordfish", None));
        assert!(!line.contains("swordfish"), "{line}");
    }

    #[test]
    fn every_word_stands_once_in_the_table() {
        for (at, row) in WORDS.iter().enumerate() {
            assert!(
                (3..=4).contains(&row.word.len()),
                "[rfc2449 3] {}",
                row.word
            );
            for other in &WORDS[at + 1..] {
                assert!(
                    row.word != other.word && row.verb != other.verb,
                    "{}",
                    row.word
                );
            }
        }
    }
}
