//! Bells: "look again". A bell carries no news; the truth is read from the store.
use crate::Partition;
/// Rings when a commit to its partition has become visible.
pub struct Bell {
    partition: Partition,
}
impl Bell {
    /// Returns when the partition had a visible commit since the last return (or creation).
    pub async fn rung(&mut self) {
        todo!()
    }
}
