//! What this service says of itself, for comparison with AWS's service model: made from the code that reads the inputs,
//! so that it cannot say anything else than what is done.

use nautilus_wire::MemberSpec;

use crate::ops::Operation;

/// An operation and what it reads.
#[derive(Debug, Clone)]
pub struct OperationSpec {
    /// AWS's name.
    pub name: &'static str,
    /// The members of its input, in the order in which they are read.
    pub input: Vec<MemberSpec>,
}

/// All operations, by name.
pub fn operations() -> Vec<OperationSpec> {
    let spec =
        |operation: &Operation| OperationSpec { name: operation.name(), input: operation.input() };
    let mut operations: Vec<_> = Operation::ALL.iter().map(spec).collect();
    operations.sort_unstable_by_key(|operation| operation.name);
    operations
}
