//! Mixed sessions.
//!
//! Never here: another group's rows.

use crate::Outcome;
use crate::report::Report;
use crate::target::Target;
use crate::work::Plan;

pub async fn run(_targets: &mut [Target], _plan: &Plan, _report: &mut Report) -> Outcome<()> {
    Ok(())
}
