//! Rows of the road that cannot be read: shown, and taken out.
//!
//! What never happens here: a decision what is damaged (`post`), words for people.

use super::road::{path, sender};
use super::{Answered, Office, done, fault};
use crate::admin::limits::LISTED_ENTRIES;
use crate::admin::measure;
use crate::admin::request::Answer;
use crate::admin::road::{Damaged, DamagedRow};
use post::queue::{self, What};

impl Office {
    pub(super) fn queue_damaged(&self, ids: &[String]) -> Answered {
        let found = self.damaged(ids)?;
        let left_out = found.len().saturating_sub(LISTED_ENTRIES);
        let rows = found.iter().take(LISTED_ENTRIES).map(row).collect();
        Ok(Answer::Damaged(Damaged { rows, left_out }))
    }

    pub(super) async fn queue_clear(&self, ids: &[String]) -> Answered {
        let found = self.damaged(ids)?;
        let all: Vec<What> = found.into_iter().map(|one| one.what).collect();
        let removed = self.queue.remove_damaged(&all).await.map_err(fault)?;
        done(vec![match removed {
            0 => "there is nothing that cannot be read".to_owned(),
            1 => "1 row is taken out; nobody is told".to_owned(),
            many => format!("{many} rows are taken out; nobody is told"),
        }])
    }

    fn damaged(&self, ids: &[String]) -> Result<Vec<queue::Damaged>, super::Refused> {
        let mut found = queue::damaged(&self.mail.road()).map_err(fault)?;
        if !ids.is_empty() {
            found.retain(|one| {
                one.trail
                    .as_ref()
                    .is_some_and(|trail| ids.contains(&trail.id))
            });
        }
        Ok(found)
    }
}

fn row(one: &queue::Damaged) -> DamagedRow {
    let trail = one.trail.as_ref();
    DamagedRow {
        what: match &one.what {
            What::Message(_) => "a message".to_owned(),
            What::Entry(number) => format!("entry {}", number.part),
            What::Body(_) => "a body that is held".to_owned(),
            What::Row(key) => format!("the row {}", key.escape_ascii()),
        },
        why: one.why.clone(),
        id: trail.map(|trail| trail.id.clone()),
        sender: trail.map(|trail| sender(&trail.sender)),
        recipients: trail.map_or_else(Vec::new, |trail| {
            let all = trail.recipients.iter();
            all.map(|one| path(&one.path)).collect()
        }),
        arrived: trail.map(|trail| measure::date(trail.arrived)),
    }
}
