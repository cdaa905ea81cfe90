//! What every engine of the store must do, run against each of them.

#[macro_use]
mod suite;

use store::{Db, Files, Settings};

fn memory() -> Db {
    Db::memory()
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

fn embedded() -> Db {
    let folder = tempfile::tempdir().unwrap();
    // The folder stays until the process ends; its files are small.
    Db::open(Files::real(folder.keep()).unwrap(), small()).unwrap()
}

fn simulated() -> Db {
    let (files, _disk) = Files::sim(7);
    Db::open(files, small()).unwrap()
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
