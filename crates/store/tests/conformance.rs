//! What every engine of the store must do, run against each of them.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
mod suite;

use store::{Db, Files, Settings};
use tempfile::TempDir;

type Fresh = (Db, Option<TempDir>);

fn memory() -> Fresh {
    (Db::memory(), None)
}

/// Small enough that log files change and the index is flushed often.
fn small() -> Settings {
    Settings {
        reserve_bytes: 0,
        log_file_bytes: 300_000,
        index_memory_bytes: 20_000,
        ..Settings::default()
    }
}

fn embedded() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    (
        Db::open(Files::real(folder.path()).unwrap(), small()).unwrap(),
        Some(folder),
    )
}

fn simulated() -> Fresh {
    let (files, _disk) = Files::sim(7);
    (Db::open(files, small()).unwrap(), None)
}

mod engine_memory {
    conformance!(super::memory);
}

mod engine_embedded {
    conformance!(super::embedded);
}

mod engine_embedded_with_simulated_files {
    conformance!(super::simulated);
}
