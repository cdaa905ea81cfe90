//! From parts to what is kept: ENVELOPE and BODYSTRUCTURE as sent, the part map, kept fields.

use super::Parsed;
use super::envelope::{Detail, envelope};
use super::field::{self, Fields};
use super::preview;
use super::split::{Node, Split};
use crate::limits;
use crate::parts::{Part, PartKind, PartTree};
use crate::record::{KEPT_FIELDS, encode_fields};
use imap::structure::{
    BodyStructure, Disposition, Multipart, PartKind as ShownKind, SinglePart, encode_bodystructure,
    encode_envelope,
};

/// Room for most ENVELOPEs and BODYSTRUCTUREs.
const USUAL_BYTES: usize = 512;

/// All that is kept of a message.
pub(super) fn compose(split: &Split, body_len: u64) -> Parsed {
    let header = Fields::of(&split.nodes[0].header);
    Parsed {
        envelope: kept_envelope(&header),
        bodystructure: kept_structure(&split.nodes),
        parts: part_tree(&split.nodes).encode(),
        preview: preview::preview(split),
        fields: kept_fields(&header, split.is_cut),
        references: references(&header),
        body_len,
        ..Parsed::default()
    }
}

fn kept_envelope(header: &Fields<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    for detail in [Detail::Full, Detail::Short, Detail::None] {
        out.clear();
        encode_envelope(&envelope(header, detail), &mut out);
        if out.len() <= limits::STRUCTURE_BYTES {
            break;
        }
    }
    out
}

fn kept_structure(nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    for detail in [Detail::Full, Detail::Short, Detail::None] {
        out.clear();
        encode_bodystructure(&structure(nodes, 0, detail), &mut out);
        if out.len() <= limits::STRUCTURE_BYTES {
            break;
        }
    }
    out
}

/// BODYSTRUCTURE of a part and all below it; parts nest no deeper than `MIME_DEPTH`.
fn structure(nodes: &[Node], index: usize, detail: Detail) -> BodyStructure {
    let node = &nodes[index];
    let header = Fields::of(&node.header);
    let text = |name: &str| match detail {
        Detail::Full => header.unfolded(name),
        Detail::Short | Detail::None => None,
    };
    let language = || text("content-language").map_or_else(Vec::new, |value| words(&value));
    match node.kind {
        PartKind::Multipart => BodyStructure::Multipart(Multipart {
            parts: node
                .children
                .iter()
                .map(|child| structure(nodes, *child, detail))
                .collect(),
            subtype: shown(&node.media.subtype, detail),
            parameters: parameters(&node.media.parameters, detail),
            disposition: disposition(&header, detail),
            language: language(),
            location: text("content-location"),
        }),
        PartKind::Leaf | PartKind::Message => BodyStructure::Single(SinglePart {
            media_type: shown(&node.media.kind, detail),
            subtype: shown(&node.media.subtype, detail),
            parameters: parameters(&node.media.parameters, detail),
            id: text("content-id"),
            description: text("content-description"),
            encoding: encoding(&header),
            octets: node.body.end - node.body.start,
            kind: shown_kind(nodes, node, detail),
            md5: text("content-md5"),
            disposition: disposition(&header, detail),
            language: language(),
            location: text("content-location"),
        }),
    }
}

fn shown_kind(nodes: &[Node], node: &Node, detail: Detail) -> ShownKind {
    match (node.kind, node.children.first()) {
        (PartKind::Message, Some(child)) => ShownKind::Message {
            envelope: Box::new(envelope(&Fields::of(&nodes[*child].header), detail)),
            body: Box::new(structure(nodes, *child, detail)),
            lines: node.lines,
        },
        _ if node.media.is_kind("text") => ShownKind::Text { lines: node.lines },
        _ => ShownKind::Basic,
    }
}

fn shown(word: &[u8], detail: Detail) -> Vec<u8> {
    let max = if detail == Detail::Full {
        limits::FIELD_BYTES
    } else {
        40
    };
    word[..word.len().min(max)].to_vec()
}

fn parameters(all: &[(Vec<u8>, Vec<u8>)], detail: Detail) -> Vec<(Vec<u8>, Vec<u8>)> {
    match detail {
        Detail::Full => all.to_vec(),
        Detail::Short => {
            let short = |(n, v): &&(Vec<u8>, Vec<u8>)| n.len() + v.len() <= 100;
            all.iter().filter(short).take(4).cloned().collect()
        }
        Detail::None => Vec::new(),
    }
}

/// The word as it stands, without comments; absent = 7BIT, which the encoder says.
fn encoding(header: &Fields<'_>) -> Vec<u8> {
    let found = header.first("content-transfer-encoding");
    let mut word = found
        .map(|raw| field::parameterized(raw).value)
        .unwrap_or_default();
    word.truncate(40);
    word
}

fn disposition(header: &Fields<'_>, detail: Detail) -> Option<Disposition> {
    if detail == Detail::None {
        return None;
    }
    let found = field::parameterized(header.first("content-disposition")?);
    if found.value.is_empty() {
        return None;
    }
    let parameters = parameters(&found.parameters, detail);
    Some(Disposition {
        kind: shown(&found.value, detail),
        parameters,
    })
}

/// The words of Content-Language.
fn words(value: &[u8]) -> Vec<Vec<u8>> {
    let words = value
        .split(|b| *b == b',')
        .map(|word| word.trim_ascii().to_vec());
    words
        .filter(|word| !word.is_empty())
        .take(limits::PARAMETERS)
        .collect()
}

fn part_tree(nodes: &[Node]) -> PartTree {
    let lower = |bytes: &[u8], max: usize| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(max)]).to_ascii_lowercase()
    };
    let part = |node: &Node| Part {
        kind: node.kind,
        parent: node.parent,
        children: node.children.clone(),
        header: node.header_range.clone(),
        body: node.body.clone(),
        encoding: node.encoding,
        media_type: format!(
            "{}/{}",
            lower(&node.media.kind, 64),
            lower(&node.media.subtype, 64)
        ),
        charset: node
            .media
            .parameter("charset")
            .map(|charset| lower(charset, 64)),
    };
    PartTree::new(nodes.iter().map(part).collect())
}

fn kept_fields(header: &Fields<'_>, is_cut: bool) -> Vec<u8> {
    let mut kept: Vec<(u8, Option<Vec<u8>>)> = Vec::with_capacity(KEPT_FIELDS.len());
    for (name, value) in header.iter() {
        let known = KEPT_FIELDS
            .iter()
            .position(|k| name.eq_ignore_ascii_case(k.as_bytes()));
        let Some(number) = known.map(|at| at as u8) else {
            continue;
        };
        match kept.iter_mut().find(|(found, _)| *found == number) {
            Some((_, first)) => *first = None,
            None => {
                let value = field::unfold_whole(value);
                let fits = value.len() <= limits::KEPT_FIELD_BYTES;
                kept.push((number, fits.then_some(value)));
            }
        }
    }
    // What was not looked at may be anything.
    for number in (0..KEPT_FIELDS.len() as u8).filter(|_| is_cut) {
        if !kept.iter().any(|(found, _)| *found == number) {
            kept.push((number, None));
        }
    }
    encode_fields(&kept)
}

/// Message-ID, In-Reply-To, and References from the newest on, each as a hash of eight octets.
fn references(header: &Fields<'_>) -> Vec<u8> {
    let mut hashes: Vec<u64> = Vec::new();
    let mut add = |id: &[u8]| {
        let hash = hash(id);
        if hashes.len() < limits::THREAD_REFERENCES && !hashes.contains(&hash) {
            hashes.push(hash);
        }
    };
    for name in ["message-id", "in-reply-to", "references"] {
        let Some(value) = header.first(name).map(field::unfold_whole) else {
            continue;
        };
        message_ids(&value)
            .into_iter()
            .rev()
            .take(limits::THREAD_REFERENCES)
            .for_each(&mut add);
    }
    hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect()
}

/// msg-id = "<" id-left "@" id-right ">" [rfc5322 3.6.4]; whatever stands in angle brackets.
fn message_ids(value: &[u8]) -> Vec<&[u8]> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some(open) = memchr::memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let Some(close) = memchr::memchr(b'>', rest) else {
            break;
        };
        let id = rest[..close].trim_ascii();
        if !id.is_empty() && id.len() <= 1_000 {
            ids.push(id);
        }
        rest = &rest[close + 1..];
    }
    ids
}

fn hash(id: &[u8]) -> u64 {
    let hash = blake3::hash(id);
    u64::from_be_bytes(
        *hash
            .as_bytes()
            .first_chunk()
            .expect("because a hash has 32 octets"),
    )
}
