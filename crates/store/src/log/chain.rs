//! The log's files in their order, as they are found at opening.
//!
//! Each header names the file before it and up to where that one is to be believed; what lies
//! behind, a frame whose commit failed, never counts. Never here: a file changed or removed.

use super::header::{HEADER_BYTES, Header, HeaderError};
use super::{DIR, Walk, number_of, path_of, walk};
use crate::files::Files;
use crate::{Fault, OpenError};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;

/// One file of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) number: u64,
    salt: u64,
    previous: u64,
    /// Up to where it is to be believed; None: to its end, it is the last one.
    pub(crate) believed: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Oldest first.
    pub(crate) links: Vec<Link>,
    pub(crate) next_number: u64,
    pub(crate) damage: Vec<String>,
    /// Files of which nothing counts because of that.
    pub(crate) unreadable: Vec<u64>,
}

fn fault(path: &str, error: &io::Error) -> Fault {
    Fault::new(format!("reading {path}"), error)
}

impl Chain {
    pub(crate) fn read(files: &Files) -> Result<Chain, OpenError> {
        let mut chain = Chain {
            next_number: 1,
            ..Chain::default()
        };
        let mut headers = BTreeMap::new();
        for name in files.list(DIR).map_err(|error| fault(DIR, &error))? {
            let Some(number) = number_of(&name) else {
                continue;
            };
            chain.next_number = chain.next_number.max(number.saturating_add(1));
            if let Some(header) = chain.header(files, number)? {
                headers.insert(number, header);
            }
        }
        chain.put_in_order(headers);
        Ok(chain)
    }

    fn header(&mut self, files: &Files, number: u64) -> Result<Option<Header>, OpenError> {
        let path = path_of(number);
        let read = files
            .open(&path)
            .and_then(|file| Ok((file.read_at(0, HEADER_BYTES)?, file.len()?)));
        let (bytes, len) = read.map_err(|error| fault(&path, &error))?;
        match Header::decode(&bytes) {
            Ok(header) if header.number == number => return Ok(Some(header)),
            Ok(header) => {
                self.unreadable.push(number);
                self.damage.push(format!(
                    "{path}: its header says that it is file {}",
                    header.number
                ));
            }
            Err(HeaderError::Format(found)) => {
                return Err(OpenError::Version { file: path, found });
            }
            // A file whose beginning never became durable holds nothing.
            Err(HeaderError::Unreadable) if len <= HEADER_BYTES as u64 => {}
            Err(HeaderError::Unreadable) => {
                self.unreadable.push(number);
                self.damage.push(format!(
                    "{path}: its header is unreadable, so none of its {len} bytes counts"
                ));
            }
        }
        Ok(None)
    }

    /// A file that another one skips was begun in vain; what a vacuum removed is simply not there.
    fn put_in_order(&mut self, headers: BTreeMap<u64, Header>) {
        let mut skipped_down_to = None;
        let mut believed = None;
        for (number, header) in headers.into_iter().rev() {
            if let Some((previous, end)) = skipped_down_to {
                if number > previous {
                    continue;
                }
                believed = (number == previous).then_some(end);
            }
            skipped_down_to = Some((header.previous, header.previous_end));
            self.links.push(Link {
                number,
                salt: header.salt,
                previous: header.previous,
                believed,
            });
        }
        self.links.reverse();
    }

    /// Whether a file was begun right behind that one.
    pub(crate) fn follows(&self, number: u64, previous: Option<u64>) -> bool {
        let link = self.links.iter().find(|link| link.number == number);
        link.is_some_and(|link| Some(link.previous) == previous)
    }

    /// The numbers from `first` on that the chain needs and does not have.
    pub(crate) fn missing_from(&self, first: u64) -> Vec<u64> {
        let mut missing: Vec<u64> = self
            .links
            .iter()
            .map(|link| link.previous)
            .filter(|previous| *previous >= first.max(1))
            .filter(|previous| !self.links.iter().any(|link| link.number == *previous))
            .collect();
        if first > 0 && !self.links.iter().any(|link| link.number >= first) {
            missing.push(first);
        }
        missing
    }
}

impl Link {
    pub(crate) fn salt(&self) -> u64 {
        self.salt
    }

    /// Reads the whole file, as far as it is to be believed.
    pub(crate) fn walk(&self, files: &Files) -> Result<(Walk, Vec<String>), Fault> {
        let path = path_of(self.number);
        let read = files
            .open(&path)
            .and_then(|file| file.read_at(0, usize::MAX));
        let mut bytes = Bytes::from(read.map_err(|error| fault(&path, &error))?);
        let all = self.believed.unwrap_or(0).max(bytes.len() as u64);
        let mut damage = Vec::new();
        if let Some(believed) = self.believed {
            if bytes.len() as u64 >= believed {
                bytes.truncate(believed as usize);
            } else {
                damage.push(format!(
                    "{path}: ends at {}, but was durable up to {believed}",
                    bytes.len()
                ));
            }
        }
        let mut found = walk(&bytes, self.salt);
        let good: u64 = found.frames.iter().map(|frame| frame.bytes).sum();
        found.lost_bytes = all.saturating_sub(HEADER_BYTES as u64 + good);
        for (from, to) in &found.damage {
            damage.push(format!(
                "{path}: bytes {from} to {to} are no frame, but good frames lie behind them"
            ));
        }
        if self.believed.is_some() && found.tail_bytes > 0 {
            damage.push(format!(
                "{path}: the last {} bytes were durable and are no frame",
                found.tail_bytes
            ));
        }
        Ok((found, damage))
    }
}
