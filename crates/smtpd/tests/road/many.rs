//! Much mail for one server: what it costs the store, and that none is lost on the way.

use crate::house::{A, B, World, later};
use net::time::Duration;
use tally::Metric;

const MESSAGES: usize = 100;

#[tokio::test(start_paused = true)]
async fn what_is_taken_within_a_moment_is_noted_by_few_commits() {
    let world = World::new();
    let (a, b) = (world.house(A).await, world.house(B).await);
    let mut alice = a.submit().await;
    for _ in 0..MESSAGES {
        alice.write(&["bob@b.example"]).await;
    }
    let commits = a.mail.tally().number(Metric::Commits, &[]);
    let before = commits.get();
    b.listens();
    a.sends().await;
    later(Duration::from_secs(20)).await;
    assert_eq!(b.texts("bob").await.len(), MESSAGES);
    assert_eq!(a.queue().len(), 0);
    let more = commits.get() - before;
    assert!(more < MESSAGES as u64 / 4, "{more} commits");
    a.is_clean().await;
}
