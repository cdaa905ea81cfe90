//! The keys of an account's partition and of the directory (partition 0). Numbers are big-endian,
//! so that order by key is order by number.
//!
//! | key | value |
//! |---|---|
//! | `a` | the account's state |
//! | `m` mailbox | the mailbox's record (name, UIDVALIDITY, use) |
//! | `n` parent, leaf name | the mailbox of that name |
//! | `s` mailbox | the mailbox's state (UIDNEXT, HIGHESTMODSEQ, counts) |
//! | `u` name | a subscription |
//! | `k` number | a keyword's name |
//! | `r` mailbox, uid | the ready-to-send record |
//! | `f` mailbox, block | flags, modseq, size of 64 UIDs |
//! | `b` mailbox, kind, chunk | a bitmap of 65,536 UIDs |
//! | `y` mailbox, first uid | a range of messages that were shown at once |
//! | `c` modseq | an entry of the change log |
//! | `t` hash | the thread of a Message-ID |
//! | `x` | the account's state while it is removed and still kept |

use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::name::MailboxName;
use store::Partition;

/// Where domains, accounts and aliases are.
pub(crate) const DIRECTORY: Partition = Partition(0);

pub(crate) fn partition(account: AccountId) -> Partition {
    Partition(account.0)
}

pub(crate) const ACCOUNT: &[u8] = b"a";
/// Where the state lies while the account is removed: nobody finds the account then.
pub(crate) const REMOVED_ACCOUNT: &[u8] = b"x";
pub(crate) const MAILBOXES: &[u8] = b"m";
pub(crate) const STATES: &[u8] = b"s";
pub(crate) const SUBSCRIPTIONS: &[u8] = b"u";
pub(crate) const KEYWORDS: &[u8] = b"k";
pub(crate) const CHANGES: &[u8] = b"c";
pub(crate) const READY: &[u8] = b"r";
pub(crate) const THREADS: &[u8] = b"t";

fn with_mailbox(tag: u8, mailbox: MailboxId) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    key.push(tag);
    key.extend_from_slice(&mailbox.0.to_be_bytes());
    key
}

fn with_uid(tag: u8, mailbox: MailboxId, uid: u32) -> Vec<u8> {
    let mut key = with_mailbox(tag, mailbox);
    key.extend_from_slice(&uid.to_be_bytes());
    key
}

pub(crate) fn mailbox(id: MailboxId) -> Vec<u8> {
    with_mailbox(b'm', id)
}

/// The same for all spellings of one name.
pub(crate) fn name(parent: MailboxId, leaf: &str) -> Vec<u8> {
    let mut key = with_mailbox(b'n', parent);
    key.extend_from_slice(MailboxName::composed(leaf).as_bytes());
    key
}

/// All names right below `parent`.
pub(crate) fn names(parent: MailboxId) -> Vec<u8> {
    with_mailbox(b'n', parent)
}

pub(crate) fn state(id: MailboxId) -> Vec<u8> {
    with_mailbox(b's', id)
}

pub(crate) fn subscription(name: &str) -> Vec<u8> {
    [SUBSCRIPTIONS, name.as_bytes()].concat()
}

pub(crate) fn keyword(number: u16) -> Vec<u8> {
    [KEYWORDS, &number.to_be_bytes()].concat()
}

pub(crate) fn ready(mailbox: MailboxId, uid: u32) -> Vec<u8> {
    with_uid(b'r', mailbox, uid)
}

/// `block`: as `rows::block_of` says.
pub(crate) fn flags(mailbox: MailboxId, block: u32) -> Vec<u8> {
    with_uid(b'f', mailbox, block)
}

pub(crate) fn shown(mailbox: MailboxId, first_uid: u32) -> Vec<u8> {
    with_uid(b'y', mailbox, first_uid)
}

pub(crate) fn all_bits(mailbox: MailboxId) -> Vec<u8> {
    with_mailbox(b'b', mailbox)
}

pub(crate) fn bits_of_kind(mailbox: MailboxId, kind: u8) -> Vec<u8> {
    let mut key = with_mailbox(b'b', mailbox);
    key.push(kind);
    key
}

pub(crate) fn bits(mailbox: MailboxId, kind: u8, chunk: u16) -> Vec<u8> {
    let mut key = bits_of_kind(mailbox, kind);
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

pub(crate) fn change(modseq: ModSeq) -> Vec<u8> {
    [CHANGES, &modseq.0.to_be_bytes()].concat()
}

/// The range of all changes after `since`.
pub(crate) fn changes_after(since: ModSeq) -> std::ops::Range<Vec<u8>> {
    change(ModSeq(since.0.saturating_add(1)))..vec![b'c' + 1]
}

pub(crate) fn thread(hash: u64) -> Vec<u8> {
    [THREADS, &hash.to_be_bytes()].concat()
}

/// The last four bytes of a key as a number: the UID of `r` and `y` keys, the block of `f`, the mailbox of `m`.
pub(crate) fn last_u32(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.last_chunk()?))
}

/// The last eight bytes of a key as a number: the modseq of `c` keys.
pub(crate) fn last_u64(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk()?))
}

/// The mailbox of `r`, `f`, `y`, `b`, `n`, `s` and `m` keys.
pub(crate) fn mailbox_of(key: &[u8]) -> Option<MailboxId> {
    Some(MailboxId(u32::from_be_bytes(*key.get(1..)?.first_chunk()?)))
}

/// Keys of the directory.
pub(crate) mod directory {
    use crate::ids::AccountId;

    pub(crate) const STATE: &[u8] = b"s";
    pub(crate) const SECRET: &[u8] = b"k";
    /// The last gap in the log after which numbers were passed over.
    pub(crate) const GAP: &[u8] = b"g";
    pub(crate) const DOMAINS: &[u8] = b"d";
    pub(crate) const ADDRESSES: &[u8] = b"i";
    pub(crate) const ACCOUNTS: &[u8] = b"a";

    pub(crate) fn domain(name: &str) -> Vec<u8> {
        [DOMAINS, name.as_bytes()].concat()
    }
    pub(crate) fn address(key: &str) -> Vec<u8> {
        [ADDRESSES, key.as_bytes()].concat()
    }
    pub(crate) fn account(id: AccountId) -> Vec<u8> {
        [ACCOUNTS, &id.0.to_be_bytes()].concat()
    }
    /// The signing keys of a domain.
    pub(crate) fn dkim_keys(domain: &str) -> Vec<u8> {
        [b"y", domain.as_bytes(), b"\0"].concat()
    }
    pub(crate) fn dkim(domain: &str, selector: &str) -> Vec<u8> {
        [&dkim_keys(domain), selector.as_bytes()].concat()
    }
    pub(crate) const READABLE_SECRETS: &[u8] = b"p";
    /// The password of an account that asked for APOP.
    pub(crate) fn readable_secret(id: AccountId) -> Vec<u8> {
        [READABLE_SECRETS, &id.0.to_be_bytes()].concat()
    }
    pub(crate) const REMOVED: &[u8] = b"x";
    /// An account that is removed, kept for the history, and not yet swept.
    pub(crate) fn removed(id: AccountId) -> Vec<u8> {
        [REMOVED, &id.0.to_be_bytes()].concat()
    }
    /// The second password of the host that a domain is.
    pub(crate) fn host(domain: &str) -> Vec<u8> {
        [b"h", domain.as_bytes()].concat()
    }
    /// Which aliases have this address among their targets.
    pub(crate) fn targeted(target: &str) -> Vec<u8> {
        [b"t", target.as_bytes(), b"\0"].concat()
    }
    pub(crate) fn targeted_by(target: &str, alias: &str) -> Vec<u8> {
        [&targeted(target), alias.as_bytes()].concat()
    }
}
