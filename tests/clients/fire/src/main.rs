//! Readers under fire: writers as fast as they can, readers at the tail of the same shards, and a strict count.
//!
//! The writers run alone first, on a stream of their own, then with the readers. Every record carries its writer and
//! number, every answer gives shard and sequence number: at the end each acknowledged record must have been read once,
//! with the sequence number that its writer was told, and each shard in ascending order. Threads and blocking sockets
//! on purpose: the client must cost little of the machine that it shares with the server.

#![allow(clippy::disallowed_methods, reason = "a client of the outside has the outside's clock")]
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod client;
mod tally;

use std::{
    env,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use client::{Client, Error};
use tally::{Acknowledged, Read};

const WRITERS: usize = 8;
const SHARDS: usize = 4;
const RECORDS_PER_CALL: usize = 50;
const DATA_BYTES: usize = 1024;
const SHARE_MIN: f64 = 0.5;
/// How long the readers may take to come to the end once the writers have stopped.
const DRAIN: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("fire: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let port = number_after("--port")?.ok_or("`--port` is needed")?;
    let seconds = Duration::from_secs(number_after("--seconds")?.unwrap_or(20).into());

    let alone = Fire::start(port, "fire-alone", seconds / 2)?;
    let alone = alone.write_only()?;
    let fire = Fire::start(port, "fire", seconds)?;
    let (under_fire, read) = fire.write_and_read()?;

    let share = under_fire / alone;
    println!(
        "  fire: {alone:.0} records/s alone, {under_fire:.0} with {SHARDS} readers ({share:.2} of it), {read} read"
    );
    if share < SHARE_MIN {
        return Err(format!(
            "readers cost the writers more than half: {share:.2} is below {SHARE_MIN}"
        )
        .into());
    }
    Ok(())
}

/// The number that follows a flag, if the flag is there.
fn number_after(flag: &str) -> Result<Option<u16>, Error> {
    let Some(value) = env::args().skip_while(|argument| argument != flag).nth(1) else {
        return Ok(None);
    };
    Ok(Some(value.parse().map_err(|_| format!("`{flag} {value}`: not a number"))?))
}

/// One stream under load.
struct Fire {
    port: u16,
    stream: &'static str,
    duration: Duration,
    stopped: AtomicBool,
    acknowledged_count: AtomicUsize,
}

impl Fire {
    fn start(port: u16, stream: &'static str, duration: Duration) -> Result<Fire, Error> {
        let mut client = Client::connect(port)?;
        client.call(
            "CreateStream",
            &format!(r#"{{"StreamName":"{stream}","ShardCount":{SHARDS}}}"#),
        )?;
        client.wait_until_active(stream)?;
        Ok(Fire { port, stream, duration, stopped: false.into(), acknowledged_count: 0.into() })
    }

    /// Records a second that the writers reach with nobody reading.
    fn write_only(&self) -> Result<f64, Error> {
        thread::scope(|scope| {
            let writers = self.spawn_writers(scope);
            let (rate, _) = self.let_them_write(writers)?;
            Ok(rate)
        })
    }

    /// Records a second that the writers reach, and how many records the readers found; both checked.
    fn write_and_read(&self) -> Result<(f64, usize), Error> {
        let (total, read_count) = (&AtomicUsize::new(usize::MAX), &AtomicUsize::new(0));
        thread::scope(|scope| {
            let readers: Vec<_> = (0..SHARDS)
                .map(|shard| scope.spawn(move || self.read(shard, total, read_count)))
                .collect();
            let written = self.let_them_write(self.spawn_writers(scope));
            // The readers go on until they have all; after an error they must not wait for records that never come.
            total.store(written.as_ref().map_or(0, |(_, all)| all.len()), Ordering::SeqCst);
            let read: Result<Vec<_>, Error> = readers.into_iter().map(joined).collect();
            let (rate, acknowledged) = written?;
            Ok((rate, tally::compare(&acknowledged, &read?)?))
        })
    }

    fn spawn_writers<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
    ) -> Vec<Writer<'scope>> {
        (0..WRITERS).map(|writer| scope.spawn(move || self.write(writer))).collect()
    }

    fn let_them_write(&self, writers: Vec<Writer<'_>>) -> Result<(f64, Vec<Acknowledged>), Error> {
        let began = Instant::now();
        thread::sleep(self.duration);
        let count = self.acknowledged_count.load(Ordering::SeqCst);
        let rate = count as f64 / began.elapsed().as_secs_f64();
        self.stopped.store(true, Ordering::SeqCst);
        let parts: Result<Vec<_>, Error> = writers.into_iter().map(joined).collect();
        Ok((rate, parts?.concat()))
    }

    fn write(&self, writer: usize) -> Result<Vec<Acknowledged>, Error> {
        let mut client = Client::connect(self.port)?;
        let mut acknowledged = Vec::new();
        let mut next = 0;
        while !self.stopped.load(Ordering::Relaxed) {
            let numbers = next..next + RECORDS_PER_CALL as u64;
            let body = tally::put_records(self.stream, writer, numbers.clone(), DATA_BYTES);
            let answer: client::PutRecordsAnswer = client.call_for("PutRecords", &body)?;
            if answer.failed_record_count != 0 || answer.records.len() != RECORDS_PER_CALL {
                return Err("PutRecords refused records although limits are off".into());
            }
            for (number, record) in numbers.zip(answer.records) {
                acknowledged.push(Acknowledged::new(writer, number, &record)?);
            }
            self.acknowledged_count.fetch_add(RECORDS_PER_CALL, Ordering::SeqCst);
            next += RECORDS_PER_CALL as u64;
        }
        Ok(acknowledged)
    }

    /// Reads one shard until all readers together have `total` records.
    fn read(
        &self,
        shard: usize,
        total: &AtomicUsize,
        read_count: &AtomicUsize,
    ) -> Result<Vec<Read>, Error> {
        let mut client = Client::connect(self.port)?;
        let mut iterator = client.trim_horizon(self.stream, shard)?;
        let mut read = Vec::new();
        let mut deadline = None;
        loop {
            let body = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
            let page: client::GetRecordsAnswer = client.call_for("GetRecords", &body)?;
            read_count.fetch_add(page.records.len(), Ordering::SeqCst);
            for record in &page.records {
                read.push(Read::new(shard, record)?);
            }
            if self.stopped.load(Ordering::SeqCst) && page.records.is_empty() {
                if read_count.load(Ordering::SeqCst) >= total.load(Ordering::SeqCst) {
                    return Ok(read);
                }
                if *deadline.get_or_insert_with(|| Instant::now() + DRAIN) < Instant::now() {
                    return Ok(read);
                }
            }
            if page.records.is_empty() {
                thread::sleep(Duration::from_millis(5));
            }
            iterator = page.next_shard_iterator.ok_or("an open shard gave no next iterator")?;
        }
    }
}

type Writer<'scope> = thread::ScopedJoinHandle<'scope, Result<Vec<Acknowledged>, Error>>;

fn joined<T>(handle: thread::ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    handle.join().map_err(|_| "a thread panicked")?
}
