//! What followers see, and what not.

use super::*;
use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

fn hub() -> (Hub, impl Subscriber) {
    let hub = Hub::new();
    let layer = hub.layer();
    (hub, tracing_subscriber::registry().with(layer))
}

async fn line(follower: &mut Follower) -> Value {
    match follower.next().await {
        Reply::Line(value) => value,
        other => panic!("no line: {other:?}"),
    }
}

#[tokio::test]
async fn a_line_bears_the_fields_of_its_session_also_those_that_came_later() {
    let (hub, subscriber) = hub();
    let mut follower = hub.follow(Filter::default());
    with_default(subscriber, || {
        let account = tracing::field::Empty;
        let span = tracing::info_span!("session", session = 7_u64, account);
        span.record("account", "alice@example.test");
        span.in_scope(|| tracing::info!(target: "post", message_id = "abc", "accepted"));
    });
    let line = line(&mut follower).await;
    for (name, value) in [
        ("session", Value::from(7)),
        ("account", "alice@example.test".into()),
        ("message_id", "abc".into()),
        ("message", "accepted".into()),
        ("level", "info".into()),
        ("target", "post".into()),
    ] {
        assert_eq!(line[name], value, "{name} in {line}");
    }
}

#[tokio::test]
async fn each_follower_gets_what_fits_its_filter() {
    let (hub, subscriber) = hub();
    let of = |change: &dyn Fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        hub.follow(filter)
    };
    let mut warnings = of(&|f| f.level = Level::Warn);
    let mut debug = of(&|f| f.level = Level::Debug);
    let mut second = of(&|f| f.session = Some(2));
    let mut message = of(&|f| f.message = Some("m2".to_owned()));
    let mut alice = of(&|f| f.account = Some("alice@example.test".to_owned()));
    with_default(subscriber, || {
        tracing::debug!("small");
        tracing::info!(session = 1, message_id = "m1", "one");
        tracing::info!(session = 2, "two");
        tracing::info!(
            message_id = "m2",
            to = "bob@example.test,Alice@example.test",
            "three"
        );
        tracing::warn!("four");
    });
    assert_eq!(line(&mut warnings).await["message"], "four");
    assert_eq!(line(&mut debug).await["message"], "small");
    assert_eq!(line(&mut second).await["message"], "two");
    assert_eq!(line(&mut message).await["message"], "three");
    assert_eq!(line(&mut alice).await["message"], "three");
}

#[tokio::test]
async fn a_slow_follower_is_told_how_many_lines_it_lost() {
    let (hub, subscriber) = hub();
    let mut follower = hub.follow(Filter::default());
    with_default(subscriber, || {
        for number in 0..WAITING_LINES + 10 {
            tracing::info!(number, "line");
        }
    });
    assert_eq!(follower.next().await, Reply::Lost(10));
    assert_eq!(line(&mut follower).await["number"], 10);
}
