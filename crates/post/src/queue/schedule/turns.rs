//! Whose turn it is among destinations: one after another, and who has urgent mail a little sooner.
//!
//! At most every second turn goes by priority; the others go by order, so that nobody waits for ever
//! behind those who always have something urgent. What never happens here: an entry, time.

use smtp::Priority;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Names a turn that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Number(u64);

/// Of those who are called `N`.
pub(super) struct Turns<N> {
    by_order: BTreeMap<Number, (Priority, N)>,
    by_priority: BTreeSet<(Reverse<Priority>, Number)>,
    next: u64,
    last: Last,
}

/// How the last turn was given.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    ByOrder,
    ByPriority,
}

impl<N> Default for Turns<N> {
    fn default() -> Turns<N> {
        Turns {
            by_order: BTreeMap::new(),
            by_priority: BTreeSet::new(),
            next: 0,
            last: Last::default(),
        }
    }
}

impl<N> Turns<N> {
    /// Asks for a turn behind all others.
    pub fn push(&mut self, name: N, priority: Priority) -> Number {
        let number = Number(self.next);
        self.next += 1;
        self.by_order.insert(number, (priority, name));
        self.by_priority.insert((Reverse(priority), number));
        number
    }

    /// Whose turn it is.
    pub fn pop(&mut self) -> Option<N> {
        let (first, (of_first, _)) = self.by_order.first_key_value()?;
        let (first, of_first) = (*first, *of_first);
        let (Reverse(highest), urgent) = *self.by_priority.first()?;
        let number = match self.last {
            Last::ByOrder if highest > of_first => {
                self.last = Last::ByPriority;
                urgent
            }
            _ => {
                self.last = Last::ByOrder;
                first
            }
        };
        self.remove(number)
    }

    /// Gives up a turn.
    pub fn remove(&mut self, number: Number) -> Option<N> {
        let (priority, name) = self.by_order.remove(&number)?;
        self.by_priority.remove(&(Reverse(priority), number));
        Some(name)
    }

    /// What comes next there is so urgent now.
    pub fn set(&mut self, number: Number, priority: Priority) {
        if let Some((old, _)) = self.by_order.get_mut(&number) {
            self.by_priority.remove(&(Reverse(*old), number));
            *old = priority;
            self.by_priority.insert((Reverse(priority), number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(number: i8) -> Priority {
        Priority::new(number).expect("a priority")
    }

    #[test]
    fn turns_go_by_order_among_equals() {
        let mut turns = Turns::default();
        let numbers: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| turns.push(name, Priority::USUAL))
            .collect();
        turns.remove(numbers[1]);
        assert_eq!(turns.pop(), Some("a"));
        assert_eq!(turns.pop(), Some("c"));
        assert_eq!(turns.pop(), None);
    }

    #[test]
    fn who_has_urgent_mail_comes_sooner_and_never_twice_in_a_row() {
        // [rfc6710 5.1]
        let mut turns = Turns::default();
        turns.push("slow", priority(-4));
        turns.push("usual", Priority::USUAL);
        turns.push("urgent", priority(4));
        let mut given = Vec::new();
        for _ in 0..6 {
            let name = turns.pop().expect("somebody");
            let again = match name {
                "urgent" => priority(4),
                "slow" => priority(-4),
                _ => Priority::USUAL,
            };
            turns.push(name, again);
            given.push(name);
        }
        assert_eq!(
            given,
            ["urgent", "slow", "urgent", "usual", "urgent", "slow"]
        );
    }

    #[test]
    fn what_becomes_urgent_is_seen() {
        let mut turns = Turns::default();
        turns.push("a", Priority::USUAL);
        let b = turns.push("b", Priority::USUAL);
        turns.set(b, Priority::HIGHEST);
        assert_eq!(turns.pop(), Some("b"));
        assert_eq!(turns.pop(), Some("a"));
    }
}
