//! Connections, TLS and the accept loop over loopback.

use bytes::BytesMut;
use net::{
    Bounds, Clock, Conn, GivenUp, Listener, Stop, TlsClient, TlsServer, dial, self_signed, serve,
};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

const WIDE: Bounds = Bounds {
    total: 100,
    per_address: 100,
};
const BUSY: &[u8] = b"421 4.7.0 too many connections\r\n";

async fn listener() -> Listener {
    Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .expect("loopback is there")
}

fn both_sides() -> (TlsServer, TlsClient) {
    let names = ["mx.example.test".to_owned()];
    let (cert, key) = self_signed(&names, Clock::system().now()).expect("made");
    (
        TlsServer::from_pem(&cert, &key).expect("fits"),
        TlsClient::trusting_pem(&cert).expect("fits"),
    )
}

/// Says back what it hears; `die` makes it panic, `hang` makes it deaf, a stop makes it say bye.
async fn echo(mut conn: Conn, stop: Stop) {
    let mut heard = BytesMut::new();
    loop {
        let read = tokio::select! {
            read = conn.read(&mut heard) => read,
            () = stop.stopped() => {
                let _ = conn.write_all(b"bye").await;
                return conn.close().await;
            }
        };
        match read {
            Ok(1..) if &heard[..] == b"die" => panic!("as the test asked"),
            Ok(1..) if &heard[..] == b"hang" => std::future::pending().await,
            Ok(1..) => conn
                .write_all(&heard.split())
                .await
                .expect("the peer listens"),
            _ => return conn.close().await,
        }
    }
}

struct Server {
    at: SocketAddr,
    stop: Stop,
    task: JoinHandle<()>,
}

async fn start(tls: Option<TlsServer>, bounds: Bounds) -> Server {
    let (listener, stop) = (listener().await, Stop::new());
    let at = listener.local_addr();
    let session = {
        let stop = stop.clone();
        move |conn| echo(conn, stop.clone())
    };
    let task = tokio::spawn(serve(
        listener,
        tls,
        move || bounds,
        BUSY,
        stop.clone(),
        session,
    ));
    Server { at, stop, task }
}

impl Server {
    async fn end(self) {
        self.stop.stop();
        self.task.await.expect("the loop does not panic");
    }
}

async fn read_all(conn: &mut Conn) -> Vec<u8> {
    let mut all = BytesMut::new();
    while conn.read(&mut all).await.unwrap_or(0) > 0 {}
    all.to_vec()
}

async fn read_len(conn: &mut Conn, len: usize) -> Vec<u8> {
    let mut all = BytesMut::new();
    while all.len() < len {
        assert_ne!(
            conn.read(&mut all).await.expect("the peer writes"),
            0,
            "ended early"
        );
    }
    all.to_vec()
}

async fn says_back(conn: &mut Conn, text: &[u8]) {
    conn.write_all(text).await.expect("the peer reads");
    assert_eq!(read_len(conn, text.len()).await, text);
}

#[tokio::test]
async fn carries_octets_both_ways_and_closes() {
    let server = start(None, WIDE).await;
    let mut conn = dial(server.at).await.expect("it listens");
    assert_eq!(conn.peer(), server.at);
    assert!(conn.local().ip().is_loopback());
    assert!(conn.tls().is_none());
    says_back(&mut conn, b"hello").await;
    conn.close().await;
    server.end().await;
}

#[tokio::test]
async fn shakes_hands_with_tls_1_3_at_once() {
    let (tls, client) = both_sides();
    let server = start(Some(tls), WIDE).await;
    let conn = dial(server.at).await.expect("it listens");
    let mut conn = conn
        .connect_tls(&client, "mx.example.test")
        .await
        .expect("the name is right");
    let info = conn.tls().expect("because TLS is on");
    assert_eq!(info.version, "TLSv1.3");
    assert!(info.cipher.starts_with("TLS_"), "{}", info.cipher);
    // more than two TLS records
    let long: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
    says_back(&mut conn, &long).await;
    conn.close().await;
    let conn = dial(server.at).await.expect("it listens");
    assert!(
        conn.connect_tls(&client, "other.example.test")
            .await
            .is_err()
    );
    server.end().await;
}

#[tokio::test]
async fn starts_tls_in_the_middle_and_shows_the_name_asked_for() {
    let (tls, client) = both_sides();
    let (ours, theirs) = Conn::pipe(1_000);
    let served = tokio::spawn(async move {
        let mut conn = theirs.start_tls(&tls).await.expect("the client is well");
        assert_eq!(read_len(&mut conn, 4).await, b"ping");
        conn.write_all(b"pong").await.expect("the peer reads");
        let info = conn.tls().expect("because TLS is on");
        conn.close().await;
        info
    });
    let mut conn = ours
        .connect_tls(&client, "mx.example.test")
        .await
        .expect("shaken");
    conn.write_all(b"ping").await.expect("the peer reads");
    assert_eq!(read_all(&mut conn).await, b"pong");
    assert_eq!(
        served.await.expect("no panic").sni.as_deref(),
        Some("mx.example.test")
    );
}

/// [rfc9051 11.1 #2]
#[tokio::test]
async fn speaks_tls_1_2_with_those_who_know_nothing_newer() {
    // [rfc8314 4.1] [rfc9051 11.1]
    let (tls, _) = both_sides();
    let (mut ours, theirs) = Conn::pipe(64_000);
    let served = tokio::spawn(async move { theirs.start_tls(&tls).await.map(|c| c.tls()) });
    // a ClientHello as a TLS 1.2 client sends it: no supported_versions extension
    let hello = hello([3, 3], &[0xc0, 0x2b, 0xc0, 0x2f]); // ECDHE with AES-128-GCM
    ours.write_all(&hello).await.expect("the peer reads");
    let reply = read_len(&mut ours, 11).await;
    assert_eq!(reply[0], 22, "a handshake record, not an alert");
    assert_eq!(reply[5], 2, "a ServerHello");
    assert_eq!(&reply[9..11], [3, 3], "TLS 1.2");
    drop(ours);
    assert!(served.await.expect("no panic").is_err());
}

/// [rfc9051 11.1 #3]
#[tokio::test]
async fn tls_1_2_has_the_suite_that_every_client_knows() {
    let cert = include_str!("rsa/cert.pem");
    let tls = TlsServer::from_pem(cert, include_str!("rsa/key.pem")).expect("fits");
    let (mut ours, theirs) = Conn::pipe(64_000);
    let served = tokio::spawn(async move { theirs.start_tls(&tls).await.map(|c| c.tls()) });
    // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, and nothing else
    let hello = hello([3, 3], &[0xc0, 0x2f]);
    ours.write_all(&hello).await.expect("the peer reads");
    // record, handshake, version, random, session id with its length, suite
    let reply = read_len(&mut ours, 5 + 4 + 2 + 32 + 33 + 2).await;
    assert_eq!((reply[0], reply[5]), (22, 2), "a ServerHello");
    let suite = 44 + usize::from(reply[43]);
    assert_eq!(reply[suite..suite + 2], [0xc0, 0x2f]);
    drop(ours);
    assert!(served.await.expect("no panic").is_err());
}

/// [rfc9051 11.1 #1 #5]
/// [rfc3501 11.1 #5]
#[tokio::test]
async fn refuses_what_is_older_than_tls_1_2() {
    let (tls, _) = both_sides();
    let (mut ours, theirs) = Conn::pipe(64_000);
    let served = tokio::spawn(async move { theirs.start_tls(&tls).await.map(|c| c.tls()) });
    // TLS 1.1, with a suite of its time
    let hello = hello([3, 2], &[0xc0, 0x2b, 0xc0, 0x13, 0, 0x2f]);
    ours.write_all(&hello).await.expect("the peer reads");
    let reply = read_len(&mut ours, 7).await;
    assert_eq!((reply[0], reply[6]), (21, 70), "an alert: protocol_version");
    assert!(served.await.expect("no panic").is_err());
}

/// A ClientHello without extensions that newer versions need.
fn hello(version: [u8; 2], suites: &[u8]) -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 29, // supported_groups: x25519
        0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
        0, 13, 0, 6, 0, 4, 4, 3, 8, 4, // signature_algorithms: ecdsa p256, rsa-pss
        0, 23, 0, 0, // extended_master_secret
    ];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0); // no session id
    body.extend((suites.len() as u16).to_be_bytes());
    body.extend(suites);
    body.extend([1, 0]); // no compression
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![22, 3, 1];
    hello.extend((body.len() as u16 + 4).to_be_bytes());
    hello.extend([1, 0]);
    hello.extend((body.len() as u16).to_be_bytes());
    hello.extend(body);
    hello
}

#[tokio::test]
async fn end_without_goodbye_is_an_end_under_tls() {
    let (tls, client) = both_sides();
    let (ours, theirs) = Conn::pipe(64_000);
    let served = tokio::spawn(async move { theirs.start_tls(&tls).await });
    let client = ours
        .connect_tls(&client, "mx.example.test")
        .await
        .expect("shaken");
    let mut conn = served.await.expect("no panic").expect("shaken");
    drop(client);
    assert_eq!(
        conn.read(&mut BytesMut::new())
            .await
            .expect("an end, not an error"),
        0
    );
}

/// [rfc9051 11.1 #5]
/// [rfc3501 11.1 #5]
#[tokio::test(start_paused = true)]
async fn gives_up_on_a_handshake_that_never_comes() {
    // [rfc3501 11.1] [rfc9051 11.1]
    let (tls, _) = both_sides();
    let (_silent, theirs) = Conn::pipe(1_000);
    let error = theirs
        .start_tls(&tls)
        .await
        .expect_err("because nobody speaks");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn gives_up_on_a_peer_that_never_reads() {
    let (mut ours, _deaf) = Conn::pipe(10);
    let error = ours
        .write_all(&[0; 100])
        .await
        .expect_err("because nobody reads");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_read_that_is_dropped_loses_nothing() {
    let (mut ours, mut theirs) = Conn::pipe(1_000);
    let mut heard = BytesMut::new();
    for n in 0..100u8 {
        tokio::select! {
            biased;
            _ = theirs.read(&mut heard) => {}
            () = std::future::ready(()) => {}
        }
        ours.write_all(&[n]).await.expect("the peer reads");
    }
    while heard.len() < 100 {
        theirs.read(&mut heard).await.expect("the peer wrote");
    }
    assert_eq!(&heard[..], (0..100).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_read_grows_the_buffer_only_by_what_came() {
    let (mut ours, mut theirs) = Conn::pipe(100_000);
    let mut heard = BytesMut::new();
    ours.write_all(b"NOOP\r\n").await.expect("room");
    theirs.read(&mut heard).await.expect("it came");
    assert!(heard.capacity() <= 64, "{}", heard.capacity());
    ours.write_all(&[0; 50_000]).await.expect("room");
    assert_eq!(
        theirs.read(&mut heard).await.expect("it came"),
        net::READ_BYTES
    );
}

#[tokio::test]
async fn turns_away_whoever_comes_over_a_bound_and_takes_the_next_after() {
    for bounds in [
        Bounds {
            total: 2,
            per_address: 9,
        },
        Bounds {
            total: 9,
            per_address: 2,
        },
    ] {
        let server = start(None, bounds).await;
        let mut first = dial(server.at).await.expect("it listens");
        let mut second = dial(server.at).await.expect("it listens");
        says_back(&mut first, b"1").await;
        says_back(&mut second, b"2").await;
        let mut third = dial(server.at).await.expect("it listens");
        assert_eq!(read_all(&mut third).await, BUSY);
        first.close().await;
        // the place is free once the session has seen the close, which may take some tries
        loop {
            let mut next = dial(server.at).await.expect("it listens");
            if next.write_all(b"3").await.is_ok() && read_all_or_one(&mut next).await == b"3" {
                break;
            }
        }
        says_back(&mut second, b"4").await;
        server.end().await;
    }
}

async fn read_all_or_one(conn: &mut Conn) -> Vec<u8> {
    let mut heard = BytesMut::new();
    let _ = conn.read(&mut heard).await;
    heard.to_vec()
}

#[tokio::test]
async fn closes_without_plain_text_where_tls_comes_first() {
    let (tls, _) = both_sides();
    let server = start(
        Some(tls),
        Bounds {
            total: 0,
            per_address: 0,
        },
    )
    .await;
    let mut conn = dial(server.at).await.expect("it listens");
    assert_eq!(read_all(&mut conn).await, b"");
    server.end().await;
}

#[tokio::test]
async fn a_panic_ends_only_its_own_session() {
    let server = start(
        None,
        Bounds {
            total: 2,
            per_address: 2,
        },
    )
    .await;
    let mut other = dial(server.at).await.expect("it listens");
    says_back(&mut other, b"1").await;
    for _ in 0..3 {
        let mut doomed = dial(server.at).await.expect("it listens");
        doomed.write_all(b"die").await.expect("the peer reads");
        let last = read_all(&mut doomed).await;
        assert!(last.is_empty() || last == BUSY);
    }
    says_back(&mut other, b"2").await;
    server.end().await;
}

#[tokio::test]
async fn sessions_are_told_to_stop_and_the_port_is_free_after() {
    let server = start(None, WIDE).await;
    let at = server.at;
    let mut conn = dial(at).await.expect("it listens");
    says_back(&mut conn, b"1").await;
    server.end().await;
    assert_eq!(read_all(&mut conn).await, b"bye");
    assert!(dial(at).await.is_err());
    Listener::bind(at)
        .await
        .expect("because SO_REUSEADDR is set");
}

#[tokio::test]
async fn a_session_that_does_not_end_is_cut() {
    let server = start(None, WIDE).await;
    let mut conn = dial(server.at).await.expect("it listens");
    conn.write_all(b"hang").await.expect("the peer reads");
    // a second session answers, so the first, which came before, is running too
    says_back(&mut dial(server.at).await.expect("it listens"), b"1").await;
    server.end().await;
    read_all(&mut conn).await;
}

#[tokio::test]
async fn a_taken_port_is_refused() {
    let first = listener().await;
    let error = Listener::bind(first.local_addr())
        .await
        .expect_err("because it is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

/// Waits for something that never happens, beside the peer; says how that ended and how long it
/// took on the paused clock.
async fn gives_up(conn: &mut Conn, stop: &Stop) -> (GivenUp, Duration) {
    let began = Instant::now();
    let given_up = conn.attend(stop, std::future::pending::<()>()).await;
    (
        given_up.expect_err("nothing else can happen"),
        began.elapsed(),
    )
}

#[tokio::test(start_paused = true)]
async fn work_for_a_peer_that_closes_is_given_up_after_two_seconds() {
    let (client, mut server) = Conn::pipe(1_024);
    drop(client);
    let (why, waited) = gives_up(&mut server, &Stop::new()).await;
    assert_eq!((why, waited.as_secs()), (GivenUp::Closed, 2));
    // whoever sends all at once and no more gets what comes in time
    let (client, mut server) = Conn::pipe(1_024);
    client.close().await;
    let work = tokio::time::sleep(Duration::from_secs(1));
    assert_eq!(server.attend(&Stop::new(), work).await, Ok(()));
}

#[tokio::test]
async fn work_for_a_peer_that_resets_is_given_up_at_once() {
    let listener = listener().await;
    let client = dial(listener.local_addr()).await.expect("it listens");
    let mut server = listener.accept().await.expect("it comes");
    // closing on unread octets makes the system send a reset
    server.write_all(b"unread").await.expect("there is room");
    let mut client = client;
    assert_eq!(
        client.read(&mut BytesMut::new()).await.expect("it comes"),
        6
    );
    server.write_all(b"unread").await.expect("there is room");
    drop(client);
    let (why, waited) = gives_up(&mut server, &Stop::new()).await;
    assert_eq!(why, GivenUp::Closed);
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn work_for_a_peer_is_given_up_when_the_server_stops() {
    let (_client, mut server) = Conn::pipe(1_024);
    let stop = Stop::new();
    let (stopped, ()) = tokio::join!(gives_up(&mut server, &stop), async { stop.stop() });
    assert_eq!(stopped, (GivenUp::Stopped, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_came_while_a_peer_was_watched_is_read_afterwards_in_order() {
    let (mut client, mut server) = Conn::pipe(1 << 20);
    client.write_all(b"first ").await.expect("there is room");
    let work = tokio::time::sleep(Duration::from_secs(10));
    assert_eq!(server.attend(&Stop::new(), work).await, Ok(()));
    client.write_all(b"second").await.expect("there is room");
    assert_eq!(read_len(&mut server, 12).await, b"first second");
    // a flood is not taken in meanwhile, and its end is not seen
    client
        .write_all(&vec![b'x'; 1 << 18])
        .await
        .expect("there is room");
    client.close().await;
    let work = tokio::time::sleep(Duration::from_secs(10));
    assert_eq!(server.attend(&Stop::new(), work).await, Ok(()));
    assert_eq!(read_all(&mut server).await.len(), 1 << 18);
}

/// An authority, and a client's certificate with its key by it.
fn authority_and_client(address: &str) -> (String, String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
    let key = KeyPair::generate().expect("made");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("signed").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("made");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    let name = address.try_into().expect("ASCII");
    params.subject_alt_names.push(SanType::Rfc822Name(name));
    let certificate = params.signed_by(&key, &issuer).expect("signed");
    (authority, certificate.pem(), key.serialize_pem())
}

/// Both ends after a handshake; the server's may have failed.
async fn shaken(server: TlsServer, client: &TlsClient) -> (Conn, std::io::Result<Conn>) {
    let (ours, theirs) = Conn::pipe(1 << 16);
    let (client, server) = tokio::join!(
        ours.connect_tls(client, "mx.example.test"),
        theirs.start_tls(&server)
    );
    (client.expect("the server is well"), server)
}

#[tokio::test]
async fn both_ends_know_what_a_login_can_be_bound_to() {
    // [rfc9266 2] [rfc5929 4.1] [rfc5056 2.1]
    let (server, client) = both_sides();
    let (ours, theirs) = shaken(server.clone(), &client).await;
    let bindings = theirs.expect("the client is well").channel_bindings();
    assert_eq!(ours.channel_bindings(), bindings);
    assert!(bindings.exporter.is_some() && bindings.server_end_point.is_some());
    let (_, another) = shaken(server, &client).await;
    let another = another.expect("the client is well").channel_bindings();
    assert_ne!(bindings.exporter, another.exporter, "each has its own");
    assert_eq!(bindings.server_end_point, another.server_end_point);
    let (plain, _) = Conn::pipe(1);
    assert_eq!(plain.channel_bindings(), net::ChannelBindings::default());
}

#[tokio::test]
async fn asks_for_a_certificate_and_serves_who_has_none() {
    // [rfc8446 4.3.2]
    let (server, client) = both_sides();
    let (authority, chain, key) = authority_and_client("alice@example.test");
    let asking = server.asking_clients(&authority).expect("it is one");
    let alice = client.showing_pem(&chain, &key).expect("they fit");
    let (_, served) = shaken(asking.clone(), &alice).await;
    let shown = served.expect("it is vouched for").client_certificate();
    assert_eq!(shown.expect("it was shown").emails, ["alice@example.test"]);
    let (_, served) = shaken(asking.clone(), &client).await;
    assert_eq!(served.expect("none is needed").client_certificate(), None);
    // nobody vouches for it
    let (_, chain, key) = authority_and_client("alice@example.test");
    let mallory = client.showing_pem(&chain, &key).expect("they fit");
    let (_, served) = shaken(asking, &mallory).await;
    assert!(served.is_err());
    // not asked
    let (_, served) = shaken(server, &alice).await;
    assert_eq!(served.expect("it is well").client_certificate(), None);
}
