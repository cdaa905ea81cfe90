//! A hundred seeds, and the proof that a seed is a run.

use std::path::PathBuf;
use std::process::Command;

fn sim(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(arguments)
        .output()
        .expect("because the simulator was built with this test")
}

#[test]
fn every_law_holds_for_a_hundred_seeds() {
    let output = sim(&["1", "--seeds", "100"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_seed_replays_the_same_run_byte_for_byte() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for seed in ["101", "102", "103", "104"] {
        let trace = |process: &str| {
            let file = folder.join(format!("trace-{seed}-{process}"));
            let path = file.to_string_lossy().into_owned();
            // Whether a law holds is not asked here.
            let _ = sim(&[seed, "--trace", &path]);
            std::fs::read_to_string(&file).expect("because the simulator wrote it")
        };
        let (first, second) = (trace("first"), trace("second"));
        assert!(first.lines().count() > 100, "seed {seed} did something");
        let mut pairs = first.lines().zip(second.lines());
        let differs = pairs.find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
