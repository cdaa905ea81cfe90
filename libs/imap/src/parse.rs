//! Parses the text of one command.

use crate::command::Command;
use crate::mailbox::NameEncoding;
use crate::refusal::Refusal;
use crate::tag::Tag;

/// A whole command, literals included, without its last CRLF. APPEND is parsed up to the header
/// of its message literal, with which the text must end.
/// The tag comes along with a refusal whenever it was readable.
pub fn parse_command(
    text: &[u8],
    names: NameEncoding,
) -> Result<(Tag, Command), (Option<Tag>, Refusal)> {
    let _ = (text, names);
    todo!()
}
