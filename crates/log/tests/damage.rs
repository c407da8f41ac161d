//! Bytes that were durable and are wrong are found, told and never served, whichever bit it is.

#![allow(clippy::unwrap_used)] // a test that fails here has failed

mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{NOW_MS, frame, read_all, wait};
use nautilus_log::{
    Config, Error, Journal, Manifest, ManifestState, ManualClock, Options, Report, SeededRng,
    ShardLogId, Threads,
    testing::{MemoryDisk, MemoryManifest},
};

const SHARDS: [u64; 2] = [1, 2];

type Records = BTreeMap<u64, Vec<(u64, Vec<u8>)>>;

struct World {
    disk: Arc<MemoryDisk>,
    manifest: ManifestState,
}

impl World {
    fn open(&self) -> Result<(Journal, Report, Arc<MemoryManifest>), Error> {
        let manifest = Arc::new(MemoryManifest::new(self.manifest.clone()));
        let (journal, report) = Journal::open(Options {
            disk: self.disk.clone(),
            clock: Arc::new(ManualClock::new(NOW_MS)),
            rng: Arc::new(SeededRng::new(1)),
            manifest: manifest.clone(),
            living: SHARDS.map(ShardLogId).to_vec(),
            next_shard: ShardLogId(3),
            config: Config {
                durability: nautilus_log::Durability::Fsync,
                segment_bytes: 1500,
                tail_bytes_max: 0,
                footer_bytes_max: 4_000,
                threads: Threads::Stepped,
                on_fatal: Box::new(|error| panic!("{error}")),
            },
        })?;
        Ok((journal, report, manifest))
    }

    fn copy(&self) -> World {
        World { disk: Arc::new(self.disk.copy()), manifest: self.manifest.clone() }
    }
}

/// A small journal of a sealed segment and an open one, and what was acknowledged.
fn journal_of_two_segments(clean: bool) -> (World, Records) {
    let mut world = World { disk: Arc::default(), manifest: ManifestState::default() };
    let (journal, _, manifest) = world.open().unwrap();
    let mut records = Records::new();
    for n in 0..12u64 {
        let shard = SHARDS[(n % 3 == 1) as usize];
        let data = format!("record {n} {}", "z".repeat(n as usize % 5));
        let done = journal.append([frame(shard, &[data.as_bytes()])].into_iter().collect());
        journal.step();
        wait(done);
        let list = records.entry(shard).or_default();
        list.push((list.len() as u64 + 1, data.into_bytes()));
    }
    if clean {
        journal.stop();
    }
    world.manifest = manifest.state();
    let used = world.manifest.segments.len();
    assert_eq!(used, 2, "the test wants one sealed and one open segment");
    (world, records)
}

/// What of `expected` comes back: wrong data is never among it. True if all of it came.
fn check(journal: &Journal, expected: &Records) -> bool {
    let mut whole = true;
    for (shard, records) in expected {
        let mut from = 1;
        while from <= records.len() as u64 {
            match read_all(journal, *shard, from, 0) {
                Ok(found) => {
                    let wanted = &records[from as usize - 1..];
                    assert!(found.iter().all(|record| wanted.contains(record)), "{found:?}");
                    // A read without an error has no hole: it may only end early.
                    let contiguous = found.iter().zip(wanted).all(|(a, b)| a == b);
                    assert!(contiguous, "shard {shard} from {from}: {found:?}");
                    whole &= found.len() == wanted.len();
                    break;
                }
                Err(_) => {
                    whole = false;
                    from += 1;
                }
            }
        }
    }
    whole
}

fn used_bytes(world: &World, path: &str) -> usize {
    let mut used = 0;
    world.disk.edit(path, |bytes| {
        used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    });
    used
}

/// Opens a damaged copy. Everything acknowledged must come back, or the loss must have been told.
fn assert_told(world: &World, expected: &Records, what: &str) -> bool {
    let (journal, report, _) = world.open().unwrap_or_else(|error| panic!("{what}: {error}"));
    let whole = check(&journal, expected);
    let told = !report.damage.is_empty()
        || !report.rebuilt.is_empty()
        || !report.cuts.is_empty()
        || journal.damage_met() > 0;
    assert!(whole || told || reads_fail(&journal, expected), "{what}: lost and not told");
    told || !whole
}

fn reads_fail(journal: &Journal, expected: &Records) -> bool {
    expected.keys().any(|&shard| read_all(journal, shard, 1, 0).is_err())
}

#[test]
fn every_flipped_bit_is_detected_and_never_served() {
    for clean in [true, false] {
        let (world, expected) = journal_of_two_segments(clean);
        for path in world.disk.paths() {
            let used = used_bytes(&world, &path);
            assert!(used > 500, "{path} {used}");
            for bit in 0..used * 8 {
                let copy = world.copy();
                copy.disk.edit(&path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
                let what = format!("clean {clean}, bit {bit} of {path}");
                assert!(assert_told(&copy, &expected, &what), "{what}: not detected");
            }
        }
    }
}

#[test]
fn every_truncation_is_detected_and_never_served() {
    for clean in [true, false] {
        let (world, expected) = journal_of_two_segments(clean);
        for path in world.disk.paths() {
            let mut length = 0;
            world.disk.edit(&path, |bytes| length = bytes.len());
            for kept in 0..length {
                let copy = world.copy();
                copy.disk.edit(&path, |bytes| bytes.truncate(kept));
                let what = format!("clean {clean}, {path} cut to {kept} of {length}");
                assert!(assert_told(&copy, &expected, &what), "{what}: not detected");
            }
        }
    }
}

#[test]
fn a_missing_segment_is_damage_and_the_rest_stays_readable() {
    let (world, expected) = journal_of_two_segments(true);
    let first = world.disk.paths().remove(0);
    nautilus_log::Disk::remove(&*world.disk, &first).unwrap();
    let (journal, report, _) = world.open().unwrap();
    assert_eq!(report.damage.len(), 1, "{report:?}");
    let last = expected[&1].last().unwrap();
    assert_eq!(read_all(&journal, 1, last.0, 0).unwrap(), std::slice::from_ref(last));
    assert!(read_all(&journal, 1, 1, 0).is_err());
}

#[test]
fn a_journal_without_its_catalog_or_with_an_older_one_is_refused_in_a_sentence() {
    let (world, _) = journal_of_two_segments(true);
    let without = World { disk: world.disk.clone(), manifest: ManifestState::default() };
    let error = without.open().err().expect("refused").to_string();
    assert!(error.contains("there is no catalog beside it"), "{error}");

    let mut older = world.copy();
    older.manifest.segments.pop_last();
    let error = older.open().err().expect("refused").to_string();
    assert!(error.contains("the catalog is older than the journal"), "{error}");

    let mut other = world.copy();
    other.manifest.journal_id += 1;
    let error = other.open().err().expect("refused").to_string();
    assert!(error.contains("belongs to another catalog"), "{error}");
}
