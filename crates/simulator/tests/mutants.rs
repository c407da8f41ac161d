//! Thirteen broken promises, each of which a seed must catch: without this nobody knows that the seeds see anything.
//!
//! Three are broken by the disk, which says that it synced and did not; ten by the product, in places that exist
//! only with the feature `mutants`. They share one switch, so they run one after another in one test.

use std::{io::Write, ops::Range};

use nautilus_log::mutant::{self, Mutant};
use nautilus_simulator::{Lie, run_seeds};

const SEEDS: Range<u64> = 0..220;
const STEPS: u64 = 500;

const MUTANTS: [(&str, Mutant, Option<Lie>); 13] = [
    ("no data sync", Mutant::None, Some(Lie::DataSync)),
    ("no directory sync", Mutant::None, Some(Lie::DirectorySync)),
    ("ack before sync", Mutant::AckBeforeSync, None),
    ("publish before sync", Mutant::PublishBeforeSync, None),
    ("no sync at recovery", Mutant::None, Some(Lie::RecoverySync)),
    ("catalog before intent", Mutant::CatalogBeforeIntent, None),
    ("next position missing in the footer", Mutant::NoNextPositionInFooter, None),
    ("recovery takes a torn group", Mutant::TakeTornGroup, None),
    ("close outside the queue", Mutant::CloseOutsideQueue, None),
    ("children before their parents end", Mutant::ChildrenBeforeParentsEnd, None),
    ("horizon that moves back", Mutant::HorizonMovesBack, None),
    ("removal before a later footer", Mutant::RemovalBeforeLaterFooter, None),
    ("removal before the swap", Mutant::RemovalBeforeSwap, None),
];

#[test]
fn each_broken_promise_is_caught_by_a_seed() {
    let mut survivors = Vec::new();
    for (name, mutant, lie) in MUTANTS {
        mutant::set(mutant);
        match run_seeds(SEEDS, STEPS, lie) {
            Ok(_) => survivors.push(name),
            Err(failure) => {
                let text = format!("{name}: seed {}: {:.150}\n", failure.seed, failure.violation);
                std::io::stderr().write_all(text.as_bytes()).expect("stderr takes text");
            }
        }
    }
    mutant::set(Mutant::None);
    assert!(survivors.is_empty(), "no seed catches: {survivors:?}");
}
