//! Bodies on their way in.
use crate::{BodyRefusal, Fault};
use bytes::Bytes;
/// Takes a body piece by piece.
pub struct BodyWriter {}
impl BodyWriter {
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), BodyRefusal> {
        todo!()
    }
    pub async fn finish(self, tag: &[u8]) -> Result<Body, BodyRefusal> {
        todo!()
    }
    pub fn len(&self) -> u64 {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
/// A whole body that no transaction has taken yet, or that several take together.
#[derive(Clone)]
pub struct Body {}
impl Body {
    pub fn len(&self) -> u64 {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The BLAKE3 hash of the bytes.
    pub fn hash(&self) -> [u8; 32] {
        todo!()
    }
    /// The bytes, if the body waits in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        todo!()
    }
    /// At most `len` bytes from `from`; fewer at the end.
    pub fn read(&self, from: u64, len: usize) -> Result<Bytes, Fault> {
        todo!()
    }
}
