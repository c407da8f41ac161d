//! The catalog: small durable state that several rooms share, each in a namespace of its own.
//!
//! A namespace is an immutable snapshot in memory. A change is validated against the newest snapshot, committed in one
//! transaction, then published: readers never wait, and nobody sees what is not durable. Values are JSON text, so that
//! an operator can read them and a later version can add fields.
//!
//! Invariant: changes run one at a time, in the order in which they were asked for.

mod backend;
mod manifest;
mod namespace;

use std::{
    io,
    sync::{Arc, mpsc},
};

use nautilus_log::{Disk, File, Reserve, Threads};
use parking_lot::Mutex;
use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition, TableError};

pub use manifest::StoreManifest;
pub use namespace::{Change, ChangeError, Namespace};

/// The catalog's file in the data directory.
const FILE: &str = "catalog.redb";
/// Memory that redb may use for its pages: the snapshots are in memory anyway.
const CACHE_BYTES: usize = 1 << 20;

/// Why the catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("catalog: cannot {op} `{FILE}`: {source}")]
    Io {
        /// What was tried.
        op: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no space for the change; nothing of it was made.
    #[error("catalog: no space left on the disk")]
    Full,
    /// The database refused.
    #[error("catalog: {0}")]
    Database(#[from] Box<redb::Error>),
    /// A row is not what it should be.
    #[error("catalog: row `{key}` of `{namespace}` cannot be read: {reason}")]
    Row {
        /// The namespace.
        namespace: &'static str,
        /// The row.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store's thread has ended.
    #[error("catalog: it is closed")]
    Closed,
}

fn database(error: impl Into<redb::Error>) -> Error {
    Error::Database(Box::new(error.into()))
}

/// One row of a namespace; without a value it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Unique in the namespace.
    pub key: String,
    /// JSON text.
    pub value: Option<Vec<u8>>,
}

/// The catalog's database. Clones are handles of one and the same.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

type Table = ReadOnlyTable<&'static str, &'static [u8]>;
type Job = Box<dyn FnOnce() + Send>;

struct Inner {
    /// `None` while it is opened again, and for good if that failed.
    database: Mutex<Option<Database>>,
    file: Arc<dyn File>,
    reserve: Mutex<Option<Reserve>>,
    /// `None` in [`Threads::Stepped`], and once the store is closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    stepped: bool,
    on_fatal: Box<dyn Fn(&Error) + Send + Sync>,
}

impl Store {
    /// Opens the catalog on `disk`, or makes an empty one. `on_fatal` is told when a commit failed: what is durable is
    /// not known then, and the process must end.
    pub fn open(
        disk: &dyn Disk,
        threads: Threads,
        on_fatal: Box<dyn Fn(&Error) + Send + Sync>,
    ) -> Result<Store, Error> {
        let (file, database) = backend::open(disk, FILE, CACHE_BYTES)?;
        let database = Mutex::new(Some(database));
        let jobs = match threads {
            Threads::Stepped => None,
            Threads::Own => Some(start_thread()?),
        };
        let stepped = threads == Threads::Stepped;
        let jobs = Mutex::new(jobs);
        let reserve = Mutex::new(None);
        let inner = Inner { database, file, reserve, jobs, stepped, on_fatal };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// All rows of a namespace, by key.
    pub fn rows(&self, namespace: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut rows = Vec::new();
        self.visit(namespace, |key, value| rows.push((key.to_owned(), value.to_owned())))?;
        Ok(rows)
    }

    /// Shows all rows of a namespace, by key, one at a time: for a namespace that is not kept in memory as a whole.
    pub fn visit(&self, namespace: &str, mut row: impl FnMut(&str, &[u8])) -> Result<(), Error> {
        let Some(table) = self.table(namespace)? else { return Ok(()) };
        for entry in table.iter().map_err(database)? {
            let (key, value) = entry.map_err(database)?;
            row(key.value(), value.value());
        }
        Ok(())
    }

    /// Some rows of a namespace, in the order of `keys`; those that are not there are left out. Blocks.
    pub fn some_rows<K: AsRef<str>>(
        &self,
        namespace: &str,
        keys: &[K],
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let Some(table) = self.table(namespace)? else { return Ok(Vec::new()) };
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys.iter().map(AsRef::as_ref) {
            if let Some(value) = table.get(key).map_err(database)? {
                rows.push((key.to_owned(), value.value().to_owned()));
            }
        }
        Ok(rows)
    }

    /// A namespace as it is now; `None` if it has no rows yet.
    fn table(&self, namespace: &str) -> Result<Option<Table>, Error> {
        let table: TableDefinition<'_, &'static str, &'static [u8]> =
            TableDefinition::new(namespace);
        let open = self.inner.database.lock();
        let transaction = open.as_ref().ok_or(Error::Closed)?.begin_read().map_err(database)?;
        match transaction.open_table(table) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(database(error)),
        }
    }

    /// What to release when the disk is full.
    pub fn set_reserve(&self, reserve: Reserve) {
        *self.inner.reserve.lock() = Some(reserve);
    }

    /// Commits rows in one transaction; durable when it returns. Blocks.
    pub fn commit(&self, namespace: &str, rows: &[Row]) -> Result<(), Error> {
        let mut committed = self.try_commit(namespace, rows);
        for _ in 0..2 {
            let Err(error) = &committed else { break };
            if !is_full(error) {
                break;
            }
            // A database that could not write takes nothing more until it is opened again.
            let released = self.inner.reserve.lock().as_ref().is_some_and(Reserve::release);
            committed = match self.reopen() {
                Ok(()) if released => self.try_commit(namespace, rows),
                Ok(()) => return Err(Error::Full),
                Err(error) => Err(error),
            };
        }
        if let Err(error) = &committed {
            tracing::error!(%error, "a change of the catalog failed; start again to recover");
            (self.inner.on_fatal)(error);
        }
        committed
    }

    fn try_commit(&self, namespace: &str, rows: &[Row]) -> Result<(), Error> {
        let table: TableDefinition<'_, &str, &[u8]> = TableDefinition::new(namespace);
        let open = self.inner.database.lock();
        let open = open.as_ref().ok_or(Error::Closed)?;
        let mut transaction = open.begin_write().map_err(database)?;
        // Opening after a kill stays a matter of milliseconds.
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(table).map_err(database)?;
            for row in rows {
                match &row.value {
                    Some(value) => table.insert(row.key.as_str(), value.as_slice()),
                    None => table.remove(row.key.as_str()),
                }
                .map_err(database)?;
            }
        }
        transaction.commit().map_err(database)
    }

    /// Opens the database again, as it was after its last commit.
    fn reopen(&self) -> Result<(), Error> {
        let mut open = self.inner.database.lock();
        drop(open.take());
        *open = Some(backend::open_in(self.inner.file.clone(), CACHE_BYTES)?);
        Ok(())
    }

    /// Runs `job` on the store's thread, or here if it has none.
    fn submit(&self, job: Job) {
        if self.inner.stepped {
            return job();
        }
        if let Some(jobs) = &*self.inner.jobs.lock() {
            // A closed store drops the job, and whoever waits for its answer is told so.
            let _ = jobs.send(job);
        }
    }
}

fn is_full(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    matches!(&**error, redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull)
}

fn start_thread() -> Result<mpsc::Sender<Job>, Error> {
    let (jobs, received) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("catalog".to_owned())
        .spawn(move || received.into_iter().for_each(|job| job()))
        .map_err(|source| Error::Io { op: "start the thread of", source })?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use nautilus_log::testing::MemoryDisk;

    use super::*;

    #[test]
    fn rows_are_read_all_or_some_of_them() {
        let disk = MemoryDisk::default();
        let store = Store::open(&disk, Threads::Stepped, Box::new(|_| {})).unwrap();
        let row = |key: &str| Row { key: key.to_owned(), value: Some(key.as_bytes().to_vec()) };
        assert!(store.rows("n").unwrap().is_empty());
        assert!(store.some_rows("n", &["a"]).unwrap().is_empty());

        store.commit("n", &[row("c"), row("a"), row("b")]).unwrap();
        store.commit("other", &[row("d")]).unwrap();
        let keys = |rows: Vec<(String, Vec<u8>)>| -> Vec<String> {
            rows.iter().for_each(|(key, value)| assert_eq!(key.as_bytes(), value));
            rows.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(store.rows("n").unwrap()), ["a", "b", "c"]);
        assert_eq!(keys(store.some_rows("n", &["c", "d", "a"]).unwrap()), ["c", "a"]);
        let mut visited = Vec::new();
        store.visit("n", |key, _| visited.push(key.to_owned())).unwrap();
        assert_eq!(visited, ["a", "b", "c"]);
    }
}
