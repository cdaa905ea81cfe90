//! POP4's MIME parts: LPRT lists them, RPRT sends one exactly as it is stored.

use crate::cmd::retrieve::Sending;
use crate::limits::{PART_HEADER_BYTES, WORD_CHARS};
use crate::maildrop::{For, Pieces};
use crate::reply::{self, Refused};
use crate::session::Session;
use crate::table::Doing;
use crate::text::Text;
use mail::{Content, Part, PartHeader, PartKind, PartTree, Section};
use pop::Reply;
use pop::pop4::{PartSection, encoded, part_text};

/// What LPRT says of a part without a file's name.
const NO_NAME: &str = "-";

pub(crate) fn lprt(session: &mut Session, number: u32) -> Doing<'_> {
    Box::pin(async move {
        match lines(session, number) {
            Ok(lines) => {
                session.begin(&Text::PartsFollow);
                for line in &lines {
                    session.machine.send(Reply::Line(line));
                }
                session.machine.send(Reply::End);
            }
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

/// `ptnum SP type/subtype SP encoding SP octets SP (filename / "-")`
fn lines(session: &mut Session, number: u32) -> Result<Vec<String>, Refused> {
    let id = session.id;
    let found = session.maildrop().find(number, For::Less)?;
    let (tree, content) = (found.ready.parts(), found.ready.content());
    let mut lines = Vec::new();
    for (path, part) in numbered(&tree) {
        let header = header(&content, part).map_err(|fault| reply::fault(&fault, id))?;
        let octets = part.body.end.saturating_sub(part.body.start);
        let number = part_text(&path);
        let (media, encoding) = (short(&part.media_type), short(&header.encoding));
        let name = header.filename.map(|name| filename(&name));
        let name = name.as_deref().unwrap_or(NO_NAME);
        lines.push(format!("{number} {media} {encoding} {octets} {name}"));
    }
    Ok(lines)
}

fn short(text: &str) -> String {
    text.chars().take(WORD_CHARS).collect()
}

/// One word, and never the one that says that there is none.
fn filename(name: &str) -> String {
    match name {
        NO_NAME => "%2D".to_owned(),
        name => encoded(&short(name)),
    }
}

fn header(content: &Content, part: &Part) -> Result<PartHeader, mail::Fault> {
    let len = part.header.end.saturating_sub(part.header.start);
    let len = usize::try_from(len).unwrap_or(PART_HEADER_BYTES);
    let octets = content.read(part.header.start, len.min(PART_HEADER_BYTES))?;
    Ok(PartHeader::of(&octets))
}

/// Every part that has a number, numbered as in IMAP's BODY[] [rfc9051 6.4.5.1].
fn numbered(tree: &PartTree) -> Vec<(Vec<u32>, &Part)> {
    let (path, found) = (Vec::new(), Vec::new());
    let mut walk = Walk { tree, path, found };
    walk.within(tree.root());
    walk.found
}

struct Walk<'a> {
    tree: &'a PartTree,
    /// The number of the part that is looked at.
    path: Vec<u32>,
    found: Vec<(Vec<u32>, &'a Part)>,
}

impl<'a> Walk<'a> {
    /// The parts of a message: those of its multipart, or itself as part 1.
    fn within(&mut self, root: &'a Part) {
        match root.kind {
            PartKind::Multipart => self.children(root),
            PartKind::Message | PartKind::Leaf => self.part(1, root),
        }
    }

    fn children(&mut self, multipart: &'a Part) {
        for (number, child) in (1..).zip(&multipart.children) {
            self.part(number, &self.tree.parts()[*child]);
        }
    }

    fn part(&mut self, number: u32, part: &'a Part) {
        self.path.push(number);
        self.found.push((self.path.clone(), part));
        match (part.kind, part.children.first()) {
            (PartKind::Multipart, _) => self.children(part),
            (PartKind::Message, Some(root)) => self.within(&self.tree.parts()[*root]),
            (PartKind::Message, None) | (PartKind::Leaf, _) => {}
        }
        self.path.pop();
    }
}

pub(crate) fn rprt(session: &mut Session, number: u32, section: PartSection) -> Doing<'_> {
    Box::pin(async move {
        match pieces(session, number, &section) {
            Ok((pieces, octets)) => {
                session.begin(&Text::MessageFollows(octets));
                Sending::of_part(pieces).run(session).await?;
            }
            Err(refused) => session.refuse(&refused),
        }
        Ok(())
    })
}

fn pieces(
    session: &mut Session,
    number: u32,
    section: &PartSection,
) -> Result<(Pieces, u64), Refused> {
    let found = session.maildrop().find(number, For::Less)?;
    let tree = found.ready.parts();
    let range = match section {
        PartSection::Header => tree.locate(&[], Section::Header),
        PartSection::Part(path) => tree.locate(path, Section::Whole),
        PartSection::Mime(path) => tree.locate(path, Section::Mime),
    };
    let range = range.ok_or_else(|| Refused::new(Text::NoSuchPart))?;
    let octets = range.end.saturating_sub(range.start);
    Ok((Pieces::within(&found.ready, range), octets))
}
