//! The journal's figures.

use nautilus_log::{Durability, JournalStats};

use super::text::{Kind, Scale, Text};

/// Tells all of them.
pub(crate) fn tell(text: &mut Text, stats: &JournalStats) {
    let mode = match stats.durability {
        Durability::Fsync => "fsync",
        Durability::Os => "os",
        Durability::Memory => "memory",
    };
    let name = "nautilus_durability_info";
    text.family(name, Kind::Gauge, "What an answered record survives; always 1.");
    text.sample(name, &[("mode", mode)], 1.0);
    for (name, help, counted, scale) in [
        (
            "nautilus_journal_write_duration_seconds",
            "Time to write a group of records to the journal.",
            &stats.write_us,
            Scale::DISK_US,
        ),
        (
            "nautilus_journal_sync_duration_seconds",
            "Time to sync a group of records to the disk.",
            &stats.sync_us,
            Scale::DISK_US,
        ),
        (
            "nautilus_journal_group_bytes",
            "Bytes of the groups that were written and synced at once.",
            &stats.group_bytes,
            Scale::BYTES,
        ),
        (
            "nautilus_journal_group_frames",
            "Frames of such a group: one for each call and shard.",
            &stats.group_frames,
            Scale::COUNT,
        ),
    ] {
        text.family(name, Kind::Histogram, help);
        text.counted(name, &[], counted, scale);
    }
    let name = "nautilus_journal_reads_total";
    text.family(name, Kind::Counter, "Reads, by where they found the records.");
    text.sample(name, &[("from", "memory")], stats.reads_from_memory as f64);
    text.sample(name, &[("from", "disk")], stats.reads_from_disk as f64);
    let name = "nautilus_journal_refused_calls_total";
    text.family(
        name,
        Kind::Counter,
        "Writes that were refused for want of room, by what was full.",
    );
    text.sample(name, &[("full", "disk")], stats.refused_full as f64);
    text.sample(name, &[("full", "queue")], stats.refused_overloaded as f64);
    text.single(
        "nautilus_journal_damaged_reads_total",
        Kind::Counter,
        "Reads that met damaged bytes, which are never served.",
        stats.damage_met as f64,
    );
    for (name, help, value) in [
        (
            "nautilus_journal_waiting_calls",
            "Calls that wait for the next group.",
            stats.waiting_items,
        ),
        (
            "nautilus_journal_waiting_bytes",
            "Bytes that wait for the next group.",
            stats.waiting_bytes,
        ),
        ("nautilus_journal_segments", "Segments of the journal.", stats.segments),
        ("nautilus_journal_segment_bytes", "Bytes that the segments take.", stats.segment_bytes),
        (
            "nautilus_journal_memory_bytes",
            "Bytes of records that are kept in memory.",
            stats.memory_bytes,
        ),
        (
            "nautilus_journal_memory_limit_bytes",
            "The most bytes of records that are kept in memory.",
            stats.memory_bytes_max,
        ),
    ] {
        text.single(name, Kind::Gauge, help, value as f64);
    }
    for (name, help, value) in [
        (
            "nautilus_disk_free_bytes",
            "Bytes that are free on the disk of the data directory.",
            stats.free_bytes,
        ),
        ("nautilus_disk_size_bytes", "Bytes of that disk, free or not.", stats.disk_bytes),
    ] {
        if let Some(value) = value {
            text.single(name, Kind::Gauge, help, value as f64);
        }
    }
}
