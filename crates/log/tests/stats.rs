//! The journal's own figures are what was done.

mod common;

use common::{Home, append, read_all};

#[test]
fn groups_syncs_and_reads_are_counted() {
    let home = Home::new();
    let (journal, _) = home.open(&[1]);
    let before = journal.stats();
    assert_eq!((before.sync_us.count, before.group_bytes.count), (0, 0));

    for _ in 0..5 {
        append(&journal, 1, &[b"one", b"two"]);
    }
    let stats = journal.stats();
    assert_eq!(stats.sync_us.count, stats.group_bytes.count, "each group is synced once");
    assert_eq!(stats.write_us.count, stats.group_frames.count);
    assert_eq!(stats.group_frames.sum, 5, "a frame for each call");
    assert!(stats.group_bytes.sum > 5 * 6 && stats.memory_bytes > 5 * 6, "{stats:?}");
    assert!(stats.segments >= 1 && stats.segment_bytes > 0 && stats.free_bytes > Some(0));
    assert_eq!((stats.waiting_items, stats.waiting_bytes, stats.damage_met), (0, 0, 0));

    assert_eq!(stats.reads_from_memory, 0);
    assert_eq!(read_all(&journal, 1, 1, 0).map(|records| records.len()).ok(), Some(10));
    assert!(journal.stats().reads_from_memory > 0);
    journal.stop();
    drop(journal);

    // What is sealed and not in memory comes from the disk.
    let (journal, _) = home.open(&[1]);
    assert_eq!(read_all(&journal, 1, 1, 0).map(|records| records.len()).ok(), Some(10));
    assert!(journal.stats().reads_from_disk > 0);
    journal.stop();
}
