//! The drop folder: where a message waits that no server could take. Everybody may put a file there,
//! and only its owner and the server see what is in it.
//!
//! A file is a batch (`smtp::batch`). It is written and synced, and only then becomes one that the
//! server takes: the mark is its execute bit, so that neither a name nor the folder has to change. Who
//! owns it handed it in; the system says so. What never happens here: the taking in.
//!
//! In a folder with the setgid bit (mode 3733, as packages make it) a file belongs to the server's group,
//! which may read it. Where the bit is missing everybody could, but nobody can list the folder, and a
//! name has 140 bits that nobody can guess.

use super::exit::{Code, Ended};
use super::message::Message;
use addr::Charset;
use net::Random;
use smtp::Command;
use smtp::batch::{Newline, Writer};
use smtp::client::Recipient;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Letters of a name.
const NAME_LETTERS: usize = 28;
/// While it is written.
const UNFINISHED: u32 = 0o600;
/// Of a file that is whole: the owner's execute bit says so.
pub const WHOLE: u32 = 0o100;
const FOR_OWNER: u32 = 0o700;
const FOR_GROUP: u32 = 0o740;
const FOR_ALL: u32 = 0o744;

/// Messages, each with those of its recipients who are meant.
pub type Meant<'a> = (&'a Message, &'a [Recipient]);

/// Puts messages there as one file: all of them, or none.
pub fn put(folder: &Path, messages: &[Meant<'_>]) -> Result<(), Ended> {
    let mut batch = Vec::new();
    for (message, recipients) in messages {
        write(message, recipients, &mut batch);
    }
    let put = put_file(folder, &batch);
    put.map_err(|error| {
        let folder = folder.display();
        Ended::new(
            Code::Temporary,
            format!("the server does not take it now, and {folder} cannot be written: {error}"),
        )
    })
}

fn put_file(folder: &Path, batch: &[u8]) -> std::io::Result<()> {
    let path = folder.join(Random::system().token(NAME_LETTERS));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(UNFINISHED)
        .open(&path)?;
    let written = file.write_all(batch).and_then(|()| file.sync_all());
    let marked = written.and_then(|()| {
        let (own, around) = (file.metadata()?, std::fs::metadata(folder)?);
        let mode = match (own.uid() == around.uid(), own.gid() == around.gid()) {
            (true, _) => FOR_OWNER,
            (false, true) => FOR_GROUP,
            (false, false) => FOR_ALL,
        };
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    });
    if marked.is_err() {
        // it was never marked, so nobody takes it
        let _ = std::fs::remove_file(&path);
    }
    marked
}

fn write(message: &Message, recipients: &[Recipient], out: &mut Vec<u8>) {
    let mut writer = Writer::new(Newline::CrLf);
    let utf8 = |address: Option<&addr::Address>| address.is_some_and(addr::Address::needs_utf8);
    let mut parameters = message.parameters.clone();
    if utf8(message.from.address()) || recipients.iter().any(|one| utf8(one.to.address())) {
        parameters.charset = Charset::Utf8;
    }
    let mail = Command::Mail {
        from: message.from.clone(),
        written_in: parameters.charset,
        parameters,
    };
    writer.command(&mail, out);
    for Recipient { to, parameters } in recipients {
        let rcpt = Command::Rcpt {
            to: to.clone(),
            written_in: Charset::Ascii,
            parameters: parameters.clone(),
        };
        writer.command(&rcpt, out);
    }
    writer.command(&Command::Data, out);
    writer.content(&message.content, out);
    writer.end(out);
}
