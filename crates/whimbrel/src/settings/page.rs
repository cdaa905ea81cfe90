//! The table of settings as text: all values, an example to begin with, the reference page.
//!
//! What never happens here: printing.

use super::Settings;
use super::table::{Row, SECTIONS, Taken, rows};
use std::fmt::Write;

/// Which settings are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    All,
    /// Those that are not as they usually are.
    Changed,
}

/// The widest line of comments.
const WIDTH: usize = 96;

/// All values as a settings file.
pub fn show(settings: &Settings, which: Which) -> String {
    let usual = Settings::new(&settings.hostname);
    let rows = rows().into_iter().filter(|row| {
        let is_unsaid = row.show(settings) == "\"\"";
        let is_usual = row.show(settings) == row.show(&usual) && row.name != "hostname";
        !is_unsaid && (which == Which::All || !is_usual)
    });
    let mut out = String::new();
    each_section(&mut out, rows, |out, row| {
        line(
            out,
            format_args!("{} = {}", row.split().1, row.show(settings)),
        );
    });
    out
}

/// A file that sets nothing and says what could be set.
pub fn example() -> String {
    let usual = Settings::new("mail.example.org");
    let mut out = String::from(
        "# Settings of Whimbrel. Everything here is what holds if nothing is said: remove a # to\n\
         # say something else. `whimbrel config check` tells whether a file is right.\n\n",
    );
    let mut described = Vec::new();
    each_section(&mut out, rows().into_iter(), |out, row| {
        if described.contains(&row.says) {
            // The same setting of another listener.
        } else {
            wrapped(out, "# ", &row.says);
            described.push(row.says.clone());
        }
        let value = row.example.map_or_else(|| row.show(&usual), str::to_owned);
        line(out, format_args!("#{} = {value}", row.split().1));
    });
    out
}

/// docs/settings.md.
pub fn reference() -> String {
    let usual = Settings::new("mail.example.org");
    let mut out = String::from(REFERENCE_HEAD);
    for (section, says) in SECTIONS {
        let title = match *section {
            "" => "At the top".to_owned(),
            name => format!("`[{name}]`"),
        };
        line(&mut out, format_args!("\n## {title}\n\n{says}\n"));
        line(
            &mut out,
            format_args!("| Setting | Type | Default | Taken at | |"),
        );
        line(&mut out, format_args!("|---|---|---|---|---|"));
        let is_here = |row: &Row| row.split().0.split('.').next() == Some(section);
        for row in rows().into_iter().filter(is_here) {
            reference_row(&mut out, &row, &usual);
        }
    }
    out
}

const REFERENCE_HEAD: &str = "# Settings

<!-- Made by `whimbrel config reference`; change crates/whimbrel/src/settings/table.rs instead. -->

`whimbrel serve` reads `/etc/whimbrel/whimbrel.toml`, or the file that `--config` names. The file is
[TOML](https://toml.io). Nothing has to be in it: every setting has a default. An unknown name or a
wrong value is refused, with its line and column, and all of them at once.

| Command | |
|---|---|
| `whimbrel config check` | says whether the file is right and its certificates can be used |
| `whimbrel config show` | all settings as they are; with `--changed` only those that are not as usual |
| `whimbrel config example` | a file to begin with: everything in it, commented out |

Sizes are written `25 MiB` (`B`, `KiB`, `MiB`, `GiB`, `TiB`; `kB`, `MB`, `GB`, `TB` by thousands), times
`30 days` (`s`, `min`, `h`, `days`, `weeks`); a number alone is octets or seconds.

A *reload* (`systemctl reload whimbrel`, or SIGHUP) reads the file again. It takes the settings marked
so, for connections that come after it; those that are open go on as they are. It says what changed
and what needs a restart. A file with an error in it changes nothing.

Domains, accounts and aliases are not settings: they are kept with the mail.
";

fn reference_row(out: &mut String, row: &Row, usual: &Settings) {
    let kind = row.field(&mut usual.clone()).title();
    let default = match row.usual {
        Some(words) => words.to_owned(),
        None => format!("`{}`", row.show(usual)),
    };
    let taken = match row.taken {
        Taken::AtReload => "reload",
        Taken::AtRestart => "restart",
    };
    let mut says = row.says.clone();
    let unit = row.field(&mut usual.clone()).number().map(|(unit, _)| unit);
    if let (Some(unit), (least @ 2.., why)) = (unit, row.least) {
        let _ = write!(says, " At least {}{why}.", unit.write(least));
    }
    if let (Some(unit), true) = (unit, row.most < u64::MAX) {
        let _ = write!(says, " At most {}.", unit.write(row.most));
    }
    let name = &row.name;
    line(
        out,
        format_args!("| `{name}` | {kind} | {default} | {taken} | {says} |"),
    );
}

fn each_section(
    out: &mut String,
    rows: impl Iterator<Item = Row>,
    mut each: impl FnMut(&mut String, &Row),
) {
    let mut last = String::new();
    for row in rows {
        let section = row.split().0;
        if section != last {
            let gap = if out.is_empty() { "" } else { "\n" };
            line(out, format_args!("{gap}[{section}]"));
            last = section.to_owned();
        }
        each(out, &row);
    }
}

fn wrapped(out: &mut String, prefix: &str, text: &str) {
    let mut width = 0;
    for word in text.split(' ') {
        if width > 0 && width + 1 + word.len() > WIDTH {
            out.push('\n');
            width = 0;
        }
        let gap = if width == 0 { prefix } else { " " };
        width += gap.len() + word.len();
        out.push_str(gap);
        out.push_str(word);
    }
    out.push('\n');
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    fn root(path: &str) -> String {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        std::fs::read_to_string(format!("{root}{path}")).unwrap_or_default()
    }

    #[test]
    fn mail_expires_after_whole_days_or_never() {
        let read = |value: &str| {
            let text = format!("hostname = \"mail.example.org\"\n[pop3]\nexpire = {value}\n");
            file::read(&text, Settings::new("x.test")).ok()
        };
        let expire = |value| read(value).map(|settings| settings.pop3.expire);
        assert_eq!(expire("\"30 days\""), Some(popd::Expire::Days(30)));
        assert_eq!(expire("0"), Some(popd::Expire::Days(0)));
        assert_eq!(expire("\"none\""), Some(popd::Expire::Never));
        assert_eq!(expire("\"36 h\""), None);
        let shown = show(&read("\"90 days\"").unwrap(), Which::All);
        assert!(shown.contains("expire = \"90 days\""), "{shown}");
    }

    #[test]
    fn the_reference_page_is_the_tables() {
        assert!(
            root("docs/settings.md") == reference(),
            "stale; run: cargo run -- config reference > docs/settings.md"
        );
    }

    #[test]
    fn the_packaged_example_is_the_tables() {
        assert!(
            root("packaging/whimbrel.toml") == example(),
            "stale; run: cargo run -- config example > packaging/whimbrel.toml"
        );
    }

    #[test]
    fn the_example_sets_nothing_and_would_be_right_without_its_comments() {
        let usual = || Settings::new("mail.example.org");
        let read = file::read(&example(), usual()).ok().unwrap();
        assert_eq!(show(&read, Which::All), show(&usual(), Which::All));
        let without: String = example()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let read = file::read(&without, usual()).ok().unwrap();
        assert_eq!(read.certificates.len(), 1);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let mut settings = Settings::new("mx.example.net");
        settings.mail.default_quota_bytes = Some(5 << 30);
        let shown = show(&settings, Which::All);
        let again = file::read(&shown, Settings::new("a.example")).ok().unwrap();
        assert_eq!(show(&again, Which::All), shown);
        assert_eq!(
            show(&again, Which::Changed),
            "hostname = \"mx.example.net\"\n\n[mail]\nquota = \"5 GiB\"\n"
        );
    }
}
