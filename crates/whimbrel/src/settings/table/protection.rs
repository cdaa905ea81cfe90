//! The rows about TLS with other servers, a part of `queue`. What never happens here: a value read.

use super::Taken::AtRestart;
use super::{Field, Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![row(
        "queue.tls_reports",
        AtRestart,
        "Whether domains that ask for it (by a TXT record at `_smtp._tls`) get a report once a \
             day on how TLS went with them.",
        |s| Field::Switch(&mut s.sending.reports_tls),
    )]
}
