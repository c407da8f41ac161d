//! From the names of parameters to the structure that they spell.
//!
//! The pairs are sorted by the parts of their names, so that what belongs together stands together: then one pass
//! makes the tree, and no order of the pairs makes it slow. An item's number only says where it stands among its
//! list's items: no room is ever made for a number.

use std::{borrow::Cow, mem, ops::Range};

use super::form::{Pair, malformed};
use crate::{
    AwsError, Value,
    limits::{FORM_DEPTH_MAX, METRIC_NODES_MAX},
};

/// The names between a list or a map and the numbers of its items.
const LIST: &str = "member";
const MAP: &str = "entry";
/// The names within an entry. SNS has its own in `MessageAttributes`.
const ENTRY_KEYS: [&str; 2] = ["key", "Name"];
const ENTRY_VALUES: [&str; 2] = ["value", "Value"];

type Entries<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The structure that the pairs spell. A name with a character below the point in ASCII is no member's and ignored:
/// so the point is the least, and a name comes before what lies within it, and nothing between.
pub(super) fn tree(mut pairs: Vec<Pair<'_>>) -> Result<Value<'_>, AwsError> {
    pairs.retain(|(name, _)| name.bytes().all(|byte| byte >= b'.'));
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let entries = Tree { nodes: 1 }.structure(&mut pairs, 0, 1)?;
    Ok(Value::Map(entries))
}

struct Tree {
    nodes: usize,
}

impl Tree {
    /// What `pairs` spell from the byte `at` of their names, up to which they are all the same.
    fn structure<'a>(
        &mut self,
        mut pairs: &mut [Pair<'a>],
        at: usize,
        depth: usize,
    ) -> Result<Entries<'a>, AwsError> {
        if depth > FORM_DEPTH_MAX {
            return Err(malformed("a parameter's name has too many parts"));
        }
        let mut entries = Vec::new();
        while let Some((first, _)) = pairs.first() {
            let part = part_from(first, at);
            let end = at + part.len();
            let count = pairs.iter().take_while(|(name, _)| part_from(name, at) == part).count();
            let key = slice(first, at..end);
            let (group, behind) = mem::take(&mut pairs).split_at_mut(count);
            pairs = behind;

            self.nodes += 1;
            if self.nodes > METRIC_NODES_MAX {
                return Err(malformed("too many parameters"));
            }
            let scalars = group.iter().take_while(|(name, _)| name.len() == end).count();
            let value = match scalars {
                0 => shaped(self.structure(group, end + 1, depth + 1)?)?,
                _ if scalars == count => Value::Str(mem::take(&mut group[0].1)),
                _ => return Err(unexpected()),
            };
            entries.push((key, value));
        }
        Ok(entries)
    }
}

/// The same entries as the list, the map or the structure that they are.
fn shaped(mut entries: Entries<'_>) -> Result<Value<'_>, AwsError> {
    let is_only = |name: &str| entries.len() == 1 && entries[0].0 == name;
    let (is_list, is_map) = (is_only(LIST), is_only(MAP));
    match entries.pop() {
        Some((_, Value::Map(items))) if is_list => {
            Ok(Value::List(in_order(items)?.map(|(_, item)| item).collect()))
        }
        Some((_, Value::Map(items))) if is_map => {
            let entries = in_order(items)?.map(|(_, item)| entry(item));
            Ok(Value::Map(entries.collect::<Result<_, _>>()?))
        }
        last => {
            entries.extend(last);
            Ok(Value::Map(entries))
        }
    }
}

/// Items in the order of their numbers.
fn in_order(items: Entries<'_>) -> Result<impl Iterator<Item = (u32, Value<'_>)>, AwsError> {
    let numbered = items.into_iter().map(|(key, item)| Some((number(&key)?, item)));
    let mut items = numbered.collect::<Option<Vec<_>>>().ok_or_else(unexpected)?;
    items.sort_unstable_by_key(|(number, _)| *number);
    Ok(items.into_iter())
}

/// An item's number, in the one spelling that it has.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

fn entry(item: Value<'_>) -> Result<(Cow<'_, str>, Value<'_>), AwsError> {
    let Value::Map(members) = item else { return Err(unexpected()) };
    let (mut key, mut value) = (None, Value::Null);
    for (name, member) in members {
        match member {
            Value::Str(text) if ENTRY_KEYS.contains(&&*name) => key = Some(text),
            member if ENTRY_VALUES.contains(&&*name) => value = member,
            _ => return Err(unexpected()),
        }
    }
    Ok((key.ok_or_else(unexpected)?, value))
}

/// The part of a name that begins at a byte.
fn part_from(name: &str, at: usize) -> &str {
    let rest = &name[at..];
    &rest[..memchr::memchr(b'.', rest.as_bytes()).unwrap_or(rest.len())]
}

fn slice<'a>(text: &Cow<'a, str>, range: Range<usize>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    }
}

/// What AWS says to a list or structure in a scalar's place.
fn unexpected() -> AwsError {
    AwsError::serialization(Some("Start of list found where not expected".to_owned()))
}
