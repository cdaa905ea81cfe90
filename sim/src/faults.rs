//! What goes wrong, and when: chosen from the seed, one fault after the other.

use crate::client::pause;
use crate::dice::Dice;
use crate::world::{Phase, World};
use net::time::{Duration, sleep, timeout};
use net::{DnsWeather, Weather};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use store::SimFailure;

/// More than the reserve.
const PLENTY_BYTES: u64 = 1 << 40;
/// One run in so many is about renamings, too.
const RUNS_WITH_RENAMINGS: u64 = 3;
/// How long one is waited for.
const RENAMING: Duration = Duration::from_secs(60);

pub async fn run(world: Arc<World>) {
    let dice = world.dice("faults");
    world.net.set_weather(weather(&dice));
    let fail_one_in = *dice.pick(&[0, 0, 4, 20]);
    // without an answer no stranger is proven to have sent what he is told of
    world.ledger().reports_may_be_lost |= fail_one_in > 0;
    world.dns.set_weather(DnsWeather {
        fail_one_in,
        ..DnsWeather::default()
    });
    while world.phase() == Phase::Storm && !world.trace.is_over() {
        pause(&dice, 20_000).await;
        one(&world, &dice).await;
    }
    world.trace.note("faults: no more");
    world.disk.forgive();
    world.disk.set_slowness(Duration::ZERO);
    world.disk.set_free_bytes(PLENTY_BYTES);
    world.net.set_weather(Weather::default());
    world.dns.set_weather(DnsWeather::default());
}

/// In some runs the process is also killed right after it has renamed a file, and the power fails when
/// the next one has just begun: what relies on a name that only the page cache knows loses mail. Left
/// to chance alone the two hardly ever meet.
pub async fn at_renamings(world: Arc<World>) {
    let dice = world.dice("renamings");
    if !dice.one_in(RUNS_WITH_RENAMINGS) {
        return;
    }
    while world.phase() == Phase::Storm && !world.trace.is_over() {
        pause(&dice, 30_000).await;
        let (mut deaths, mut starts) = (world.deaths.subscribe(), world.starts.subscribe());
        if world.phase() != Phase::Storm {
            return;
        }
        world.trace.note("faults: Kill at the next renaming");
        world.disk.kill_at_rename();
        let died = timeout(RENAMING, deaths.changed()).await;
        if died.is_err() || timeout(RENAMING, starts.changed()).await.is_err() {
            continue;
        }
        pause(&dice, 300).await;
        if world.phase() == Phase::Storm {
            world
                .trace
                .note("faults: the power fails soon after the start");
            world.disk.crash();
        }
    }
}

fn weather(dice: &Dice) -> Weather {
    Weather {
        latency: Duration::from_millis(dice.between(1, 300)),
        piece_bytes: dice.between(1, 1_460) as usize,
        window_bytes: dice.between(64, 16 * 1024) as usize,
        cut_one_in: *dice.pick(&[0, 3, 6, 12]),
        cut_within_bytes: dice.between(200, 20_000),
    }
}

async fn one(world: &World, dice: &Dice) {
    let note = |text: String| world.trace.note(format!("faults: {text}"));
    match dice.below(13) {
        0 => {
            note("the process is killed".into());
            world.disk.kill();
        }
        1 => {
            note("the power fails".into());
            world.disk.crash();
        }
        2..=4 => {
            let after = dice.between(1, 12);
            let how = *dice.pick(&[SimFailure::Crash, SimFailure::Kill]);
            note(format!("{how:?} at operation {after} from now"));
            world.disk.fail_at(world.disk.operations() + after, how);
        }
        5..=7 => {
            let (after, many) = (dice.between(1, 8), dice.between(1, 4));
            let how = *dice.pick(&[SimFailure::InputOutput, SimFailure::NoSpace]);
            note(format!("{how:?} at {many} operations, {after} from now"));
            for operation in after..after + many {
                world.disk.fail_at(world.disk.operations() + operation, how);
            }
        }
        8 => {
            let slowness = Duration::from_millis(dice.between(1, 4_000));
            note(format!("commits take up to {slowness:?}"));
            world.disk.set_slowness(slowness);
            pause(dice, 60_000).await;
            world.disk.set_slowness(Duration::ZERO);
        }
        9 => {
            note("the disk is full".into());
            world.disk.set_free_bytes(1_000);
            pause(dice, 30_000).await;
            note("there is space again".into());
            world.disk.set_free_bytes(PLENTY_BYTES);
        }
        10 => {
            let by_s = dice.below(400_000) as i64 - 200_000;
            note(format!("the clock jumps by {by_s} s"));
            world.clock.jump(by_s * 1_000_000);
        }
        11 => {
            let host = dice.between(10, 90) as u8;
            note(format!("all connections of host {host} are cut"));
            world.net.cut(IpAddr::V4(Ipv4Addr::new(10, 0, 1, host)));
        }
        _ => {
            let weather = weather(dice);
            note(format!("{weather:?}"));
            world.net.set_weather(weather);
        }
    }
    for event in world.net.take_events() {
        world.trace.note(format!("net: {event}"));
    }
    sleep(Duration::from_millis(1)).await;
}
