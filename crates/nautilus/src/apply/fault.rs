//! What is wrong with a module: a file, a line and a reason for each thing.

use std::fmt;

/// Why `--apply` ended: everything that was found in one go, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyError {
    faults: Vec<Fault>,
    is_half_way: bool,
}

/// A file and a line. Line 0 is for what has no line (a directory, `--var`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    path: String,
    line: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    place: Place,
    pub reason: String,
}

impl ApplyError {
    /// The same, found after the plan's calls had begun.
    pub(super) fn half_way(self) -> ApplyError {
        ApplyError { is_half_way: true, ..self }
    }

    /// Whether calls may have changed something before it ended. What they did stays.
    pub fn is_half_way(&self) -> bool {
        self.is_half_way
    }
}

impl Place {
    pub(super) fn new(path: impl Into<String>, line: usize) -> Place {
        Place { path: path.into(), line }
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault { place: self.clone(), reason: reason.into() }
    }
}

impl Fault {
    pub(super) fn new(path: impl Into<String>, line: usize, reason: impl Into<String>) -> Fault {
        Fault { place: Place::new(path, line), reason: reason.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.path),
            line => write!(f, "{}:{line}", self.path),
        }
    }
}

impl From<Fault> for ApplyError {
    fn from(fault: Fault) -> ApplyError {
        ApplyError { faults: vec![fault], is_half_way: false }
    }
}

impl std::error::Error for ApplyError {}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}: {}", fault.place, fault.reason)?;
        }
        Ok(())
    }
}

/// Gathers faults, so that a person sees all of them at once.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The value, or nothing and the fault kept.
    pub(super) fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    /// Fails with everything gathered. A value that several places refer to reports its fault only once.
    pub(super) fn finish(mut self) -> Result<(), ApplyError> {
        self.0.sort();
        self.0.dedup();
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApplyError { faults: self.0, is_half_way: false })
        }
    }
}
