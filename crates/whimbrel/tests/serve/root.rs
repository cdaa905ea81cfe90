//! Started by root: root is given up, or nothing is started.

use crate::served::{Place, is_root, owner};
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::process::Command;

fn uid_of(name: &str) -> u32 {
    let output = Command::new("id").args(["-u", name]).output().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn a_server_gives_up_root_for_good() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.certify("mail.example.org");
    let key = place.path("key.pem");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    place.write("mail.example.org", &place.certificate_setting());
    let served = place.start();
    let nobody = uid_of("nobody");
    assert_eq!(served.status("Uid"), vec![nobody.to_string(); 4]);
    assert!(!served.status("Gid").contains(&"0".to_owned()));
    assert!(!served.status("Groups").contains(&"0".to_owned()));
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(
            u64::from_str_radix(&served.status(set)[0], 16),
            Ok(0),
            "{set}"
        );
    }
    assert_eq!(served.status("NoNewPrivs"), ["1"]);
    // Every thread, not only the first.
    for thread in std::fs::read_dir(format!("/proc/{}/task", served.ready.pid)).unwrap() {
        assert_eq!(owner(&thread.unwrap().path()), nobody);
    }
    assert_eq!(owner(&place.path("data")), nobody);
    assert_eq!(owner(&place.path("data/store")), nobody);
    // The key is root's: it was read before, and is kept at a reload.
    let told = served.reload();
    assert!(
        told.contains("keeping the certificates that are shown"),
        "{told}"
    );
    assert!(served.stop().success());
}

#[test]
fn only_where_mail_goes_by_uux_may_programs_become_another_user() {
    let privileges = |route: &str| {
        let place = Place::new();
        place.write("mail.example.org", &format!("[road]\nroute = [{route}]\n"));
        place.start().status("NoNewPrivs")
    };
    let program = "via = \"pipe\", command = [\"/bin/false\"]";
    assert_eq!(privileges(&format!("{{ {program} }}")), ["1"]);
    let uux = format!("{{ {program}, form = \"rgsmtp\" }}");
    assert_eq!(privileges(&uux), ["0"]);
}

#[test]
fn nobody_else_may_look_into_the_data_folder_and_all_may_hand_in_mail() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    let mode = |path: &std::path::Path| {
        std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).unwrap()) & 0o077
    };
    assert_eq!(mode(&place.path("data")), 0o011);
    for entry in std::fs::read_dir(place.path("data")).unwrap() {
        let path = entry.unwrap().path();
        let expected = match path.file_name().and_then(|name| name.to_str()) {
            Some("lmtp") => 0o060,
            Some("submit.sock") => 0o066,
            // put there, and not listed
            Some("drop") => 0o033,
            _ => 0,
        };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    assert!(place.path("data/lmtp").exists() && place.path("data/submit.sock").exists());
    assert!(place.path("data/drop").exists());
    drop(served);
}

#[test]
fn root_is_refused_as_a_user() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.write("mail.example.org", "");
    let text = std::fs::read_to_string(place.config()).unwrap();
    std::fs::write(place.config(), text.replace("\"nobody\"", "\"root\"")).unwrap();
    let told = place.refused();
    assert!(told.contains("whimbrel does not go on as root"), "{told}");
    assert!(!place.path("data").exists());
    std::fs::write(
        place.config(),
        text.replace("\"nobody\"", "\"whimbrel-test-none\""),
    )
    .unwrap();
    let told = place.refused();
    assert!(
        told.contains("there is no user `whimbrel-test-none`"),
        "{told}"
    );
    assert!(told.contains("useradd --system"), "{told}");
    assert!(!place.path("data").exists());
}

#[test]
fn a_folder_of_somebody_else_is_refused_with_the_way_out() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.write("mail.example.org", "");
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/other"), "").unwrap();
    let told = place.refused();
    assert!(told.contains("does not belong to nobody"), "{told}");
    assert!(told.contains("chown -R nobody:"), "{told}");
}

#[test]
fn a_folder_for_sockets_is_made_and_one_that_is_there_is_left_alone() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let socket = place.path("run/imap");
    let setting = format!("[listen.imap]\naddresses = [\"{}\"]\n", socket.display());
    place.write("mail.example.org", &setting);
    let served = place.start();
    assert_eq!(owner(&socket), uid_of("nobody"));
    assert!(served.stop().success());
    // Beside it lies something of somebody else.
    let setting = setting.replace("/run/imap", "/imap");
    place.write("mail.example.org", &setting);
    let told = place.refused();
    assert!(told.contains("cannot listen at"), "{told}");
    assert_eq!(owner(place.folder.path()), 0);
}

#[test]
fn the_standard_ports_are_taken_before_root_is_given_up() {
    let unshare = ["unshare", "-n"];
    let probe = Command::new(unshare[0]).args([unshare[1], "true"]).status();
    if !is_root() || !probe.is_ok_and(|status| status.success()) {
        println!("left out: this test needs a network of its own");
        return;
    }
    let place = Place::new();
    let data = place.path("data");
    let text = format!("user = \"nobody\"\ndata = \"{}\"\n", data.display());
    std::fs::write(place.config(), text).unwrap();
    let served = place.start_as(place.under(&unshare));
    for (kind, port) in [
        ("smtp", 25),
        ("submission", 587),
        ("submissions", 465),
        ("imap", 143),
    ] {
        assert_eq!(served.at(kind).port(), port);
    }
    for (kind, port) in [("imaps", 993), ("pop3", 110), ("pop3s", 995)] {
        assert_eq!(served.at(kind).port(), port);
    }
    assert_eq!(served.status("Uid"), vec![uid_of("nobody").to_string(); 4]);
}

#[test]
fn those_of_the_servers_group_hand_in_mail_and_others_do_not() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    let group: u32 = served.status("Gid")[0].parse().unwrap();
    let socket = place.path("data/lmtp");
    let greeted = |user, group| {
        let socket = socket.clone();
        as_user(user, group, move || {
            let mut greeting = [0; 3];
            let mut stream = UnixStream::connect(socket)?;
            stream.read_exact(&mut greeting)?;
            Ok(greeting)
        })
    };
    assert_eq!(greeted(12_345, group).unwrap(), *b"220");
    let refused = greeted(12_345, 12_345).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
}

/// In a thread that is somebody else; the others stay root.
fn as_user<T: Send + 'static>(
    user: u32,
    group: u32,
    job: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let become_other = move || {
        set_thread_groups(&[]).unwrap();
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        set_thread_res_gid(group, group, group).unwrap();
        set_thread_res_uid(user, user, user).unwrap();
        job()
    };
    std::thread::spawn(become_other).join().unwrap()
}
