//! Alarms: what they are, and when they change their state.

pub(crate) mod actions;
pub(crate) mod composite;
pub(crate) mod describe;
pub(crate) mod evaluate;
pub(crate) mod given;
pub(crate) mod history;
pub(crate) mod message;
pub(crate) mod model;
pub(crate) mod reason;
pub(crate) mod rule;
pub(crate) mod schedule;
pub(crate) mod switch;
pub(crate) mod tags;
pub(crate) mod text;
pub(crate) mod told;
pub(crate) mod transition;

#[cfg(test)]
pub(crate) mod tests;
