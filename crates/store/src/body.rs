//! Bodies on their way in: a [`BodyWriter`] takes the pieces, a [`Body`] is whole and waits for the
//! transactions that adopt it.
//!
//! Small ones wait in memory under one bound for all; large ones stream into a file of their own,
//! which is durable before any frame speaks of it. When the memory for all is used up, small ones
//! take files as well: senders that stall in the middle keep nobody out. Never here: where adopted
//! bodies lie (`bodies.rs`).

use crate::engine::Engine;
use crate::limits::{FILE_PIECE_BYTES, MAX_TAG_BYTES};
use crate::own_file::OwnFile;
use crate::sync::lock;
use crate::{BodyId, BodyRefusal, Compression, Fault, packed};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// The bound on all bodies that wait in memory.
pub(crate) struct Budget {
    left: AtomicUsize,
    all: usize,
}

/// A share of the budget; given back when dropped.
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Budget> {
        Arc::new(Budget {
            left: AtomicUsize::new(bytes),
            all: bytes,
        })
    }

    /// What bodies hold of it now.
    pub(crate) fn used(&self) -> usize {
        self.all.saturating_sub(self.left.load(Ordering::Acquire))
    }
}

impl Share {
    fn none(budget: &Arc<Budget>) -> Share {
        Share {
            budget: budget.clone(),
            bytes: 0,
        }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), BodyRefusal> {
        self.budget
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(bytes)
            })
            .map_err(|_| BodyRefusal::Busy)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives all of it back.
    fn clear(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[derive(Default)]
struct IdsInner {
    next: u64,
    in_flight: BTreeSet<u64>,
}

/// Gives out body ids, and knows which of them no commit has settled yet.
#[derive(Clone, Default)]
pub(crate) struct Ids(Arc<Mutex<IdsInner>>);

impl Ids {
    pub(crate) fn new(next: u64) -> Ids {
        Ids(Arc::new(Mutex::new(IdsInner {
            next,
            in_flight: BTreeSet::new(),
        })))
    }

    fn claim(&self) -> Arc<Claim> {
        let mut inner = lock(&self.0);
        let id = inner.next;
        inner.next += 1;
        inner.in_flight.insert(id);
        Arc::new(Claim {
            id: BodyId(id),
            written: AtomicBool::new(false),
            ids: self.clone(),
        })
    }

    /// The lowest id that was not settled when this was asked.
    pub(crate) fn first_unsettled(&self) -> BodyId {
        let inner = lock(&self.0);
        BodyId(inner.in_flight.first().copied().unwrap_or(inner.next))
    }

    /// The next id that has never been given out.
    pub(crate) fn next(&self) -> u64 {
        lock(&self.0).next
    }
}

/// An id for a body, held by the edits that bring it until their commits are settled.
pub(crate) struct Claim {
    pub(crate) id: BodyId,
    /// A durable frame holds the body.
    pub(crate) written: AtomicBool,
    ids: Ids,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.ids.0).in_flight.remove(&self.id.0);
    }
}

/// What a body consists of.
pub(crate) enum Content {
    Memory {
        bytes: Bytes,
        /// The same as the log takes it, if that saves enough.
        packed: Option<Bytes>,
    },
    File(Arc<OwnFile>),
}

/// A body as the log takes it.
#[derive(Clone)]
pub(crate) enum Stored {
    Plain(Bytes),
    Packed(Bytes),
    File(Arc<OwnFile>),
}

impl Content {
    pub(crate) fn stored(&self) -> Stored {
        match self {
            Content::Memory {
                packed: Some(packed),
                ..
            } => Stored::Packed(packed.clone()),
            Content::Memory { bytes, .. } => Stored::Plain(bytes.clone()),
            Content::File(file) => Stored::File(file.clone()),
        }
    }
}

impl Stored {
    /// Bytes that travel in the frame.
    pub(crate) fn inline_bytes(&self) -> usize {
        match self {
            Stored::Plain(bytes) | Stored::Packed(bytes) => bytes.len(),
            Stored::File(_) => 0,
        }
    }
}

pub(crate) struct BodyInner {
    pub(crate) content: Content,
    pub(crate) len: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) tag: Bytes,
    _share: Option<Share>,
    claim: Mutex<Weak<Claim>>,
}

/// A whole body that no transaction has taken yet, or that several take together.
#[derive(Clone)]
pub struct Body(pub(crate) Arc<BodyInner>);

impl Body {
    pub fn len(&self) -> u64 {
        self.0.len
    }

    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The BLAKE3 hash of the bytes.
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash
    }

    /// The bytes, if the body waits in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.0.content {
            Content::Memory { bytes, .. } => Some(bytes),
            Content::File(_) => None,
        }
    }

    /// At most `len` bytes from `from`; fewer at the end.
    pub fn read(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        match &self.0.content {
            Content::Memory { bytes, .. } => Ok(piece(bytes, from, len)),
            Content::File(file) => file.read_at(from, len),
        }
    }

    /// The same claim for all edits that hold the body at one time, so that it is written once.
    pub(crate) fn claim(&self, ids: &Ids) -> Arc<Claim> {
        let mut held = lock(&self.0.claim);
        if let Some(claim) = held.upgrade() {
            return claim;
        }
        let claim = ids.claim();
        *held = Arc::downgrade(&claim);
        claim
    }
}

/// At most `len` bytes from `from`.
pub(crate) fn piece(bytes: &Bytes, from: u64, len: usize) -> Bytes {
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(from..from + len.min(bytes.len() - from))
}

/// Takes a body piece by piece.
pub struct BodyWriter {
    engine: Arc<Engine>,
    /// The whole body, or what the file has not got yet.
    memory: Vec<u8>,
    share: Share,
    file: Option<OwnFile>,
    file_bytes: u64,
    hasher: Box<blake3::Hasher>,
    len: u64,
}

impl BodyWriter {
    pub(crate) fn new(engine: Arc<Engine>) -> BodyWriter {
        let share = Share::none(&engine.budget);
        let hasher = Box::new(blake3::Hasher::new());
        BodyWriter {
            engine,
            memory: Vec::new(),
            share,
            file: None,
            file_bytes: 0,
            hasher,
            len: 0,
        }
    }

    pub async fn write(&mut self, piece: &[u8]) -> Result<(), BodyRefusal> {
        let mut rest = piece;
        while !rest.is_empty() {
            let room = self.most().saturating_sub(self.memory.len());
            if room == 0 {
                self.spill()?;
                continue;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.keep(now)?;
            rest = later;
        }
        self.hasher.update(piece);
        self.len += piece.len() as u64;
        Ok(())
    }

    /// What was taken leaves memory, and the body goes into a file of its own however small it is:
    /// for a caller that collects many. (The engine `memory` has no files.)
    pub fn leave_memory(&mut self) -> Result<(), BodyRefusal> {
        match self.engine.files {
            Some(_) => self.spill(),
            None => Ok(()),
        }
    }

    /// How much may wait in memory: a small body whole; of a large one, what is worth a write.
    fn most(&self) -> usize {
        let inline = self.engine.settings.body_inline_bytes.max(1);
        if self.engine.files.is_none() {
            usize::MAX
        } else if self.file.is_none() {
            inline
        } else {
            inline.min(FILE_PIECE_BYTES)
        }
    }

    /// Keeps a piece in memory. If the memory for all is used up, it goes on into the file at once.
    fn keep(&mut self, piece: &[u8]) -> Result<(), BodyRefusal> {
        let needed = self.memory.len() + piece.len();
        let more = needed.saturating_sub(self.share.bytes);
        match self.share.grow(more) {
            Ok(()) => self.memory.extend_from_slice(piece),
            Err(refused) if self.engine.files.is_none() => return Err(refused),
            Err(_) => {
                self.spill()?;
                self.write_on(piece)?;
            }
        }
        Ok(())
    }

    /// Moves what waits in memory on into the body's own file, and gives the memory back.
    fn spill(&mut self) -> Result<(), BodyRefusal> {
        let memory = std::mem::take(&mut self.memory);
        self.write_on(&memory)?;
        self.share.clear();
        Ok(())
    }

    fn write_on(&mut self, bytes: &[u8]) -> Result<(), BodyRefusal> {
        if self.engine.is_full() {
            return Err(BodyRefusal::Full);
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => self.engine.new_own_file()?,
        };
        let file = self.file.insert(file);
        file.write_at(self.file_bytes, bytes)?;
        self.file_bytes += bytes.len() as u64;
        Ok(())
    }

    /// `tag`: opaque words of the caller kept beside the body (whose it is), so that it can be
    /// found even if its records are gone; at most `limits::MAX_TAG_BYTES`.
    pub async fn finish(mut self, tag: &[u8]) -> Result<Body, BodyRefusal> {
        assert!(
            tag.len() <= MAX_TAG_BYTES,
            "the caller bounds the tag of a body"
        );
        let (content, share) = if self.file.is_some() {
            self.spill()?;
            let file = self
                .file
                .take()
                .map(Arc::new)
                .expect("because it was there a line above");
            self.engine
                .blocking({
                    let file = file.clone();
                    move || file.sync()
                })
                .await?;
            (Content::File(file), None)
        } else {
            let bytes = Bytes::from(std::mem::take(&mut self.memory));
            let packed = self.packed(&bytes);
            (Content::Memory { bytes, packed }, Some(self.share))
        };
        Ok(Body(Arc::new(BodyInner {
            content,
            len: self.len,
            hash: *self.hasher.finalize().as_bytes(),
            tag: Bytes::copy_from_slice(tag),
            _share: share,
            claim: Mutex::new(Weak::new()),
        })))
    }

    /// The packed form, if it saves enough and there is memory for it until the commit.
    fn packed(&mut self, bytes: &[u8]) -> Option<Bytes> {
        let settings = &self.engine.settings;
        if self.engine.files.is_none() || settings.compression == Compression::None {
            return None;
        }
        let packed = packed::pack(bytes)?;
        self.share.grow(packed.len()).ok()?;
        Some(packed)
    }

    /// Bytes taken so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
