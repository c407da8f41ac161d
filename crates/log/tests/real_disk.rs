//! The real disk keeps what was written wherever blocks begin and end, past the page cache as through it.
#![allow(clippy::unwrap_used)] // a test that fails here has failed

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, File, Open, RealDisk};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Write { offset: u64, lengths: Vec<usize> },
    Append { lengths: Vec<usize> },
    Cut { to: u64 },
    OpenAgain,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Some so large that they go another way than small ones.
    let length = || prop_oneof![6 => 0..9000usize, 1 => 66_000..75_000usize];
    let lengths = move || prop::collection::vec(length(), 1..4);
    let step = prop_oneof![
        2 => (0..40_000u64, lengths())
            .prop_map(|(offset, lengths)| Step::Write { offset, lengths }),
        4 => lengths().prop_map(|lengths| Step::Append { lengths }),
        1 => (0..50_000u64).prop_map(|to| Step::Cut { to }),
        1 => Just(Step::OpenAgain),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_log_file_reads_back_what_was_written(steps in steps(), unsynced in any::<bool>()) {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(directory.path()).unwrap();
        let open = |how| open_log(&disk, unsynced, how).unwrap();
        let mut file = open(Open::New);
        let mut expected: Vec<u8> = Vec::new();
        let mut end = 0u64;
        for (n, step) in steps.into_iter().enumerate() {
            let (offset, lengths) = match step {
                Step::Write { offset, lengths } => (offset, lengths),
                Step::Append { lengths } => {
                    // As the journal does: behind its own end there are only zeros.
                    if expected[end as usize..].iter().all(|&byte| byte == 0) {
                        file.zeros_from(end);
                    }
                    (end, lengths)
                }
                Step::Cut { to } => {
                    file.set_len(to).unwrap();
                    expected.resize(to as usize, 0);
                    end = end.min(to);
                    continue;
                }
                Step::OpenAgain => {
                    file = open(Open::Existing);
                    continue;
                }
            };
            let parts: Vec<Vec<u8>> =
                lengths.iter().enumerate().map(|(at, &length)| vec![(n * 7 + at + 1) as u8; length]).collect();
            let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
            file.write_at(&mut slices, offset).unwrap();
            let bytes = parts.concat();
            end = offset + bytes.len() as u64;
            if expected.len() < end as usize {
                expected.resize(end as usize, 0);
            }
            expected[offset as usize..end as usize].copy_from_slice(&bytes);
            // Whole blocks may be written: the file may end in zeros that nobody asked for.
            let length = file.len().unwrap() as usize;
            prop_assert!(length >= expected.len() && length < expected.len() + 4096);
            expected.resize(length, 0);
            let mut found = vec![0; length];
            file.read_at(&mut found, 0).unwrap();
            prop_assert!(found == expected, "differs after step {n}");
        }
    }
}

fn open_log(disk: &RealDisk, unsynced: bool, how: Open) -> io::Result<Arc<dyn File>> {
    match unsynced {
        false => disk.open_log("file", how),
        true => disk.open_unsynced_log("file", how),
    }
}

#[test]
fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(directory.path()).unwrap();
    let held = disk.lock().unwrap();
    assert_eq!(disk.lock().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(held);
    disk.lock().unwrap();
}
