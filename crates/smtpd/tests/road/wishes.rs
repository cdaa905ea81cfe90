//! What a submission asks beyond its envelope: how urgent it is.

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
