//! What this door says to people, in each language [rfc6856 3.2]: one table.
//!
//! Never here: what programs read (status, codes, numbers, lists), and when something is said.

use std::borrow::Cow;

/// The languages of the texts. A session speaks English, in ASCII, until the client says LANG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    /// Each with its tag and its name in itself.
    pub(crate) const ALL: [(Language, &'static str, &'static str); 2] = [
        (Language::English, "en", "English"),
        (Language::German, "de", "Deutsch"),
    ];

    /// The tag of RFC 5646.
    pub fn tag(self) -> &'static str {
        Language::ALL[self as usize].1
    }

    /// The language that a range in lower case asks for: the longest beginning of it that is a
    /// tag, so `de-at` is German.
    pub(crate) fn for_range(range: &str) -> Option<Language> {
        let mut range = range;
        loop {
            if let Some(row) = Language::ALL.iter().find(|row| row.1 == range) {
                return Some(row.0);
            }
            range = &range[..range.rfind('-')?];
        }
    }
}

/// Defines the texts: what is to be said, then how in each language, in the order of `Language`.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $(($argument:ty))?: $english:literal, $german:literal;)*) => {
        /// Everything that is said in words.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Text {
            $($(#[$doc])* $name $(($argument))?,)*
        }

        impl Text {
            fn row(&self) -> [&'static str; 2] {
                match self {
                    $(Text::$name { .. } => [$english, $german],)*
                }
            }
        }

        #[cfg(test)]
        const ROWS: &[(&str, [&str; 2])] = &[$((stringify!($name), [$english, $german]),)*];
    };
}

texts! {
    /// Our name.
    Greeting(String): "{} POP3 POP4 rev 0 ready", "{} POP3 POP4 rev 0 bereit";
    /// `+OK` says it all.
    Nothing: "", "";
    Goodbye: "goodbye", "auf Wiedersehen";
    EndedByOperator:
        "the session was ended by the operator",
        "der Betreiber hat die Sitzung beendet";
    GoingDown: "server is going down", "der Server wird angehalten";
    SilentTooLong: "you were silent for too long", "zu lange nichts gehört";
    // logins
    NowThePassword: "now the password", "jetzt das Kennwort";
    UserFirst: "say USER first", "erst USER";
    NoApop:
        "APOP is not offered, use AUTH or USER and PASS",
        "APOP wird nicht angeboten, sondern AUTH oder USER und PASS";
    NotInTheClear:
        "no password in clear text: say STLS first, or use the port with TLS",
        "kein Kennwort im Klartext: erst STLS, oder der Port mit TLS";
    NoPasswords:
        "passwords are not taken here, use AUTH",
        "Kennwörter gelten hier nicht, sondern AUTH";
    MechanismsFollow: "mechanisms follow", "die Verfahren folgen";
    MechanismNotOffered: "this mechanism is not offered", "dieses Verfahren wird nicht angeboten";
    NoExchange: "no exchange is open", "keine Anmeldung ist offen";
    Cancelled: "cancelled", "abgebrochen";
    NotBase64: "this is not base64", "das ist kein base64";
    AnswerTooLong: "the answer is too long", "die Antwort ist zu lang";
    AnswerMalformed:
        "the answer is not what the mechanism takes",
        "die Antwort passt nicht zum Verfahren";
    OtherIdentity: "to act as somebody else is not possible", "für andere anmelden geht nicht";
    NotBound:
        "the login is not bound to this connection",
        "die Anmeldung gehört nicht zu dieser Verbindung";
    WrongPassword: "wrong name or password", "Name oder Kennwort falsch";
    TokenExpired: "the token has expired", "das Token ist abgelaufen";
    WellKnownPassword:
        "this password is known to attackers, ask for another to be set",
        "dieses Kennwort ist Angreifern bekannt, ein anderes ist nötig";
    /// Seconds.
    TooManyFailures(u64):
        "too many failed logins, try again in {} seconds",
        "zu viele falsche Anmeldungen, in {} Sekunden noch einmal";
    /// Seconds.
    LoginDelay(u64):
        "you logged in a moment ago, try again in {} seconds",
        "gerade erst angemeldet, in {} Sekunden noch einmal";
    Busy: "the server is busy, try again later", "der Server ist überlastet, später noch einmal";
    MaildropReady: "maildrop ready", "das Postfach ist bereit";
    // commands
    LogInFirst: "log in first", "erst anmelden";
    LoggedInAlready: "you are logged in already", "schon angemeldet";
    UnknownCommand: "unknown command", "unbekannter Befehl";
    /// How it is written.
    WrongArguments(&'static str): "wrong arguments, say: {}", "falsche Angaben, richtig: {}";
    LineTooLong: "line too long", "die Zeile ist zu lang";
    Unprintable: "a NUL or a bare CR in the line", "ein NUL oder ein einzelnes CR in der Zeile";
    NotAllowed:
        "not UTF-8, or characters that none may have here",
        "kein UTF-8, oder Zeichen, die hier nicht erlaubt sind";
    TooManyBadCommands: "too many bad commands", "zu viele falsche Befehle";
    CapabilitiesFollow: "capability list follows", "die Fähigkeiten folgen";
    TlsIsActive: "TLS is active already", "TLS ist schon aktiv";
    NoTls: "TLS is not available here", "TLS gibt es hier nicht";
    TlsAfterUtf8: "STLS must come before UTF8", "STLS muss vor UTF8 kommen";
    BeginTls: "begin TLS negotiation", "jetzt TLS beginnen";
    Utf8FromNowOn: "UTF-8 from now on", "von jetzt an UTF-8";
    LanguagesFollow: "languages follow", "die Sprachen folgen";
    LanguageChosen: "English from now on", "von jetzt an Deutsch";
    NoSuchLanguage: "this language is not spoken here", "diese Sprache wird hier nicht gesprochen";
    // messages
    NoSuchMessage: "no such message", "diese Nachricht gibt es nicht";
    /// Its number.
    IsDeleted(u32): "message {} is deleted", "Nachricht {} ist gelöscht";
    /// Its number.
    IsGone(u32):
        "message {} is gone, another session removed it",
        "Nachricht {} ist fort, eine andere Sitzung hat sie entfernt";
    /// Its number.
    Deleted(u32): "message {} deleted", "Nachricht {} gelöscht";
    NothingDeleted: "no message is deleted", "keine Nachricht ist gelöscht";
    SizesFollow: "scan listing follows", "die Größen folgen";
    IdsFollow: "unique-id listing follows", "die Kennungen folgen";
    /// Octets of a message.
    MessageFollows(u64): "{} octets", "{} Oktette";
    TopFollows: "top of message follows", "der Anfang der Nachricht folgt";
    EnvelopeFollows: "envelope follows", "der Umschlag folgt";
    // folders
    /// How many.
    FoldersFollow(u64): "{} folders", "{} Ordner";
    NoSuchFolder: "no such folder", "diesen Ordner gibt es nicht";
    FolderExists: "there is such a folder already", "diesen Ordner gibt es schon";
    FolderName: "this cannot be the name of a folder", "so kann kein Ordner heißen";
    FolderIsInbox:
        "INBOX cannot be moved, renamed or deleted",
        "INBOX lässt sich nicht verschieben, umbenennen oder löschen";
    FolderIsNameOnly:
        "it is a name only, with folders below it",
        "das ist nur ein Name, unter dem Ordner liegen";
    FolderIsSelected: "the folder is selected", "der Ordner ist gewählt";
    FolderHasFolders: "there are folders below it", "unter ihm liegen Ordner";
    FolderHasMessages: "there are messages in it", "in ihm liegen Nachrichten";
    FolderInItself:
        "a folder cannot be moved into itself",
        "ein Ordner lässt sich nicht in sich selbst verschieben";
    FolderGone:
        "the folder was renamed or deleted, nothing is changed",
        "der Ordner wurde umbenannt oder gelöscht, nichts ist geändert";
    TooManyFolders: "the account has too many folders", "zu viele Ordner";
    TooManyMarked:
        "messages are deleted in too many folders, say QUIT first",
        "in zu vielen Ordnern sind Nachrichten gelöscht, erst QUIT";
    // messages that change, and new ones
    /// How many.
    Copied(u64): "{} copied", "{} kopiert";
    /// How many.
    Moved(u64): "{} moved", "{} verschoben";
    FlagsFollow: "flags follow", "die Kennzeichen folgen";
    NoSuchFlag: "there cannot be such a flag", "solch ein Kennzeichen kann es nicht geben";
    TooManyKeywords: "too many keywords", "zu viele Kennzeichen";
    PartsFollow: "parts follow", "die Teile folgen";
    NoSuchPart: "the message has no such part", "diesen Teil hat die Nachricht nicht";
    TooManyMessages: "too many messages", "zu viele Nachrichten";
    OverQuota: "the account is full", "das Konto ist voll";
    SendMessage: "send message, end with .", "jetzt die Nachricht, am Ende ein Punkt";
    NoMessage: "a message is not empty", "eine Nachricht ist nicht leer";
    MessageTooLarge: "the message is too large", "die Nachricht ist zu groß";
    NulInMessage: "there is a NUL in the message", "in der Nachricht steht ein NUL";
    MessageSent: "message sent", "die Nachricht ist abgeschickt";
    NoRecipients:
        "no recipient stands in To, Cc or Bcc",
        "in To, Cc und Bcc steht kein Empfänger";
    UnreadableRecipient:
        "a recipient in To, Cc or Bcc cannot be read, write name@domain",
        "ein Empfänger in To, Cc oder Bcc ist unlesbar, richtig: name@domain";
    NoSubmission: "no messages are sent on from here", "von hier wird nichts verschickt";
    MessageLineTooLong:
        "a line of the message is too long",
        "eine Zeile der Nachricht ist zu lang";
    /// Why, in English.
    NotSent(String): "not sent: {}", "nicht verschickt: {}";
    NoSuchExtension: "there is no such extension", "diese Erweiterung gibt es nicht";
    /// The session's number, under which it is logged.
    Fault(u64):
        "something is wrong here, try again later (pop3-{})",
        "hier stimmt etwas nicht, später noch einmal (pop3-{})";
}

impl Text {
    /// As it is said; also what a log line says, in English.
    pub fn in_language(&self, language: Language) -> Cow<'static, str> {
        let text = self.row()[language as usize];
        match self.argument() {
            Some(argument) => Cow::Owned(text.replace("{}", &argument)),
            None => Cow::Borrowed(text),
        }
    }

    /// What stands for `{}`.
    fn argument(&self) -> Option<String> {
        match self {
            Text::Greeting(text) | Text::NotSent(text) => Some(text.clone()),
            Text::WrongArguments(usage) => Some((*usage).to_owned()),
            Text::TooManyFailures(number)
            | Text::LoginDelay(number)
            | Text::MessageFollows(number)
            | Text::FoldersFollow(number)
            | Text::Copied(number)
            | Text::Moved(number)
            | Text::Fault(number) => Some(number.to_string()),
            Text::IsDeleted(number) | Text::IsGone(number) | Text::Deleted(number) => {
                Some(number.to_string())
            }
            _ => None,
        }
    }
}

impl From<pop::Bad> for Text {
    fn from(bad: pop::Bad) -> Text {
        match bad {
            pop::Bad::Unknown => Text::UnknownCommand,
            pop::Bad::Arguments { usage } => Text::WrongArguments(usage),
            pop::Bad::TooLong => Text::LineTooLong,
            pop::Bad::Unprintable => Text::Unprintable,
            pop::Bad::Text => Text::NotAllowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_says_the_same_in_each_language() {
        // [rfc6856 3.2]
        for (name, row) in ROWS {
            for text in row {
                assert_eq!(text.is_empty(), *name == "Nothing", "{name}");
                assert_eq!(
                    text.matches("{}").count(),
                    row[0].matches("{}").count(),
                    "{name}"
                );
                assert!(text.len() < 100 && !text.starts_with('['), "{name}: {text}");
            }
            assert!(
                row[0].is_ascii(),
                "{name}: POP3 speaks ASCII until LANG [rfc1939 3]"
            );
        }
        for (number, (language, tag, _)) in Language::ALL.iter().enumerate() {
            assert_eq!((*language as usize, language.tag()), (number, *tag));
        }
    }

    #[test]
    fn a_range_finds_the_language_that_it_begins_with() {
        // [rfc6856 3.2]
        assert_eq!(Language::for_range("de"), Some(Language::German));
        assert_eq!(Language::for_range("de-at-1996"), Some(Language::German));
        assert_eq!(Language::for_range("en-boont"), Some(Language::English));
        for none in ["mul", "d", "deu", "", "x-de"] {
            assert_eq!(Language::for_range(none), None, "{none}");
        }
    }
}
