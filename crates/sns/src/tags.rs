//! Tags of topics.

use std::{borrow::Cow, collections::BTreeMap};

use nautilus_wire::{Members, rules::LengthRule};

use crate::{error::Error, limits, rules};

/// Tags as a client gave them.
pub(crate) type Given<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

pub(crate) fn read_one<'a>(members: &mut Members<'a>) -> (Cow<'a, str>, Cow<'a, str>) {
    let key = members.required_string("Key", &rules::TAG_KEY);
    (key, members.required_string("Value", &rules::TAG_VALUE))
}

pub(crate) fn read<'a>(members: &mut Members<'a>) -> Given<'a> {
    members.list("Tags", &LengthRule::ANY, read_one).unwrap_or_default()
}

/// The tags by key, if each key is there once and no one's own.
pub(crate) fn checked(given: Given<'_>) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = BTreeMap::new();
    for (key, value) in given {
        if key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:")) {
            return Err(Error::invalid("Tag Reason: keys that begin with aws: are reserved"));
        }
        if tags.insert(key.into_owned(), value.into_owned()).is_some() {
            return Err(Error::invalid("Duplicated keys are not allowed."));
        }
        if tags.len() > limits::TAGS_MAX {
            return Err(Error::TagLimit);
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[&str]) -> Result<usize, String> {
        let given = keys.iter().map(|key| (Cow::Borrowed(*key), Cow::Borrowed("v")));
        checked(given.collect()).map(|tags| tags.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_there_once_and_not_awss() {
        assert_eq!(check(&["a", "A", "awsome"]), Ok(3));
        let twice = "Invalid parameter: Duplicated keys are not allowed.";
        assert_eq!(check(&["a", "a"]), Err(twice.to_owned()));
        assert!(check(&["AWS:a"]).is_err());
        let many: Vec<String> = (0..=limits::TAGS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(check(&many[1..]), Ok(limits::TAGS_MAX));
        assert!(check(&many).is_err());
    }
}
