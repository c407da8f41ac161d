//! Constraints of the service model. Most texts of SNS have none there: operations check them in words of their own.

use nautilus_wire::rules::{LengthRule, MapRule, StringRule};

use crate::limits;

/// An ARN to be tagged.
pub(crate) const RESOURCE_ARN: StringRule = StringRule::length(1, 1011);
/// A tag's key.
pub(crate) const TAG_KEY: StringRule = StringRule::length(1, limits::TAG_KEY_CHARS_MAX);
/// A tag's value.
pub(crate) const TAG_VALUE: StringRule = StringRule::length(0, limits::TAG_VALUE_CHARS_MAX);
/// Attributes by their names.
pub(crate) const ATTRIBUTES: MapRule =
    MapRule { length: LengthRule::ANY, key: StringRule::ANY, value: StringRule::ANY };
