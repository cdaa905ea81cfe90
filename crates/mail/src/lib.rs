//! Mail at rest: domains, accounts, logins, mailboxes, messages, changes, quota.
//!
//! What never happens here: a socket, a wire protocol's session, a decision about mail on the road.
#![forbid(unsafe_code)]
