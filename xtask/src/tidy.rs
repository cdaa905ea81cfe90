//! The house's rules that neither Cargo nor clippy knows, as one table.
//!
//! Here lives the table; each rule is a function from the tree to the places that break it. What
//! never happens here: a rule about style that rustfmt or clippy already holds.

mod catalogue;
mod documents;
mod floors;
mod licences;
mod marks;
mod mask;
mod places;
mod shapes;
mod tree;

use crate::steps::Steps;
use tree::Tree;

struct Rule {
    name: &'static str,
    reason: &'static str,
    broken: fn(&Tree) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "arrows point down",
        reason: "libs <- store, net <- mail <- post <- doors <- whimbrel; no door knows another",
        broken: floors::arrows_point_down,
    },
    Rule {
        name: "libs speak without I/O",
        reason: "a protocol machine owns no socket, clock, log or task",
        broken: floors::libs_have_no_io,
    },
    Rule {
        name: "names say something",
        reason: "core, common, util, types, helper, manager, handler, processor, context do not",
        broken: floors::names_say_something,
    },
    Rule {
        name: "the world comes through net",
        reason: "clock, randomness and sockets from one place let a simulation own them",
        broken: places::world_through_net,
    },
    Rule {
        name: "the disk comes through store",
        reason: "what store's simulated files never saw was never tested against a crash",
        broken: places::disk_through_store,
    },
    Rule {
        name: "choices have an order",
        reason: "select! without biased asks in a random order, so a seed would not repeat a run",
        broken: places::selects_in_order,
    },
    Rule {
        name: "no order hangs on a hash",
        reason: "a seed must repeat a run; where only look-ups are made, the table says so",
        broken: places::no_order_by_hash,
    },
    Rule {
        name: "settings come through whimbrel",
        reason: "a variable read deep inside is a setting that no table names",
        broken: places::environment_through_whimbrel,
    },
    Rule {
        name: "only the owner is Admin",
        reason: "a door that could open any account could show somebody else's mail",
        broken: places::admin_of_the_owner_only,
    },
    Rule {
        name: "no test switches in the product",
        reason: "what is tested must be what is shipped",
        broken: places::no_test_switches,
    },
    Rule {
        name: "unfinished work is not hidden",
        reason: "allowing todo, unimplemented or unwrap hides it from clippy",
        broken: places::no_allowed_gaps,
    },
    Rule {
        name: "files stay below 1,000 lines",
        reason: "a file is read as a whole",
        broken: shapes::file_size,
    },
    Rule {
        name: "functions stay below 100 lines",
        reason: "a function is one thought",
        broken: shapes::function_size,
    },
    Rule {
        name: "files say what lives there",
        reason: "the first lines tell a reader whether this is the right place",
        broken: shapes::file_header,
    },
    Rule {
        name: "unsafe code is forbidden",
        reason: "every crate says so itself",
        broken: shapes::unsafe_forbidden,
    },
    Rule {
        name: "no ignored tests",
        reason: "a test that does not run proves nothing",
        broken: shapes::no_ignored_tests,
    },
    Rule {
        name: "tests wait for conditions",
        reason: "a sleep is too long on a fast machine and too short on a slow one",
        broken: shapes::no_sleeps_in_tests,
    },
    Rule {
        name: "documents name what is there",
        reason: "a path or a command that is gone sends a reader nowhere",
        broken: documents::name_what_is_there,
    },
    Rule {
        name: "requirements have tests",
        reason: "what an RFC asks, by its catalogue or a mark in the code, is marked at a test as well",
        broken: marks::requirements_have_tests,
    },
    Rule {
        name: "licences are there",
        reason: "MIT OR Apache-2.0 is a promise with two texts",
        broken: licences::texts_are_there,
    },
    Rule {
        name: "dependencies are permissive and few",
        reason: "the product is MIT OR Apache-2.0; every package is somebody's to watch",
        broken: licences::dependencies,
    },
];

/// Each requirement with the tests that show it, and those without one.
pub fn requirements(steps: &mut Steps, rfcs: &[String]) {
    match Tree::read() {
        Ok(tree) => marks::print(&tree, rfcs),
        Err(reason) => steps.failed("tidy", &reason),
    }
}

pub fn run(steps: &mut Steps) {
    println!("==== tidy");
    let tree = match Tree::read() {
        Ok(tree) => tree,
        Err(reason) => return steps.failed("tidy", &reason),
    };
    for rule in RULES {
        let broken = (rule.broken)(&tree);
        if broken.is_empty() {
            steps.passed(1);
        } else {
            let details = format!("    ({})\n    {}", rule.reason, broken.join("\n    "));
            steps.failed(&format!("tidy: {}", rule.name), &details);
        }
    }
    println!("  {} rules over {} files", RULES.len(), tree.files.len());
}
