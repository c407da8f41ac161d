//! Whoever watches a shard is told of every append the moment that it is visible, and of nothing else.

mod common;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use common::{Home, append, frame, wait};
use nautilus_log::{ShardLogId, Threads};

#[derive(Default)]
struct Rung(AtomicBool);

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn stepped() -> Home {
    Home { threads: Threads::Stepped, ..Home::new() }
}

#[test]
fn a_watch_rings_when_its_shard_has_something_new_and_for_no_other() {
    let home = stepped();
    let (journal, _) = home.open(&[1, 2]);
    let watch = journal.watch(ShardLogId(1)).expect("it lives");
    let rung = Arc::new(Rung::default());
    let waker = Waker::from(rung.clone());
    let mut context = Context::from_waker(&waker);

    let mut appended = pin!(watch.appended());
    assert!(appended.as_mut().poll(&mut context).is_pending());
    append(&journal, 2, &[b"elsewhere"]);
    assert!(!rung.0.load(Ordering::SeqCst));

    let done = journal.append([frame(1, &[b"here"])].into_iter().collect());
    assert!(!rung.0.load(Ordering::SeqCst), "what is not durable is not told");
    while journal.step() {}
    assert!(rung.0.load(Ordering::SeqCst));
    assert!(appended.poll(&mut context).is_ready());
    assert_eq!(watch.tail().visible_end, 2);
    wait(done);
}

#[test]
fn what_comes_between_the_look_and_the_wait_is_not_missed() {
    let home = stepped();
    let (journal, _) = home.open(&[1]);
    let watch = journal.watch(ShardLogId(1)).expect("it lives");
    let appended = watch.appended();
    assert_eq!(watch.tail().visible_end, 1);
    append(&journal, 1, &[b"between"]);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(appended).poll(&mut context), Poll::Ready(()));
}

#[test]
fn with_threads_every_one_of_many_watchers_sees_every_append() {
    const RECORDS: u64 = 200;
    let home = Home::new();
    let (journal, _) = home.open(&[1]);
    let watchers: Vec<_> = (0..8)
        .map(|_| {
            let watch = journal.watch(ShardLogId(1)).expect("it lives");
            std::thread::spawn(move || {
                let mut looks = 0;
                loop {
                    let appended = watch.appended();
                    looks += 1;
                    if watch.tail().visible_end > RECORDS {
                        return looks;
                    }
                    wait(appended);
                }
            })
        })
        .collect();
    for _ in 0..RECORDS {
        append(&journal, 1, &[b"x"]);
    }
    for watcher in watchers {
        let looks = watcher.join().expect("it does not panic");
        assert!(looks <= RECORDS + 1, "each ring is one append at least");
    }
    journal.stop();
}

#[test]
fn a_shard_that_is_not_there_cannot_be_watched_and_a_watch_outlives_its_shard() {
    let home = stepped();
    let (journal, _) = home.open(&[1]);
    assert!(journal.watch(ShardLogId(9)).is_none());
    let watch = journal.watch(ShardLogId(1)).expect("it lives");
    journal.forget_shards(&[ShardLogId(1)]);
    assert_eq!((watch.id(), watch.tail().visible_end), (ShardLogId(1), 1));
    assert!(journal.watch(ShardLogId(1)).is_none());
}
