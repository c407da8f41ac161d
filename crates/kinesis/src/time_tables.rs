//! What clocks do to records, as tables: one row is one story, and the rule of the service clock itself is in the loop.
//!
//! A script is read from left to right: a letter puts a record, `+1h` lets time pass for wall clock and running clock,
//! `jump-10y` sets the wall clock only, `keep48h` changes the retention, `split0` splits shard 0, `restart` starts again
//! with whatever the wall clock shows. The stream keeps a day, and times are counted from its creation. What a row
//! expects is looked for in memory and, if time is sure, after a restart and after a kill as well: from the disk. Some
//! stories hold [`in_one_life`] only: a start knows no better than its clock, and sees a stretch of records as one.

use nautilus_log::Clock;
use serde_json::Value;

use crate::testing::World;

struct Row {
    story: &'static str,
    script: &'static str,
    /// What TRIM_HORIZON reads.
    alive: &'static str,
    /// MillisBehindLatest behind each of these.
    behind: &'static str,
    /// What AT_TIMESTAMP reads, as `time=records`; `!` is refused as in the future.
    at: &'static str,
    starts: bool,
}

const fn row(
    story: &'static str,
    script: &'static str,
    alive: &'static str,
    behind: &'static str,
    at: &'static str,
) -> Row {
    Row { story, script, alive, behind, at, starts: true }
}

const fn in_one_life(row: Row) -> Row {
    Row { starts: false, ..row }
}

#[rustfmt::skip] // a table
const STEADY: &[Row] = &[
    row("nothing was put", "+1h", "", "", "0h= 1h= 1h+1ms=!"),
    row("a record alone is the tip", "a +1h", "a", "0", "0h=a 1ms= 1h="),
    row("each record is as old as it is", "a +1h b +30m c +1h", "abc", "2h+30m 1h+30m 0",
        "0h=abc 1ms=bc 1h=bc 1h+1ms=c 1h+30m=c 1h+30m+1ms= 2h+30m= 2h+30m+1ms=!"),
    row("a record is there to the last millisecond of its day", "a +23h b +1h", "ab", "24h 0",
        "0h=ab 1ms=b 23h=b 23h+1ms= 24h= 24h+1ms=!"),
    row("and is gone a millisecond later", "a +23h b +1h +1ms", "b", "0", "0h=b 1ms=b 23h=b 23h+1ms="),
    row("all is gone", "a b +24h +1ms", "", "", "0h= 1ms= 24h="),
    row("a longer retention does not bring back", "a +24h+1ms keep48h b +23h", "b", "0", "0h=b 24h=b now="),
    row("but it keeps", "a keep48h +47h b", "ab", "47h+2s 0", "0h=ab 1ms=b"),
    row("a shorter one expires at once", "keep48h a +30h b keep24h", "b", "0", "0h=b"),
    row("and for good", "keep48h a +30h b keep24h keep48h +1h", "b", "0", "0h=b"),
    row("a laptop that wakes has not jumped", "a +10h +13h b", "ab", "23h 0", "0h=ab 23h=b"),
];

#[rustfmt::skip] // a table
const SMALL_STEPS: &[Row] = &[
    row("a small step is followed at once", "a +1h jump+4s b", "ab", "1h+4s 0", "1h=b 1h+4s=b 1h+4s+1ms=!"),
    row("also back: time in a shard does not go back", "a +10s b jump-4s c +10s", "abc", "16s 6s 0",
        "6s=bc 10s=bc 10s+1ms= 16s= 16s+1ms=!"),
    row("what a record after a step back arrived before is a moment", "a +10s b jump-4s c", "abc", "6s 1ms 0",
        "6s=bc 6s+1ms=!"),
    in_one_life(row("a small step back brings nothing back", "a +24h+2ms jump-4s", "", "", "0h=")),
];

#[rustfmt::skip] // a table
const PENDING: &[Row] = &[
    row("an hour ahead, and it may be none", "a +1h b jump+1h +9m c", "abc", "1h+9m 9m 0",
        "0h=abc 1h=bc 1h+9m=c now=c now+1ms= wall= wall+1ms=!"),
    row("an hour back", "a +2h b jump-1h +9m c", "abc", "2h+9m 9m 0", "0h=abc 2h=bc wall=bc now=c now+1ms=!"),
    row("ten years ahead", "a +1h b jump+10y +9m c", "abc", "1h+9m 9m 0",
        "0h=abc 1h=bc now=c now+1ms= wall= wall+1ms=!"),
    row("ten years back", "a +1h b jump-10y +9m c", "abc", "1h+9m 9m 0", "0h=abc wall=abc now=c now+1ms=!"),
    row("nothing expires meanwhile", "a +23h+55m jump+1h +9m", "a", "0", "0h=a"),
    row("not with ten years either", "a +23h+55m jump+10y +9m", "a", "0", "0h=a"),
    row("nor back", "a +23h+55m jump-1h +9m", "a", "0", "0h=a"),
    row("nor with ten years back", "a +23h+55m jump-10y +9m", "a", "0", "0h=a"),
    row("what had expired stays so", "a +24h+1ms jump-1h +9m", "", "", "0h="),
    row("it was none: what is due expires", "a +23h+55m b jump+1h +9m jump-1h", "b", "0", "0h=b now= now+1ms=!"),
    row("it was none, ten years: nothing was lost", "a +1h b jump+10y +9m c jump-10y +1h", "abc", "2h+9m 1h+9m 0",
        "0h=abc 1ms=bc 1h+1ms=c 1h+9m+1ms= now+1ms=!"),
    row("it was none, ten years back", "a +1h b jump-10y +9m c jump+10y +1h", "abc", "2h+9m 1h+9m 0",
        "0h=abc 1ms=bc 1h+1ms=c 1h+9m+1ms= now+1ms=!"),
    row("another jump waits its own ten minutes", "a +1h jump+1h +9m jump+10y +9m b", "ab", "1h+18m 0",
        "0h=ab now=b wall= wall+1ms=!"),
];

#[rustfmt::skip] // a table
const FOLLOWED: &[Row] = &[
    row("an hour ahead: what is a day old then expires", "a +23h b jump+1h +10m c", "bc", "1h+10m 0",
        "0h=bc 23h=bc 23h+1ms=c 24h+10m=c 24h+10m+1ms=!"),
    row("an hour back: what is in the future counts as arrived when that was seen", "a +2h b jump-1h +10m c", "abc",
        "1h+10m 1ms 0", "0h=abc 1ms=bc 1h+10m=bc 1h+10m+1ms=!"),
    row("until it is in the future no more", "a +2h b jump-1h +10m c +1h", "abc", "2h+10m 10m 0",
        "0h=abc 1ms=bc 1h+30m=bc 2h=bc 2h+1ms= now="),
    row("ten years ahead: all has expired", "a +1h b jump+10y +10m", "", "", "0h= 10y= 10y+1h+10m= now+1ms=!"),
    row("what comes then is there", "a jump+10y +10m b +1h c", "bc", "1h 0", "0h=bc 10y+10m=bc 10y+10m+1ms=c"),
    row("ten years back: all is there, and in the future", "a +1h b jump-10y +10m", "ab", "1ms 0", "now=ab"),
    row("what comes then is behind it", "a +1h b jump-10y +10m c", "abc", "1ms 1ms 0", "now=abc now+1ms=!"),
    row("and all expires a day after that was seen", "a +1h b jump-10y +10m c +24h d", "abcd", "1ms 1ms 24h 0", "now=d"),
    row("but not later", "a +1h b jump-10y +10m c +24h d +1ms", "d", "0", "now="),
];

#[rustfmt::skip] // a table
const SET_RIGHT: &[Row] = &[
    row("an hour ahead: what came meanwhile is there", "a +1h jump+1h +10m b jump-1h +10m c", "abc", "1h+20m 1ms 0",
        "0h=abc 1ms=bc 1h+20m=bc 1h+20m+1ms=!"),
    row("and where it says when that time has come", "a +1h jump+1h +10m b jump-1h +10m c +1h", "abc", "2h+20m 10m 0",
        "1ms=bc 1h+30m=bc 2h+10m=bc 2h+10m+1ms= now="),
    row("ten years ahead: what came meanwhile is there", "jump+10y +10m b jump-10y +10m c", "bc", "1ms 0",
        "0h=bc 20m=bc 20m+1ms=!"),
    in_one_life(row("but not what that expired", "a jump+10y +10m b jump-10y +10m c", "bc", "1ms 0",
        "0h=bc 20m=bc 20m+1ms=!")),
    row("until a start that finds it still there", "a jump+10y +10m jump-10y +10m restart b", "ab", "20m 0", "0h=ab"),
    in_one_life(row("to a day after the clock was right", "jump+10y +10m b jump-10y +10m c +24h d", "bcd", "1ms 24h 0",
        "20m=bcd 20m+1ms=d now=d")),
    in_one_life(row("and not for ten years", "jump+10y +10m b jump-10y +10m c +24h d +1ms", "d", "0", "20m=d now=")),
    in_one_life(row("nor is what comes later kept for that", "jump+10y +10m b jump-10y +10m c +20h d +20h e", "de",
        "20h 0", "now=e")),
    row("ten years behind: no record is older than its stream", "jump-10y +10m a jump+10y +10m b +23h", "ab",
        "10y+23h+10m 0", "-2s=ab 0h=b 20m=b"),
    in_one_life(row("a retention changed in the wrong time hides nothing", "jump+10y +10m keep48h b jump-10y +10m c +1h d",
        "bcd", "1ms 1h 0", "0h=bcd now=d")),
    row("nor when that time has come", "jump+25h +10m keep48h b jump-25h +10m c +1h d +1h", "bcd", "1ms 2h 0", "0h=bcd"),
    in_one_life(row("nothing behind it: it is there for a day", "jump+10y +10m b jump-10y +10m +24h", "b", "0", "20m=b")),
    in_one_life(row("and not for ten years", "jump+10y +10m b jump-10y +10m +24h+1ms", "", "", "20m=")),
    row("ten years back: nothing is lost", "+30h a +1h b jump-10y +10m c jump+10y +10m d", "abcd",
        "1h+20m 20m 10y+10m 0", "30h=abcd 30h+1ms=bcd 31h=bcd 31h+1ms=d 31h+20m=d 31h+20m+1ms=!"),
    row("to the last millisecond of its day", "+30h a +1h b jump-10y +10m c jump+10y +10m d +22h+40m", "abcd",
        "24h 23h 10y+22h+50m 0", "30h=abcd 30h+1ms=bcd"),
    row("and what came meanwhile goes with what came before it",
        "+30h a +1h b jump-10y +10m c jump+10y +10m d +23h+40m+1ms", "d", "0", "0h=d 31h+20m=d"),
    row("an hour back: nothing is lost", "a +2h b jump-1h +10m c jump+1h +10m d", "abcd", "2h+20m 20m 1h+10m 0",
        "0h=abcd 1ms=bcd 2h=bcd 2h+1ms=d 2h+20m=d"),
    in_one_life(row("wrong both ways: what is true outlasts both",
        "jump+10y +10m b jump-10y +10m c jump-10y +10m d jump+10y +10m e", "bcde", "1ms 20m 10y+10m 0",
        "0h=bcde 20m+1ms=e 40m=e")),
    row("a start in a wrong hour", "+30h a +1h b jump-10y restart c jump+10y +10m d", "abcd", "1h+10m 10m 10y+10m 0",
        "30h=abcd 30h+1ms=bcd 31h=bcd 31h+1ms=d 31h+10m=d"),
    row("a start in the right one", "+30h a +1h b jump-10y +10m c jump+10y restart d", "abcd", "1h+10m 10m 10y 0",
        "30h=abcd 30h+1ms=bcd 31h=bcd 31h+1ms=d 31h+10m=d"),
];

/// What shards are listed, and what a reader finds who begins with those at the horizon and follows ChildShards.
struct ListRow {
    story: &'static str,
    script: &'static str,
    read: &'static str,
    listed: &'static [u32],
}

const fn list(
    story: &'static str,
    script: &'static str,
    read: &'static str,
    listed: &'static [u32],
) -> ListRow {
    ListRow { story, script, read, listed }
}

#[rustfmt::skip] // a table
const LISTS: &[ListRow] = &[
    list("parents and children", "a split0 b", "ab", &[0, 1, 2]),
    list("a closed shard is listed as long as its records", "a split0 b +23h+59m", "ab", &[0, 1, 2]),
    list("and no longer", "a split0 b +24h+1m", "", &[1, 2]),
    list("while a jump may be none it stays", "a split0 b +23h+59m jump+1h +9m", "ab", &[0, 1, 2]),
    list("with ten years as well", "a split0 b +23h+59m jump+10y +9m", "ab", &[0, 1, 2]),
    list("and goes when it was none", "a split0 b +23h+59m jump+1h +9m jump-1h", "", &[1, 2]),
    list("ten years ahead it goes at once", "a split0 b jump+10y +10m c", "c", &[1, 2]),
    list("and does not come back", "a split0 jump+10y +10m c jump-10y +10m d", "cd", &[1, 2]),
    list("a split in a wrong hour ahead", "a jump+1h +10m split0 b jump-1h +10m c", "abc", &[0, 1, 2]),
    list("in ten wrong years ahead", "jump+10y +10m a split0 b jump-10y +10m c", "abc", &[0, 1, 2]),
    list("whose parent went in them", "jump+10y +10m a split0 +25h b jump-10y +10m c", "bc", &[1, 2]),
    list("and one after that", "jump+10y +10m a split0 b jump-10y +10m c split2 d", "abcd", &[0, 1, 2, 3, 4]),
    list("ten years behind", "a +1h jump-10y +10m split0 b jump+10y +10m c", "abc", &[0, 1, 2]),
    list("and something before the split", "+30h a +1h jump-10y +10m b split0 c jump+10y +10m d", "abcd", &[0, 1, 2]),
    list("and one before and after that", "a split0 b jump-10y +10m split2 c jump+10y +10m d", "abcd", &[0, 1, 2, 3, 4]),
];

#[test]
fn with_a_steady_clock() {
    check(STEADY);
}

#[test]
fn small_steps_of_the_clock_are_followed() {
    check(SMALL_STEPS);
}

#[test]
fn a_jump_that_may_be_none_expires_nothing_and_refuses_nothing() {
    check(PENDING);
}

#[test]
fn a_jump_that_stands_is_followed() {
    check(FOLLOWED);
}

#[test]
fn a_clock_that_was_wrong_and_is_set_right_loses_nothing_that_came_in_between() {
    check(SET_RIGHT);
}

#[test]
fn lists_tile_the_hash_space_at_every_moment_and_lead_to_every_record() {
    for row in LISTS {
        for end in ["", "restart"] {
            let mut stage = Stage::new();
            row.script.split_whitespace().for_each(|step| stage.play(step));
            if !end.is_empty() && stage.world.clock.is_unsure() {
                continue;
            }
            stage.play(end);
            let context = format!("{}: {} {end}", row.story, row.script);
            let all: Vec<u32> = listed(&stage.world, "").iter().map(index).collect();
            assert_eq!(all, row.listed, "{context}");
            let oldest = listed(&stage.world, r#"{"Type":"AT_TRIM_HORIZON"}"#);
            check_tiling(&oldest, &context);
            check_tiling(&listed(&stage.world, r#"{"Type":"AT_LATEST"}"#), &context);
            for time in ["-10y", "0h", "1h", "now", "wall", "now+1h", "10y"] {
                let seconds = stage.ms(time) / 1000;
                let filter = format!(r#"{{"Type":"AT_TIMESTAMP","Timestamp":{seconds}}}"#);
                check_tiling(&listed(&stage.world, &filter), &format!("{context} at {time}"));
            }
            assert_eq!(follow(&stage.world, &oldest), row.read, "{context}");
        }
    }
}

#[test]
fn a_change_does_not_wait_for_a_time_that_was_wrong() {
    for back_ms in ["1h", "10y"].map(duration_ms) {
        let world = World::new();
        world.check("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#, "");
        world.set_now(world.now_ms() - back_ms as u64);
        world.run(world.room().kinesis.tick());
        assert_eq!(world.status("s"), "ACTIVE");
    }
}

#[test]
fn the_last_number_may_be_given_for_ordering_after_the_clock_was_set_back() {
    let world = World::with_stream(1);
    let number = world.put("s", "k", b"x");
    world.set_now(world.now_ms() - duration_ms("1h") as u64);
    let input = format!(
        r#"{{"StreamName":"s","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"{number}"}}"#
    );
    world.ok("PutRecord", &input);
}

fn check(table: &[Row]) {
    let mut wrong = Vec::new();
    for row in table {
        for end in ["", "restart", "kill"] {
            let mut stage = Stage::new();
            row.script.split_whitespace().for_each(|step| stage.play(step));
            if !end.is_empty() && (!row.starts || stage.world.clock.is_unsure()) {
                continue;
            }
            stage.play(end);
            let seen = Seen::by(&stage, row);
            let wanted = [row.alive, row.behind, row.at].map(str::to_owned);
            if seen.0 != wanted {
                wrong.push(format!(
                    "{} ({})\n  {} {end}\n  {wanted:?}\n  {:?}",
                    row.story, row.alive, row.script, seen.0
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A world with the stream `s`, and when it was created.
struct Stage {
    world: World,
    start_ms: u64,
}

impl Stage {
    fn new() -> Stage {
        let world = World::with_stream(1);
        Stage { start_ms: world.now_ms(), world }
    }

    fn play(&mut self, step: &str) {
        let world = &mut self.world;
        if let Some(jump) = step.strip_prefix("jump") {
            world.clock.jump_ms(duration_ms(jump));
        } else if step.starts_with('+') {
            world.clock.pass_ms(duration_ms(step) as u64);
        } else if let Some(hours) = step.strip_prefix("keep") {
            keep(world, duration_ms(hours) / duration_ms("1h"));
        } else {
            match step {
                "" => {}
                "restart" => {
                    world.clock.set_ms(world.clock.wall_ms());
                    world.restart();
                }
                "kill" => world.kill(),
                "split0" => world.split("s", "0", "9"),
                "split2" => world.split("s", "2", "99"),
                data => drop(world.put("s", "k", data.as_bytes())),
            }
        }
        world.run(world.room().kinesis.tick());
    }

    /// What a time of a table is in Unix milliseconds.
    fn ms(&self, time: &str) -> u64 {
        let from =
            |base_ms: u64, rest| base_ms.checked_add_signed(duration_ms(rest)).expect("a time");
        match (time.strip_prefix("now"), time.strip_prefix("wall")) {
            (Some(rest), _) => from(self.world.now_ms(), rest),
            (_, Some(rest)) => from(self.world.clock.wall_ms(), rest),
            _ => from(self.start_ms, time),
        }
    }
}

fn keep(world: &World, hours: i64) {
    let input = format!(r#"{{"StreamName":"s","RetentionPeriodHours":{hours}}}"#);
    let longer = if hours > 24 { "Increase" } else { "Decrease" };
    world.check(&format!("{longer}StreamRetentionPeriod"), &input, "");
    world.settle();
}

/// `-1h+30s` in milliseconds.
fn duration_ms(text: &str) -> i64 {
    let (mut total_ms, mut sign, mut number) = (0, 1, 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let units =
            [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("y", 365 * 24 * 3_600_000)];
        if let Some((unit, ms)) = units.iter().find(|(unit, _)| rest.starts_with(unit)) {
            total_ms += sign * number * ms;
            (number, rest) = (0, &rest[unit.len()..]);
            continue;
        }
        match first {
            '+' => sign = 1,
            '-' => sign = -1,
            digit => number = 10 * number + i64::from(digit.to_digit(10).expect("a digit")),
        }
        rest = &rest[1..];
    }
    total_ms
}

/// The row's three columns, as they are.
struct Seen([String; 3]);

impl Seen {
    fn by(stage: &Stage, row: &Row) -> Seen {
        let (alive, behind_ms) = walk(&stage.world, stage.world.iterator("s", 0, "TRIM_HORIZON"));
        let mut wanted = row.behind.split_whitespace();
        let same = |seen: u64| match wanted.next() {
            Some(wanted) if duration_ms(wanted) == seen as i64 => wanted.to_owned(),
            _ => format!("{seen}ms"),
        };
        let behind: Vec<_> = behind_ms.into_iter().map(same).collect();
        let at = |wanted: &str| {
            let (time, _) = wanted.split_once('=').expect("time=records");
            format!("{time}={}", at_timestamp(&stage.world, stage.ms(time)))
        };
        let at: Vec<_> = row.at.split_whitespace().map(at).collect();
        Seen([alive, behind.join(" "), at.join(" ")])
    }
}

/// Reads record by record to the tip: the data, and how far behind the reader is after each.
fn walk(world: &World, mut iterator: String) -> (String, Vec<u64>) {
    let (mut data, mut behind_ms) = (String::new(), Vec::new());
    loop {
        let page =
            world.ok("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}","Limit":1}}"#));
        let millis = page["MillisBehindLatest"].as_u64().expect("a number");
        for record in page["Records"].as_array().expect("a list") {
            let text = record["Data"].as_str().expect("text");
            let bytes = base64_simd::STANDARD.decode_to_vec(text).expect("Base64");
            data.push_str(&String::from_utf8(bytes).expect("letters"));
            behind_ms.push(millis);
        }
        match page.get("NextShardIterator").and_then(Value::as_str) {
            Some(next) if millis > 0 => iterator = next.to_owned(),
            _ => return (data, behind_ms),
        }
    }
}

fn at_timestamp(world: &World, ms: u64) -> String {
    let input = format!(
        r#"{{"StreamName":"s","ShardId":"0","ShardIteratorType":"AT_TIMESTAMP","Timestamp":{}.{:03}}}"#,
        ms / 1000,
        ms % 1000
    );
    let answer = world.call_as(&crate::testing::caller(), "GetShardIterator", &input);
    match serde_json::from_str::<Value>(&answer) {
        Ok(answer) => {
            let iterator = answer["ShardIterator"].as_str().expect("text");
            walk(world, iterator.to_owned()).0
        }
        Err(_) => {
            assert!(
                answer.contains("cannot be greater than the currentTimestampInMillis"),
                "{answer}"
            );
            "!".to_owned()
        }
    }
}

fn index(shard: &Value) -> u32 {
    let id = shard["ShardId"].as_str().expect("text");
    id.trim_start_matches("shardId-").parse().expect("a number")
}

fn listed(world: &World, filter: &str) -> Vec<Value> {
    let filter = if filter.is_empty() { "" } else { &format!(r#","ShardFilter":{filter}"#) };
    world.list_shards(&format!(r#"{{"StreamName":"s"{filter}}}"#))
}

fn check_tiling(shards: &[Value], context: &str) {
    let key = |shard: &Value, name: &str| -> u128 {
        shard["HashKeyRange"][name].as_str().expect("text").parse().expect("a number")
    };
    let mut ranges: Vec<_> = shards
        .iter()
        .map(|shard| (key(shard, "StartingHashKey"), key(shard, "EndingHashKey")))
        .collect();
    ranges.sort_unstable();
    let mut next = Some(0);
    for (start, end) in &ranges {
        assert_eq!(next, Some(*start), "{context}: {ranges:?}");
        next = end.checked_add(1);
    }
    assert!(next.is_none(), "{context}: {ranges:?}");
}

/// The data of all records from these shards on, in the order of the alphabet.
fn follow(world: &World, oldest: &[Value]) -> String {
    let mut shards: Vec<u32> = oldest.iter().map(index).collect();
    let (mut at, mut data) = (0, Vec::new());
    while let Some(&shard) = shards.get(at) {
        at += 1;
        let iterator = world.iterator("s", shard as usize, "TRIM_HORIZON");
        data.extend(world.read_from(&iterator).into_iter().flatten());
        let end = world.last_answer(&iterator);
        for child in end["ChildShards"].as_array().into_iter().flatten().map(index) {
            if !shards.contains(&child) {
                shards.push(child);
            }
        }
    }
    data.sort_unstable();
    String::from_utf8(data).expect("letters")
}
