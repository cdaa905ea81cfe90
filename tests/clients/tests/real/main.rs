//! Real mail programs against the built binary: each sends, reads, flags or deletes, and the result
//! is looked at from the other side.
//!
//! What never happens here: a use of the product's own crates.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alpine;
mod callers;
mod curl;
mod dkim;
mod evolution;
mod fetchmail;
mod getmail;
mod gsasl;
mod imapfilter;
mod keeping;
mod large;
mod logins;
mod maildir;
mod mbsync;
mod mpop;
mod msmtp;
mod mutt;
mod neomutt;
mod offlineimap;
mod pop4;
mod python;
mod road;
mod samples;
mod sdps;
mod sendmail;
mod sslyze;
mod starting;
mod swaks;
mod sylpheed;
mod thunderbird;
mod uucp;
