//! Evolution, by its own engine (Camel): finds its folders, reads, searches, flags, files, sends, hears of
//! new mail, and learns by QRESYNC what changed while it was away, over TLS.
//!
//! What never happens here: a window, an account of GNOME, a key ring.

use clients::{Program, Server};
use std::path::{Path, PathBuf};

/// Debian's, which has bindings to Camel as packages.
const PYTHON: &str = "/usr/bin/python3";

/// Where an Evolution that is installed has them.
const INSTALLED: &str = "/usr/lib/evolution-data-server/camel-providers/libcamelimapx.so";

/// Said by `cargo xtask test`, which unpacks them; else those of this machine.
fn providers() -> Option<PathBuf> {
    let said = std::env::var_os("EDS_CAMEL_PROVIDER_DIR").filter(|said| !said.is_empty());
    if said.is_none() {
        Program::find(INSTALLED)?;
    }
    Some(said.map_or_else(|| Path::new(INSTALLED).with_file_name(""), PathBuf::from))
}

#[test]
fn evolution_reads_flags_files_sends_and_hears() {
    let (Some(providers), Some(python)) = (providers(), Program::find(PYTHON)) else {
        return;
    };
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/camel.py");
    python
        .arg("-B")
        .arg(script)
        .arg(&server.ready_file)
        .arg(server.certificate())
        .arg(place.path())
        .env("HOME", place.path())
        .env("EDS_CAMEL_PROVIDER_DIR", providers)
        .env("GSETTINGS_BACKEND", "memory")
        .run()
        .well();
    let mut alice = server.imap(server.alice());
    alice.must("SELECT Sent");
    assert_eq!(alice.search("SEEN FROM alice"), [1]);
    let mut bob = server.imap(server.bob());
    let uid = bob.search("FROM alice")[0];
    let text = String::from_utf8(bob.message(uid)).unwrap();
    assert!(text.contains("with ESMTPSA"), "{text}");
}
