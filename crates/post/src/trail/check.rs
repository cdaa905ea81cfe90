//! Whether the rows of trails read, and lead to each other.
//!
//! What never happens here: a change.

use super::rows::{self, number_in, number_of};
use super::{End, Trail};
use crate::queue::AttemptRecord;
use crate::queue::check::{read, unread_key};
use mail::codec::{Record, decode};
use mail::road::RoadLook;
use store::Fault;

/// The keys of rows that cannot be read, and why.
pub(crate) fn unread(look: &RoadLook) -> Result<Vec<(Vec<u8>, String)>, Fault> {
    let mut found = Vec::new();
    unread_of::<Trail>(look, rows::TRAILS, &mut found)?;
    unread_of::<AttemptRecord>(look, rows::ATTEMPTS, &mut found)?;
    unread_of::<End>(look, rows::ENDS, &mut found)?;
    Ok(found)
}

fn unread_of<T: Record>(
    look: &RoadLook,
    prefix: &[u8],
    found: &mut Vec<(Vec<u8>, String)>,
) -> Result<(), Fault> {
    for row in look.below(prefix) {
        let (key, value) = row?;
        let why = decode::<T>(&key, &value).err();
        found.extend(why.map(|why| (key.to_vec(), why.to_string())));
    }
    Ok(())
}

/// Says what is wrong; gives how many rows were looked at.
pub(crate) fn check(look: &RoadLook, problem: &mut impl FnMut(String)) -> Result<u64, Fault> {
    let mut rows_read = 0;
    for row in look.below(rows::TRAILS) {
        let (key, value) = row?;
        rows_read += 1;
        let Some(number) = number_of(&key) else {
            problem(unread_key(&key));
            continue;
        };
        let Some(trail) = read::<Trail>(&key, &value, problem) else {
            continue;
        };
        let led_to = look.get(&rows::id(&trail.id))?;
        if led_to.and_then(|value| number_in(&value)) != Some(number) {
            let id = &trail.id;
            problem(format!("the id {id} does not lead to its trail"));
        }
        for key in rows::leading(number, &trail) {
            if look.get(&key)?.is_none() {
                let id = &trail.id;
                problem(format!(
                    "message {id} is not found by all that it is known by"
                ));
                break;
            }
        }
    }
    for row in look.below(rows::ATTEMPTS) {
        let (key, value) = row?;
        rows_read += 1;
        read::<AttemptRecord>(&key, &value, problem);
    }
    for row in look.below(rows::ENDS) {
        let (key, value) = row?;
        rows_read += 1;
        read::<End>(&key, &value, problem);
    }
    Ok(rows_read)
}
