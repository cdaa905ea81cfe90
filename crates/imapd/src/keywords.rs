//! Which keywords a client has been told of: one that it does not know is announced with FLAGS and
//! PERMANENTFLAGS before it is used [rfc3501 7.2.6].

use mail::{Flags, Keyword};
use std::collections::BTreeSet;

/// The keywords of the last FLAGS response, in lower case.
#[derive(Debug, Default)]
pub(crate) struct KnownKeywords(BTreeSet<String>);

impl KnownKeywords {
    /// These are told now.
    pub fn tell(&mut self, keywords: &[Keyword]) {
        let names = keywords.iter().map(|word| word.as_str());
        self.0.extend(names.map(str::to_ascii_lowercase));
    }

    pub fn know(&self, flags: &Flags) -> bool {
        let mut words = flags.keywords.iter();
        words.all(|word| self.0.contains(&word.as_str().to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_keyword_in_any_case_once_it_was_told() {
        let word = |name| Keyword::new(name).unwrap();
        let flags = Flags {
            keywords: vec![word("$JUNK")],
            ..Flags::default()
        };
        let mut known = KnownKeywords::default();
        assert!(known.know(&Flags::default()));
        assert!(!known.know(&flags));
        known.tell(&[word("$Junk")]);
        assert!(known.know(&flags));
    }
}
