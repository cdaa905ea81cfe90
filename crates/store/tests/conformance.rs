//! What every engine of the store must do, run against each of them.

#[macro_use]
mod suite;

use store::Db;

fn memory() -> Db {
    Db::memory()
}

mod engine_memory {
    conformance!(super::memory);
}
