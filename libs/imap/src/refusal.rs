//! Why a command cannot be taken as it was sent. Safe to show to the client.

/// What is wrong, and at which octet of the command (its literals included) it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub what: What,
    pub at_octet: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Nothing before the end of the line.
    EmptyLine,
    /// No readable tag.
    Tag,
    UnknownCommand,
    /// Something else was expected; the text names it.
    Expected(&'static str),
    /// More text where the command should end.
    TrailingText,
    Nul,
    NotUtf8,
    /// The mailbox name is not valid modified UTF-7. [rfc3501 5.1.3]
    MailboxEncoding,
    /// `\Recent` cannot be changed by a client.
    RecentFlag,
    BadDate,
    BadBase64,
    UnknownSearchKey,
    UnknownFetchItem,
    UnknownStatusItem,
    UnknownListOption,
    UnknownCreateParameter,
    NumberTooLarge,
    /// The line is longer than `limits::COMMAND_LINE_BYTES`; its rest is skipped.
    LineTooLong,
    /// A literal (or all of a command's together) is over the bound.
    LiteralTooLarge,
    TooManyLiterals,
    /// Too many of something; the text names it.
    TooMany(&'static str),
    TooDeep,
    /// While IDLE runs only DONE may come.
    DoneExpected,
    /// The client goes on sending what was refused; the connection ends.
    TooMuchRefused,
}

impl Refusal {
    pub fn new(what: What, at_octet: usize) -> Refusal {
        Refusal { what, at_octet }
    }
}

impl What {
    fn text(self) -> &'static str {
        match self {
            What::EmptyLine => "empty line",
            What::Tag => "no readable tag",
            What::UnknownCommand => "unknown command",
            What::Expected(what) => what,
            What::TrailingText => "unexpected text after the command",
            What::Nul => "NUL is not allowed",
            What::NotUtf8 => "not valid UTF-8",
            What::MailboxEncoding => "mailbox name is not valid modified UTF-7",
            What::RecentFlag => "\\Recent cannot be changed",
            What::BadDate => "no such date",
            What::BadBase64 => "not valid base64",
            What::UnknownSearchKey => "unknown search key",
            What::UnknownFetchItem => "unknown fetch item",
            What::UnknownStatusItem => "unknown status item",
            What::UnknownListOption => "unknown option of LIST",
            What::UnknownCreateParameter => "unknown parameter of CREATE",
            What::NumberTooLarge => "number too large",
            What::LineTooLong => "line too long",
            What::LiteralTooLarge => "literal too large",
            What::TooManyLiterals => "too many literals",
            What::TooMany(what) => what,
            What::TooDeep => "nested too deep",
            What::DoneExpected => "expected DONE",
            What::TooMuchRefused => "too much refused data",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at_octet;
        match self.what {
            What::Expected(what) => write!(f, "expected {what} at octet {at}"),
            What::TooMany(what) => write!(f, "too many {what} at octet {at}"),
            What::EmptyLine | What::Tag | What::UnknownCommand | What::LineTooLong => {
                f.write_str(self.what.text())
            }
            What::BadBase64 | What::DoneExpected | What::TooMuchRefused => {
                f.write_str(self.what.text())
            }
            other => write!(f, "{} at octet {at}", other.text()),
        }
    }
}

impl std::error::Error for Refusal {}
