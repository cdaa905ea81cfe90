//! What the simulated network does to connections.

use super::{SimNet, Weather};
use crate::{Conn, Listener};
use bytes::BytesMut;
use std::net::SocketAddr;
use std::time::Duration;

fn at(text: &str) -> SocketAddr {
    text.parse().expect("because the test says so")
}

async fn pair(net: &SimNet) -> (Conn, Conn) {
    let listener = Listener::simulated(net, at("10.0.0.1:25")).unwrap();
    let client = net
        .dial(at("10.0.1.1:1000"), at("10.0.0.1:25"))
        .await
        .unwrap();
    (client, listener.accept().await.unwrap())
}

async fn read_all(mut conn: Conn) -> (Vec<u8>, bool) {
    let mut heard = BytesMut::new();
    loop {
        match conn.read(&mut heard).await {
            Ok(0) => return (heard.to_vec(), true),
            Ok(_) => {}
            Err(_) => return (heard.to_vec(), false),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn octets_arrive_whole_and_in_order_through_a_narrow_window() {
    let net = SimNet::new(1);
    net.set_weather(Weather {
        window_bytes: 100,
        piece_bytes: 7,
        ..Weather::default()
    });
    let (mut client, server) = pair(&net).await;
    let sent: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
    let wanted = sent.clone();
    let writing = tokio::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client.close().await;
    });
    assert_eq!(read_all(server).await, (wanted, true));
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cut_falls_at_any_octet_and_is_never_an_orderly_end_for_both() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let net = SimNet::new(seed);
        net.set_weather(Weather {
            cut_one_in: 1,
            cut_within_bytes: 50,
            ..Weather::default()
        });
        let (mut client, mut server) = pair(&net).await;
        let _ = client.write_all(&[b'x'; 100]).await;
        let _ = server.write_all(&[b'y'; 100]).await;
        let reading = tokio::spawn(read_all(server));
        let (_, client_ended) = read_all(client).await;
        let (at_server, server_ended) = reading.await.unwrap();
        assert!(
            !server_ended || !client_ended,
            "seed {seed}: somebody must notice"
        );
        lengths.insert(at_server.len());
    }
    assert!(lengths.len() > 15, "{lengths:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_server_sent_still_arrives_and_nothing_after_it() {
    let net = SimNet::new(3);
    let (client, mut server) = pair(&net).await;
    server.write_all(b"before").await.unwrap();
    net.kill(at("10.0.0.1:25").ip());
    assert!(server.write_all(b"after").await.is_err());
    assert!(!net.server_holds(at("10.0.1.1:1000")));
    assert_eq!(read_all(client).await, (b"before".to_vec(), true));
    assert!(
        net.dial(at("10.0.1.1:1001"), at("10.0.0.1:25"))
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_without_power_is_silent_before_its_connections_break() {
    let net = SimNet::new(4);
    let (client, mut server) = pair(&net).await;
    server.write_all(b"lost").await.unwrap();
    let before = tokio::time::Instant::now();
    net.power_off(at("10.0.0.1:25").ip());
    assert_eq!(read_all(client).await, (Vec::new(), false));
    assert!(before.elapsed() > Duration::ZERO);
}
