//! What a submission asks beyond its envelope: how urgent it is, by when it is there.

use crate::LETTER;
use crate::house::{A, B, World, later};
use net::time::Duration;

#[tokio::test(start_paused = true)]
async fn how_urgent_a_message_is_stands_in_its_trace() {
    // [rfc6710 4.1]
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    a.sends().await;
    b.listens();
    let mut alice = a.submit().await;
    alice
        .deliver_with("MT-PRIORITY=-4", &["bob@b.example"], LETTER)
        .await;
    later(Duration::from_secs(10)).await;
    let [text] = &b.texts("bob").await[..] else {
        panic!("one message");
    };
    let text = text.replace("\r\n\t", " ");
    assert!(text.contains(" PRIORITY -4; "), "{text}");
    a.is_clean().await;
}

const MINUTE: Duration = Duration::from_secs(60);

fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_late_comes_back_when_its_time_is_over() {
    // [rfc2852 4.1.3] [rfc2852 4.1.2] [rfc2852 5]
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    a.sends().await;
    let mut alice = a.submit().await;
    alice
        .deliver_with("BY=900;R", &["bob@b.example"], LETTER)
        .await;
    later(14 * MINUTE).await;
    assert_eq!((a.queue().len(), a.texts("alice").await.len()), (1, 0));
    later(2 * MINUTE).await;
    let [report] = &a.texts("alice").await[..] else {
        panic!("one report");
    };
    has_all(
        report,
        &[
            "Action: failed",
            "Status: 5.4.7",
            "Arrival-Date: Mon, 23 Nov 2026 01:20:09 +0000",
            "Deliver-By-Date: Mon, 23 Nov 2026 01:35:09 +0000",
        ],
    );
    b.listens();
    later(60 * MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 0, "no further attempt");
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_hear_of_lateness_hears_of_it_once_and_it_goes_on() {
    // [rfc2852 4.1.3]
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    a.sends().await;
    let mut alice = a.submit().await;
    alice
        .deliver_with("BY=900;N", &["bob@b.example"], LETTER)
        .await;
    later(14 * MINUTE).await;
    assert_eq!(a.texts("alice").await.len(), 0);
    later(24 * 60 * MINUTE).await;
    let [report] = &a.texts("alice").await[..] else {
        panic!("one report, and none at the usual time");
    };
    has_all(
        report,
        &[
            "Action: delayed",
            "Status: 4.4.7",
            "Deliver-By-Date: Mon, 23 Nov 2026 01:35:09 +0000",
            "Date: Mon, 23 Nov 2026 01:35:",
        ],
    );
    b.listens();
    later(4 * 60 * MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert_eq!(a.texts("alice").await.len(), 1);
    a.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_goes_along_from_server_to_server() {
    // [rfc2852 4.1.1] [rfc2852 4.1.4] [rfc2852 4.1.4.1]
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    a.sends().await;
    b.listens();
    let mut alice = a.submit().await;
    let to = ["bob@b.example", "bob@a.example"];
    alice.deliver_with("BY=900;R", &to, LETTER).await;
    later(MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 1);
    assert_eq!(a.texts("alice").await.len(), 0);
    alice.deliver_with("BY=900;RT", &to, LETTER).await;
    later(MINUTE).await;
    assert_eq!(b.texts("bob").await.len(), 2);
    let [report] = &a.texts("alice").await[..] else {
        panic!("one report: what stays here is not relayed");
    };
    has_all(
        report,
        &["Action: relayed", "Final-Recipient: rfc822;bob@b.example"],
    );
    assert!(!report.contains("bob@a.example"), "{report}");
    a.is_clean().await;
}
