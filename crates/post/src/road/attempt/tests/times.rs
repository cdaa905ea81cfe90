//! Messages whose sender has set a time, or wants them before others.

use super::*;
use crate::queue::DeliverBy;
use smtp::{ByMode, Priority};

async fn within(seconds: u64, mode: ByMode) -> Load {
    Load {
        deliver_by: Some(DeliverBy {
            by: START.after(Duration::from_secs(seconds)),
            mode,
            trace: false,
        }),
        ..one().await
    }
}

fn mail(seen: &Seen) -> Vec<String> {
    let lines = seen.lines();
    let mail = lines.into_iter().filter(|line| line.starts_with("MAIL"));
    mail.map(|line| line.split("> ").nth(1).unwrap_or_default().to_owned())
        .collect()
}

fn reports(carried: &Carried) -> Reports {
    match &carried.fates[0].1 {
        Fate::Taken { reports, .. } => *reports,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_the_time_is_said_to_who_knows_of_times() {
    // [rfc2852 4.1.4]
    let mut world = World::new();
    let a = world.a(knowing("250-there\r\n250 DELIVERBY 30"));
    let mut load = within(120, ByMode::Return).await;
    world.road();
    tokio::time::advance(Duration::from_secs(22)).await;
    let carried = world.carry(&load).await;
    let said = mail(&a);
    assert!(
        said[0].contains("BY=97;R") || said[0].contains("BY=98;R"),
        "{said:?}"
    );
    assert_eq!(reports(&carried), Reports::Ours, "it does not know DSN");
    if let Some(by) = &mut load.deliver_by {
        by.trace = true;
    }
    let carried = world.carry(&load).await;
    assert_eq!(reports(&carried), Reports::Traced);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_if_late_goes_to_nobody_who_may_be_late() {
    // [rfc2852 4.1.4.1] [rfc2852 7]
    for (ehlo, status) in [
        ("250-there\r\n250 DSN", "5.3.3"),
        ("250-there\r\n250 DELIVERBY 240", "5.4.7"),
    ] {
        let mut world = World::new();
        let (a, b) = (
            world.a(knowing(ehlo)),
            world.b(knowing("250-there\r\n250 DELIVERBY")),
        );
        let carried = world.carry(&within(120, ByMode::Return).await).await;
        let fates = fates(&carried);
        assert!(
            fates[0].starts_with(&format!("failed: MAIL {status}")),
            "{fates:?}"
        );
        assert_eq!((a.count("MAIL"), b.count("connected")), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn whose_sender_only_wants_to_hear_goes_to_everybody() {
    // [rfc2852 4.1.4.2]
    let mut world = World::new();
    let a = world.a(knowing("250-there\r\n250 DSN"));
    let carried = world.carry(&within(120, ByMode::Notify).await).await;
    assert_eq!(reports(&carried), Reports::Traced);
    assert!(!mail(&a)[0].contains("BY="), "{:?}", mail(&a));
    assert_eq!(a.count("RCPT TO:<bob@there.test> NOTIFY=FAILURE,DELAY"), 1);
    let mut world = World::new();
    let a = world.a(knowing("250-there\r\n250 DELIVERBY"));
    let late = within(0, ByMode::Notify).await;
    world.road();
    tokio::time::advance(Duration::from_secs(60)).await;
    let carried = world.carry(&late).await;
    assert_eq!(reports(&carried), Reports::Ours);
    assert!(mail(&a)[0].contains("BY=-6"), "{:?}", mail(&a));
}

#[tokio::test(start_paused = true)]
async fn how_urgent_it_is_is_said_to_who_knows_the_word() {
    // [rfc6710 4.2] [rfc6710 4.3]
    for (ehlo, expect) in [
        ("250-there\r\n250 MT-PRIORITY MIXER", true),
        ("250-there\r\n250 DSN", false),
    ] {
        let mut world = World::new();
        let a = world.a(knowing(ehlo));
        let mut load = one().await;
        load.parameters.priority = Priority::new(-4);
        world.carry(&load).await;
        assert_eq!(mail(&a)[0].contains("MT-PRIORITY=-4"), expect);
    }
}

#[tokio::test(start_paused = true)]
async fn who_puts_it_into_mailboxes_need_not_know_of_times() {
    // [rfc2852 1]
    let mut world = World::new();
    let seen = start(&world.net, "192.0.2.1:24", Script::default());
    world.routes = vec![lmtp()];
    let carried = world.carry(&within(120, ByMode::Return).await).await;
    assert_eq!(reports(&carried), Reports::Ours);
    assert!(!mail(&seen)[0].contains("BY="), "{:?}", mail(&seen));
}
