//! `kill -9` while a process writes and its index is flushed and merged: what it acknowledged is
//! there for the next one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod child;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Command;
use store::{Db, Files};

const ROUNDS: u64 = 12;

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if child::run_if_child() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let test = "a_killed_process_loses_nothing_that_it_acknowledged";
        let program = std::env::current_exe().unwrap();
        let mut process = child::command(&mut Command::new(program), test, &data, u64::MAX / 2)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut heard = 0;
        while heard < 100 + round * 57 {
            let line = lines
                .next()
                .expect("the child speaks until it is killed")
                .unwrap();
            if let Some((writer, n)) = child::acknowledged(&line) {
                acknowledged.insert(writer, n);
                heard += 1;
            }
        }
        process.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some((writer, n)) = child::acknowledged(&line) {
                acknowledged.insert(writer, n);
            }
        }
        process.wait().unwrap();
        let db = Db::open(Files::real(&data).unwrap(), child::settings()).unwrap();
        child::verify(&db, &acknowledged, &format!("round {round}"));
    }
    assert!(acknowledged.values().sum::<u64>() > 1_000);
}
