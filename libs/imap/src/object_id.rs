//! Ids of mailboxes, messages and conversations that do not change (RFC 8474). Never here: which ids
//! there are.

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")`; case matters. [rfc8474 7]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ObjectId(String);

impl ObjectId {
    pub fn new(text: &str) -> Option<ObjectId> {
        let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'_' || octet == b'-';
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(good);
        fits.then(|| ObjectId(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [rfc8474 7]
    #[test]
    fn ids_are_letters_digits_and_two_signs() {
        for text in ["M6d99ac3275bb4e", "F2212ea87-6097_x", &"a".repeat(255)] {
            assert_eq!(ObjectId::new(text).expect("an id").as_str(), text);
        }
        for text in ["", "a b", "a.b", "ä", &"a".repeat(256)] {
            assert_eq!(ObjectId::new(text), None, "{text}");
        }
    }
}
