//! The one table of what is counted: name, kind, unit, labels, help.
//!
//! Names follow Prometheus' custom: `whimbrel_`, what, the unit, `_total` for counters. What never
//! happens here: counting.

/// The most labels that a metric may have.
pub(crate) const MAX_LABELS: usize = 3;

/// Counters rise, gauges go up and down, histograms count up to each bound.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub metric: Metric,
    pub name: &'static str,
    pub kind: Kind,
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// Times of a disk.
const DISK_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// How many share one commit.
const GROUP_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];

macro_rules! table {
    ($($metric:ident $name:literal $kind:expr, $unit:literal [$($label:literal),*] $help:literal;)*) => {
        /// What is counted.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Metric { $(#[doc = $help] $metric),* }
        /// Every metric, in the order of [`Metric`].
        pub const TABLE: &[Row] = &[$(Row {
            metric: Metric::$metric,
            name: concat!("whimbrel_", $name),
            kind: $kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        }),*];
    };
}

use Kind::{Counter, Gauge, Histogram};

table! {
    Connections "connections_total" Counter, "connections" ["listener"]
        "Connections that were taken.";
    TurnedAway "turned_away_total" Counter, "connections" ["listener"]
        "Connections that were turned away because too many were open.";
    Sessions "sessions" Gauge, "sessions" ["listener"]
        "Sessions that run now.";
    SessionBytes "session_bytes_total" Counter, "bytes" ["listener", "direction"]
        "Bytes of sessions before TLS, by direction (in, out).";
    TlsFailed "tls_handshakes_failed_total" Counter, "handshakes" ["listener"]
        "TLS handshakes that did not succeed.";
    Logins "logins_total" Counter, "logins" ["door", "mechanism", "outcome"]
        "Logins by mechanism and outcome (ok, wrong, expired, well-known, throttled, busy, unavailable).";
    SmtpCommands "smtp_commands_total" Counter, "commands" ["command"]
        "SMTP commands by name; a line that is none is counted as other.";
    ImapCommands "imap_commands_total" Counter, "commands" ["command"]
        "IMAP commands by name; a line that is none is counted as other.";
    PopCommands "pop3_commands_total" Counter, "commands" ["command"]
        "POP3 commands by name; a line that is none is counted as other.";
    MessagesAccepted "messages_accepted_total" Counter, "messages" ["role"]
        "Messages that were taken and are durable, by role (exchange, submission, lmtp).";
    MessageBytes "messages_accepted_bytes_total" Counter, "bytes" ["role"]
        "Bytes of the messages that were taken.";
    MessagesRefused "messages_refused_total" Counter, "refusals" ["stage", "class"]
        "Senders, recipients and messages that were refused, by stage and class (permanent, temporary).";
    Deliveries "deliveries_total" Counter, "deliveries" []
        "Copies of messages put into mailboxes by delivery.";
    QueueEntries "queue_entries" Gauge, "entries" []
        "Entries of the queue that wait for other servers or are under way; a message has one for each domain.";
    QueueOldest "queue_oldest_timestamp_seconds" Gauge, "seconds" []
        "When the oldest message in the queue was handed in, in seconds since 1970; 0 while there is none.";
    QueueDamaged "queue_damaged_rows_total" Counter, "rows" []
        "Rows of the queue that could not be read or had lost what they speak of, and are not sent; `whimbrel verify` names them.";
    Attempts "attempts_total" Counter, "recipients" ["outcome"]
        "Recipients for whom a message was tried at other servers, by outcome (taken, put-off, failed).";
    Reports "reports_total" Counter, "recipients" ["action"]
        "Recipients of whom a sender was told by a report, by action (failed, delayed, delivered, relayed, expanded).";
    OpenViews "open_views" Gauge, "views" []
        "Mailboxes that sessions have open.";
    HistoryForgotten "history_forgotten_total" Counter, "messages" []
        "Expunged messages whose time in the history was over.";
    VacuumRuns "vacuum_runs_total" Counter, "runs" ["outcome"]
        "Rounds of the vacuum by outcome (ok, failed).";
    VacuumFreed "vacuum_freed_bytes_total" Counter, "bytes" []
        "Bytes that the vacuum gave back to the disk.";
    Commits "commits_total" Counter, "commits" []
        "Durable commits; each is one frame and one sync.";
    CommitsFailed "commits_failed_total" Counter, "commits" []
        "Commits whose write or sync failed; their outcome is unknown and is never told as success.";
    CommitBytes "commit_bytes_total" Counter, "bytes" []
        "Bytes of records and bodies that were handed to commits.";
    CommitGroups "commit_groups" Histogram(GROUP_SIZES), "groups" []
        "Groups of transactions that one commit made durable.";
    SyncSeconds "store_sync_seconds" Histogram(DISK_SECONDS), "seconds" []
        "Time from the begin of a commit's write to the end of its sync.";
    CommitQueue "commit_queue_groups" Gauge, "groups" []
        "Groups of transactions that wait for the committer now.";
    CommitQueueBytes "commit_queue_bytes" Gauge, "bytes" []
        "Bytes of what waits for the committer now.";
    BodyMemory "body_memory_bytes" Gauge, "bytes" []
        "Message bodies that wait in memory now.";
    StoreReadOnly "store_read_only" Gauge, "" []
        "1 while the store takes no writes.";
    StoreFull "store_full" Gauge, "" []
        "1 while less than the reserve is free on the disk, so that new mail is not taken.";
    BadValues "store_bad_values_total" Counter, "values" []
        "Records found with a failing checksum since the start.";
    CertificateExpiry "certificate_expiry_timestamp_seconds" Gauge, "seconds" []
        "When the first of the TLS certificates that are shown ends, in seconds since 1970.";
    LogFollowers "log_followers" Gauge, "clients" []
        "Clients that follow the log through the control socket now.";
    LogLinesLost "log_lines_lost_total" Counter, "lines" []
        "Log lines that a follower was too slow for.";
    ControlRequests "control_requests_total" Counter, "requests" ["outcome"]
        "Requests through the control socket by outcome (ok, refused, stranger).";
}

/// The line of a metric.
pub fn row(metric: Metric) -> &'static Row {
    &TABLE[metric as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_row_and_a_name_of_its_own() {
        for (index, line) in TABLE.iter().enumerate() {
            assert_eq!(row(line.metric).name, line.name);
            assert!(line.labels.len() <= MAX_LABELS);
            assert!(TABLE[..index].iter().all(|other| other.name != line.name));
            let is_total = line.name.ends_with("_total");
            assert_eq!(is_total, matches!(line.kind, Counter), "{}", line.name);
        }
    }
}
