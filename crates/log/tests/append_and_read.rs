//! What goes in comes out: once, in order, over segments and restarts.

mod common;

use common::{Home, NOW_MS, append, frame, read_all, wait};
use nautilus_log::{AppendResult, Refusal, ShardLogId, Threads};

#[test]
fn records_come_back_in_order_over_many_segments_and_after_both_kinds_of_stop() {
    let mut home = Home::new();
    home.segment_bytes = 4096;
    home.tail_bytes_max = 2000;
    let mut expected = [Vec::new(), Vec::new()];
    for life in 0..6u64 {
        // What is left in a hurry must not go on in the background.
        home.threads = if life % 2 == 0 { Threads::Own } else { Threads::Stepped };
        let (journal, report) = home.open(&[1, 2]);
        assert!(report.damage.is_empty(), "{report:?}");
        for n in 0..50u64 {
            let shard = 1 + (n % 3) / 2;
            let data = format!("life {life} record {n} {}", "x".repeat(n as usize * 3));
            let first = append(&journal, shard, &[data.as_bytes(), b"", b"tail"]);
            let list: &mut Vec<_> = &mut expected[shard as usize - 1];
            assert_eq!(first, list.len() as u64 + 1);
            for data in [data.as_bytes(), b"", b"tail"] {
                list.push((list.len() as u64 + 1, data.to_vec()));
            }
        }
        for shard in 1..=2 {
            let found = read_all(&journal, shard, 1, 0).unwrap();
            assert_eq!(found, expected[shard as usize - 1], "shard {shard} in life {life}");
            assert_eq!(read_all(&journal, shard, 9, 0).unwrap(), found[8..]);
        }
        if life % 2 == 0 {
            journal.stop();
        }
    }
    assert!(home.segments().len() > 10, "{:?}", home.segments());
}

#[test]
fn a_frame_larger_than_a_segment_has_one_for_itself() {
    let mut home = Home::new();
    home.segment_bytes = 4096;
    let (journal, _) = home.open(&[1]);
    let large = vec![7; 100_000];
    append(&journal, 1, &[b"before"]);
    append(&journal, 1, &[&large]);
    append(&journal, 1, &[b"behind"]);
    journal.stop();
    let (journal, report) = home.open(&[1]);
    assert!(report.damage.is_empty(), "{report:?}");
    let found: Vec<_> = read_all(&journal, 1, 1, 0).unwrap().into_iter().map(|r| r.1).collect();
    assert_eq!(found, [b"before".to_vec(), large, b"behind".to_vec()]);
}

#[test]
fn a_closed_shard_takes_nothing_and_others_do() {
    let mut home = Home::new();
    home.threads = Threads::Stepped;
    let (journal, _) = home.open(&[1, 2]);
    let before = journal.append([frame(1, &[b"a", b"b"])].into_iter().collect());
    let close = journal.close(vec![ShardLogId(1)]);
    let both = journal.append([frame(1, &[b"c"]), frame(2, &[b"d"])].into_iter().collect());
    let unknown = journal.append([frame(9, &[b"e"])].into_iter().collect());
    assert!(journal.step() && !journal.step(), "one group takes all that waits");
    let written = |first| AppendResult::Written { first, arrival_ms: NOW_MS };
    assert_eq!(wait(before)[..], [written(1)]);
    assert_eq!(wait(close), Ok(vec![2]));
    assert_eq!(wait(both)[..], [AppendResult::Refused(Refusal::Closed), written(1)]);
    assert_eq!(wait(unknown)[..], [AppendResult::Refused(Refusal::NotOwner)]);
    assert_eq!(read_all(&journal, 1, 1, 0).unwrap().len(), 2);
}

#[test]
fn expired_records_are_not_given_and_their_segments_go_but_positions_stay() {
    let mut home = Home::new();
    home.segment_bytes = 4096;
    let (journal, _) = home.open(&[1, 2]);
    append(&journal, 2, &[b"idle from now on"]);
    for n in 0..100u64 {
        home.clock.set_ms(NOW_MS + n * 1000);
        append(&journal, 1, &[&[n as u8; 300]]);
    }
    let cutoff_ms = NOW_MS + 60_000;
    let live = read_all(&journal, 1, 1, cutoff_ms).unwrap();
    assert_eq!(live.iter().map(|r| r.0).collect::<Vec<_>>(), (61..=100).collect::<Vec<_>>());
    assert_eq!(read_all(&journal, 2, 1, cutoff_ms).unwrap(), []);

    let before = home.segments().len();
    journal.trim(&[(ShardLogId(1), cutoff_ms), (ShardLogId(2), cutoff_ms)]);
    journal.stop();
    // The sweep may have been cut short by the stop; the next life's does the same.
    for _ in 0..2 {
        let (journal, report) = home.open(&[1, 2]);
        assert!(report.damage.is_empty(), "{report:?}");
        assert_eq!(read_all(&journal, 1, 1, cutoff_ms).unwrap(), live);
        assert_eq!(journal.tail(ShardLogId(2)).unwrap().visible_end, 2, "positions are kept");
        home.threads = Threads::Stepped;
        journal.trim(&[(ShardLogId(1), cutoff_ms), (ShardLogId(2), cutoff_ms)]);
        journal.stop();
    }
    let after = home.segments().len();
    assert!(after + 3 < before, "{before} segments before, {after} after");
    let (journal, _) = home.open(&[1, 2]);
    let next = journal.append([frame(2, &[b"next"])].into_iter().collect());
    journal.step();
    assert!(matches!(wait(next)[0], AppendResult::Written { first: 2, .. }));
}

#[test]
fn segments_of_deleted_shards_go() {
    let mut home = Home::new();
    home.segment_bytes = 4096;
    home.threads = Threads::Stepped;
    let (journal, _) = home.open(&[1, 2]);
    for shard in [1, 2] {
        for _ in 0..40 {
            let done = journal.append([frame(shard, &[&[0; 300]])].into_iter().collect());
            journal.step();
            wait(done);
        }
    }
    let before = home.segments().len();
    journal.forget_shards(&[ShardLogId(1)]);
    journal.trim(&[]);
    assert!(home.segments().len() + 2 < before);
    assert_eq!(read_all(&journal, 2, 1, 0).unwrap().len(), 40);
    // A start that knows only the second shard skips what is left of the first.
    drop(journal);
    let (journal, report) = home.open(&[2]);
    assert!(report.damage.is_empty(), "{report:?}");
    assert_eq!(read_all(&journal, 2, 1, 0).unwrap().len(), 40);
}

#[test]
fn an_old_segment_is_sealed_so_that_it_can_go() {
    let mut home = Home::new();
    home.threads = Threads::Stepped;
    let (journal, _) = home.open(&[1]);
    let put = |data: &[u8]| {
        let done = journal.append([frame(1, &[data])].into_iter().collect());
        journal.step();
        wait(done);
    };
    put(b"old");
    home.clock.set_ms(NOW_MS + 3_600_000);
    journal.step();
    put(b"new");
    home.clock.set_ms(NOW_MS + 2 * 3_600_000);
    journal.step();
    journal.trim(&[(ShardLogId(1), NOW_MS + 1)]);
    let found = read_all(&journal, 1, 1, NOW_MS + 1).unwrap();
    assert_eq!(found, [(2, b"new".to_vec())]);
    assert_eq!(home.segments().len(), 1, "{:?}", home.segments());
}

#[test]
fn a_moment_is_found_in_memory_and_on_disk_also_when_the_clock_went_back() {
    for tail_bytes_max in [0, 1 << 20] {
        let mut home = Home::new();
        home.segment_bytes = 4096;
        home.tail_bytes_max = tail_bytes_max;
        let (journal, _) = home.open(&[1, 2]);
        let mut effective = Vec::new();
        let mut newest = 0;
        for n in 0..120u64 {
            // Every tenth reading of the clock is 3 s too early.
            let now_ms = NOW_MS + n * 100 - if n % 10 == 9 { 3000.min(n * 100) } else { 0 };
            home.clock.set_ms(now_ms);
            append(&journal, 1 + n % 7 / 6, &[&[0; 50]]);
            newest = newest.max(now_ms);
            if n % 7 != 6 {
                effective.push(now_ms.max(effective.last().copied().unwrap_or(0)));
            }
        }
        for ms in (NOW_MS - 50..NOW_MS + 12_100).step_by(37) {
            let expected = effective.partition_point(|&time| time < ms) as u64 + 1;
            let found = wait(journal.position_at(ShardLogId(1), ms)).unwrap();
            assert_eq!(
                found,
                expected,
                "tail {tail_bytes_max}, {} ms in",
                ms as i64 - NOW_MS as i64
            );
        }
        journal.stop();
    }
}
