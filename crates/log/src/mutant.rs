//! Deliberate faults that the simulator must catch. Without the feature `mutants` none of this exists.

#[cfg(feature = "mutants")]
use std::sync::atomic::{AtomicU8, Ordering};

/// A promise that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// None: the product.
    None = 0,
    /// Appends are answered before their group is synced.
    AckBeforeSync,
    /// Records become visible before their group is synced.
    PublishBeforeSync,
    /// Footers forget the shards that have no run in their segment, and the catalog does not know them either.
    NoNextPositionInFooter,
    /// Recovery keeps what it can of a torn group.
    TakeTornGroup,
    /// The last change of a plan is committed without its intent before.
    CatalogBeforeIntent,
    /// A reshard looks where its parents end without waiting in the queue of the writes.
    CloseOutsideQueue,
    /// Children are published before their parents take nothing more.
    ChildrenBeforeParentsEnd,
    /// What has expired comes back with a longer retention.
    HorizonMovesBack,
    /// The newest sealed segment is removed with the others, and the catalog does not know its positions either.
    RemovalBeforeLaterFooter,
    /// A rewritten segment's file goes before the catalog knows what stands for it.
    RemovalBeforeSwap,
}

#[cfg(feature = "mutants")]
static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// Breaks one promise in this process from now on.
#[cfg(feature = "mutants")]
pub fn set(mutant: Mutant) {
    ACTIVE.store(mutant as u8, Ordering::SeqCst);
}

/// True if `mutant` is active.
#[cfg(feature = "mutants")]
pub fn is(mutant: Mutant) -> bool {
    ACTIVE.load(Ordering::Relaxed) == mutant as u8
}

/// True if `mutant` is active: never, in the product.
#[cfg(not(feature = "mutants"))]
pub const fn is(_mutant: Mutant) -> bool {
    false
}
