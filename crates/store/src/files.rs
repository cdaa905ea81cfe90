//! Everything that touches the disk.
use crate::OpenError;
use std::path::Path;
/// The files of one data folder: real or simulated.
pub struct Files {}
impl Files {
    /// Creates the folder (0700) if needed and takes its lock; a second process is refused.
    pub fn real(path: impl AsRef<Path>) -> Result<Files, OpenError> {
        todo!()
    }
    /// A simulated disk; all that is random in it comes from the seed.
    pub fn sim(seed: u64) -> (Files, SimDisk) {
        todo!()
    }
}
/// The simulated disk behind `Files::sim`.
#[derive(Clone)]
pub struct SimDisk {}
