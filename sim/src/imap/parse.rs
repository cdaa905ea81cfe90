//! Just enough of IMAP's responses for a client.

use std::collections::BTreeSet;

/// One response: its text with literals taken out, and the literals.
#[derive(Default, Debug)]
pub struct Reply {
    pub text: String,
    pub literals: Vec<Vec<u8>>,
}

impl Reply {
    /// Adds a line; the length of the literal that follows, if one does.
    pub fn add(&mut self, line: &[u8]) -> Option<usize> {
        let line = String::from_utf8_lossy(line);
        let literal = line
            .strip_suffix('}')
            .and_then(|rest| rest.rsplit_once('{'))
            .and_then(|(_, octets)| octets.parse().ok());
        self.text.push_str(&line);
        literal
    }

    /// `* 12 EXISTS`: the number and the word.
    pub fn numbered(&self) -> Option<(u32, &str)> {
        let mut words = self.text.strip_prefix("* ")?.split(' ');
        let number = words.next()?.parse().ok()?;
        Some((number, words.next()?))
    }

    /// The number in a response code such as `[UIDNEXT 4]`.
    pub fn code_number(&self, code: &str) -> Option<u32> {
        let rest = self.text.split(&format!("[{code} ")).nth(1)?;
        rest.split(']').next()?.parse().ok()
    }

    pub fn uid(&self) -> Option<u32> {
        let rest = ["(UID ", " UID "]
            .iter()
            .find_map(|word| self.text.split(word).nth(1))?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }

    pub fn flags(&self) -> Option<BTreeSet<String>> {
        let rest = self.text.split("FLAGS (").nth(1)?;
        if self.text.starts_with("* FLAGS") {
            return None;
        }
        let inside = rest.split(')').next()?;
        Some(
            inside
                .split(' ')
                .filter(|flag| !flag.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }
}

/// The UIDs of a set on the wire.
pub fn numbers(set: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for part in set.split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            found.extend(first.min(last)..=first.max(last));
        }
    }
    found
}

/// `[COPYUID 38 304,319:320 3956:3958]`: UIDs there and here.
pub fn copy_uid(text: &str) -> Option<(Vec<u32>, Vec<u32>)> {
    let rest = text.split("[COPYUID ").nth(1)?;
    let mut words = rest.split(']').next()?.split(' ').skip(1);
    Some((numbers(words.next()?), numbers(words.next()?)))
}

/// `[APPENDUID 38 3955]`
pub fn append_uid(text: &str) -> Option<u32> {
    let rest = text.split("[APPENDUID ").nth(1)?;
    rest.split(']').next()?.split(' ').nth(1)?.parse().ok()
}
