//! The settings of mail that users of this machine hand in, their own or by UUCP.
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

pub(super) fn uucp() -> Vec<Row> {
    vec![
        row(
            "uucp.name",
            AtReload,
            "What neighbours call this system; it is taken off bang paths.",
            |s| Field::OptionalSystem(&mut s.uucp.name),
        )
        .usual("the first part of the hostname")
        .example("\"beta\""),
        row(
            "uucp.neighbours",
            AtReload,
            "Systems that a bang path may lead to: `alpha!bob` goes to `bob@alpha.uucp`, which needs a \
             row in `road.route`. Paths to all others are refused, and paths that come by SMTP are none.",
            |s| Field::Systems(&mut s.uucp.neighbours),
        )
        .example("[\"alpha\", \"gamma\"]"),
        row(
            "uucp.relay",
            AtReload,
            "Systems whose mail may go to anybody, because this server is their way out. What all others \
             bring may go where mail from the whole world may: to accounts and aliases here.",
            |s| Field::Systems(&mut s.uucp.relay),
        )
        .example("[\"alpha\"]"),
    ]
}
