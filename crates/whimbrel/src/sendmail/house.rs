//! What these programs know of the server: where its socket and its drop folder are, and who calls.
//!
//! The settings file says it. Who may not read that finds the usual places. What never happens here: a
//! connection.

use super::exit::{Code, Ended};
use crate::listeners::Kind;
use crate::own_files;
use crate::privileges;
use crate::settings::{At, Settings};
use crate::settings_file::SettingsFile;
use addr::Address;
use nix::unistd::{User, getuid};
use std::path::{Path, PathBuf};

/// Names another settings file, for these programs only: their callers choose the words.
const CONFIG: &str = "WHIMBREL_CONFIG";
/// Names another data folder, such as that of `try`.
const DATA: &str = "WHIMBREL_DATA";

/// The server, seen from outside.
pub struct House {
    pub settings: Settings,
    /// Whether a settings file was read.
    pub config: Option<PathBuf>,
}

impl House {
    /// By the words of the call, or by the variables, or at the usual place.
    pub fn find(config: Option<&str>, data: Option<&str>) -> Result<House, Ended> {
        let variable = |name| std::env::var_os(name).filter(|text| !text.is_empty());
        let data = data.map(PathBuf::from);
        let data = data.or_else(|| variable(DATA).map(PathBuf::from));
        let variable = variable(CONFIG).map(PathBuf::from);
        // Sendmail's own settings are not ours
        let config = config.filter(|path| path.ends_with(".toml"));
        let named = config.map(PathBuf::from).or(variable);
        let file = SettingsFile::find(named.as_deref())?;
        let is_readable = named.is_some() || own_files::read(file.path()).is_ok();
        let wrong = |why| Ended::new(Code::Config, why);
        let mut settings = match is_readable {
            true => file.read().map_err(wrong)?,
            false => Settings::new("localhost"),
        };
        if let Some(data) = data {
            let data = std::path::absolute(data);
            settings.process.data = data.map_err(|error| wrong(error.to_string()))?;
        }
        Ok(House {
            config: is_readable.then(|| file.path().to_owned()),
            settings,
        })
    }

    /// For a job of UUCP, which any end but "not now" gives up for good: a settings file in the middle of
    /// an edit is no reason for that.
    pub fn of_job() -> Result<House, Ended> {
        kept(House::find(None, None))
    }

    /// Where the server listens for users of this machine.
    pub fn socket(&self) -> Option<PathBuf> {
        let mut all = self.settings.listen(Kind::Submit).addresses.iter();
        all.find_map(|at| match at {
            At::Unix(path) => Some(self.settings.socket(path)),
            At::Tcp(_) => None,
        })
    }

    pub fn drop_folder(&self) -> PathBuf {
        own_files::drop_in(&self.settings.process.data)
    }

    pub fn data(&self) -> &Path {
        &self.settings.process.data
    }
}

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Myself {
    pub uid: u32,
    pub name: Option<String>,
    /// Empty if he has none.
    pub full_name: String,
}

impl Myself {
    /// Not now, if the system cannot say it: under another name mail would be refused for good.
    pub fn find() -> Result<Myself, Ended> {
        let uid = getuid();
        let user = privileges::found(User::from_uid(uid));
        let user = user.map_err(|error| {
            let why = format!("cannot look up who you are (uid {uid}): {error}");
            Ended::new(Code::Temporary, why)
        })?;
        let full_name = user.as_ref().map(|user| {
            let gecos = user.gecos.to_string_lossy();
            let first = gecos.split(',').next().unwrap_or_default();
            // an ampersand stands for the login name
            first.replace('&', &capital(&user.name))
        });
        Ok(Myself {
            uid: uid.as_raw(),
            name: user.map(|user| user.name),
            full_name: full_name.unwrap_or_default(),
        })
    }

    /// What the server calls him by.
    pub fn address(&self) -> Result<Address, Ended> {
        let numbered = format!("uid{}", self.uid);
        let name = self.name.as_deref().and_then(super::addresses::here);
        name.or_else(|| super::addresses::here(&numbered))
            .ok_or_else(|| Ended::new(Code::Software, "you have no name"))
    }
}

fn kept(found: Result<House, Ended>) -> Result<House, Ended> {
    found.map_err(|ended| Ended::new(Code::Temporary, ended.why))
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_read_end_a_call_but_keep_a_job() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("whimbrel.toml");
        std::fs::write(&file, "hostname = \n").unwrap();
        let found = || House::find(file.to_str(), None);
        assert_eq!(found().map(drop).unwrap_err().code, Code::Config);
        assert_eq!(kept(found()).map(drop).unwrap_err().code, Code::Temporary);
    }
}
