//! Names without a domain, as programs write them who only know the users of their own machine: the
//! domain is put behind them before the line is read. RFC 6409 section 4.2 wants it so at submission.
//!
//! What never happens here: a change of an address that has a domain, of `<>`, or of `<postmaster>`.

use addr::Domain;
use std::borrow::Cow;

const COMMANDS: [&[u8]; 2] = [b"MAIL FROM:", b"RCPT TO:"];

/// A line of MAIL or RCPT whose path is a name alone, with the domain behind it; any other as it is.
pub(crate) fn completed<'a>(line: &'a [u8], domain: &Domain) -> Cow<'a, [u8]> {
    let Some(end) = end_of_name(line) else {
        return Cow::Borrowed(line);
    };
    let (name, rest) = line.split_at(end);
    Cow::Owned([name, b"@", domain.as_str().as_bytes(), rest].concat())
}

/// Where the `>` behind a name alone stands.
fn end_of_name(line: &[u8]) -> Option<usize> {
    let is_at_front = |command: &&&[u8]| {
        let word = line.get(..command.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(command))
    };
    let command = COMMANDS.iter().find(is_at_front)?.len();
    let space = usize::from(line.get(command) == Some(&b' '));
    let path = line.get(command + space..)?.strip_prefix(b"<")?;
    let name = path.iter().position(|octet| *octet == b'>')?;
    let is_name = name > 0 && path[..name].iter().copied().all(is_letter);
    let is_everywhere = path[..name].eq_ignore_ascii_case(b"postmaster");
    (is_name && !is_everywhere).then_some(command + space + 1 + name)
}

/// Of dot-atoms [rfc5321 4.1.2], in UTF-8 too; whether the dots are right is seen when the line is read.
fn is_letter(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~.".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_gets_the_domain_and_nothing_else_does() {
        let domain: Domain = "localhost".parse().unwrap();
        for (line, read) in [
            ("MAIL FROM:<jane>", "MAIL FROM:<jane@localhost>"),
            (
                "rcpt to: <j.d> NOTIFY=NEVER",
                "rcpt to: <j.d@localhost> NOTIFY=NEVER",
            ),
            ("RCPT TO:<alpha!bob>", "RCPT TO:<alpha!bob@localhost>"),
            ("RCPT TO:<bjørn>", "RCPT TO:<bjørn@localhost>"),
            ("RCPT TO:<jane@x.test>", "RCPT TO:<jane@x.test>"),
            ("RCPT TO:<Postmaster>", "RCPT TO:<Postmaster>"),
            ("MAIL FROM:<>", "MAIL FROM:<>"),
            ("RCPT TO:<a b>", "RCPT TO:<a b>"),
            ("RCPT TO:<\"a\">", "RCPT TO:<\"a\">"),
            ("RCPT TO:<@a,@b:jane>", "RCPT TO:<@a,@b:jane>"),
            ("RCPT TO:jane", "RCPT TO:jane"),
            ("RCPT TO:<jane", "RCPT TO:<jane"),
            ("RCPT TO:", "RCPT TO:"),
            ("VRFY <jane>", "VRFY <jane>"),
        ] {
            let got = completed(line.as_bytes(), &domain);
            assert_eq!(String::from_utf8_lossy(&got), read);
        }
    }
}
