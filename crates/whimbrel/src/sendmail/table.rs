//! Every flag of the `sendmail` of Sendmail, Postfix and Exim, and what becomes of it here.
//!
//! The one table: `flags` reads by it, and docs/sendmail.md shows it. What never happens here: an effect.

/// What becomes of a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Does {
    /// What its caller expects.
    Taken,
    /// Nothing: it asks for something of another server's insides, or for what is so here anyhow.
    Ignored,
    /// The call ends with 64: something else than was asked would happen.
    Refused,
}

/// What stands behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// Other flags may follow in its word.
    Nothing,
    /// The rest of its word, which may be empty.
    Attached,
    /// The rest of its word, or the next.
    Value,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub flag: &'static str,
    pub takes: Takes,
    pub does: Does,
    /// How it is written.
    pub example: &'static str,
    /// For people.
    pub says: &'static str,
}

const fn row(
    flag: &'static str,
    takes: Takes,
    does: Does,
    example: &'static str,
    says: &'static str,
) -> Row {
    Row {
        flag,
        takes,
        does,
        example,
        says,
    }
}

use Does::{Ignored, Refused, Taken};
use Takes::{Attached, Nothing, Value};

/// A word is read by the longest flag that it begins with.
#[rustfmt::skip]
pub(super) const FLAGS: &[Row] = &[
    row("-t", Nothing, Taken, "-t", "recipients are taken from To, Cc and Bcc as well (from the Resent- fields, if there are some); Bcc is removed"),
    row("-i", Nothing, Taken, "-i", "a line with only a dot is text and does not end the message"),
    row("-oi", Attached, Taken, "-oi", "the same"),
    row("-f", Value, Taken, "-f jane@example.org", "the envelope's sender; `-f ''` and `-f '<>'` are nobody"),
    row("-r", Value, Taken, "-r jane@example.org", "the same"),
    row("-F", Value, Taken, "-F Cron", "the name in a From field that is made because there is none"),
    row("-N", Value, Taken, "-N success,delay", "when the sender is told: `never`, or `success`, `delay` and `failure` with commas"),
    row("-R", Value, Taken, "-R hdrs", "what a report brings back: `hdrs` or `full`"),
    row("-V", Value, Taken, "-V id1", "the envelope id that reports name"),
    row("-p", Value, Taken, "-p UUCP:alpha", "behind the colon, the host that brought the message"),
    row("-C", Value, Taken, "-C my.toml", "another settings file, if it ends in `.toml`; those of other servers are not read"),
    row("-e", Attached, Taken, "-em", "as `-oe`"),
    row("-oe", Attached, Taken, "-oem", "what becomes of refusals: `m`, `w` mailed to the sender, `e` mailed and the call ends with 0, `q` only the exit code tells, `p` printed"),
    row("-oA", Value, Taken, "-oA /etc/aliases", "another file of aliases, for `-bi`"),
    row("-O", Value, Taken, "-O ErrorMode=m", "`ErrorMode`, `IgnoreDots` and `AliasFile` count, all others are ignored"),
    row("-bm", Nothing, Ignored, "-bm", "a message comes in: that is so anyhow"),
    row("-bs", Nothing, Taken, "-bs", "SMTP on standard input and output; names without a domain are users here"),
    row("-bS", Nothing, Taken, "-bS", "a batch of SMTP on standard input"),
    row("-bv", Attached, Taken, "-bv", "says whether mail for the recipients is taken; nothing is sent"),
    row("-bt", Nothing, Taken, "-bt", "the same"),
    row("-bp", Attached, Taken, "-bp", "lists the queue, as `mailq`; `-bpr`, `-bpu` and `-bpa` too"),
    row("-bpc", Attached, Refused, "-bpc", "a count: `whimbrel queue list --json` has one"),
    row("-bP", Attached, Refused, "-bP", "a count to one server, settings to another: `whimbrel queue list`, `whimbrel config show`"),
    row("-bi", Attached, Taken, "-bi", "takes in the aliases, as `newaliases`"),
    row("-I", Nothing, Taken, "-I", "the same"),
    row("-bV", Nothing, Taken, "-bV", "prints the version"),
    row("-bh", Nothing, Taken, "-bh", "ends with 0: there is no host status to show"),
    row("-bH", Nothing, Taken, "-bH", "ends with 0: there is none to purge"),
    row("-bC", Nothing, Taken, "-bC", "ends with 0 if the settings can be read, else with 78"),
    row("-bd", Attached, Refused, "-bd", "the server is started by `systemctl start whimbrel` or `whimbrel serve`"),
    row("-bD", Attached, Refused, "-bD", "the server is started by `systemctl start whimbrel` or `whimbrel serve`"),
    row("-bl", Attached, Refused, "-bl", "the server is started by `systemctl start whimbrel` or `whimbrel serve`"),
    row("-ba", Attached, Refused, "-ba", "the Arpanet's mode is over"),
    row("-b", Attached, Refused, "-bx", "it is not known, or of another server's insides"),
    row("-q", Attached, Taken, "-q", "tries now all that waits in the queue (`-qf`, `-qi`, `-qq` too); with a time (`-q15m`, `-qp`) nothing: the server does that by itself"),
    row("-qI", Value, Taken, "-qI id1", "the message of this id"),
    row("-qR", Value, Taken, "-qR example.org", "what goes to this domain, or that of this address"),
    row("-qS", Value, Taken, "-qS jane@example.org", "what comes from this address"),
    row("-qG", Attached, Refused, "-qGx", "there are no groups in the queue"),
    row("-qQ", Attached, Refused, "-qQx", "nothing is quarantined: `whimbrel queue hold`, `release`"),
    row("-q!", Attached, Refused, "-q!Rx", "only what is named can be tried"),
    row("-Q", Attached, Refused, "-Qx", "nothing is quarantined: `whimbrel queue hold`, `release`"),
    row("-M", Attached, Refused, "-Mrm id1", "the queue is changed by `whimbrel queue`"),
    row("-XV", Attached, Refused, "-XV", "a sender for each recipient is not made"),
    row("-E", Attached, Refused, "-E", "of another server's insides"),
    row("-S", Attached, Refused, "-Sx", "of another server's queue: `-qS`"),
    row("-T", Attached, Refused, "-Tqt x", "of another server's insides"),
    row("-z", Attached, Refused, "-zx", "of another server's log"),
    row("-A", Value, Ignored, "-Ac", "one settings file is for all"),
    row("-B", Value, Ignored, "-B 8BITMIME", "the content itself shows it"),
    row("-D", Value, Ignored, "-D file", "for finding errors"),
    row("-d", Attached, Ignored, "-d0.1", "for finding errors (`-dropcr` too)"),
    row("-G", Nothing, Ignored, "-G", "addresses with a domain are never rewritten"),
    row("-h", Value, Ignored, "-h 3", "hops are counted in the header"),
    row("-L", Value, Ignored, "-L tag", "the log names the message by its id"),
    row("-X", Value, Ignored, "-X file", "`whimbrel log follow` shows what is said"),
    row("-oM", Attached, Ignored, "-oMxname", "what a message is said to come from: the system says it here"),
    row("-oMa", Value, Ignored, "-oMa 192.0.2.1", "the same"),
    row("-oMaa", Value, Ignored, "-oMaa name", "the same"),
    row("-oMai", Value, Ignored, "-oMai name", "the same"),
    row("-oMas", Value, Ignored, "-oMas name", "the same"),
    row("-oMi", Value, Ignored, "-oMi 192.0.2.1", "the same"),
    row("-oMm", Value, Ignored, "-oMm id1", "the same"),
    row("-oMr", Value, Ignored, "-oMr smtp", "the same"),
    row("-oMs", Value, Ignored, "-oMs name", "the same"),
    row("-oMt", Value, Ignored, "-oMt name", "the same"),
    row("-o", Attached, Ignored, "-odb", "all other options: `-odX`, `-om`, `-o7`, `-o8`, `-oo`, …"),
    row("-U", Nothing, Ignored, "-U", "SMTPUTF8 is used where it is needed"),
    row("-c", Nothing, Ignored, "-c", "delivery never waits for the caller"),
    row("-m", Nothing, Ignored, "-m", "the sender gets his copy where an alias names him"),
    row("-n", Nothing, Ignored, "-n", "aliases hold for everybody"),
    row("-u", Nothing, Ignored, "-u", "of old mailers"),
    row("-v", Nothing, Ignored, "-v", "`whimbrel why` says what became of a message"),
    row("-x", Nothing, Ignored, "-x", "AIX's mail says it"),
];

/// The flag that these letters, without the dash, begin with.
pub(super) fn find(letters: &str) -> Option<&'static Row> {
    let begins = |row: &&Row| letters.starts_with(row.letters());
    FLAGS.iter().filter(begins).max_by_key(|row| row.flag.len())
}

impl Row {
    /// Without the dash.
    pub fn letters(&self) -> &'static str {
        &self.flag[1..]
    }
}

#[cfg(test)]
mod tests {
    use super::super::exit::Code;
    use super::super::flags::{self, Flags};
    use super::*;

    #[test]
    fn each_flag_of_the_manuals_is_taken_or_ignored_or_refused_as_the_table_says() {
        for row in FLAGS {
            let words: Vec<String> = row.example.split(' ').map(str::to_owned).collect();
            let read = flags::read(&words);
            match row.does {
                Refused => {
                    let ended = read.expect_err(row.example);
                    assert_eq!(ended.code, Code::Usage, "{}", row.example);
                    assert!(ended.why.contains(row.says), "{}", row.example);
                }
                Ignored => assert_eq!(read.unwrap(), Flags::default(), "{}", row.example),
                Taken => {
                    let read = read.unwrap();
                    assert_ne!(read, Flags::default(), "{}", row.example);
                    assert!(read.named.is_empty(), "{}", row.example);
                }
            }
            assert_eq!(find(&words[0][1..]).unwrap().flag, row.flag);
        }
    }

    #[test]
    fn the_documentation_shows_the_table() {
        let text = include_str!("../../../../docs/sendmail.md");
        let shown: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("| `-"))
            .collect();
        let expected: Vec<String> = FLAGS.iter().map(line).collect();
        assert_eq!(
            shown,
            expected,
            "docs/sendmail.md has to be:\n{}",
            expected.join("\n")
        );
    }

    fn line(row: &Row) -> String {
        let does = match row.does {
            Taken => "taken",
            Ignored => "ignored",
            Refused => "refused",
        };
        format!("| `{}` | {does} | {} |", row.example, row.says)
    }
}
