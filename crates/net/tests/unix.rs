//! Unix sockets: who may connect, and what becomes of the socket's file.
#![allow(clippy::unwrap_used, reason = "a test")]

use bytes::BytesMut;
use net::{Bounds, Conn, Listener, Stop, dial_unix, serve};
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("whimbrel-net-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_program_on_this_machine_is_served_and_known() {
    let folder = Folder::new("served");
    let path = folder.0.join("s");
    let listener = Listener::bind_unix(&path, 0o660).unwrap();
    assert_eq!(listener.place().to_string(), path.display().to_string());
    let stop = Stop::new();
    let bounds = Bounds {
        total: 1,
        per_address: 1,
    };
    let session = async |mut conn: Conn| {
        let who = conn.credentials().unwrap();
        conn.write_all(format!("{}", who.uid).as_bytes())
            .await
            .unwrap();
        // until the client goes
        let _ = conn.read(&mut BytesMut::new()).await;
    };
    let serving = tokio::spawn(serve(
        listener,
        None,
        move || bounds,
        b"busy",
        stop.clone(),
        session,
    ));
    let mut first = dial_unix(&path).await.unwrap();
    assert!(first.peer().ip().is_loopback());
    let mut heard = BytesMut::new();
    first.read(&mut heard).await.unwrap();
    let uid = std::fs::metadata(&folder.0).unwrap().uid();
    assert_eq!(heard, uid.to_string().as_bytes());
    let mut second = dial_unix(&path).await.unwrap();
    heard.clear();
    second.read(&mut heard).await.unwrap();
    assert_eq!(heard, &b"busy"[..], "the bounds hold here as well");
    stop.stop();
    drop(first);
    serving.await.unwrap();
    assert!(!path.exists(), "the file goes with the listener");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_has_connections_of_his_own() {
    if !is_root() {
        println!("only root can become somebody else, so this test shows nothing");
        return;
    }
    let folder = Folder::new("users");
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.0.join("s");
    let listener = Listener::bind_unix(&path, 0o666).unwrap();
    let stop = Stop::new();
    let bounds = || Bounds {
        total: 3,
        per_address: 1,
    };
    let session = async |mut conn: Conn| {
        conn.write_all(b"hello").await.unwrap();
        let _ = conn.read(&mut BytesMut::new()).await;
    };
    let until = stop.clone();
    let serving = tokio::spawn(serve(listener, None, bounds, b"busy", until, session));
    let greeted = async |conn: &mut Conn| {
        let mut heard = BytesMut::new();
        conn.read(&mut heard).await.unwrap();
        String::from_utf8(heard.to_vec()).unwrap()
    };
    let mut first = dial_unix(&path).await.unwrap();
    assert_eq!(greeted(&mut first).await, "hello");
    let mut second = dial_unix(&path).await.unwrap();
    assert_eq!(greeted(&mut second).await, "busy");
    // somebody else comes, and has a place of his own, but not two
    let mut nobody = Nobody::at(&path);
    assert_eq!(nobody.hears(), "hello\n");
    assert_eq!(Nobody::at(&path).hears(), "busy\n");
    stop.stop();
    drop((first, second, nobody));
    serving.await.unwrap();
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A program of another user that is connected.
struct Nobody(std::process::Child);

impl Nobody {
    fn at(path: &std::path::Path) -> Nobody {
        let script = "$| = 1; my $s = IO::Socket::UNIX->new(Peer => shift) or die $!; \
                      sysread $s, my $said, 9; print qq($said\n); readline STDIN";
        let child = std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--clear-groups", "perl"])
            .args(["-MIO::Socket::UNIX", "-e", script])
            .arg(path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        Nobody(child.unwrap())
    }

    fn hears(&mut self) -> String {
        let mut line = String::new();
        let out = self.0.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn only_those_whom_the_mode_lets_in_may_connect() {
    let folder = Folder::new("mode");
    let path = folder.0.join("s");
    let _listener = Listener::bind_unix(&path, 0o660).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[tokio::test]
async fn a_file_that_was_left_is_taken_over_and_one_in_use_is_not() {
    let folder = Folder::new("left");
    let path = folder.0.join("s");
    // what a killed server leaves
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::bind_unix(&path, 0o600).unwrap();
    let second = Listener::bind_unix(&path, 0o600).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::AddrInUse);
    assert!(dial_unix(&path).await.is_ok(), "the first is still there");
    drop(listener);
    let plain = folder.0.join("plain");
    std::fs::write(&plain, "not a socket").unwrap();
    let refused = Listener::bind_unix(&plain, 0o600).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    assert_eq!(std::fs::read(&plain).unwrap(), b"not a socket");
}

#[tokio::test]
async fn a_path_that_is_too_long_is_told() {
    let path = PathBuf::from(format!("/tmp/{}", "x".repeat(103)));
    assert_eq!(path.as_os_str().len(), 108);
    let refused = Listener::bind_unix(&path, 0o600).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
