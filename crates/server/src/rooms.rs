//! The services behind this server, by the names that requests call them.

use nautilus_cloudwatch::CloudWatch;
use nautilus_identity::sts;
use nautilus_kinesis::Kinesis;
use nautilus_sns::Sns;
use nautilus_wire::Service;

/// A room that answers calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Kinesis,
    CloudWatch,
    Sns,
}

const KINESIS: Service = Service {
    signing_name: "kinesis",
    target_prefix: "Kinesis_20131202",
    version: "2013-12-02",
    xml_namespace: "http://kinesis.amazonaws.com/doc/2013-12-02",
    error_prefix: "",
};

/// STS has no state and so no room.
pub(crate) const STS: Service = Service {
    signing_name: "sts",
    target_prefix: "",
    version: sts::VERSION,
    xml_namespace: sts::NAMESPACE,
    error_prefix: "",
};

impl Room {
    const ALL: [Room; 3] = [Room::Kinesis, Room::CloudWatch, Room::Sns];
    const OF_QUERY: [Room; 2] = [Room::CloudWatch, Room::Sns];

    /// Its names.
    pub(crate) fn service(self) -> &'static Service {
        match self {
            Room::Kinesis => &KINESIS,
            Room::CloudWatch => &nautilus_cloudwatch::SERVICE,
            Room::Sns => &nautilus_sns::SERVICE,
        }
    }

    /// Whether it has an operation of that name.
    pub(crate) fn knows(self, operation: &str) -> bool {
        match self {
            Room::Kinesis => Kinesis::knows(operation),
            Room::CloudWatch => CloudWatch::knows(operation),
            Room::Sns => Sns::knows(operation),
        }
    }

    /// The room of a target's first part, or of a path's.
    pub(crate) fn of_target(prefix: &str) -> Option<Room> {
        let mut rooms = Room::ALL.into_iter();
        rooms.find(|room| !prefix.is_empty() && room.service().target_prefix == prefix)
    }

    /// The room of a form's version.
    pub(crate) fn of_version(version: &str) -> Option<Room> {
        Room::OF_QUERY.into_iter().find(|room| room.service().version == version)
    }

    /// The room with the Query protocol that a credential is for.
    pub(crate) fn of_scope(signing_name: &str) -> Option<Room> {
        Room::OF_QUERY.into_iter().find(|room| room.service().signing_name == signing_name)
    }
}
