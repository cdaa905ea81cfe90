//! What systemd hears, and sockets that it gives.

use crate::served::{Client, Place};
use rustix::process::Signal;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn systemd_is_told_of_ready_reload_and_end() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let heard = || {
        let mut text = [0; 4_096];
        let len = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..len].to_vec()).unwrap()
    };
    let mut command = place.command();
    command.env("NOTIFY_SOCKET", &path);
    let served = place.start_as(command);
    assert!(heard().starts_with("READY=1\n"));
    served.signal(Signal::HUP);
    let reloading = heard();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert!(heard().starts_with("READY=1\n"));
    served.signal(Signal::TERM);
    assert!(heard().starts_with("STOPPING=1"));
}

/// The listening socket comes as standard input, and the shell makes it descriptor 3.
fn given(place: &Place, name: &str, socket: OwnedFd) -> Command {
    let words = format!(
        "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name} exec \"$0\" \"$@\""
    );
    let mut command = place.under(&["sh", "-c", &words]);
    command.stdin(Stdio::from(socket));
    command
}

#[tokio::test]
async fn a_socket_that_systemd_gives_is_served() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let served = place.start_as(given(&place, "imap", socket.into()));
    assert_eq!(served.ready.listeners["imap"], [at.to_string()]);
    let mut imap = Client::connect(at).await;
    assert!(imap.line().await.starts_with("* OK"));
    assert_eq!(served.ready.listeners["smtp"].len(), 1);
}

#[test]
fn a_socket_of_an_unknown_name_is_refused() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = given(&place, "whimbrel.socket", socket.into())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        told.contains("FileDescriptorName= must be one of smtp, "),
        "{told}"
    );
}
