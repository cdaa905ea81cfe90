//! What both servers said, brought to one form: what the standard leaves open is taken out, and what
//! docs/dovecot-differences.md explains.
//!
//! Each place where something is taken out names its rule. What never happens here: a rule without a
//! row in that table.

use crate::peer::{Answer, Command};
use crate::tree::{Value, parse};

/// An answer in the form in which it is compared.
#[derive(PartialEq, Eq, Debug, Clone)]
pub struct Said {
    pub status: String,
    pub untagged: Vec<String>,
}

/// The names of the rules, as in the table.
pub const RULES: [&str; 19] = [
    "order",
    "texts",
    "codes",
    "validity",
    "recent",
    "keywords",
    "read-only",
    "day-of-month",
    "flags-again",
    "expunge-order",
    "absent-part",
    "part-of-a-leaf",
    "line-before-boundary",
    "section-case",
    "encoding-case",
    "default-charset",
    "quoted-name",
    "attributes-not-asked",
    "own-mailboxes",
];

/// The mailboxes that are there from the start.
const OWN: [&str; 6] = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"];

/// One answer, normalised.
pub fn said(command: &Command, answer: &Answer) -> Said {
    let words = command.words().to_ascii_uppercase();
    let mut untagged: Vec<String> = answer
        .untagged
        .iter()
        .filter_map(|response| response_form(&words, response))
        .collect();
    untagged.extend(expunged(answer));
    // [order]
    untagged.sort();
    Said {
        status: status_form(&answer.status),
        untagged,
    }
}

/// Whether two answers that are not the same are explained by a rule about both.
pub fn is_explained(ours: &Said, theirs: &Said) -> bool {
    // [read-only] Nothing was done, and only Whimbrel says so.
    if ours.status == "NO [READ-ONLY]" {
        return theirs.status.starts_with("OK") && theirs.untagged.is_empty();
    }
    let (&[our], &[their]) = (&ours.untagged.as_slice(), &theirs.untagged.as_slice()) else {
        return false;
    };
    ours.status == theirs.status && is_section_explained(our, their)
}

/// The answers to FETCH of one section.
fn is_section_explained(ours: &str, theirs: &str) -> bool {
    let (Some(our), Some(their)) = (section(ours), section(theirs)) else {
        return false;
    };
    // [part-of-a-leaf] Part 1 of a part that has none: that part itself.
    let is_part_one = our.0.ends_with(".1]") || our.0.ends_with(".1.MIME]");
    if our.0 == their.0 && is_part_one && our.1 == "\"\"" {
        return true;
    }
    // [line-before-boundary] The end of the line before a boundary is the boundary's.
    let with_line_end = our
        .1
        .strip_suffix('"')
        .map(|text| format!("{text}\\r\\n\""));
    our.0 == their.0 && with_line_end.is_some_and(|text| text == their.1)
}

/// Name and value of the one section in a response: `[1, FETCH, (BODY[1] "…")]`.
fn section(response: &str) -> Option<(&str, &str)> {
    let (_, items) = response.split_once("FETCH, (")?;
    let items = items.strip_suffix(")]")?;
    let (name, value) = items.split_once(' ')?;
    let is_section = name.starts_with("BODY[") || name.starts_with("BINARY[");
    (is_section && name.ends_with(']')).then_some((name, value))
}

/// OK, NO or BAD, and the response code. [texts]
fn status_form(status: &str) -> String {
    let (word, rest) = status.split_once(' ').unwrap_or((status, ""));
    match code_of(rest).and_then(code_form) {
        Some(code) => format!("{word} [{code}]"),
        None => word.to_owned(),
    }
}

fn code_of(text: &str) -> Option<&str> {
    let (code, _) = text.strip_prefix('[')?.split_once(']')?;
    Some(code)
}

fn code_form(code: &str) -> Option<String> {
    let words: Vec<&str> = code.split(' ').collect();
    let name = words.first()?.to_ascii_uppercase();
    match (name.as_str(), words.as_slice()) {
        // [codes] Whimbrel says more of why, of which mailbox, and of its last change.
        (
            "NONEXISTENT" | "ALREADYEXISTS" | "CANNOT" | "CLIENTBUG" | "HIGHESTMODSEQ"
            | "MAILBOXID",
            _,
        ) => None,
        // [validity]
        ("UIDVALIDITY", _) => Some(name),
        ("APPENDUID" | "COPYUID", [_, _, rest @ ..]) => Some(format!("{name} {}", rest.join(" "))),
        ("PERMANENTFLAGS", _) => {
            let mut values = parse(&code.as_bytes()["PERMANENTFLAGS ".len()..]);
            system_flags(values.first_mut()?);
            Some(format!("{name} {values:?}"))
        }
        _ => Some(code.to_owned()),
    }
}

/// [recent] and [order]
fn flags_form(flags: &mut Value) {
    let Some(list) = flags.list_mut() else { return };
    list.retain(|flag| !flag.is_atom("\\Recent"));
    list.sort();
}

/// [keywords]
fn system_flags(flags: &mut Value) {
    flags_form(flags);
    let Some(list) = flags.list_mut() else { return };
    list.retain(|flag| matches!(flag, Value::Atom(name) if name.starts_with('\\')));
}

/// One untagged response, or nothing when it is left out.
fn response_form(words: &str, response: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(response);
    let is_select = words.starts_with("SELECT") || words.starts_with("EXAMINE");
    if let Some(rest) = text.strip_prefix("OK ") {
        // [keywords] A new keyword is announced to the sessions that have the mailbox open.
        let code = code_of(rest).filter(|_| is_select)?;
        return Some(format!("OK [{}]", code_form(code)?));
    }
    let mut values = parse(response);
    let is_second = |word: &str| values.get(1).is_some_and(|value| value.is_atom(word));
    if is_second("RECENT") || is_second("EXPUNGE") {
        return None;
    }
    if is_second("FETCH") {
        fetch_form(words, values.get_mut(2)?)?;
    } else if values[0].is_atom("SEARCH") {
        values[1..].sort();
    } else if values[0].is_atom("ESEARCH") {
        search_form(&mut values);
    } else if values[0].is_atom("LIST") || values[0].is_atom("LSUB") {
        let name = format!("{:?}", values.get(3)?);
        // [own-mailboxes]
        let is_own = OWN.contains(&name.trim_matches('"')) && !words.contains("LIST (SUBSCRIBED");
        let attributes = values[1].list_mut()?;
        attributes.retain(|name| is_asked_for(words, name));
        attributes.retain(|name| !(is_own && name.is_atom("\\Subscribed")));
        attributes.sort();
        name_form(values.get_mut(3)?);
    } else if values[0].is_atom("STATUS") {
        name_form(values.get_mut(1)?);
        pairs_form(values.get_mut(2)?);
    } else if values[0].is_atom("FLAGS") {
        if !is_select {
            return None;
        }
        system_flags(values.get_mut(1)?);
    }
    Some(format!("{values:?}"))
}

/// [expunge-order] Which messages went, by their numbers before any went.
fn expunged(answer: &Answer) -> Option<String> {
    let mut gone: Vec<u64> = Vec::new();
    for response in &answer.untagged {
        let text = String::from_utf8_lossy(response);
        let Some(number) = text.strip_suffix(" EXPUNGE") else {
            continue;
        };
        let mut number: u64 = number.parse().ok()?;
        // Those that went before it and lay before it are counted again.
        for &other in &gone {
            if other <= number {
                number += 1;
            }
        }
        gone.push(number);
        gone.sort_unstable();
    }
    (!gone.is_empty()).then(|| format!("expunged {gone:?}"))
}

/// [attributes-not-asked] The plain LIST gives all in both.
fn is_asked_for(words: &str, attribute: &Value) -> bool {
    let is_one_of = |names: &[&str]| names.iter().any(|name| attribute.is_atom(name));
    let is_extended = words.contains('(');
    if is_one_of(&["\\HasChildren", "\\HasNoChildren"]) {
        words.starts_with("LIST") && (!is_extended || words.contains("CHILDREN"))
    } else if is_one_of(&["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"]) {
        !is_extended || words.contains("SPECIAL-USE")
    } else {
        true
    }
}

/// [quoted-name]
fn name_form(name: &mut Value) {
    if let Value::Text(text) = name {
        *name = Value::Atom(String::from_utf8_lossy(text).into_owned());
    }
}

/// `ESEARCH (TAG "t1") UID COUNT 2 ALL 1:2` [rfc4731 3.1]. [order]
fn search_form(values: &mut Vec<Value>) {
    let is_uid = values.get(2).is_some_and(|value| value.is_atom("UID"));
    let start = if is_uid { 3 } else { 2 };
    let mut pairs = Value::List(values.split_off(start.min(values.len())));
    pairs_form(&mut pairs);
    values.push(pairs);
}

/// Pairs of name and value in the order of their names. [order]
fn pairs_form(list: &mut Value) {
    let Some(list) = list.list_mut() else { return };
    let pairs = list.chunks_exact(2);
    let mut pairs: Vec<(Value, Value)> = pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect();
    pairs.sort();
    let flat = pairs.into_iter().flat_map(|(name, value)| [name, value]);
    *list = flat.collect();
}

/// `None` for flags that nobody asked for.
fn fetch_form(words: &str, items: &mut Value) -> Option<()> {
    let list = items.list_mut()?;
    let is_only_flags = list.iter().step_by(2).all(|name| {
        ["FLAGS", "UID", "MODSEQ"]
            .iter()
            .any(|word| name.is_atom(word))
    });
    if is_only_flags && !words.contains("FETCH") {
        // [flags-again] The test asks for all flags after each STORE.
        return None;
    }
    for at in (1..list.len()).step_by(2) {
        let name = list[at - 1].clone();
        if name.is_atom("FLAGS") {
            flags_form(&mut list[at]);
        } else if name.is_atom("BODY") || name.is_atom("BODYSTRUCTURE") {
            structure_form(&mut list[at]);
        } else if name.is_atom("INTERNALDATE") {
            // [day-of-month] " 1-Nov-2026" or "01-Nov-2026"
            if let Value::Text(date) = &mut list[at]
                && date.first() == Some(&b' ')
            {
                date[0] = b'0';
            }
        } else if let Value::Atom(section) = &name
            && section.contains('[')
        {
            // [section-case]
            list[at - 1] = Value::Atom(section.to_ascii_uppercase());
            // [absent-part]
            if list[at].is_atom("NIL") {
                list[at] = Value::Text(Vec::new());
            }
        }
    }
    pairs_form(items);
    Some(())
}

/// One part, or several and a subtype [rfc3501 7.4.2].
fn structure_form(part: &mut Value) {
    let Some(list) = part.list_mut() else { return };
    if matches!(list.first(), Some(Value::List(_))) {
        for inner in list
            .iter_mut()
            .take_while(|value| matches!(value, Value::List(_)))
        {
            structure_form(inner);
        }
        return;
    }
    // [encoding-case]
    if let Some(Value::Text(encoding)) = list.get_mut(5) {
        encoding.make_ascii_uppercase();
    }
    let is_text = matches!(&list[0], Value::Text(kind) if kind.eq_ignore_ascii_case(b"text"));
    if is_text {
        without_default_charset(&mut list[2]);
    }
    // of an encapsulated message: its envelope, then its structure
    if let Some(inner) = list.get_mut(8)
        && matches!(inner, Value::List(_))
    {
        structure_form(inner);
    }
}

/// [default-charset]
fn without_default_charset(parameters: &mut Value) {
    let Some(list) = parameters.list_mut() else {
        return;
    };
    let default = [
        Value::Text(b"charset".to_vec()),
        Value::Text(b"us-ascii".to_vec()),
    ];
    if let Some(pair) = list.chunks_exact(2).position(|pair| pair == default) {
        list.drain(pair * 2..pair * 2 + 2);
    }
    if list.is_empty() {
        *parameters = Value::atom("NIL");
    }
}

#[test]
fn expunges_are_counted_by_the_numbers_before() {
    let answer = |responses: &[&str]| Answer {
        untagged: responses
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .collect(),
        status: "OK".to_owned(),
    };
    let rising = answer(&["2 EXPUNGE", "2 EXPUNGE", "4 EXPUNGE"]);
    let falling = answer(&["6 EXPUNGE", "3 EXPUNGE", "2 EXPUNGE"]);
    assert_eq!(expunged(&rising), expunged(&falling));
    assert_eq!(expunged(&rising).unwrap(), "expunged [2, 3, 6]");
}
