//! The journal's side of the catalog: which segments exist, and how the last life ended.

use nautilus_log::{
    CleanStop, ListedSegment, Manifest, ManifestChange, ManifestError, ManifestState, NextPosition,
    ShardLogId,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{Error, Row, Store};

const NAMESPACE: &str = "journal";

/// Keeps a journal's manifest in the namespace `journal`.
pub struct StoreManifest {
    store: Store,
    state: Mutex<ManifestState>,
}

impl StoreManifest {
    /// Loads the manifest.
    pub fn open(store: &Store) -> Result<StoreManifest, Error> {
        let mut state = ManifestState::default();
        for (key, value) in store.rows(NAMESPACE)? {
            let loaded = serde_json::from_slice(&value)
                .map_err(|error| error.to_string())
                .and_then(|value| load(&mut state, &key, &value).ok_or("unknown form".to_owned()));
            loaded.map_err(|reason| Error::Row { namespace: NAMESPACE, key, reason })?;
        }
        Ok(StoreManifest { store: store.clone(), state: Mutex::new(state) })
    }
}

impl Manifest for StoreManifest {
    fn state(&self) -> ManifestState {
        self.state.lock().clone()
    }

    fn record(&self, change: ManifestChange) -> Result<(), ManifestError> {
        let mut state = self.state.lock();
        let rows = rows_of(&change);
        self.store.commit(NAMESPACE, &rows).map_err(|error| ManifestError(error.to_string()))?;
        state.apply(&change);
        Ok(())
    }
}

fn put(key: impl Into<String>, value: &Value) -> Row {
    Row { key: key.into(), value: Some(value.to_string().into_bytes()) }
}

fn delete(key: impl Into<String>) -> Row {
    Row { key: key.into(), value: None }
}

fn segment_key(number: u64) -> String {
    format!("segment/{number:020}")
}

fn removing_key(number: u64) -> String {
    format!("removing/{number:020}")
}

fn trimmed_key(shard: ShardLogId) -> String {
    format!("trimmed/{:020}", shard.0)
}

fn trimmed_row((shard, end): &(ShardLogId, u64)) -> Row {
    put(trimmed_key(*shard), &json!(end))
}

fn segment_to_json(listed: &ListedSegment) -> Value {
    json!({ "salt": format!("{:016x}", listed.salt), "place": listed.place })
}

fn rows_of(change: &ManifestChange) -> Vec<Row> {
    match change {
        ManifestChange::Made { journal_id } => vec![
            put("journal_id", &json!(format!("{journal_id:032x}"))),
            put("next_segment", &json!(1)),
        ],
        ManifestChange::SegmentAllotted { number } => vec![put("next_segment", &json!(number + 1))],
        ManifestChange::SegmentListed { number, salt } => {
            let listed = ListedSegment { salt: *salt, place: *number };
            vec![put(segment_key(*number), &segment_to_json(&listed))]
        }
        ManifestChange::RewriteStarted { number } => {
            vec![put("next_segment", &json!(number + 1)), put(removing_key(*number), &json!({}))]
        }
        ManifestChange::Rewritten { old, new, listed, trimmed } => {
            let swapped = [
                delete(segment_key(*old)),
                put(segment_key(*new), &segment_to_json(listed)),
                delete(removing_key(*new)),
                put(removing_key(*old), &json!({})),
            ];
            swapped.into_iter().chain(trimmed.iter().map(trimmed_row)).collect()
        }
        ManifestChange::RemovalStarted { numbers, trimmed, forgotten } => {
            let segments = numbers.iter().flat_map(|&number| {
                [delete(segment_key(number)), put(removing_key(number), &json!({}))]
            });
            let trimmed = trimmed.iter().map(trimmed_row);
            let forgotten = forgotten.iter().map(|shard| delete(trimmed_key(*shard)));
            segments.chain(trimmed).chain(forgotten).collect()
        }
        ManifestChange::RemovalFinished { numbers } => {
            numbers.iter().map(|&number| delete(removing_key(number))).collect()
        }
        ManifestChange::PositionsSkipped { times } => vec![put("skips", &json!(times))],
        ManifestChange::Stopped(stop) => vec![put("clean_stop", &clean_stop_to_json(stop))],
        ManifestChange::Started => vec![delete("clean_stop")],
    }
}

fn load(state: &mut ManifestState, key: &str, value: &Value) -> Option<()> {
    match key.split_once('/') {
        Some(("segment", number)) => {
            let number = number.parse().ok()?;
            let salt = u64::from_str_radix(value.get("salt")?.as_str()?, 16).ok()?;
            let place = value.get("place").map_or(Some(number), Value::as_u64)?;
            state.segments.insert(number, ListedSegment { salt, place });
        }
        Some(("removing", number)) => {
            state.removing.insert(number.parse().ok()?);
        }
        Some(("trimmed", shard)) => {
            state.trimmed.insert(ShardLogId(shard.parse().ok()?), value.as_u64()?);
        }
        _ => match key {
            "journal_id" => state.journal_id = u128::from_str_radix(value.as_str()?, 16).ok()?,
            "next_segment" => state.next_segment = value.as_u64()?,
            "skips" => state.skips = value.as_u64()?,
            "clean_stop" => state.clean_stop = Some(clean_stop_from_json(value)?),
            _ => return None,
        },
    }
    Some(())
}

fn clean_stop_to_json(stop: &CleanStop) -> Value {
    let next: Vec<_> =
        stop.next.iter().map(|row| json!([row.shard.0, row.next, row.arrival_ms_max])).collect();
    json!({
        "segment": stop.segment,
        "offset": stop.offset,
        "next_group": stop.next_group,
        "next": next,
    })
}

fn clean_stop_from_json(value: &Value) -> Option<CleanStop> {
    let number = |name: &str| value.get(name)?.as_u64();
    let row = |row: &Value| {
        let field = |at: usize| row.get(at)?.as_u64();
        Some(NextPosition {
            shard: ShardLogId(field(0)?),
            next: field(1)?,
            arrival_ms_max: field(2)?,
        })
    };
    Some(CleanStop {
        segment: number("segment")?,
        offset: number("offset")?,
        next_group: number("next_group")?,
        next: value.get("next")?.as_array()?.iter().map(row).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use nautilus_log::{RealDisk, Threads};

    use super::*;

    #[test]
    fn what_was_recorded_is_there_after_opening_again() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(directory.path()).unwrap();
        let open = || Store::open(&disk, Threads::Stepped, Box::new(|_| {})).unwrap();
        let stop = CleanStop {
            segment: 2,
            offset: 4096,
            next_group: 9,
            next: vec![NextPosition { shard: ShardLogId(3), next: 17, arrival_ms_max: u64::MAX }],
        };
        let changes = [
            ManifestChange::Made { journal_id: u128::MAX - 5 },
            ManifestChange::SegmentAllotted { number: 1 },
            ManifestChange::SegmentListed { number: 1, salt: u64::MAX },
            ManifestChange::SegmentAllotted { number: 2 },
            ManifestChange::SegmentListed { number: 2, salt: 1 },
            ManifestChange::RemovalStarted {
                numbers: vec![1],
                trimmed: vec![(ShardLogId(3), 5), (ShardLogId(4), u64::MAX)],
                forgotten: vec![ShardLogId(3)],
            },
            ManifestChange::RewriteStarted { number: 3 },
            ManifestChange::RewriteStarted { number: 4 },
            ManifestChange::Rewritten {
                old: 2,
                new: 4,
                listed: ListedSegment { salt: 7, place: 2 },
                trimmed: vec![(ShardLogId(4), 1 << 40)],
            },
            ManifestChange::PositionsSkipped { times: 3 },
            ManifestChange::Stopped(stop),
        ];
        let mut expected = ManifestState::default();
        for change in changes {
            let manifest = StoreManifest::open(&open()).unwrap();
            assert_eq!(manifest.state(), expected);
            expected.apply(&change);
            manifest.record(change).unwrap();
            assert_eq!(manifest.state(), expected);
        }
        let manifest = StoreManifest::open(&open()).unwrap();
        manifest.record(ManifestChange::RemovalFinished { numbers: vec![1, 2, 3] }).unwrap();
        manifest.record(ManifestChange::Started).unwrap();
        let state = StoreManifest::open(&open()).unwrap().state();
        assert!(state.removing.is_empty() && state.clean_stop.is_none());
        assert_eq!(state.segments.len(), 1);
    }
}
