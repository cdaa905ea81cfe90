//! How much at a time may go to each destination: a lane for each, as wide as its answers allow.
//!
//! A lane widens by one connection for as many deliveries as it is wide, and halves when a connection
//! fails or the server says `not now`; it is never narrower than one. A destination that cannot be
//! reached at all is left alone for a while that doubles, so that many messages to it cost no more than
//! one. Pure: time comes in. What never happens here: a connection, a wait.

use crate::limits::LANES;
use net::Time;
use net::time::Duration;
use std::collections::BTreeMap;

/// Bounds of all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneSettings {
    /// How wide a lane begins.
    pub first: u32,
    /// How wide it gets.
    pub most: u32,
    /// The shortest time between two attempts, for those who are asked to send slowly.
    pub apart: Duration,
    /// How long a destination is left alone that could not be reached; doubles each time,
    pub closed_first: Duration,
    /// up to this.
    pub closed_most: Duration,
}

impl Default for LaneSettings {
    fn default() -> LaneSettings {
        LaneSettings {
            first: 4,
            most: 20,
            apart: Duration::ZERO,
            closed_first: Duration::from_secs(60),
            closed_most: Duration::from_secs(30 * 60),
        }
    }
}

/// What an attempt at a destination came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// A server answered, whatever it said of message and recipients.
    Answered,
    /// A server said `not now`.
    Deferred,
    /// No connection to any host came to the point where mail can be sent, or one was lost.
    Unreachable,
    /// There was nothing to send after all.
    Unused,
}

/// Why an attempt may not begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotNow {
    /// When one that runs has ended.
    Full,
    Until(Time),
}

/// An attempt that may begin, or has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// When its lane was last narrowed before it began.
    narrowed: u64,
}

#[derive(Clone, Debug)]
struct Lane {
    running: u32,
    width: u32,
    /// Good answers since it last widened.
    good: u32,
    /// How often it was narrowed: what began before the last time says nothing new.
    narrowed: u64,
    not_before: Time,
    /// How often in a row it could not be reached.
    unreachable: u32,
    used: Time,
}

/// All lanes, by destination.
#[derive(Debug)]
pub struct Lanes {
    settings: LaneSettings,
    lanes: BTreeMap<String, Lane>,
    /// When they were last looked through for what to forget.
    swept: Time,
}

/// A lane that nobody has used for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

impl Lanes {
    pub fn new(settings: LaneSettings) -> Lanes {
        Lanes {
            settings,
            lanes: BTreeMap::new(),
            swept: Time::default(),
        }
    }

    /// From now on these bounds hold; a lane that is wider loses what is beyond. Who could not be
    /// reached may be by what the operator has changed.
    pub fn renew(&mut self, settings: LaneSettings, now: Time) {
        self.settings = settings;
        for lane in self.lanes.values_mut() {
            lane.width = lane.width.min(settings.most.max(1));
            if lane.unreachable > 0 {
                lane.not_before = now;
                lane.unreachable = 0;
            }
        }
    }

    /// Asks to begin an attempt; each that may must `end`.
    pub fn begin(&mut self, destination: &str, now: Time) -> Result<Turn, NotNow> {
        self.forget(now);
        let settings = self.settings;
        let lane = match self.lanes.get_mut(destination) {
            Some(lane) => lane,
            None => {
                if self.lanes.len() >= LANES {
                    // what is forgotten costs an attempt, not a message
                    self.lanes.retain(|_, lane| lane.running > 0);
                }
                let lane = Lane::new(&settings, now);
                self.lanes.entry(destination.to_owned()).or_insert(lane)
            }
        };
        // nobody is left alone for longer because the clock was set back
        let longest = settings.closed_most.max(settings.apart);
        lane.not_before = lane.not_before.min(now.after(longest));
        if lane.not_before > now {
            return Err(NotNow::Until(lane.not_before));
        }
        if lane.running >= lane.width {
            return Err(NotNow::Full);
        }
        lane.running += 1;
        lane.used = now;
        if !settings.apart.is_zero() {
            lane.not_before = now.after(settings.apart);
        }
        Ok(Turn {
            narrowed: lane.narrowed,
        })
    }

    /// An attempt has ended.
    pub fn end(&mut self, destination: &str, turn: Turn, came: Came, now: Time) {
        let settings = self.settings;
        let Some(lane) = self.lanes.get_mut(destination) else {
            return;
        };
        lane.running = lane.running.saturating_sub(1);
        lane.used = now;
        if came == Came::Unused {
            return;
        }
        if came != Came::Unreachable {
            lane.unreachable = 0;
        }
        // of those that failed together, one speaks for all
        let is_news = turn.narrowed == lane.narrowed;
        match came {
            Came::Answered => lane.widen(&settings),
            Came::Deferred if is_news => lane.narrow(),
            Came::Unreachable if is_news => {
                lane.narrow();
                lane.close(&settings, now);
            }
            Came::Deferred | Came::Unreachable | Came::Unused => {}
        }
    }

    /// The operator, or the destination itself, asks for a try now.
    pub fn open(&mut self, destination: &str, now: Time) {
        if let Some(lane) = self.lanes.get_mut(destination) {
            lane.not_before = now;
            lane.unreachable = 0;
        }
    }

    /// Drops lanes that nobody uses.
    fn forget(&mut self, now: Time) {
        if now < self.swept.after(FORGOTTEN_AFTER) {
            return;
        }
        self.swept = now;
        self.lanes.retain(|_, lane| {
            let in_use = lane.running > 0 || lane.not_before > now;
            in_use || now < lane.used.after(FORGOTTEN_AFTER)
        });
    }
}

impl Lane {
    fn new(settings: &LaneSettings, now: Time) -> Lane {
        Lane {
            running: 0,
            width: settings.first.clamp(1, settings.most.max(1)),
            good: 0,
            narrowed: 0,
            not_before: now,
            unreachable: 0,
            used: now,
        }
    }

    fn widen(&mut self, settings: &LaneSettings) {
        self.good += 1;
        if self.good >= self.width {
            self.good = 0;
            self.width = (self.width + 1).min(settings.most.max(1));
        }
    }

    fn narrow(&mut self) {
        self.width = (self.width / 2).max(1);
        self.good = 0;
        self.narrowed += 1;
    }

    fn close(&mut self, settings: &LaneSettings, now: Time) {
        let doubled = 2u32.saturating_pow(self.unreachable.min(30));
        let whole = settings.closed_first.saturating_mul(doubled);
        self.not_before = now.after(whole.min(settings.closed_most));
        self.unreachable = self.unreachable.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000_000_000_000);

    fn later(seconds: u64) -> Time {
        NOW.after(Duration::from_secs(seconds))
    }

    #[test]
    fn new_bounds_hold_at_once_and_open_what_was_closed() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let bounds = LaneSettings {
            most: 2,
            ..LaneSettings::default()
        };
        lanes.renew(bounds, NOW);
        assert_eq!(width(&mut lanes, NOW), 2);
        one(&mut lanes, Came::Unreachable, NOW);
        assert_eq!(width(&mut lanes, NOW), 0);
        lanes.renew(LaneSettings::default(), NOW);
        assert_eq!(width(&mut lanes, NOW), 1);
        (0..20).for_each(|_| one(&mut lanes, Came::Answered, NOW));
        lanes.renew(bounds, NOW);
        assert_eq!(width(&mut lanes, NOW), 2);
    }

    /// How many may begin at once.
    fn width(lanes: &mut Lanes, now: Time) -> u32 {
        let mut turns = Vec::new();
        while let Ok(turn) = lanes.begin("x.test", now) {
            turns.push(turn);
        }
        let width = turns.len() as u32;
        for lane in lanes.lanes.values_mut() {
            lane.running = 0;
        }
        width
    }

    fn one(lanes: &mut Lanes, came: Came, now: Time) {
        let turn = lanes.begin("x.test", now).unwrap();
        lanes.end("x.test", turn, came, now);
    }

    #[test]
    fn a_lane_widens_by_one_for_each_round_of_good_answers() {
        let mut lanes = Lanes::new(LaneSettings::default());
        assert_eq!(width(&mut lanes, NOW), 4);
        (0..4).for_each(|_| one(&mut lanes, Came::Answered, NOW));
        assert_eq!(width(&mut lanes, NOW), 5);
        (0..4).for_each(|_| one(&mut lanes, Came::Answered, NOW));
        assert_eq!(width(&mut lanes, NOW), 5);
        (0..1_000).for_each(|_| one(&mut lanes, Came::Answered, NOW));
        assert_eq!(width(&mut lanes, NOW), 20);
    }

    #[test]
    fn it_halves_when_told_not_now_and_never_ends() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let widths: Vec<u32> = (0..4)
            .map(|_| {
                one(&mut lanes, Came::Deferred, NOW);
                width(&mut lanes, NOW)
            })
            .collect();
        assert_eq!(widths, [2, 1, 1, 1]);
    }

    #[test]
    fn what_fails_together_narrows_it_once() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let turns: Vec<Turn> = (0..4)
            .map(|_| lanes.begin("x.test", NOW).unwrap())
            .collect();
        for turn in turns {
            lanes.end("x.test", turn, Came::Unreachable, NOW);
        }
        assert_eq!(lanes.begin("x.test", NOW), Err(NotNow::Until(later(60))));
        assert_eq!(width(&mut lanes, later(60)), 2);
    }

    #[test]
    fn who_cannot_be_reached_is_left_alone_for_longer_and_longer() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let (mut now, mut waits) = (NOW, Vec::new());
        for _ in 0..8 {
            one(&mut lanes, Came::Unreachable, now);
            let Err(NotNow::Until(at)) = lanes.begin("x.test", now) else {
                panic!("closed")
            };
            waits.push((at.0 - now.0) / 60_000_000);
            now = at;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        one(&mut lanes, Came::Answered, now);
        one(&mut lanes, Came::Unreachable, now);
        assert_eq!(
            lanes.begin("x.test", now),
            Err(NotNow::Until(now.after(Duration::from_secs(60))))
        );
        lanes.open("x.test", now);
        assert!(lanes.begin("x.test", now).is_ok());
    }

    #[test]
    fn attempts_keep_apart_where_that_is_asked() {
        let settings = LaneSettings {
            apart: Duration::from_secs(6),
            ..LaneSettings::default()
        };
        let mut lanes = Lanes::new(settings);
        one(&mut lanes, Came::Answered, NOW);
        assert_eq!(lanes.begin("x.test", NOW), Err(NotNow::Until(later(6))));
        assert!(lanes.begin("x.test", later(6)).is_ok());
        assert!(lanes.begin("y.test", NOW).is_ok(), "another lane");
    }

    #[test]
    fn a_full_lane_has_room_when_one_has_ended() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let turns: Vec<Turn> = (0..4)
            .map(|_| lanes.begin("x.test", NOW).unwrap())
            .collect();
        assert_eq!(lanes.begin("x.test", NOW), Err(NotNow::Full));
        lanes.end("x.test", turns[0], Came::Answered, NOW);
        assert!(lanes.begin("x.test", NOW).is_ok());
    }

    #[test]
    fn there_are_never_more_lanes_than_the_limit() {
        let mut lanes = Lanes::new(LaneSettings::default());
        let _running = lanes.begin("running.test", NOW).unwrap();
        for n in 0..LANES + 10 {
            let name = format!("{n}.test");
            let turn = lanes.begin(&name, NOW).unwrap();
            lanes.end(&name, turn, Came::Unreachable, NOW);
            assert!(lanes.lanes.len() <= LANES);
        }
        assert!(lanes.lanes.contains_key("running.test"));
    }

    #[test]
    fn lanes_that_nobody_uses_are_forgotten() {
        let mut lanes = Lanes::new(LaneSettings::default());
        for n in 0..1_000 {
            let name = format!("{n}.test");
            let turn = lanes.begin(&name, NOW).unwrap();
            lanes.end(&name, turn, Came::Answered, NOW);
        }
        let _running = lanes.begin("running.test", NOW).unwrap();
        assert_eq!(lanes.lanes.len(), 1_001);
        let _ = lanes.begin("x.test", later(2 * 3_600));
        assert_eq!(lanes.lanes.len(), 2);
    }
}
