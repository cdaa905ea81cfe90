//! Arguments of FETCH. Never here: how a message is taken apart.

use crate::command::{Command, FetchModifiers, Ids, Vanished};
use crate::cursor::{Cursor, Parsed, Stop};
use crate::fetch::{FetchItem, Partial, Peek, Section, SectionText};
use crate::limits;
use crate::refusal::{Refusal, What};

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
/// [fetch-modifiers]`
pub(super) fn fetch(c: &mut Cursor<'_>, ids: Ids) -> Parsed<Command> {
    c.sp()?;
    let set = c.message_set()?;
    c.sp()?;
    let items = items(c)?;
    let modifiers = match c.sp_and_more() {
        true => modifiers(c, ids)?,
        false => FetchModifiers::default(),
    };
    Ok(Command::Fetch {
        ids,
        set,
        items,
        modifiers,
    })
}

/// `fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"` [rfc4466 2.4],
/// `fetch-modifier =/ "CHANGEDSINCE" SP mod-sequence-value / "VANISHED"` [rfc7162 7]
fn modifiers(c: &mut Cursor<'_>, ids: Ids) -> Parsed<FetchModifiers> {
    let start = c.at();
    let mut modifiers = FetchModifiers::default();
    c.list("fetch modifiers", limits::MODIFIERS, |c| {
        let start = c.at();
        match c.atom("a fetch modifier")?.to_ascii_uppercase().as_str() {
            "CHANGEDSINCE" => {
                c.sp()?;
                modifiers.changed_since = Some(c.number64("a mod-sequence")?);
                Ok(())
            }
            "VANISHED" => {
                modifiers.vanished = Vanished::Asked;
                Ok(())
            }
            _ => c.or_refuse(None, What::Expected("CHANGEDSINCE or VANISHED"), start),
        }
    })?;
    // VANISHED stands only in a UID FETCH, and only with CHANGEDSINCE. [rfc7162 3.2.6]
    let fits = modifiers.vanished == Vanished::NotAsked
        || (ids == Ids::Uid && modifiers.changed_since.is_some());
    let wanted = What::Expected("UID FETCH and CHANGEDSINCE with VANISHED");
    c.or_refuse(fits.then_some(modifiers), wanted, start)
}

fn items(c: &mut Cursor<'_>) -> Parsed<Vec<FetchItem>> {
    if c.peek() == Some(b'(') {
        let items = c.list("fetch items", limits::FETCH_ITEMS, |c| {
            let start = c.at();
            let word = item_word(c);
            item(c, word, start)
        })?;
        if items.is_empty() {
            return c.refuse(What::Expected("a fetch item"));
        }
        return Ok(items);
    }
    let start = c.at();
    let word = item_word(c);
    match macro_items(&word) {
        Some(items) => Ok(items),
        None => Ok(vec![item(c, word, start)?]),
    }
}

/// The name of an item, in upper case, up to its section.
fn item_word(c: &mut Cursor<'_>) -> String {
    let word = c.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'.');
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

/// ALL, FAST and FULL stand only by themselves. [rfc3501 6.4.5]
fn macro_items(word: &str) -> Option<Vec<FetchItem>> {
    let fast = [
        FetchItem::Flags,
        FetchItem::InternalDate,
        FetchItem::Rfc822Size,
    ];
    let more: &[FetchItem] = match word {
        "FAST" => &[],
        "ALL" => &[FetchItem::Envelope],
        "FULL" => &[FetchItem::Envelope, FetchItem::Body],
        _ => return None,
    };
    Some(fast.iter().chain(more).cloned().collect())
}

/// `fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
/// "BODY" ["STRUCTURE"] / "UID" / "BODY" section [partial] / "BODY.PEEK" section [partial] /
/// "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary / "PREVIEW" [" (LAZY)"] /
/// "EMAILID" / "THREADID"`
fn item(c: &mut Cursor<'_>, word: String, start: usize) -> Parsed<FetchItem> {
    let has_section = c.peek() == Some(b'[');
    let item = match word.as_str() {
        "BODY" if has_section => return section_item(c, Peek::SetsSeen),
        "BODY.PEEK" if has_section => return section_item(c, Peek::LeavesUnseen),
        "BINARY" if has_section => return binary_item(c, Peek::SetsSeen),
        "BINARY.PEEK" if has_section => return binary_item(c, Peek::LeavesUnseen),
        "BINARY.SIZE" if has_section => {
            return section_binary(c).map(|path| FetchItem::BinarySize { path });
        }
        "PREVIEW" => return preview(c),
        "EMAILID" => Some(FetchItem::EmailId),
        "THREADID" => Some(FetchItem::ThreadId),
        "UID" => Some(FetchItem::Uid),
        "FLAGS" => Some(FetchItem::Flags),
        "INTERNALDATE" => Some(FetchItem::InternalDate),
        "ENVELOPE" => Some(FetchItem::Envelope),
        "BODY" => Some(FetchItem::Body),
        "BODYSTRUCTURE" => Some(FetchItem::BodyStructure),
        "MODSEQ" => Some(FetchItem::ModSeq),
        "RFC822" => Some(FetchItem::Rfc822),
        "RFC822.HEADER" => Some(FetchItem::Rfc822Header),
        "RFC822.SIZE" => Some(FetchItem::Rfc822Size),
        "RFC822.TEXT" => Some(FetchItem::Rfc822Text),
        _ => None,
    };
    c.or_refuse(item, What::UnknownFetchItem, start)
}

fn section_item(c: &mut Cursor<'_>, peek: Peek) -> Parsed<FetchItem> {
    let section = section(c)?;
    let partial = partial(c)?;
    Ok(FetchItem::Section {
        section,
        partial,
        peek,
    })
}

fn binary_item(c: &mut Cursor<'_>, peek: Peek) -> Parsed<FetchItem> {
    let path = section_binary(c)?;
    let partial = partial(c)?;
    Ok(FetchItem::Binary {
        path,
        partial,
        peek,
    })
}

/// `section-binary = "[" [section-part] "]"` [rfc3516 7]
fn section_binary(c: &mut Cursor<'_>) -> Parsed<Vec<u32>> {
    let start = c.at();
    let section = section(c)?;
    let is_part = (section.text == SectionText::Whole).then_some(section.path);
    c.or_refuse(is_part, What::Expected("part numbers only"), start)
}

/// `"PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]`, `preview-mod = "LAZY"` [rfc8970 6]. Other
/// parentheses behind it are the modifiers of FETCH.
fn preview(c: &mut Cursor<'_>) -> Parsed<FetchItem> {
    if c.comes_next(b" (LAZY") {
        c.sp()?;
        c.list("modifiers of PREVIEW", limits::MODIFIERS, |c| {
            let start = c.at();
            let is_lazy = c.atom("LAZY")?.eq_ignore_ascii_case("LAZY");
            c.or_refuse(is_lazy.then_some(()), What::Expected("LAZY"), start)
        })?;
    }
    Ok(FetchItem::Preview)
}

/// `section = "[" [section-spec] "]"`, `section-spec = section-msgtext / (section-part ["." section-text])`,
/// `section-part = nz-number *("." nz-number)`
fn section(c: &mut Cursor<'_>) -> Parsed<Section> {
    c.octet(b'[', "[")?;
    let mut path = Vec::new();
    if c.take(b']').is_some() {
        return Ok(Section::default());
    }
    while c.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        if path.len() == limits::SECTION_DEPTH {
            return c.refuse(What::TooMany("part numbers"));
        }
        path.push(nz_number(c)?);
        if c.take(b']').is_some() {
            return Ok(Section {
                path,
                text: SectionText::Whole,
            });
        }
        c.octet(b'.', ". or ] after a part number")?;
    }
    let text = section_text(c, &path)?;
    c.octet(b']', "] at the end of the section")?;
    Ok(Section { path, text })
}

fn nz_number(c: &mut Cursor<'_>) -> Parsed<u32> {
    let start = c.at();
    let number = c.number64("a number")?;
    let number = u32::try_from(number).ok().filter(|&number| number != 0);
    c.or_refuse(number, What::Expected("a number from 1"), start)
}

/// `section-text = section-msgtext / "MIME"`,
/// `section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"`
fn section_text(c: &mut Cursor<'_>, path: &[u32]) -> Parsed<SectionText> {
    let start = c.at();
    let text = match item_word(c).as_str() {
        "HEADER" => Some(SectionText::Header),
        "TEXT" => Some(SectionText::Text),
        // "MIME" has a meaning only for a part. [rfc3501 6.4.5]
        "MIME" if !path.is_empty() => Some(SectionText::Mime),
        "HEADER.FIELDS" => Some(SectionText::HeaderFields(header_list(c)?)),
        "HEADER.FIELDS.NOT" => Some(SectionText::HeaderFieldsNot(header_list(c)?)),
        _ => None,
    };
    c.or_refuse(text, What::Expected("a section"), start)
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_list(c: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    c.sp()?;
    let fields = c.list("a list of field names", limits::HEADER_FIELDS, header_field)?;
    if fields.is_empty() {
        return c.refuse(What::Expected("a field name"));
    }
    Ok(fields)
}

/// `header-fld-name = astring`: a field name as RFC 5322 has it.
pub(super) fn header_field(c: &mut Cursor<'_>) -> Parsed<String> {
    let start = c.at();
    let name = c.astring_text("a field name")?;
    let good = !name.is_empty()
        && name
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && octet != b':');
    if !good {
        return Err(Stop::Refused(Refusal::new(
            What::Expected("a field name"),
            start,
        )));
    }
    Ok(name)
}

/// `partial = "<" number "." nz-number ">"`
fn partial(c: &mut Cursor<'_>) -> Parsed<Option<Partial>> {
    if c.take(b'<').is_none() {
        return Ok(None);
    }
    let origin = c.number64("the first octet")?;
    c.octet(b'.', ". between the numbers")?;
    let start = c.at();
    let octets = c.number64("how many octets")?;
    let octets = c.or_refuse(
        Some(octets).filter(|&octets| octets != 0),
        What::Expected("a number from 1"),
        start,
    )?;
    c.octet(b'>', "> after the numbers")?;
    Ok(Some(Partial { origin, octets }))
}
