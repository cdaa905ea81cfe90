//! A folder of local mail as the programs that fetch and sync keep it.
//!
//! What never happens here: a program, a server.

use std::path::{Path, PathBuf};

/// The files of a Maildir, those in `new` and `cur`.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["new", "cur"]
        .iter()
        .filter_map(|sub| std::fs::read_dir(folder.join(sub)).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files
}

/// The one with this subject.
pub fn find(folder: &Path, subject: &str) -> PathBuf {
    let wanted = format!("Subject: {subject}");
    let mut files = files(folder).into_iter();
    files
        .find(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(&wanted))
        .unwrap_or_else(|| panic!("no message {subject} in {}", folder.display()))
}

/// So many messages came, and of `first` and `second` every line.
pub fn has_all(folder: &Path, messages: usize) {
    assert_eq!(files(folder).len(), messages, "each comes only once");
    for subject in ["first", "second"] {
        let text = std::fs::read_to_string(find(folder, subject)).unwrap();
        assert!(text.ends_with("\n\n.\n..dots\nend\n"), "{text}");
    }
}

/// The flags of the one with this subject: letters in the file's name.
pub fn flags(folder: &Path, subject: &str) -> String {
    let path = find(folder, subject);
    let name = path.to_string_lossy();
    let (_, flags) = name.rsplit_once(":2,").unwrap_or_default();
    flags.to_owned()
}

/// Gives the one with this subject these flags instead.
pub fn set_flags(folder: &Path, subject: &str, flags: &str) {
    let path = find(folder, subject);
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (base, _) = name.split_once(":2,").unwrap_or((&name, ""));
    std::fs::rename(&path, folder.join("cur").join(format!("{base}:2,{flags}"))).unwrap();
}

/// An empty one.
pub fn make(folder: &Path) {
    for sub in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(folder.join(sub)).unwrap();
    }
}
