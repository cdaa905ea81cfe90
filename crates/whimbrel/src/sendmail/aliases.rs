//! `/etc/aliases`: read, and taken in as aliases of the house.
//!
//! The server has no file of aliases; what is taken in here is shown and changed by `whimbrel alias`.
//! Programs, files and lists of other files as targets are told and left out. What never happens here:
//! an alias being removed.
//!
//! ```text
//! line   = name ":" target *("," target)   ; continued where a line begins with white space
//! target = name / address                  ; "#" begins a comment
//! ```

use super::exit::{Code, Ended};
use super::flags::Flags;
use super::house::House;
use crate::admin::import::{Import, Wanted};
use crate::own_files;
use std::path::Path;

/// Where every system has it.
const USUAL: &str = "/etc/aliases";

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    pub wanted: Vec<Wanted>,
    /// What is left out, with its line.
    pub left_out: Vec<String>,
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
    match done.refused.is_empty() {
        true => Ok(()),
        false => Err(Ended::new(Code::Data, done.refused.join("\n"))),
    }
}

/// Reads the text of a file of aliases.
pub fn read(text: &str) -> File {
    let mut file = File::default();
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
    for (number, line) in logical {
        let Some((name, targets)) = line.split_once(':') else {
            file.left_out
                .push(format!("line {number}: no colon in `{line}`"));
            continue;
        };
        let name = name.trim().trim_matches('"');
        let mut kept = Vec::new();
        for target in split(targets) {
            match usable(&target) {
                Ok(target) => kept.push(target),
                Err(why) => file.left_out.push(format!("line {number}: {name}: {why}")),
            }
        }
        match (name.is_empty(), kept.is_empty()) {
            (true, _) => file.left_out.push(format!("line {number}: no name")),
            (false, true) => file
                .left_out
                .push(format!("line {number}: {name} leads nowhere")),
            (false, false) => file.wanted.push(Wanted {
                alias: name.to_owned(),
                targets: kept,
            }),
        }
    }
    file
}

/// Up to a `#` that is not in quotes.
fn without_comment(line: &str) -> &str {
    let mut is_quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

/// The targets, at commas that are not in quotes.
fn split(targets: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut is_quoted = false;
    for c in targets.chars() {
        match c {
            ',' if !is_quoted => all.push(String::new()),
            c => {
                is_quoted ^= c == '"';
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let all = all.iter().map(|one| one.trim().to_owned());
    all.filter(|one| !one.is_empty()).collect()
}

/// A name or an address; else why not.
fn usable(target: &str) -> Result<String, String> {
    let bare = target.trim_matches('"');
    let bare = bare.strip_prefix('\\').unwrap_or(bare);
    match bare {
        _ if bare.starts_with('|') => Err(format!("a program is no target here: {target}")),
        _ if bare.starts_with('/') => Err(format!("a file is no target here: {target}")),
        _ if bare.starts_with(":include:") => {
            Err(format!("a list in a file is no target here: {target}"))
        }
        _ => Ok(bare.to_owned()),
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
                wanted("odd name", &["a"]),
                wanted("list", &["b"]),
            ]
        );
        assert_eq!(file.left_out.len(), 7, "{:#?}", file.left_out);
    }
}
