//! Flags between the words of the protocol and those of mail. `\Recent` is a session's, and joins
//! here.

use crate::reply::{Answer, Trouble};
use imap::{Flag, ResponseCode};
use mail::{Flags, Keyword, SystemFlags};

/// Is the message `\Recent` in this session?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recent {
    Yes,
    No,
}

impl From<bool> for Recent {
    fn from(recent: bool) -> Recent {
        if recent { Recent::Yes } else { Recent::No }
    }
}

/// A message's flags as FETCH shows them. A keyword of mail is an atom of the protocol.
pub(crate) fn names(flags: &Flags, recent: Recent) -> impl Iterator<Item = &str> {
    let recent = (recent == Recent::Yes).then_some("\\Recent");
    let system = flags.system.names().map(|name| -> &str { name });
    let keywords = flags.keywords.iter().map(Keyword::as_str);
    system.chain(recent).chain(keywords)
}

/// A mailbox's flags as FLAGS shows them.
pub(crate) fn known_to_wire(keywords: &[Keyword]) -> Vec<Flag> {
    let all = SystemFlags::ALL
        .iter()
        .fold(SystemFlags::NONE, |all, (flag, _)| all | *flag);
    let mut wire = system_to_wire(all);
    wire.extend(keywords.iter().filter_map(keyword_to_wire));
    wire
}

fn system_to_wire(system: SystemFlags) -> Vec<Flag> {
    let names = system.names().map(|name| name.trim_start_matches('\\'));
    names.filter_map(Flag::system).collect()
}

fn keyword_to_wire(keyword: &Keyword) -> Option<Flag> {
    imap::Keyword::new(keyword.as_str()).map(Flag::Keyword)
}

/// What a client wants to set. System flags that nobody knows are left out [rfc3501 2.3.2].
pub(crate) fn from_wire(wire: &[Flag]) -> Result<Flags, Trouble> {
    let mut flags = Flags::default();
    for flag in wire {
        match flag {
            Flag::Seen => flags.system.insert(SystemFlags::SEEN),
            Flag::Answered => flags.system.insert(SystemFlags::ANSWERED),
            Flag::Flagged => flags.system.insert(SystemFlags::FLAGGED),
            Flag::Deleted => flags.system.insert(SystemFlags::DELETED),
            Flag::Draft => flags.system.insert(SystemFlags::DRAFT),
            Flag::Keyword(word) => {
                let keyword = Keyword::new(word.as_str()).ok_or_else(|| {
                    Answer::no(ResponseCode::Cannot, "that keyword cannot be kept")
                })?;
                if !flags.has_keyword(keyword.as_str()) {
                    flags.keywords.push(keyword);
                }
            }
            Flag::Recent | Flag::Any | Flag::Extension(_) => {}
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(name: &str) -> Flag {
        Flag::Keyword(imap::Keyword::new(name).unwrap())
    }

    #[test]
    fn keeps_a_keyword_once_whatever_its_case() {
        let flags = from_wire(&[Flag::Seen, word("$Junk"), word("$junk")]).unwrap();
        let names: Vec<&str> = names(&flags, Recent::Yes).collect();
        assert_eq!(names, ["\\Seen", "\\Recent", "$Junk"]);
    }
}
