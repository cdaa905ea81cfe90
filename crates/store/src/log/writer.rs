//! Appends frames: one write and one sync each; a new file when the old one has grown, and after
//! anything whose outcome is unknown.
//!
//! Never here: a second write after a failed one in the same file (pages are not trusted after a
//! failed sync).

use super::frame::FrameBuilder;
use super::header::Header;
use super::{DIR, HEADER_BYTES};
use crate::Fault;
use crate::files::{File, Files};
use std::io;

pub(crate) fn name_of(number: u64) -> String {
    format!("{number:08}.log")
}

pub(crate) fn path_of(number: u64) -> String {
    format!("{DIR}/{}", name_of(number))
}

pub(crate) fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

struct Current {
    file: File,
    salt: u64,
}

/// The end of the log.
pub(crate) struct Log {
    files: Files,
    file_bytes: u64,
    /// None: the next frame needs a new file.
    current: Option<Current>,
    /// The last file with a durable header, and how far it is durable (0: there is none).
    number: u64,
    end: u64,
    /// No file with this number or a higher one was ever begun.
    next_number: u64,
    last_salt: u64,
}

/// What the log's end looks like at opening.
pub(crate) struct Tail {
    pub(crate) number: u64,
    pub(crate) end: u64,
    pub(crate) salt: u64,
    pub(crate) next_number: u64,
}

impl Log {
    /// Goes on behind `tail` in a new file.
    pub(crate) fn behind(files: Files, file_bytes: u64, tail: Tail) -> Log {
        Log {
            last_salt: tail.salt ^ files.salt(),
            files,
            file_bytes,
            current: None,
            number: tail.number,
            end: tail.end,
            next_number: tail.next_number,
        }
    }

    /// Goes on in the last file itself, which ends with a whole and durable frame.
    pub(crate) fn within(files: Files, file_bytes: u64, tail: Tail) -> io::Result<Log> {
        let file = files.open(&path_of(tail.number))?;
        let salt = tail.salt;
        let mut log = Log::behind(files, file_bytes, tail);
        log.current = Some(Current { file, salt });
        Ok(log)
    }

    /// The file that the last durable frame lies in, or that the next one will.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Appends a frame durably; where it begins.
    pub(crate) fn append(&mut self, frame: FrameBuilder) -> Result<(u64, u64), Fault> {
        let full = self.end > self.file_bytes;
        let current = match self.current.take() {
            Some(current) if !full => current,
            _ => self.begin_file(frame.first_seqno())?,
        };
        let offset = self.end;
        let bytes = frame.finish(current.salt, offset);
        current
            .file
            .write_at(offset, &bytes)
            .and_then(|()| current.file.sync())
            .map_err(|error| {
                Fault::new(
                    format!("writing {} bytes to {}", bytes.len(), path_of(self.number)),
                    error,
                )
            })?;
        self.end = offset + bytes.len() as u64;
        // Only now: after an error the file is not written again.
        self.current = Some(current);
        Ok((self.number, offset))
    }

    /// Begins a new file, so that nothing of unknown outcome in the old one ever counts.
    pub(crate) fn resume(&mut self, first_seqno: u64) -> Result<(), Fault> {
        let current = self.begin_file(first_seqno)?;
        self.current = Some(current);
        Ok(())
    }

    fn begin_file(&mut self, first_seqno: u64) -> Result<Current, Fault> {
        let number = self.next_number;
        self.next_number += 1;
        let salt = xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), self.last_salt);
        let header = Header {
            number,
            salt,
            previous: self.number,
            previous_end: self.end,
            first_seqno,
        };
        let file = self.write_header(&header).map_err(|error| {
            // It holds no frame; if this fails, too, the next opening steps over it.
            let _ = self.files.remove(&path_of(number));
            Fault::new(format!("beginning the log file {}", path_of(number)), error)
        })?;
        self.number = number;
        self.end = HEADER_BYTES as u64;
        self.last_salt = salt ^ self.files.salt();
        Ok(Current { file, salt })
    }

    fn write_header(&self, header: &Header) -> io::Result<File> {
        let file = self.files.create(&path_of(header.number))?;
        file.write_at(0, &header.encode())?;
        file.sync()?;
        self.files.sync_dir(DIR)?;
        Ok(file)
    }
}
