//! The file that tells another program that all listeners accept, and how to use them.
//!
//! What never happens here: writing it (see `own_files`).

use crate::listeners::Addresses;
use crate::own_files::KnownAccount;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub struct ReadyFile<'a> {
    listeners: BTreeMap<&'static str, String>,
    accounts: &'a [KnownAccount],
    pid: u32,
}

impl<'a> ReadyFile<'a> {
    pub fn new(addresses: &Addresses, accounts: &'a [KnownAccount]) -> ReadyFile<'a> {
        let listeners = addresses
            .iter()
            .map(|(row, at)| (row.name, at.to_string()))
            .collect();
        ReadyFile {
            listeners,
            accounts,
            pid: std::process::id(),
        }
    }
}
