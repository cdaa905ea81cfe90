//! How many messages, and octets, each login has the queue hold for later.
//!
//! In memory, made anew at each start. What never happens here: a row, a clock.

use crate::queue::Amount;
use mail::road::MessageNumber;
use net::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are held, with the time of their release.
#[derive(Default)]
pub(super) struct HeldBy {
    by_login: BTreeMap<String, OfLogin>,
    /// Each one, so that letting it go costs the same however many are held.
    whose: BTreeMap<MessageNumber, One>,
}

#[derive(Default)]
struct OfLogin {
    all: BTreeSet<(Time, MessageNumber)>,
    amount: Amount,
}

struct One {
    login: String,
    until: Time,
    bytes: u64,
}

impl HeldBy {
    /// One may be told of several times: with each of its entries.
    pub fn add(&mut self, login: &str, until: Time, (number, bytes): (MessageNumber, u64)) {
        self.forget(number);
        let of_login = match self.by_login.get_mut(login) {
            Some(of_login) => of_login,
            None => self.by_login.entry(login.to_owned()).or_default(),
        };
        of_login.all.insert((until, number));
        of_login.amount.add(bytes);
        let login = login.to_owned();
        let one = One {
            login,
            until,
            bytes,
        };
        self.whose.insert(number, one);
    }

    /// How much is held by now.
    pub fn amount(&mut self, login: &str, now: Time) -> Amount {
        let first = |held: &HeldBy| held.by_login.get(login)?.all.first().copied();
        while let Some((until, number)) = first(self)
            && until <= now
        {
            self.forget(number);
        }
        let of_login = self.by_login.get(login);
        of_login.map_or_else(Amount::default, |of_login| of_login.amount)
    }

    /// One was let go before its time, or taken out.
    pub fn forget(&mut self, number: MessageNumber) {
        let Some(One {
            login,
            until,
            bytes,
        }) = self.whose.remove(&number)
        else {
            return;
        };
        if let Some(of_login) = self.by_login.get_mut(&login) {
            of_login.all.remove(&(until, number));
            of_login.amount.take(bytes);
            if of_login.all.is_empty() {
                self.by_login.remove(&login);
            }
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
        held.add("ann", Time(10), (MessageNumber(1), 100));
        held.add("ann", Time(20), (MessageNumber(2), 10));
        held.add("ann", Time(20), (MessageNumber(2), 10));
        held.add("bob", Time(20), (MessageNumber(3), 1));
        let mut amount = |login: &str, at: i64| {
            let Amount { count, bytes } = held.amount(login, Time(at));
            (count, bytes)
        };
        assert_eq!(amount("ann", 9), (2, 110));
        assert_eq!(amount("ann", 10), (1, 10));
        assert_eq!(amount("bob", 10), (1, 1));
        assert_eq!(amount("carol", 10), (0, 0));
        held.forget(MessageNumber(2));
        assert_eq!(held.amount("ann", Time(10)), Amount::default());
        assert!(held.whose.len() == 1 && held.by_login.len() == 1);
    }
}
