//! The drop folder: where a message waits that no server could take. Everybody may put a file there,
//! and only its owner and the server see what is in it.
//!
//! A file is a batch (`smtp::batch`). It is written, synced with its name, and only then becomes one that
//! the server takes: the mark is its execute bit, so that neither a name nor the folder has to change. Who
//! owns it handed it in; the system says so. What never happens here: the taking in.
//!
//! In a folder with the setgid bit (mode 3733, as packages make it) a file belongs to the server's group,
//! which may read it. Where the bit is missing everybody could, but nobody can list the folder, and a
//! name has 140 bits that nobody can guess.

use super::exit::{Code, Ended};
use super::message::Message;
use addr::Charset;
use net::Random;
use rustix::fs::syncfs;
use smtp::batch::{Newline, Writer};
use smtp::client::Recipient;
use smtp::{ClientName, Command};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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

/// Puts messages there as one file: all of them, or none. The name is that of who brings them.
pub fn put(folder: &Path, name: &ClientName, messages: &[Meant<'_>]) -> Result<(), Ended> {
    let mut batch = Vec::new();
    Writer::new(Newline::CrLf).command(&Command::Ehlo(name.clone()), &mut batch);
    for (message, recipients) in messages {
        write(message, recipients, &mut batch);
    }
    let mut file = Unfinished::begin(folder)?;
    file.write(&batch)?;
    file.finish()
}

/// A file that nobody takes yet. Dropped before it is whole, it goes away.
pub struct Unfinished<'a> {
    folder: &'a Path,
    path: PathBuf,
    file: File,
    is_whole: bool,
}

impl Unfinished<'_> {
    pub fn begin(folder: &Path) -> Result<Unfinished<'_>, Ended> {
        let path = folder.join(Random::system().token(NAME_LETTERS));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(UNFINISHED)
            .open(&path);
        Ok(Unfinished {
            file: file.map_err(|error| cannot(folder, &error))?,
            folder,
            path,
            is_whole: false,
        })
    }

    pub fn write(&mut self, piece: &[u8]) -> Result<(), Ended> {
        let written = self.file.write_all(piece);
        written.map_err(|error| cannot(self.folder, &error))
    }

    /// Syncs it, and lets the server take it.
    pub fn finish(mut self) -> Result<(), Ended> {
        let marked = self.mark();
        self.is_whole = marked.is_ok();
        marked.map_err(|error| cannot(self.folder, &error))
    }

    fn mark(&mut self) -> std::io::Result<()> {
        self.file.sync_all()?;
        sync_name(&self.file, self.folder)?;
        let (own, around) = (self.file.metadata()?, std::fs::metadata(self.folder)?);
        let mode = match (own.uid() == around.uid(), own.gid() == around.gid()) {
            (true, _) => FOR_OWNER,
            (false, true) => FOR_GROUP,
            (false, false) => FOR_ALL,
        };
        self.file.set_permissions(Permissions::from_mode(mode))?;
        self.file.sync_all()
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // nobody is told that it is here; most likely nobody took it
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Sees that the file has its name after a crash. Most file systems write the name of a new file with the
/// file, but only a sync of its folder is promised to. Who may not read the folder, and so cannot open it,
/// syncs the whole file system, which needs no right.
fn sync_name(file: &File, folder: &Path) -> std::io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(syncfs(file)?),
        Err(error) => Err(error),
    }
}

fn cannot(folder: &Path, error: &std::io::Error) -> Ended {
    let folder = folder.display();
    Ended::new(
        Code::Temporary,
        format!("the server does not take it now, and {folder} cannot be written: {error}"),
    )
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
