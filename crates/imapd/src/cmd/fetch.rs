//! FETCH [rfc3501 6.4.5] [rfc9051 6.4.5], with CHANGEDSINCE and VANISHED [rfc7162 3.2.6]. Messages
//! are read in batches and texts in pieces; what waits for the client is bounded, and nothing is
//! locked while it is written.

use crate::binary;
use crate::enabled::Extension;
use crate::flags::{Recent, names};
use crate::limits;
use crate::reply::{Answer, Outcome, Trouble, id};
use crate::resync;
use crate::section::{Asked, Octets};
use crate::session::Session;
use crate::updates::{Open, say_vanished};
use crate::wire::{Ended, Wire};
use imap::{DateTime, FetchData, FetchItem, FetchModifiers, FetchWriter, Ids, MessageSet};
use imap::{Response, ResponseCode, SectionLabel, SectionText, Vanished};
use mail::{Access, Content, Cursor, Fault, FlagChange, Flags, Message, ModSeq, PartTree, Ready};
use mail::{SystemFlags, View, Want, read_ahead};
use roaring::RoaringBitmap;
use std::ops::Range;

pub(crate) async fn run(
    session: &mut Session,
    ids: Ids,
    set: &MessageSet,
    items: Vec<FetchItem>,
    modifiers: FetchModifiers,
) -> Outcome {
    let mut uids = session.uids(ids, set)?;
    if let Some(since) = modifiers.changed_since {
        // [rfc7162 3.2.6]
        if modifiers.vanished == Vanished::Asked && !session.enabled.has(Extension::QResync) {
            return Ok(Answer::bad("ENABLE QRESYNC comes first"));
        }
        uids = changed_since(session, set, uids, ModSeq(since), modifiers.vanished).await?;
    }
    let mut open = session.open();
    let plan = Plan::new(items, ids, modifiers, &open);
    let mut cursor = Cursor::start();
    let mut trouble = None;
    loop {
        let mut batch = open
            .view
            .fetch(&uids, plan.want, &mut cursor, limits::BATCH_MESSAGES)?;
        if batch.is_empty() {
            break;
        }
        let asked = batch.len();
        batch.retain(|message| !plan.asks_unknown_encoding(message));
        if batch.len() < asked {
            trouble = Some(unknown_encoding());
        }
        let newly_seen = match plan.marks_seen {
            true => mark_seen(open.view, &mut batch).await?,
            false => RoaringBitmap::new(),
        };
        open.learn(batch.iter().map(|message| &message.flags))?;
        if open.enabled.has(Extension::Imap4Rev2) {
            // It has no `\Recent` [rfc9051 2.3.2].
            batch.iter_mut().for_each(|message| message.recent = false);
        }
        let wire = &mut *open.wire;
        let mut ahead = 0;
        for at in 0..batch.len() {
            if plan.reads_whole_texts && at >= ahead {
                ahead = at + read_ahead(&mut batch[at..]);
            }
            let message = &batch[at];
            let shows_flags = newly_seen.contains(message.uid);
            if let Err(fault) = write(wire, &plan, message, shows_flags).await? {
                trouble = Some(fault.into());
            }
            // What was read ahead goes with the record.
            batch[at].ready = None;
            wire.ease().await?;
            wire.turns.step().await;
        }
        wire.check_stop()?;
    }
    // A message that could not be read does not keep the client from the others.
    match trouble {
        Some(trouble) => Err(trouble),
        None => Ok(Answer::ok("fetched")),
    }
}

/// Those of the messages that changed since; before them, if asked for, which of the set are gone.
async fn changed_since(
    session: &mut Session,
    set: &MessageSet,
    uids: RoaringBitmap,
    since: ModSeq,
    vanished: Vanished,
) -> Result<RoaringBitmap, Trouble> {
    let saved = session.saved.clone();
    let mut open = session.open();
    let known = open.view.since(since)?;
    if vanished == Vanished::Asked {
        let wanted = match set {
            MessageSet::Numbers(set) => resync::numbers(open.view, set),
            MessageSet::Saved => saved,
        };
        let gone = known.gone & wanted;
        say_vanished(open.wire, &gone, Response::VanishedEarlier).await?;
    }
    resync::changed(&mut open, uids, since, known.changed).await
}

/// What is sent of each message.
struct Plan {
    items: Vec<FetchItem>,
    /// What comes along when the client's reading set `\Seen`.
    with_seen: Vec<FetchItem>,
    want: Want,
    marks_seen: bool,
    /// Most of each message's octets will be read.
    reads_whole_texts: bool,
}

impl Plan {
    fn new(
        mut items: Vec<FetchItem>,
        ids: Ids,
        modifiers: FetchModifiers,
        open: &Open<'_>,
    ) -> Plan {
        // [rfc7162 3.1.4.1]
        if modifiers.changed_since.is_some() && !items.contains(&FetchItem::ModSeq) {
            items.push(FetchItem::ModSeq);
        }
        // A UID command answers with the UID, asked or not [rfc3501 6.4.8]
        // [rfc9051 6.4.9].
        if ids == Ids::Uid && !items.contains(&FetchItem::Uid) {
            items.insert(0, FetchItem::Uid);
        }
        let only_small = |item: &FetchItem| {
            use FetchItem as I;
            matches!(item, I::Uid | I::Flags | I::ModSeq | I::Rfc822Size)
        };
        let want = match items.iter().all(only_small) {
            true => Want::Flags,
            false => Want::Both,
        };
        let access = open.view.access();
        let marks_seen = access == Access::ReadWrite && items.iter().any(FetchItem::sets_seen);
        let mut with_seen = vec![FetchItem::Flags];
        // Flags that nobody asked for come with UID and MODSEQ [rfc7162 3.2.4], in IMAP4rev2 with
        // UID [rfc9051 7.5.2].
        if open.enabled.has(Extension::CondStore) {
            with_seen.extend([FetchItem::Uid, FetchItem::ModSeq]);
        } else if open.enabled.has(Extension::Imap4Rev2) {
            with_seen.push(FetchItem::Uid);
        }
        with_seen.retain(|item| !items.contains(item));
        Plan {
            reads_whole_texts: items.iter().any(is_whole_text),
            items,
            with_seen,
            want,
            marks_seen,
        }
    }
}

impl Plan {
    /// Is there a BINARY among the items that cannot be answered?
    fn asks_unknown_encoding(&self, message: &Message) -> bool {
        let mut paths = self.items.iter().filter_map(binary::path_of).peekable();
        if paths.peek().is_none() {
            return false;
        }
        let parts = ready(message).parts();
        paths.any(|path| binary::is_unknown(&parts, path))
    }
}

/// [rfc3516 4.3]
fn unknown_encoding() -> Trouble {
    let text = "a part is encoded in a way that is not known here";
    Answer::no(ResponseCode::UnknownCte, text).into()
}

/// Sets `\Seen` before the texts are sent. Gives the messages that did not have it.
async fn mark_seen(view: &mut View, batch: &mut [Message]) -> Result<RoaringBitmap, Trouble> {
    let unseen = batch
        .iter()
        .filter(|message| !message.flags.system.contains(SystemFlags::SEEN));
    let unseen: RoaringBitmap = unseen.map(|message| message.uid).collect();
    if unseen.is_empty() {
        return Ok(unseen);
    }
    let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
    let result = match view.store(&unseen, &seen, None).await {
        Ok(result) => result,
        // Mail can be read also while nothing can be written.
        Err(mail::StoreError::ReadOnly(_)) => return Ok(RoaringBitmap::new()),
        Err(error) => return Err(error.into()),
    };
    let mut changed = RoaringBitmap::new();
    for (uid, flags, modseq) in result.changed {
        changed.insert(uid);
        if let Some(message) = batch.iter_mut().find(|message| message.uid == uid) {
            message.flags = flags;
            message.modseq = modseq;
        }
    }
    Ok(changed)
}

/// One FETCH response. The inner error is a text that cannot be read: the response is whole all
/// the same, with NIL in its place.
async fn write(
    wire: &mut Wire,
    plan: &Plan,
    message: &Message,
    shows_flags: bool,
) -> Result<Result<(), Fault>, Ended> {
    let mut writer = FetchWriter::start(message.seq, wire.out());
    let mut texts = Texts::of(message);
    let mut outcome = Ok(());
    for item in &plan.items {
        if write_small(&mut writer, item, message, wire.out()) == Small::Yes {
            continue;
        }
        if binary::path_of(item).is_some() {
            let (parts, content) = texts.open();
            if let Err(fault) = binary::write(&mut writer, wire, item, parts, content).await? {
                outcome = Err(fault);
            }
        } else if let (Some(label), Some(asked)) = (SectionLabel::of(item), Asked::of(item))
            && let Err(fault) = texts.write(&mut writer, wire, &label, &asked).await?
        {
            outcome = Err(fault);
        }
        // After each text, for there may be a thousand, and one may be as large as a header.
        wire.ease().await?;
        wire.turns.pass().await;
    }
    if shows_flags {
        for item in &plan.with_seen {
            write_small(&mut writer, item, message, wire.out());
        }
    }
    writer.end(wire.out());
    Ok(outcome)
}

/// Is it all of the message, or all but its header?
fn is_whole_text(item: &FetchItem) -> bool {
    match item {
        FetchItem::Rfc822 | FetchItem::Rfc822Text => true,
        FetchItem::Section {
            section, partial, ..
        } => {
            let whole = matches!(section.text, SectionText::Whole | SectionText::Text);
            whole && section.path.is_empty() && partial.is_none()
        }
        _ => false,
    }
}

fn ready(message: &Message) -> &Ready {
    let ready = message.ready.as_ref();
    ready.expect("because the plan wants the record for whatever is in it")
}

/// Was an item one that is no text?
#[derive(PartialEq, Eq)]
enum Small {
    Yes,
    No,
}

/// Writes an item that is no text.
fn write_small(
    writer: &mut FetchWriter,
    item: &FetchItem,
    message: &Message,
    out: &mut Vec<u8>,
) -> Small {
    match item {
        FetchItem::Flags => {
            let recent = Recent::from(message.recent);
            writer.flags(names(&message.flags, recent), out);
        }
        FetchItem::Envelope => writer.value("ENVELOPE", ready(message).envelope(), out),
        FetchItem::Body => writer.value("BODY", &ready(message).body(), out),
        FetchItem::BodyStructure => {
            writer.value("BODYSTRUCTURE", ready(message).bodystructure(), out);
        }
        item => match data(item, message) {
            Some(data) => writer.item(&data, out),
            None => return Small::No,
        },
    }
    Small::Yes
}

/// The values that are small themselves.
fn data(item: &FetchItem, message: &Message) -> Option<FetchData> {
    Some(match item {
        FetchItem::Uid => FetchData::Uid(message.uid),
        FetchItem::ModSeq => FetchData::ModSeq(message.modseq.0),
        FetchItem::InternalDate => {
            let seconds = ready(message).internal_date().seconds();
            FetchData::InternalDate(DateTime::utc(seconds))
        }
        FetchItem::Rfc822Size => FetchData::Rfc822Size(message.size),
        FetchItem::Preview => FetchData::Preview(ready(message).preview().to_owned()),
        FetchItem::EmailId => FetchData::EmailId(id(ready(message).email_id())),
        FetchItem::ThreadId => FetchData::ThreadId(id(ready(message).thread_id())),
        _ => return None,
    })
}

/// The texts of one message; its map is read when the first is asked for.
struct Texts<'a> {
    message: &'a Message,
    opened: Option<(PartTree, Content)>,
}

impl<'a> Texts<'a> {
    fn of(message: &'a Message) -> Texts<'a> {
        Texts {
            message,
            opened: None,
        }
    }

    fn open(&mut self) -> &(PartTree, Content) {
        self.opened.get_or_insert_with(|| {
            let ready = ready(self.message);
            (ready.parts(), ready.content())
        })
    }

    async fn write(
        &mut self,
        writer: &mut FetchWriter,
        wire: &mut Wire,
        label: &SectionLabel,
        asked: &Asked,
    ) -> Result<Result<(), Fault>, Ended> {
        let (parts, content) = self.open();
        match asked.find(parts, content) {
            Ok(Octets::Nowhere) => writer.text(label, None, wire.out()),
            Ok(Octets::Made(octets)) => writer.text(label, Some(&octets), wire.out()),
            Ok(Octets::Range(range)) => return stream(writer, wire, label, content, range).await,
            Err(fault) => {
                writer.text(label, None, wire.out());
                return Ok(Err(fault));
            }
        }
        Ok(Ok(()))
    }
}

/// Sends a range of a message in pieces. Once its length is announced only its end or the end of
/// the connection can follow.
async fn stream(
    writer: &mut FetchWriter,
    wire: &mut Wire,
    label: &SectionLabel,
    content: &Content,
    range: Range<u64>,
) -> Result<Result<(), Fault>, Ended> {
    let len = range.end - range.start;
    let most = usize::try_from(len).unwrap_or(usize::MAX);
    let first = match content.read(range.start, most.min(limits::CONTENT_BYTES)) {
        Ok(first) => first,
        Err(fault) => {
            writer.text(label, None, wire.out());
            return Ok(Err(fault));
        }
    };
    if first.len() as u64 == len {
        writer.text(label, Some(&first), wire.out());
        return Ok(Ok(()));
    }
    writer.announce(label, len, wire.out());
    let mut piece = first;
    while !piece.is_empty() {
        writer.chunk(&piece, wire.out());
        wire.ease().await?;
        let left = usize::try_from(writer.text_left()).unwrap_or(usize::MAX);
        let at = range.end - writer.text_left();
        piece = match content.read(at, left.min(limits::CONTENT_BYTES)) {
            Ok(piece) => piece,
            Err(fault) => {
                tracing::error!(%fault, "a message broke off while it was sent");
                return Err(Ended::Broken);
            }
        };
    }
    match writer.text_left() {
        0 => Ok(Ok(())),
        missing => {
            tracing::error!(missing, "a message is shorter than its record says");
            Err(Ended::Broken)
        }
    }
}
