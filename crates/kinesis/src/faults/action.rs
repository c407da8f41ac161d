//! What can be made to fail, by the names of AWS's Fault Injection Service.
//!
//! AWS: <https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html>

use crate::ops::Operation;

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $action:ident = $name:literal,)*) => {
        /// What a fault does to a call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FaultAction {
            $($(#[doc = $doc])* $action,)*
        }

        impl FaultAction {
            /// All of them.
            pub const ALL: &[FaultAction] = &[$(FaultAction::$action,)*];

            /// AWS's name of it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(FaultAction::$action => $name,)*
                }
            }

            /// The action of that name.
            pub fn from_name(name: &str) -> Option<FaultAction> {
                FaultAction::ALL.iter().copied().find(|action| action.name() == name)
            }
        }
    };
}

actions! {
    /// ProvisionedThroughputExceededException, in reading and writing records and in GetShardIterator.
    ProvisionedThroughput = "aws:kinesis:stream-provisioned-throughput-exception",
    /// ExpiredIteratorException, in GetRecords.
    ExpiredIterator = "aws:kinesis:stream-expired-iterator-exception",
    /// ThrottlingException, in any operation.
    Throttle = "aws:fis:inject-api-throttle-error",
    /// InternalFailure, in any operation.
    Internal = "aws:fis:inject-api-internal-error",
    /// ServiceUnavailable, in any operation.
    Unavailable = "aws:fis:inject-api-unavailable-error",
}

impl FaultAction {
    /// Whether it is one of those that AWS injects into any API.
    pub(crate) fn is_of_the_api(self) -> bool {
        matches!(self, FaultAction::Throttle | FaultAction::Internal | FaultAction::Unavailable)
    }

    /// Whether it tells a client that it is too fast.
    pub(crate) fn throttles(self) -> bool {
        matches!(self, FaultAction::ProvisionedThroughput | FaultAction::Throttle)
    }

    /// Whether such an error can come from an operation.
    pub(crate) fn may_be_in(self, operation: Operation) -> bool {
        match self {
            FaultAction::ProvisionedThroughput => matches!(
                operation,
                Operation::GetRecords
                    | Operation::GetShardIterator
                    | Operation::PutRecord
                    | Operation::PutRecords
            ),
            FaultAction::ExpiredIterator => operation == Operation::GetRecords,
            FaultAction::Throttle | FaultAction::Internal | FaultAction::Unavailable => true,
        }
    }
}
