//! A process without free descriptors keeps its listeners.
//!
//! Alone in this file, because the limit is the whole process's: the test runs itself once more
//! under a small one.

use bytes::BytesMut;
use net::{Bounds, Listener, Stop, dial, serve};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;

const NAME: &str = "accepts_again_once_there_are_descriptors";
const INSIDE: &str = "WHIMBREL_TEST_FEW_DESCRIPTORS";

#[test]
fn accepts_again_once_there_are_descriptors() {
    if std::env::var_os(INSIDE).is_some() {
        return starve();
    }
    let me = std::env::current_exe().expect("a test knows its program");
    let run = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(me)
        .arg(NAME)
        .env(INSIDE, "1")
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

#[tokio::main(flavor = "current_thread")]
async fn starve() {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::bind(at).await.expect("loopback is there");
    let (at, stop) = (listener.local_addr(), Stop::new());
    let bounds = Bounds {
        total: 10,
        per_address: 10,
    };
    let hello = |mut conn: net::Conn| async move {
        conn.write_all(b"hello").await.expect("the peer reads");
        conn.close().await;
    };
    let server = tokio::spawn(serve(
        listener,
        None,
        move || bounds,
        b"",
        stop.clone(),
        hello,
    ));
    let mut hogs = Vec::new();
    while let Ok(hog) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
        hogs.push(hog);
    }
    // the one free descriptor goes to the client; the server finds none
    hogs.pop();
    let mut conn = dial(at)
        .await
        .expect("the system holds it for the listener");
    let mut heard = BytesMut::new();
    let nothing = net::time::timeout(std::time::Duration::from_millis(200), conn.read(&mut heard));
    assert!(
        nothing.await.is_err(),
        "it was accepted without a descriptor"
    );
    assert!(!server.is_finished(), "the listener ended");
    hogs.clear();
    conn.read(&mut heard).await.expect("it is accepted now");
    assert_eq!(&heard[..], b"hello");
    stop.stop();
    server.await.expect("no panic");
}
