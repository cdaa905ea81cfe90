//! What one delivered message makes the store write, in realistic sizes.

use store::{BodyId, Db, Edit};

pub const BODY_BYTES: usize = 8 * 1024;
pub const READY_BYTES: usize = 1_536;
pub const FLAGS_BYTES: usize = 48;
pub const CHANGE_BYTES: usize = 60;
pub const STATE_BYTES: usize = 100;
/// All keys together.
pub const KEY_BYTES: usize = 9 + 9 + 9 + 5;
pub const MESSAGE_BYTES: usize =
    BODY_BYTES + READY_BYTES + FLAGS_BYTES + CHANGE_BYTES + STATE_BYTES + KEY_BYTES;

/// Where the ready record is put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    InTheTree,
    /// As the first bytes of the body.
    BesideTheBody,
}

/// Bytes that do not compress, from a number.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut word = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        word ^= word >> 12;
        word ^= word << 25;
        word ^= word >> 27;
        out.extend_from_slice(&word.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    out.truncate(bytes);
    out
}

/// An ENVELOPE and a BODYSTRUCTURE compress to about a half; so does this.
fn ready_record(n: u64) -> Vec<u8> {
    let mut record = noise(n, READY_BYTES / 3);
    while record.len() < READY_BYTES {
        record.extend_from_slice(
            b"(\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 1234 56)",
        );
    }
    record.truncate(READY_BYTES);
    record
}

fn key(kind: u8, number: u64) -> Vec<u8> {
    [&[kind][..], &number.to_be_bytes()].concat()
}

pub fn ready_key(uid: u64) -> Vec<u8> {
    key(b'r', uid)
}

/// Ready-made messages, so that making them costs no measured time.
pub struct Samples(Vec<(Vec<u8>, Vec<u8>)>);

impl Samples {
    pub fn new() -> Samples {
        Samples(
            (0..64)
                .map(|n| (noise(n, BODY_BYTES), ready_record(n)))
                .collect(),
        )
    }

    fn get(&self, n: u64) -> &(Vec<u8>, Vec<u8>) {
        &self.0[n as usize % self.0.len()]
    }

    /// The body as it comes in, before the partition's lock is taken.
    pub async fn body(&self, db: &Db, n: u64, ready: Ready) -> store::Body {
        let why = "because the bench stays below the bound";
        let (bytes, record) = self.get(n);
        let mut writer = db.new_body().await.expect(why);
        if ready == Ready::BesideTheBody {
            writer.write(record).await.expect(why);
        }
        writer.write(&n.to_be_bytes()).await.expect(why);
        writer.write(&bytes[8..]).await.expect(why);
        writer.finish(&[b't'; 40]).await.expect(why)
    }

    /// Appends a message to the mailbox of the edit's partition.
    pub fn append(&self, edit: &mut Edit, uid: u64, body: &store::Body, ready: Ready) -> BodyId {
        let (bytes, record) = self.get(uid);
        let id = edit.add_body(body);
        if ready == Ready::InTheTree {
            edit.put(ready_key(uid), record.as_slice());
        }
        let mut flags = bytes[..FLAGS_BYTES].to_vec();
        flags[..8].copy_from_slice(&id.0.to_be_bytes());
        edit.put(key(b'f', uid), flags);
        edit.put(key(b'c', uid), &bytes[..CHANGE_BYTES]);
        edit.put(b"state".to_vec(), &bytes[..STATE_BYTES]);
        id
    }
}
