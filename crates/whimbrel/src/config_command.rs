//! `whimbrel config`: looks at settings without starting anything.
//!
//! What never happens here: a change of a file.

use crate::Outcome;
use crate::arguments::{ConfigCommand, ConfigFile};
use crate::certificates::Pem;
use crate::logins::Logins;
use crate::sending::routes;
use crate::settings::page::{self, Which};
use crate::settings_file::SettingsFile;
use std::process::ExitCode;

pub fn run(command: &ConfigCommand) -> Outcome<ExitCode> {
    match command {
        ConfigCommand::Check(file) => check(file)?,
        ConfigCommand::Show { file, changed } => {
            let settings = SettingsFile::find(file.config.as_deref())?.read()?;
            let which = match changed {
                true => Which::Changed,
                false => Which::All,
            };
            print!("{}", page::show(&settings, which));
        }
        ConfigCommand::Example => print!("{}", page::example()),
        ConfigCommand::Reference => print!("{}", page::reference()),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(file: &ConfigFile) -> Outcome<()> {
    let file = SettingsFile::find(file.config.as_deref())?;
    let settings = file.read()?;
    // Keys may be readable for root only; then this says so.
    Pem::read(&settings.certificates)?.certificates()?;
    Logins::read(&settings)?;
    routes(&settings)?;
    println!("{} is right", file.path().display());
    Ok(())
}
