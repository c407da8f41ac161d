//! A namespace: rows on disk, an immutable snapshot in memory, changes one at a time.

use std::{future::Future, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{oneshot, watch};

use crate::{Error, Row, Store};

/// One room's part of the catalog. Clones are handles of one and the same.
pub struct Namespace<S> {
    inner: Arc<Inner<S>>,
}

impl<S> Clone for Namespace<S> {
    fn clone(&self) -> Namespace<S> {
        Namespace { inner: self.inner.clone() }
    }
}

struct Inner<S> {
    store: Store,
    name: &'static str,
    snapshot: ArcSwap<S>,
    version: watch::Sender<u64>,
}

/// What a change decides.
pub struct Change<S, T> {
    /// The next snapshot; `None` if everything stays as it is.
    pub next: Option<S>,
    /// The rows that make it durable.
    pub rows: Vec<Row>,
    /// For whoever asked.
    pub answer: T,
}

/// Why a change was not made.
#[derive(Debug)]
pub enum ChangeError<E> {
    /// The change itself refused: nothing happened.
    Refused(E),
    /// The catalog failed.
    Store(Error),
}

impl<E: From<Error>> ChangeError<E> {
    /// Why, for a room whose errors hold those of the catalog.
    pub fn into_error(self) -> E {
        match self {
            ChangeError::Refused(error) => error,
            ChangeError::Store(error) => E::from(error),
        }
    }
}

impl<S: Send + Sync + 'static> Namespace<S> {
    /// Loads the namespace `name` from its rows.
    pub fn open<E: From<Error>>(
        store: &Store,
        name: &'static str,
        load: impl FnOnce(Vec<(String, Vec<u8>)>) -> Result<S, E>,
    ) -> Result<Namespace<S>, E> {
        Ok(Namespace::new(store, name, load(store.rows(name)?)?))
    }

    /// The namespace `name`, whose snapshot somebody has made of its rows.
    pub fn new(store: &Store, name: &'static str, snapshot: S) -> Namespace<S> {
        let inner = Inner {
            store: store.clone(),
            name,
            snapshot: ArcSwap::from_pointee(snapshot),
            version: watch::Sender::new(0),
        };
        Namespace { inner: Arc::new(inner) }
    }

    /// The newest snapshot, to keep.
    pub fn snapshot(&self) -> Arc<S> {
        self.inner.snapshot.load_full()
    }

    /// The newest snapshot, for a moment: cheaper, not across an await.
    pub fn load(&self) -> Guard<Arc<S>> {
        self.inner.snapshot.load()
    }

    /// Tells the number of each published change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    /// Makes a change: `change` validates against the newest snapshot and decides. Durable, then published, then
    /// answered. Dropping the future takes nothing back.
    pub fn change<T, E, F>(
        &self,
        change: F,
    ) -> impl Future<Output = Result<T, ChangeError<E>>> + Send + use<S, T, E, F>
    where
        F: FnOnce(&S) -> Result<Change<S, T>, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let inner = self.inner.clone();
        self.inner.store.submit(Box::new(move || {
            // Nobody may be waiting any more; the change stands all the same.
            let _ = answer.send(inner.change(change));
        }));
        async move { answered.await.unwrap_or(Err(ChangeError::Store(Error::Closed))) }
    }
}

impl<S> Inner<S> {
    fn change<T, E>(
        &self,
        change: impl FnOnce(&S) -> Result<Change<S, T>, E>,
    ) -> Result<T, ChangeError<E>> {
        let Change { next, rows, answer } =
            change(&self.snapshot.load()).map_err(ChangeError::Refused)?;
        if !rows.is_empty() {
            self.store.commit(self.name, &rows).map_err(ChangeError::Store)?;
        }
        if let Some(next) = next {
            self.snapshot.store(Arc::new(next));
            self.version.send_modify(|version| *version += 1);
        }
        Ok(answer)
    }
}
