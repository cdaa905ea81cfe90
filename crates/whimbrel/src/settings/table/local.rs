//! The settings of mail that users of this machine hand in.
//!
//! What never happens here: reading a file.

use super::super::field::Field;
use super::Taken::AtReload;
use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "local.domain",
            AtReload,
            "What stands behind names without a domain, such as `root`, in what users of this machine \
             hand in.",
            |s| Field::OptionalDomain(&mut s.local.domain),
        )
        .usual("the hostname, or the domain above it that is hosted here")
        .example("\"example.org\""),
        row(
            "local.trusted",
            AtReload,
            "Users of this machine who may send in anybody's name (`sendmail -f`, From), beside root; \
             `[\"*\"]` is everybody. All others send in their own name: another `-f` is refused, and \
             where From says something else, Sender tells who it was and nothing is signed.",
            |s| Field::Texts(&mut s.local.trusted),
        )
        .example("[\"uucp\", \"www-data\"]"),
    ]
}
