//! ENABLE [rfc5161 3.1]: names that are not known, or need not be enabled, are passed over.

use crate::enabled::{Extension, TABLE};
use crate::reply::Answer;
use crate::session::Session;
use imap::Response;

pub(crate) fn run(session: &mut Session, words: &[String]) -> Answer {
    let mut enabled = Vec::new();
    for word in words {
        let row = TABLE.iter().find(|(name, _)| name == word);
        if let Some((name, extension)) = row
            && !enabled.contains(&(*name).to_owned())
        {
            enable(session, *extension);
            enabled.push((*name).to_owned());
        }
    }
    session.wire.say(&Response::Enabled(enabled));
    Answer::ok("that is enabled")
}

fn enable(session: &mut Session, extension: Extension) {
    match extension {
        Extension::CondStore | Extension::QResync => session.enable_modseqs(),
    }
    session.enabled.insert(extension);
}
