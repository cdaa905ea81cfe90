//! `/etc/aliases`: read, and taken in as aliases of the house.
//!
//! The server has no file of aliases; what is taken in here is shown and changed by `whimbrel alias`. An
//! alias is taken in whole or left out whole, with a line that says why: programs, files and lists of
//! other files are no targets. What never happens here: an alias being removed.
//!
//! ```text
//! line   = name ":" target *("," target)   ; continued where a line begins with white space
//! name   = word / <"> *(any / "\" any) <">  ; the same quotes around targets
//! target = name / address / "\" name       ; "#" begins a comment
//! ```

use super::exit::{Code, Ended};
use super::flags::Flags;
use super::house::House;
use crate::admin::import::{Import, Wanted};
use crate::own_files;
use addr::LocalPart;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where every system has it.
const USUAL: &str = "/etc/aliases";

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    pub wanted: Vec<Wanted>,
    /// What this server does not do, with its line.
    pub left_out: Vec<String>,
    /// What nobody could read or do, with its line.
    pub wrong: Vec<String>,
}

pub fn take_in(flags: &Flags, house: &House) -> Result<(), Ended> {
    let path = flags.aliases.as_deref().unwrap_or(USUAL);
    let text = own_files::read(Path::new(path));
    let text = text.map_err(|why| Ended::new(Code::Config, why))?;
    let file = read(&text);
    for left_out in &file.left_out {
        eprintln!("newaliases: {path}: {left_out}");
    }
    let import = Import {
        data: house.data().to_owned(),
        settings: house.settings.clone(),
        is_set: house.config.is_some(),
        wanted: file.wanted,
    };
    let done = crate::in_runtime_with(import.run());
    let done = done.map_err(|why| Ended::new(Code::NotAllowed, why))?;
    for line in &done.said {
        println!("{line}");
    }
    let wrong: Vec<String> = file.wrong.into_iter().chain(done.refused).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Ended::new(Code::Data, wrong.join("\n"))),
    }
}

/// Reads the text of a file of aliases.
pub fn read(text: &str) -> File {
    let mut file = File::default();
    let mut seen = BTreeMap::new();
    for (number, line) in logical_lines(text) {
        let line_says = |why: String| format!("line {number}: {why}");
        let Some((name, targets)) = halves(&line) else {
            file.wrong.push(line_says(format!("no colon in `{line}`")));
            continue;
        };
        let name = match written(name) {
            Ok(name) => name,
            Err(why) => {
                file.wrong.push(line_says(why));
                continue;
            }
        };
        if let Some(first) = seen.get(&name.to_lowercase()) {
            let why = format!("{name} is in line {first} already, which holds");
            file.wrong.push(line_says(why));
            continue;
        }
        seen.insert(name.to_lowercase(), number);
        let targets: Result<Vec<String>, Unusable> =
            split(targets).iter().map(|target| usable(target)).collect();
        match targets {
            Ok(targets) if targets.is_empty() => {
                file.wrong.push(line_says(format!("{name} leads nowhere")));
            }
            Ok(targets) => file.wanted.push(Wanted {
                alias: name,
                targets,
            }),
            Err(Unusable::NotHere(why)) => {
                let why = format!("{name} is left out: {why}");
                file.left_out.push(line_says(why));
            }
            Err(Unusable::Wrong(why)) => file.wrong.push(line_says(format!("{name}: {why}"))),
        }
    }
    without_circles(&mut file);
    file
}

/// Lines with what continues them, and the number of the first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut logical: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_continued = line.starts_with([' ', '\t']);
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        match logical.last_mut().filter(|_| is_continued) {
            Some((_, whole)) => {
                whole.push(' ');
                whole.push_str(line);
            }
            None => logical.push((number + 1, line.to_owned())),
        }
    }
    logical
}

/// Those that lead to each other and nowhere else can be no aliases.
fn without_circles(file: &mut File) {
    let known: BTreeSet<String> = file
        .wanted
        .iter()
        .map(|one| one.alias.to_lowercase())
        .collect();
    let mut leads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Wanted { alias, targets } in &file.wanted {
        let targets = targets.iter().map(|target| target.to_lowercase());
        let further = targets.filter(|target| known.contains(target)).collect();
        leads.insert(alias.to_lowercase(), further);
    }
    let is_in_circle = |alias: &str| {
        let mut reached = BTreeSet::new();
        let mut ways = vec![alias.to_lowercase()];
        while let Some(at) = ways.pop() {
            for next in &leads[&at] {
                if reached.insert(next.clone()) {
                    ways.push(next.clone());
                }
            }
        }
        reached.contains(&alias.to_lowercase())
    };
    let wanted = std::mem::take(&mut file.wanted);
    for one in wanted {
        match is_in_circle(&one.alias) {
            true => file
                .wrong
                .push(format!("{} leads back to itself", one.alias)),
            false => file.wanted.push(one),
        }
    }
}

/// Where a quoted text is, and where it is not.
#[derive(Default)]
struct Quotes {
    is_within: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Whether this letter stands in quotes, or is one.
    fn hold(&mut self, c: char) -> bool {
        let was_within = self.is_within;
        match c {
            _ if self.is_escaped => self.is_escaped = false,
            '\\' if self.is_within => self.is_escaped = true,
            '"' => self.is_within = !self.is_within,
            _ => {}
        }
        was_within || self.is_within
    }
}

/// Up to a `#` that is not in quotes.
fn without_comment(line: &str) -> &str {
    let mut quotes = Quotes::default();
    let comment = line
        .char_indices()
        .find(|(_, c)| !quotes.hold(*c) && *c == '#');
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Before and behind the first colon that is not in quotes.
fn halves(line: &str) -> Option<(&str, &str)> {
    let mut quotes = Quotes::default();
    let colon = line
        .char_indices()
        .find(|(_, c)| !quotes.hold(*c) && *c == ':');
    colon.map(|(at, _)| (&line[..at], &line[at + 1..]))
}

/// The targets, at commas that are not in quotes.
fn split(targets: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quotes = Quotes::default();
    for c in targets.chars() {
        match (quotes.hold(c), all.last_mut()) {
            (false, _) if c == ',' => all.push(String::new()),
            (_, Some(last)) => last.push(c),
            _ => {}
        }
    }
    let all = all.iter().map(|one| one.trim().to_owned());
    all.filter(|one| !one.is_empty()).collect()
}

/// A name as it stands in an address, or an address.
fn written(text: &str) -> Result<String, String> {
    let text = text.trim();
    let content = unquoted(text);
    if content.contains('@') && !text.starts_with('"') {
        return Ok(content);
    }
    match LocalPart::from_content(&content) {
        Ok(local) if !content.is_empty() => Ok(local.to_string()),
        _ => Err(format!("`{text}` is no name")),
    }
}

/// Without quotes around it, and what escapes within them.
fn unquoted(text: &str) -> String {
    let Some(within) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut content = String::new();
    let mut letters = within.chars();
    while let Some(c) = letters.next() {
        match c {
            '\\' => content.extend(letters.next()),
            c => content.push(c),
        }
    }
    content
}

/// Why a target cannot be one.
enum Unusable {
    /// Other servers do that.
    NotHere(String),
    Wrong(String),
}

/// A name or an address.
fn usable(target: &str) -> Result<String, Unusable> {
    let content = unquoted(target);
    let not_here = |what: &str| {
        Err(Unusable::NotHere(format!(
            "{what} is no target here: {target}"
        )))
    };
    // `|"program words"`, too
    match content.chars().next() {
        Some('|') => return not_here("a program"),
        Some('/') => return not_here("a file"),
        Some(':') if content.starts_with(":include:") => return not_here("a list in a file"),
        Some(':') => return not_here("an order to the server"),
        _ => {}
    }
    // unquoted, it is a name only if it needs no quotes
    let needs_quotes = |name: &str| name.starts_with('"') && !target.starts_with(['"', '\\']);
    let is_open = target.contains('"') && content == target;
    // a backslash once meant: no alias any more
    let bare = match target.starts_with('"') {
        true => target,
        false => target.strip_prefix('\\').unwrap_or(target),
    };
    match written(bare) {
        Ok(name) if !(is_open || needs_quotes(&name)) => Ok(name),
        _ => Err(Unusable::Wrong(format!(
            "`{target}` is neither a name nor an address"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_debian_installs_and_what_people_add() {
        let file = read(
            "# See man 5 aliases for format\npostmaster:    root\n\nroot: jane, \\joe,\n\tops@x.test # all\n\
             \"odd name\": a\nlist: :include:/etc/list, b\nnull: /dev/null\nprog: \"|/bin/x, y\"\nno colon\n: a\n",
        );
        let wanted = |alias: &str, targets: &[&str]| Wanted {
            alias: alias.to_owned(),
            targets: targets.iter().map(|&one| one.to_owned()).collect(),
        };
        assert_eq!(
            file.wanted,
            [
                wanted("postmaster", &["root"]),
                wanted("root", &["jane", "joe", "ops@x.test"]),
                wanted("\"odd name\"", &["a"]),
            ]
        );
        assert_eq!(file.left_out.len(), 3, "{:#?}", file.left_out);
        assert_eq!(file.wrong.len(), 2, "{:#?}", file.wrong);
    }

    #[test]
    fn what_is_odd_is_taken_in_whole_or_named_and_left_out_whole() {
        let file = read(
            "\"a:b, c # d\": jane # all\na.b:\tjane,\n # between\n  \\joe ,\n\n\t\"o\\\"dd\"\n\
             JANE@X.test: joe\nlist: jane, :include:/etc/list\npipe: |/bin/x\nquoted: \"|/bin/x y\", jane\n\
             half: |\"/bin/x y\"\nfile: \"/var/mail/a b\"\ngone: :fail: no such man\n\
             a.B: other\nnone:\n:x\nspaced: jane joe\nopen: \"jane\n",
        );
        let of = |alias: &str| {
            let found = file.wanted.iter().find(|one| one.alias == alias);
            found.map(|one| one.targets.join(" ")).unwrap_or_default()
        };
        assert_eq!(of("\"a:b, c # d\""), "jane");
        assert_eq!(of("a.b"), "jane joe \"o\\\"dd\"");
        assert_eq!(of("JANE@X.test"), "joe");
        assert_eq!(file.wanted.len(), 3, "{:#?}", file.wanted);
        for (line, name) in [
            (8, "list"),
            (9, "pipe"),
            (10, "quoted"),
            (11, "half"),
            (12, "file"),
            (13, "gone"),
        ] {
            let begin = format!("line {line}: {name} is left out: ");
            let told = file.left_out.iter().any(|one| one.starts_with(&begin));
            assert!(told, "{begin} {:#?}", file.left_out);
        }
        let wrong = file.wrong.join("\n");
        for says in [
            "line 14: a.B is in line 2 already",
            "line 15: none leads nowhere",
            "line 16: `` is no name",
            "line 17: spaced: `jane joe`",
            "line 18: open: ",
        ] {
            assert!(wrong.contains(says), "{says}: {wrong}");
        }
        assert_eq!((file.left_out.len(), file.wrong.len()), (6, 5));
    }

    #[test]
    fn circles_are_named_and_chains_are_none() {
        let file = read("a: b\nb: A\nself: self, x\nc: d\nd: e\ne: jane\ninto: a\n");
        let kept: Vec<&str> = file.wanted.iter().map(|one| one.alias.as_str()).collect();
        // what leads into a circle the server refuses, as the circle is not there
        assert_eq!(kept, ["c", "d", "e", "into"]);
        assert_eq!(file.wrong.len(), 3, "{:#?}", file.wrong);
    }
}
