//! ENABLE [rfc5161 3.1] [rfc9051 6.3.1]: names that are not known, or need not be enabled, are passed
//! over.

use crate::capability;
use crate::enabled::{Extension, TABLE};
use crate::reply::Answer;
use crate::session::{ExtendedList, Session};
use imap::{NameEncoding, Response};

pub(crate) fn run(session: &mut Session, words: &[String]) -> Answer {
    let mut enabled = Vec::new();
    for word in words {
        let row = TABLE.iter().find(|(name, _)| name == word);
        if let Some((name, extension)) = row {
            enable(session, *extension);
            let name = capability::spelled(name).to_owned();
            if !enabled.contains(&name) {
                enabled.push(name);
            }
        }
    }
    session.wire.say(&Response::Enabled(enabled));
    Answer::ok("that is enabled")
}

fn enable(session: &mut Session, extension: Extension) {
    match extension {
        Extension::CondStore | Extension::QResync => session.enable_modseqs(),
        Extension::Imap4Rev2 => {
            // What LIST can answer is part of IMAP4rev2 [rfc9051 6.3.9.7].
            session.extended_list = ExtendedList::Understood;
            session.wire.machine().set_names(NameEncoding::Utf8);
        }
        Extension::Utf8Accept => session.wire.machine().set_names(NameEncoding::Utf8),
    }
    session.enabled.insert(extension);
}
