//! What is answered, and what is not waited for.

use super::*;
use bytes::BytesMut;

fn door(health: Health) -> Arc<Door> {
    Arc::new(Door::new(
        || "whimbrel_x 1\n".to_owned(),
        move || health.clone(),
    ))
}

/// Everything that the server says to this.
async fn told(door: &Arc<Door>, said: &[u8]) -> String {
    let (mut client, server) = Conn::pipe(64 * 1024);
    let session = session(server, door.clone(), Stop::new());
    let asking = async {
        client.write_all(said).await.expect("because there is room");
        let mut came = BytesMut::new();
        while client.read(&mut came).await.is_ok_and(|read| read > 0) {}
        String::from_utf8_lossy(&came).into_owned()
    };
    let ((), told) = tokio::join!(session, asking);
    told
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn metrics_and_health_are_told_and_nothing_else() {
    let door = door(Health::Fine);
    let metrics = told(&door, &get("/metrics")).await;
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(metrics.contains("text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.ends_with("\r\n\r\nwhimbrel_x 1\n"), "{metrics}");
    let health = told(&door, &get("/health")).await;
    assert!(
        health.starts_with("HTTP/1.1 200") && health.ends_with("fine\n"),
        "{health}"
    );
    let other = told(&door, &get("/mail")).await;
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
    let post =
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let post = told(&door, post).await;
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
}

#[tokio::test(start_paused = true)]
async fn an_ill_server_says_why() {
    let door = door(Health::Ill("the store takes no writes".to_owned()));
    let health = told(&door, &get("/health")).await;
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(health.ends_with("the store takes no writes\n"), "{health}");
}

#[tokio::test(start_paused = true)]
async fn nonsense_endless_headers_and_silence_end_the_session() {
    let door = door(Health::Fine);
    let nonsense = told(&door, b"\x16\x03\x01 nonsense\r\n\r\n").await;
    assert!(
        nonsense.is_empty() || nonsense.starts_with("HTTP/1.1 400"),
        "{nonsense}"
    );
    let mut endless = b"GET / HTTP/1.1\r\n".to_vec();
    endless.extend(b"x: y\r\n".repeat(5_000));
    let endless = told(&door, &endless).await;
    assert!(endless.starts_with("HTTP/1.1 431"), "{endless}");
    assert_eq!(told(&door, b"GET /metr").await, "", "after its time");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_an_idle_connection() {
    let (mut client, server) = Conn::pipe(64 * 1024);
    let stop = Stop::new();
    let session = tokio::spawn(session(server, door(Health::Fine), stop.clone()));
    client
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("there is room");
    let mut came = BytesMut::new();
    client.read(&mut came).await.expect("an answer");
    stop.stop();
    session.await.expect("no panic");
}
