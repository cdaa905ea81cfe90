//! The wire against a listener that says what the test wants, in pieces of any size.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A connection whose other end says these bytes, so many at a time.
async fn saying(bytes: &'static [u8], piece: usize) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.set_nodelay(true).unwrap();
        for piece in bytes.chunks(piece) {
            peer.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        // What the client says is of no interest; its end is.
        let mut rest = Vec::new();
        let _ = peer.read_to_end(&mut rest).await;
    });
    Wire::plain(at).await.unwrap()
}

const PIECES: [usize; 4] = [1, 2, 7, 10_000];

#[tokio::test]
async fn skips_literals_whatever_stands_in_them() {
    let bytes =
        b"* 1 FETCH (BODY[] {9}\r\na OK no\r\n)\r\n* 2 FETCH (FLAGS ())\r\na OK done\r\nnext\r\n";
    for piece in PIECES {
        let mut wire = saying(bytes, piece).await;
        let answer = wire.until_tagged(b"a ").await.unwrap();
        assert_eq!(
            answer,
            Answer {
                responses: 2,
                literal_octets: 9
            }
        );
        assert_eq!(wire.line().await.unwrap(), b"next");
        assert_eq!(wire.received(), bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_rest_behind_a_literal_is_no_tagged_line() {
    let bytes = b"* 1 FETCH (BODY[] {2}\r\nxxa OK no)\r\na OK done\r\n";
    let mut wire = saying(bytes, 3).await;
    assert_eq!(wire.until_tagged(b"a ").await.unwrap().responses, 1);
}

#[tokio::test]
async fn a_no_is_an_error_with_its_text() {
    let mut wire = saying(b"* OK x\r\na NO [LIMIT] enough\r\n", 100).await;
    let error = wire.until_tagged(b"a ").await.unwrap_err();
    assert_eq!(error, "the server said: a NO [LIMIT] enough");
}

#[tokio::test]
async fn a_reply_of_smtp_ends_with_its_last_line() {
    for piece in PIECES {
        let mut wire = saying(
            b"250-one\r\n250-two\r\n250 three\r\n354 go\r\nwhat\r\n",
            piece,
        )
        .await;
        wire.expect_reply(250).await.unwrap();
        assert!(wire.expect_reply(250).await.is_err());
        assert!(wire.reply().await.is_err());
    }
}

#[tokio::test]
async fn lines_of_pop3_end_with_a_dot_alone() {
    for piece in PIECES {
        let mut wire = saying(b"ab\r\n..\r\n.x\r\n.\r\n+OK\r\n", piece).await;
        assert_eq!(wire.until_dot().await.unwrap(), 12);
        wire.expect(b"+OK").await.unwrap();
    }
}

#[tokio::test]
async fn a_line_longer_than_the_buffer_is_read_whole() {
    static LONG: &[u8] = &[b'x'; 600_000];
    static END: &[u8] = b"\r\n";
    let all: &'static [u8] = Box::leak([LONG, END].concat().into_boxed_slice());
    let mut wire = saying(all, 50_000).await;
    assert_eq!(wire.line().await.unwrap().len(), LONG.len());
}

#[tokio::test]
async fn an_end_in_mid_answer_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"* 1 FETCH").await.unwrap();
    });
    let mut wire = Wire::plain(at).await.unwrap();
    assert!(wire.until_tagged(b"a ").await.is_err());
}
