//! What somebody may have meant.
//!
//! What never happens here: doing what was meant instead of what was said.

/// At least so alike, between 0 and 1.
const ALIKE: f64 = 0.75;
/// So many are named.
const NAMED: usize = 3;
/// So many of a longer list are shown.
const LISTED: usize = 10;

/// The names most like `wanted`, the best first.
pub fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut found: Vec<_> = known
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    found.truncate(NAMED);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `a, b, c`, cut where it becomes long.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    let mut text = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// `; nearest: a, b`, or nothing.
pub fn hint<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let found = nearest(wanted, known);
    match found.is_empty() {
        true => String::new(),
        false => format!("; nearest: {}", found.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_what_was_meant_and_nonsense_finds_nothing() {
        let known = ["alice@example.org", "bob@example.org", "carol@example.org"];
        let near = |wanted| nearest(wanted, known.into_iter()).first().copied();
        assert_eq!(near("alcie@example.org"), Some("alice@example.org"));
        assert_eq!(near("Bob@example.org"), Some("bob@example.org"));
        assert_eq!(near("zz"), None);
    }
}
