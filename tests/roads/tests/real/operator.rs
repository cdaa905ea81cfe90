//! What an operator does with mail that waits, in a network, and what `why` says of it afterwards.

use roads::{Answer, Letter, Script, Scripted, Stage, Whimbrel, World, say};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tried at once, kept back, let go, and taken out: nothing goes by itself, as the next attempt is an
/// hour away.
#[test]
fn mail_that_waits_is_tried_held_released_and_removed_by_hand() {
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_odd) = (world.mail_host("alpha"), world.mail_host("odd"));
    world.start_dns();
    let alpha = Whimbrel::start_patient(&world, &at_alpha, "");
    let is_back = Arc::new(AtomicBool::new(false));
    let of_script = is_back.clone();
    let script = Script::new(move |step| match step.stage {
        Stage::Rcpt if !of_script.load(Ordering::Relaxed) => say("450 4.2.1 away for a while"),
        _ => Answer::Go,
    });
    let shown = world.authority.self_signed(&["mx.odd.example"]);
    let odd = Scripted::start(&at_odd, script.showing(&shown));
    let letters = ["first", "second"]
        .map(|text| Letter::new("ann@alpha.example", &["ben@odd.example"], text));
    let [first, second] = letters.each_ref().map(|letter| alpha.send("ann", letter));
    let tried = |id: &str| alpha.why(id).matches("450").count();
    for id in [&first, &second] {
        alpha.waits_for_attempt(id);
        let why = alpha.why(id);
        for words in ["mx.odd.example", "450 4.2.1 away for a while", "TLS"] {
            assert!(why.contains(words), "{words}: {why}");
        }
    }
    let before = tried(&first);
    alpha.must(&["queue", "retry", &first], "");
    roads::until("one more attempt", || {
        (tried(&first) > before).then_some(())
    });
    // what is held stays, whatever is tried
    is_back.store(true, Ordering::Relaxed);
    alpha.must(&["queue", "hold", &second], "");
    alpha.must(&["queue", "retry", &first], "");
    alpha.must(&["queue", "retry", &second], "");
    let received = odd.wait_for_messages(1);
    assert!(letters[0].is_in(&received[0].content), "{received:?}");
    let queue = roads::until("the first is noted as sent", || {
        let queue = alpha.queue();
        (!queue.contains(&first)).then_some(queue)
    });
    assert!(queue.contains(&second) && queue.contains("held"), "{queue}");
    alpha.must(&["queue", "release", &second], "");
    // that it was to be tried was said while it was held, and counts
    let received = odd.wait_for_messages(2);
    assert!(letters[1].is_in(&received[1].content), "{received:?}");
    alpha.waits_until_empty();
    let why = alpha.why(&second);
    assert!(
        why.contains("250 2.0.0 taken") && why.contains("mx.odd.example"),
        "{why}"
    );
    // what is taken out is gone, and nobody is told
    is_back.store(false, Ordering::Relaxed);
    let third = Letter::new("ann@alpha.example", &["ben@odd.example"], "third");
    let id = alpha.send("ann", &third);
    alpha.waits_for_attempt(&id);
    alpha.must(&["queue", "remove", &id, "--yes"], "");
    alpha.waits_until_empty();
    let why = alpha.why(&id);
    assert!(
        why.contains("taken out of the queue") && why.contains("450"),
        "{why}"
    );
    assert_eq!((odd.received().len(), alpha.messages("ann").len()), (2, 0));
}
