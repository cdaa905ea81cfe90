//! What a peer can make grow on the road, with the minimum of the RFC beside it.

use std::time::Duration;

/// A message's content. RFC minimum: 64 KiB. [rfc5321 4.5.3.1.7]
pub const MESSAGE_BYTES: u64 = 100 * 1024 * 1024;
/// Recipients of one message. RFC minimum: 100. [rfc5321 4.5.3.1.8]
pub const RECIPIENTS: usize = 1_000;
/// Accounts that one message reaches, aliases followed. No RFC minimum.
pub const DELIVERIES: usize = 4_000;
/// Received fields before a message counts as looping. RFC minimum: 100. [rfc5321 6.3]
pub const HOPS: u32 = 100;
/// Received fields by our own host. A message that we saw ten times before goes in circles.
pub const OWN_HOPS: u32 = 10;
/// How much of one header line is looked at. RFC minimum: 998. [rfc5322 2.1.1]
pub const HEADER_LINE_BYTES: usize = 16 * 1024;
/// How much of a From or Sender field, folded lines together, is looked at.
pub const HEADER_FIELD_BYTES: usize = 64 * 1024;
/// From (or Sender) fields that are kept; one is allowed, two are enough to refuse.
pub const SAME_FIELDS: usize = 2;
/// A Message-ID that is remembered of a message that travels on. RFC maximum of its line: 998.
/// [rfc5322 2.1.1]
pub const MESSAGE_ID_BYTES: usize = 1_000;
/// The note about the envelope that the store keeps beside a body.
pub const TAG_BYTES: usize = 2 * 1024;
/// A value of a peer in a log line.
pub const LOGGED_BYTES: usize = 256;
/// Hosts of one domain that are looked up. RFC minimum: two addresses. [rfc5321 5.1]
pub const ROUTE_HOSTS: usize = 8;
/// Addresses that are tried in one attempt. RFC minimum: two. [rfc5321 5.1]
pub const ROUTE_ADDRESSES: usize = 10;
/// Of these, at one host.
pub const ROUTE_ADDRESSES_OF_HOST: usize = 4;
/// A message that comes back whole with a report of failure if the sender said nothing of it.
pub const RETURNED_BYTES: u64 = 64 * 1024;
/// One that comes back whole if the sender asked for it (RET=FULL). [rfc3461 6.2]
pub const RETURNED_IF_ASKED_BYTES: u64 = 10 * 1024 * 1024;
/// How much of a message's header comes back with a report.
pub const RETURNED_HEADER_BYTES: usize = 64 * 1024;
/// What is told of a recipient's address that cannot be read. An address has 320 octets at most.
/// [rfc5321 4.5.3.1]
pub const UNREADABLE_LETTERS: usize = 320;
/// Recipients whom one report names.
pub const TOLD_RECIPIENTS: usize = 10_000;
/// Recipients of one entry of the queue, which go in one transaction. RFC minimum of what every server
/// takes: 100. [rfc5321 4.5.3.1.8]
pub const ENTRY_RECIPIENTS: usize = 100;
/// Entries of the queue; each takes about 200 octets of memory.
pub const QUEUE_ENTRIES: usize = 1_000_000;
/// Messages whose commits may be under way while one with a higher number is durable.
pub const COMMITTED_LATE: u64 = 10_000;
/// How long a message may be held for later. RFC maximum: 999,999,999 seconds. [rfc4865 3]
pub const HOLD: Duration = Duration::from_secs(30 * 86_400);
/// Messages of one login that may be. [rfc4865 6]
pub const HELD_MESSAGES: usize = 1_000;
/// Their octets. [rfc4865 6]
pub const HELD_BYTES: u64 = 1 << 30;
/// Times that one customer may ask for his mail by ATRN within `PICK_UPS_WITHIN`. [rfc2645 5.2.1]
pub const PICK_UPS: usize = 6;
pub const PICK_UPS_WITHIN: Duration = Duration::from_secs(60);
/// So much longer a message must have waited for one that is more urgent by one step not to overtake
/// it. [rfc6710 5.1]
pub const PRIORITY_STEP: Duration = Duration::from_secs(15 * 60);
/// Attempts at one time; each has a connection, and reads its message in pieces.
pub const ATTEMPTS: usize = 200;
/// How long after its next attempt an entry stays with the node that has it.
pub const LEASE: Duration = Duration::from_secs(3_600);
/// How long attempts have to end when the server stops; what is unsure then is repeated.
pub const LAST_ATTEMPTS: Duration = Duration::from_millis(800);
/// The schedule is looked at so often at least, in case the clock was set.
pub const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// After an attempt that a bug has ended.
pub const AFTER_TROUBLE: Duration = Duration::from_secs(3_600);
/// What ended within so long is noted together.
pub const NOTES_WAIT: Duration = Duration::from_millis(50);
/// So many of them in one transaction, which does not wait for more.
pub const NOTES_TOGETHER: usize = 64;
/// Attempts that have ended and wait for their note, beside those that run.
pub const NOTES_BESIDE: usize = 4 * NOTES_TOGETHER;
/// Until what became of a message is noted again, when the store did not take it.
pub const NOTE_AGAIN: Duration = Duration::from_secs(5);
/// Octets of a message that are copied at once into a report.
pub const COPIED_BYTES: usize = 64 * 1024;
/// Entries that one transaction of the operator changes.
pub const CHANGED_AT_ONCE: usize = 200;
/// After so long, rows of a commit with an unknown outcome are looked for.
pub const DOUBTFUL: Duration = Duration::from_secs(60);
/// What is kept of a host's reply with each recipient of an entry.
pub const SAID_BYTES: usize = 512;
/// Rounds of attempts of one entry that its trail keeps; five days of retries are some fifty.
pub const TRAIL_ROUNDS: u32 = 200;
/// Attempts of one round that the trail keeps.
pub const TRAIL_ATTEMPTS: usize = 16;
/// Attempts of one message that are read to answer one question.
pub const TRAIL_ATTEMPTS_READ: usize = 2_000;
/// Trails that are looked at together to forget them.
pub const FORGET_TRAILS: usize = 100;
/// Rows that are forgotten by one transaction.
pub const FORGET_ROWS: usize = 1_000;
/// Terms of an SPF record, and of those that it leads to, that ask the DNS. [rfc7208 4.6.4]
pub const SPF_TERMS: usize = 10;
/// Names among them that lead nowhere. [rfc7208 4.6.4]
pub const SPF_VOIDS: usize = 2;
/// Hosts of one `mx`. [rfc7208 4.6.4]
pub const SPF_HOSTS: usize = 10;
/// How long the whole may take. RFC minimum: 20 seconds. [rfc7208 4.6.4]
pub const SPF: Duration = Duration::from_secs(20);
/// Signatures of a message that are looked at. No RFC minimum; a verifier may bound its work.
/// [rfc6376 6.1]
pub const SIGNATURES: usize = 20;
/// Keys that are asked for, of signatures and seals.
pub const KEYS: usize = 20;
/// How long all of them may take: whoever sent the message waits for an answer meanwhile.
pub const KEYS_TIME: Duration = Duration::from_secs(20);
/// The header of a message that is signed; one that is longer goes unsigned.
pub const SIGNED_HEADER_BYTES: usize = 256 * 1024;
/// Domains whose keys are kept read.
pub const KEYRING_DOMAINS: usize = 1_000;
/// A note of an attempt's record.
pub const NOTE_BYTES: usize = 512;
/// Hosts that one MTA-STS policy names. No RFC minimum.
pub const STS_MX: usize = 256;
/// The text of a policy. RFC 8461 3.3 suggests it.
pub const STS_BODY_BYTES: usize = 64 * 1024;
/// Policy hosts that are asked at a time.
pub const STS_AT_ONCE: usize = 16;
/// How long a policy host that failed is left in peace. RFC 8461 3.3 asks for a limit.
pub const STS_RETRY: Duration = Duration::from_secs(300);
/// Failed policy hosts that are remembered.
pub const STS_FAILED: usize = 10_000;
/// A policy is fetched again after this, changed or not. RFC 8461 3.3 suggests a day.
pub const STS_REFRESH: Duration = Duration::from_secs(86_400);
/// How long a program may take for one message to one recipient.
pub const PROGRAM: std::time::Duration = std::time::Duration::from_secs(10 * 60);
/// Destinations of which is remembered how they answered.
pub const LANES: usize = 100_000;
/// Places that one report about TLS goes to. No RFC minimum.
pub const TLS_REPORT_URIS: usize = 4;
/// Policies of one domain that a day's report tells apart.
pub const TLS_POLICIES: usize = 16;
/// Failures of one policy that it tells apart.
pub const TLS_DETAILS: usize = 100;
/// Domains of whose TLS is counted between two times that it is kept.
pub const TLS_DOMAINS: usize = 10_000;
/// How long that is.
pub const TLS_FLUSH: Duration = Duration::from_secs(60);
/// The longest wait between two tries of one report.
pub const TLS_WAIT_MOST: Duration = Duration::from_secs(4 * 3_600);
/// Reports go out within so long after midnight. RFC 8460 4.1 has four hours.
pub const TLS_SPREAD: Duration = Duration::from_secs(4 * 3_600);
/// Days that a report is tried.
pub const TLS_DAYS: u32 = 2;
/// Recipients of one message in the drop folder who did not get it, and of whom is kept that their sender
/// is still to be told.
pub const LEFT_RECIPIENTS: usize = 10_000;
