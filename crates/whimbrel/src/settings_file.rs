//! Where the settings come from: a file, or nothing but the defaults.
//!
//! What never happens here: the meaning of a setting (see `settings`).

use crate::Outcome;
use crate::own_files;
use crate::settings::{Settings, file};
use std::path::{Path, PathBuf};

/// Read when `--config` names no other.
pub const USUAL: &str = "/etc/whimbrel/whimbrel.toml";

pub struct SettingsFile {
    path: PathBuf,
    /// Whether it was named, so that it must be there.
    is_named: bool,
}

impl SettingsFile {
    /// The file that is named, or the usual one, which may be missing.
    pub fn find(named: Option<&Path>) -> Outcome<SettingsFile> {
        let path = named.unwrap_or(Path::new(USUAL));
        // A reload must find it wherever the process stands.
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        Ok(SettingsFile {
            path,
            is_named: named.is_some(),
        })
    }

    /// The settings that hold with this file, or everything that is wrong with it.
    pub fn read(&self) -> Outcome<Settings> {
        let text = match self.is_named {
            true => own_files::read(&self.path)?,
            false => own_files::read_if_there(&self.path)?.unwrap_or_default(),
        };
        file::read(&text, Settings::new(&system_name())).map_err(|problems| {
            let path = self.path.display();
            let lines: Vec<_> = problems.iter().map(|one| format!("{path}:{one}")).collect();
            lines.join("\n")
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn say_which(&self) {
        let path = self.path.display();
        match self.is_named || self.path.exists() {
            true => tracing::info!("settings from {path}"),
            false => tracing::info!("there is no {path}: every setting is as usual"),
        }
    }
}

/// What the system calls this machine.
fn system_name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let name: Option<addr::Domain> = name.parse().ok();
    name.map_or_else(|| "localhost".to_owned(), |name| name.to_string())
}
