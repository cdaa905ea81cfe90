//! The rows of `dns`. What never happens here: a value read.

use super::Taken::AtRestart;
use super::{Field, Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "dns.servers",
            AtRestart,
            "Recursive servers that are asked.",
            |s| Field::Servers(&mut s.dns.servers),
        )
        .usual("those of `/etc/resolv.conf`")
        .example("[\"127.0.0.1\"]"),
        row(
            "dns.dnssec",
            AtRestart,
            "Whether answers are checked by DNSSEC, here and from the root down: `validate` always, \
             `off` never, `auto` if the servers that are asked give what that needs. Without it, \
             DANE protects no mail.",
            |s| Field::Choice(&mut s.dns.dnssec),
        ),
        row(
            "dns.anchors",
            AtRestart,
            "A file with DNSKEY records, as in a zone file, of zones that are believed in place of \
             the root.",
            |s| Field::OptionalPath(&mut s.dns.anchors),
        )
        .usual("the keys of the root")
        .example("\"/etc/whimbrel/anchors\""),
    ]
}
