//! The queue: what has to travel on, and the schedule by which it does.
//!
//! A message is one record that does not change; for each domain that it goes to there is an entry,
//! which remembers its recipients and when to try again. Both are rows of the store, written by the
//! same durable group that accepts the message. What never happens here: a connection (that is
//! `road`), the text of a notification (`report`).

mod amount;
mod attempt;
pub(crate) mod check;
pub(crate) mod codec;
mod damaged;
mod entry;
mod held;
mod here;
pub mod keys;
mod leaving;
mod message;
mod note;
mod noting;
mod open;
mod operate;
mod pick_up;
#[cfg(test)]
mod roundtrips;
mod schedule;
mod settings;
mod settle;
mod walk;
mod work;

pub use amount::Amount;
pub use attempt::AttemptRecord;
pub use check::check;
pub use damaged::{Damaged, What, damaged};
pub use entry::{EntryNumber, EntryRecord, Lease, Onward, RecipientState, Said, Standing, Whither};
pub(crate) use leaving::{Full, Leaving, NewMessage};
pub use mail::road::MessageNumber;
pub use message::{Asked, DeliverBy, GivenUp, Held, MessageRecord};
pub(crate) use note::{addressed, report_prefix};
pub use open::Queue;
pub use pick_up::{NoPickUp, PickUp, PickedUp, Until};
pub use settings::QueueSettings;
