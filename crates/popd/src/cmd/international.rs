//! UTF8 [rfc6856 2.1] and LANG [rfc6856 3.2]: what the session speaks from now on.

use crate::reply::Refused;
use crate::session::{Session, Speech};
use crate::table::Doing;
use crate::text::{Language, Text};
use pop::Reply;

/// Only before the login: the sizes of messages hang on it.
pub(crate) fn utf8(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        session.speech = Speech::Utf8;
        session.ok(&Text::Utf8FromNowOn);
        Ok(())
    })
}

/// Without a range it lists the languages.
pub(crate) fn lang(session: &mut Session, range: Option<String>) -> Doing<'_> {
    Box::pin(async move {
        let Some(range) = range else {
            session.begin(&Text::LanguagesFollow);
            for (_, tag, name) in Language::ALL {
                session.machine.send(Reply::Line(&format!("{tag} {name}")));
            }
            session.machine.send(Reply::End);
            return Ok(());
        };
        // never the account's own: it would tell before the login that there is one [rfc6856 7]
        let chosen = match range.as_str() {
            "*" => Some(session.door.settings.language),
            range => Language::for_range(range),
        };
        match chosen {
            Some(language) => {
                session.language = language;
                let text = Text::LanguageChosen.in_language(language);
                session.ok_data(&format!("{} {text}", language.tag()));
            }
            None => session.refuse(&Refused::new(Text::NoSuchLanguage)),
        }
        Ok(())
    })
}
