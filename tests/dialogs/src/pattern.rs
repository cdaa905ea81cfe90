//! What a line of answer must look like.
//!
//! `<*>` matches anything, `<name=*>` matches anything and keeps it, `<$name>` is what was kept.
//! What never happens here: reading from a connection.

use std::collections::BTreeMap;

/// What `<name=*>` kept so far.
pub type Kept = BTreeMap<String, String>;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Any,
    Keep(String),
    Kept(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    source: String,
    pieces: Vec<Piece>,
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.source)
    }
}

impl Pattern {
    pub fn parse(source: &str) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(start) = rest.find('<') {
            let (before, after) = rest.split_at(start);
            text.push_str(before);
            match after
                .find('>')
                .and_then(|end| Some((placeholder(&after[1..end])?, end)))
            {
                Some((piece, end)) => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(piece);
                    rest = &after[end + 1..];
                }
                None => {
                    text.push('<');
                    rest = &after[1..];
                }
            }
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        Ok(Pattern {
            source: source.to_owned(),
            pieces,
        })
    }

    /// Whether the line matches; then the kept values grow.
    pub fn matches(&self, line: &str, kept: &mut Kept) -> bool {
        let mut found = Kept::new();
        if matches_from(&self.pieces, line, kept, &mut found) {
            kept.append(&mut found);
            return true;
        }
        false
    }
}

fn placeholder(inner: &str) -> Option<Piece> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if inner == "*" {
        return Some(Piece::Any);
    }
    if let Some(name) = inner.strip_prefix('$') {
        return is_name(name).then(|| Piece::Kept(name.to_owned()));
    }
    let name = inner.strip_suffix("=*")?;
    is_name(name).then(|| Piece::Keep(name.to_owned()))
}

fn matches_from(pieces: &[Piece], line: &str, kept: &Kept, found: &mut Kept) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return line.is_empty();
    };
    match first {
        Piece::Text(text) => line
            .strip_prefix(text.as_str())
            .is_some_and(|line| matches_from(rest, line, kept, found)),
        Piece::Kept(name) => kept
            .get(name)
            .and_then(|value| line.strip_prefix(value.as_str()))
            .is_some_and(|line| matches_from(rest, line, kept, found)),
        Piece::Any => ends(line).any(|end| matches_from(rest, &line[end..], kept, found)),
        Piece::Keep(name) => ends(line).any(|end| {
            let matched = matches_from(rest, &line[end..], kept, found);
            if matched {
                found.insert(name.clone(), line[..end].to_owned());
            }
            matched
        }),
    }
}

/// Every place where a wildcard may end, the shortest first.
fn ends(line: &str) -> impl Iterator<Item = usize> {
    line.char_indices()
        .map(|(index, _)| index)
        .chain([line.len()])
}

/// `<$name>` in a client's line becomes what was kept under that name.
pub fn fill_in(text: &str, kept: &Kept) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<$") {
        let (name, tail) = after.split_once('>').ok_or("<$name> has no end")?;
        let value = kept
            .get(name)
            .ok_or_else(|| format!("nothing was kept as {name}"))?;
        out.push_str(before);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, line: &str, expect: bool) {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(
            pattern.matches(line, &mut Kept::new()),
            expect,
            "{pattern} against {line}"
        );
    }

    #[test]
    fn a_wildcard_matches_anything_and_nothing_else_gives_way() {
        check("250 <*>", "250 2.0.0 ok", true);
        check("250 <*>", "251 2.0.0 ok", false);
        check("<*>ok", "x ok ok", true);
        check("a<*>b<*>c", "a12b34c", true);
        check("a<*>b<*>c", "a12b34", false);
        check("250 <alice@example.test>", "250 <alice@example.test>", true);
        check("", "", true);
        check("", "x", false);
    }

    #[test]
    fn keeps_and_fills_in() {
        let mut kept = Kept::new();
        let keep = Pattern::parse("* OK [UIDVALIDITY <validity=*>] x").unwrap();
        assert!(keep.matches("* OK [UIDVALIDITY 77] x", &mut kept));
        assert_eq!(fill_in("a <$validity>", &kept).unwrap(), "a 77");
        assert!(
            Pattern::parse("= <$validity>")
                .unwrap()
                .matches("= 77", &mut kept)
        );
        assert!(fill_in("<$other>", &kept).is_err());
    }
}
