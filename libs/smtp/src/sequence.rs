//! The command-reply sequences: which codes may answer what. [rfc5321 4.3.2]
//!
//! The server machine asserts in tests that it sends no other. What never happens here: a meaning of
//! a code, or a choice between several.

use crate::command::Verb;

/// What a reply answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// The connection itself: the greeting.
    Connection,
    Command(Verb),
    /// A line that is no command.
    NoCommand,
    /// The end of a message's content, or of one chunk of it.
    Content,
}

/// What may answer anything [rfc5321 4.3.2]; 502: not at this port [rfc2645 5.4].
const ANYTHING: &[u16] = &[421, 500, 501, 502];

use Answered::{Command, Connection, Content, NoCommand};

/// One row for each command. A code that RFC 5321 does not list there has its reason beside it.
const SEQUENCES: &[(Answered, &[u16])] = &[
    (Connection, &[220, 554]),
    (Command(Verb::Ehlo), HELLO),
    (Command(Verb::Helo), HELLO),
    (Command(Verb::Lhlo), HELLO), // as EHLO [rfc2033 4.1]
    // 530: a login is needed [rfc4954 6]
    (
        Command(Verb::Mail),
        &[250, 552, 451, 452, 550, 553, 503, 455, 555, 530],
    ),
    (
        Command(Verb::Rcpt),
        &[250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555],
    ),
    // 451 and 452: known before the content what would be said behind it
    (Command(Verb::Data), &[354, 503, 554, 451, 452]),
    // 503: behind a chunk that was not welcome [rfc3030 2]
    (Content, &[250, 552, 554, 451, 452, 450, 550, 503]),
    (Command(Verb::Rset), &[250]),
    // 451: a fault, which can come to any look-up
    (
        Command(Verb::Vrfy),
        &[250, 251, 252, 550, 551, 553, 502, 504, 451],
    ),
    (Command(Verb::Help), &[211, 214, 502, 504]),
    (Command(Verb::Noop), &[250]),
    (Command(Verb::Quit), &[221]),
    // [rfc3207 4]; 502 and 503: it is not there, or not now [rfc5321 4.2.4]
    (Command(Verb::StartTls), &[220, 454, 502, 503]),
    // [rfc4954 4] [rfc4954 6]; 502 and 503 as above
    (
        Command(Verb::Auth),
        &[235, 334, 454, 504, 530, 535, 538, 502, 503],
    ),
    // [rfc1985 5.1]; 502 and 530: it is not there, or not for strangers
    (
        Command(Verb::Etrn),
        &[250, 251, 252, 253, 458, 459, 502, 503, 530],
    ),
    // [rfc2645 7]
    (Command(Verb::Atrn), &[250, 450, 451, 453, 530]),
    // 502: a word that we know and do not do; 555: a parameter that we do not know; 521: the
    // connection ends, as nobody knows where the octets of a chunk do
    (NoCommand, &[502, 555, 521]),
];

const HELLO: &[u16] = &[250, 504, 550, 502];

/// Whether this code may answer that.
pub fn may_answer(answered: Answered, code: u16) -> bool {
    let mut rows = SEQUENCES.iter().filter(|(row, _)| *row == answered);
    ANYTHING.contains(&code) || rows.any(|(_, codes)| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::VERBS;

    #[test]
    fn every_command_but_one_has_its_codes() {
        // [rfc5321 4.3.2]
        for (verb, word) in VERBS {
            let rows = SEQUENCES
                .iter()
                .filter(|(row, _)| *row == Command(*verb))
                .count();
            // a BDAT is answered behind its octets, as content
            assert_eq!(rows, usize::from(*verb != Verb::Bdat), "{word}");
        }
    }

    #[test]
    fn no_code_begins_with_another_digit_than_2_to_5() {
        // [rfc5321 4.2 #5] [rfc5321 4.3.2 #2]
        for code in SEQUENCES.iter().flat_map(|(_, codes)| *codes) {
            assert!((200..600).contains(code), "{code}");
        }
        assert!(may_answer(Command(Verb::Noop), 421));
        assert!(!may_answer(Command(Verb::Noop), 354));
        assert!(!may_answer(Command(Verb::Data), 250));
    }
}
