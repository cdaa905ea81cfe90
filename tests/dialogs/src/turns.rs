//! Sessions side by side in one thread: whether a client that sends much leaves others their turn.
//!
//! What never happens here: a protocol; the test brings what is said and the session.

use bytes::BytesMut;
use net::Conn;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

/// The numbers of the scripts in the order in which their sessions ended. All is sent before a
/// session runs.
pub async fn order_of_ending<S>(scripts: [Vec<u8>; 2], session: impl Fn(Conn) -> S) -> Vec<usize>
where
    S: Future<Output = ()> + Send + 'static,
{
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (number, script) in scripts.into_iter().enumerate() {
        let (mut client, end) = Conn::pipe(1 << 20);
        let sent = client.write_all(&script).await;
        sent.expect("because the pipe is wide enough");
        tasks.push(tokio::spawn(session(end)));
        let order = order.clone();
        tasks.push(tokio::spawn(async move {
            while client.read(&mut BytesMut::new()).await.unwrap_or(0) > 0 {}
            let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
            order.push(number);
        }));
    }
    for task in tasks {
        task.await.expect("because no session panics");
    }
    let order = order.lock().unwrap_or_else(PoisonError::into_inner);
    order.clone()
}
