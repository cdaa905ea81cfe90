//! Forgetting trails whose time is over. What never happens here: a message that is still on the
//! road; its trail is kept until it is not.

use super::rows::{self, FIRST, TRAILS, number_of};
use super::{First, Trail};
use crate::limits::{FORGET_ROWS, FORGET_TRAILS};
use crate::queue::{MessageNumber, keys};
use mail::Mail;
use mail::codec::{Record, decode};
use mail::road::RoadLook;
use net::{Stop, Time};
use store::{Edit, Fault};

/// Forgets what began before `before` and is over; in pieces, until `stop`. Says how many.
pub async fn forget(mail: &Mail, before: Time, stop: &Stop) -> Result<u64, Fault> {
    let mut walk = Walk {
        from: first(&mail.road())?,
        passed_by: false,
        is_over: false,
    };
    let mut forgotten = 0;
    while !stop.is_stopped() && !walk.is_over {
        let Piece {
            trails,
            rows,
            first,
        } = walk.piece(&mail.road(), before)?;
        forgotten += trails;
        for some in rows.chunks(FORGET_ROWS) {
            let mut edit = mail.road_edit().await;
            some.iter().for_each(|key| edit.delete(key.clone()));
            mail.road_commit(edit).await?;
        }
        if let Some(first) = first {
            let mut edit = mail.road_edit().await;
            edit.put(FIRST.to_vec(), First(first).encode());
            mail.road_commit(edit).await?;
        }
    }
    Ok(forgotten)
}

/// No trail below this number is kept, and none comes.
pub(crate) fn first(look: &RoadLook) -> Result<MessageNumber, Fault> {
    let first = look.record::<First>(FIRST)?;
    Ok(first.map_or(MessageNumber(0), |first| first.0))
}

/// From the oldest trail to the first that is young.
struct Walk {
    from: MessageNumber,
    /// A trail was left because its message is on the road; it is looked at again the next time.
    passed_by: bool,
    is_over: bool,
}

/// What a few trails consist of.
#[derive(Default)]
struct Piece {
    trails: u64,
    /// Each trail's own row after those that it leads to, so that a crash leaves none behind.
    rows: Vec<Vec<u8>>,
    /// Where to begin the next time.
    first: Option<MessageNumber>,
}

impl Walk {
    fn piece(&mut self, look: &RoadLook, before: Time) -> Result<Piece, Fault> {
        let mut piece = Piece::default();
        let end = vec![TRAILS[0], TRAILS[1] + 1];
        let mut seen = 0;
        for row in look.range(rows::trail(self.from)..end).take(FORGET_TRAILS) {
            let (key, value) = row?;
            let number = number_of(&key).unwrap_or(self.from);
            let trail: Trail = match decode(&key, &value) {
                Ok(trail) => trail,
                // it keeps no other from being forgotten; `queue damaged` shows it
                Err(_) => {
                    seen += 1;
                    self.from = MessageNumber(number.0.saturating_add(1));
                    self.passed_by = true;
                    continue;
                }
            };
            if trail.arrived >= before {
                break;
            }
            seen += 1;
            self.from = MessageNumber(number.0.saturating_add(1));
            if look.get(&keys::message(number))?.is_some() {
                self.passed_by = true;
                continue;
            }
            add_rows(look, number, &trail, &mut piece.rows)?;
            piece.trails += 1;
            if !self.passed_by {
                piece.first = Some(self.from);
            }
        }
        self.is_over = seen < FORGET_TRAILS;
        Ok(piece)
    }
}

/// Takes out a row that cannot be read: of what begins a trail also all that lies behind it, which
/// nobody finds any more.
pub(crate) fn take_out(edit: &mut Edit, key: &[u8]) -> Result<(), Fault> {
    let mut keys = vec![key.to_vec()];
    if let Some(number) = number_of(key).filter(|_| key.starts_with(TRAILS)) {
        for prefix in [
            rows::attempts(number),
            rows::ends(number),
            rows::reports(number),
        ] {
            for row in edit.prefix(&prefix) {
                keys.push(row?.0.to_vec());
            }
        }
    }
    keys.into_iter().for_each(|key| edit.delete(key));
    Ok(())
}

fn add_rows(
    look: &RoadLook,
    number: MessageNumber,
    trail: &Trail,
    out: &mut Vec<Vec<u8>>,
) -> Result<(), Fault> {
    for prefix in [rows::attempts(number), rows::ends(number)] {
        for row in look.below(&prefix) {
            out.push(row?.0.to_vec());
        }
    }
    for row in look.below(&rows::reports(number)) {
        let (key, _) = row?;
        out.extend(rows::report_of(&key, number).map(rows::id));
        out.push(key.to_vec());
    }
    out.push(rows::id(&trail.id));
    out.extend(rows::leading(number, trail));
    out.push(rows::trail(number));
    Ok(())
}
