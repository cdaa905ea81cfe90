//! How many messages each login has the queue hold for later.
//!
//! In memory, made anew at each start. What never happens here: a row, a clock.

use mail::road::MessageNumber;
use net::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are held, with the time of their release.
#[derive(Default)]
pub(super) struct HeldBy {
    by_login: BTreeMap<String, BTreeSet<(Time, MessageNumber)>>,
    /// Whose each is, so that letting one go costs the same however many are held.
    whose: BTreeMap<MessageNumber, (String, Time)>,
}

impl HeldBy {
    pub fn add(&mut self, login: &str, until: Time, number: MessageNumber) {
        let all = match self.by_login.get_mut(login) {
            Some(all) => all,
            None => self.by_login.entry(login.to_owned()).or_default(),
        };
        all.insert((until, number));
        self.whose.insert(number, (login.to_owned(), until));
    }

    /// How many are held by now.
    pub fn count(&mut self, login: &str, now: Time) -> usize {
        let Some(all) = self.by_login.get_mut(login) else {
            return 0;
        };
        while let Some((_, number)) = all.first().filter(|(until, _)| *until <= now) {
            self.whose.remove(number);
            all.pop_first();
        }
        let count = all.len();
        if count == 0 {
            self.by_login.remove(login);
        }
        count
    }

    /// One was let go before its time, or taken out.
    pub fn forget(&mut self, number: MessageNumber) {
        let Some((login, until)) = self.whose.remove(&number) else {
            return;
        };
        if let Some(all) = self.by_login.get_mut(&login) {
            all.remove(&(until, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_held_until_its_time() {
        // [rfc4865 6]
        let mut held = HeldBy::default();
        held.add("ann", Time(10), MessageNumber(1));
        held.add("ann", Time(20), MessageNumber(2));
        held.add("ann", Time(20), MessageNumber(2));
        held.add("bob", Time(20), MessageNumber(3));
        assert_eq!(held.count("ann", Time(9)), 2);
        assert_eq!(held.count("ann", Time(10)), 1);
        held.forget(MessageNumber(2));
        assert_eq!(held.count("ann", Time(10)), 0);
        assert_eq!(held.count("bob", Time(10)), 1);
        assert_eq!(held.count("carol", Time(10)), 0);
    }
}
