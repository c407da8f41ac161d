//! The rules that all operations with tags share. The two families of operations see one set of tags.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{error::Error, limits, resource::Attached};

/// Tags as a call gives them.
pub(crate) type Given<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// Which door the tags come in by: the newer operations allow a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// AddTagsToStream and RemoveTagsFromStream.
    Stream,
    /// TagResource, UntagResource, CreateStream.
    Resource,
}

/// What a call does with tags, in the words of AWS's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Add,
    Remove,
}

/// The first check of texts.
fn check_characters<'t>(texts: impl IntoIterator<Item = &'t str>, door: Door) -> Result<(), Error> {
    let allowed = |c: char| {
        c.is_alphanumeric()
            || "_./=+-% @".contains(c)
            || (c.is_whitespace() && !c.is_control())
            || (c == ':' && door == Door::Resource)
    };
    match texts.into_iter().all(|text| text.chars().all(allowed)) {
        true => Ok(()),
        false => Err(Error::InvalidArgument(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
             white space, _ . / = + - % @."
                .to_owned(),
        )),
    }
}

/// The second check: AWS lets `%` pass the first and not this one.
fn check_illegal<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    resource: &Attached<'_>,
    act: Act,
) -> Result<(), Error> {
    if texts.into_iter().all(|text| !text.contains('%')) {
        return Ok(());
    }
    let verb = match act {
        Act::Add => "add tags to",
        Act::Remove => "remove tags from",
    };
    Err(Error::InvalidArgument(format!(
        "Failed to {verb} {} {} under account {} because some tags contained illegal characters. \
         The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
        resource.kind, resource.name, resource.account
    )))
}

/// Keys that begin so are AWS's own.
fn check_reserved<'t>(keys: impl IntoIterator<Item = &'t str>) -> Result<(), Error> {
    let reserved = |key: &str| key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:"));
    match keys.into_iter().any(reserved) {
        true => Err(Error::InvalidArgument(
            "Tag keys that start with aws: are reserved for AWS use.".to_owned(),
        )),
        false => Ok(()),
    }
}

/// Adds tags to a resource's.
pub(crate) fn add(
    to: Attached<'_>,
    given: &BTreeMap<String, String>,
    door: Door,
) -> Result<(), Error> {
    let texts = || given.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    // First, since a colon that is not allowed would hide it behind the other message.
    check_reserved(given.keys().map(String::as_str))?;
    check_characters(texts(), door)?;
    check_illegal(texts(), &to, Act::Add)?;
    let new = given.keys().filter(|key| !to.tags.contains_key(*key)).count();
    if to.tags.len() + new > limits::TAGS_MAX {
        // AWS allows 50 and says 10.
        return Err(Error::InvalidArgument(format!(
            "Failed to add tags to {kind} {} under account {} because a given {kind} cannot have \
             more than 10 tags associated with it.",
            to.name,
            to.account,
            kind = to.kind,
        )));
    }
    to.tags.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(())
}

/// Takes tags from a resource's; unknown keys are no error.
pub(crate) fn remove(from: Attached<'_>, keys: &[String], door: Door) -> Result<(), Error> {
    check_characters(keys.iter().map(String::as_str), door)?;
    check_illegal(keys.iter().map(String::as_str), &from, Act::Remove)?;
    for key in keys {
        from.tags.remove(key);
    }
    Ok(())
}

/// The tags with texts of their own.
pub(crate) fn owned(given: Given<'_>) -> BTreeMap<String, String> {
    given.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::stream::tests::stream_of, testing::World};

    fn check(key: &str, value: &str, door: Door) -> Result<(), String> {
        let given = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        add(Attached::of_stream(&mut stream_of(1)), &given, door).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_stream_comes_before_a_bad_tag() {
        let world = World::new();
        let (name, arn) = (
            r#""StreamName":"s""#,
            r#""ResourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s""#,
        );
        for (operation, stream, tags) in [
            ("AddTagsToStream", name, r#""Tags":{"a;b":""}"#),
            ("RemoveTagsFromStream", name, r#""TagKeys":["a;b"]"#),
            ("TagResource", arn, r#""Tags":{"a;b":""}"#),
            ("UntagResource", arn, r#""TagKeys":["a;b"]"#),
        ] {
            let error = world.error(operation, &format!("{{{stream},{tags}}}"));
            assert!(error.starts_with("ResourceNotFoundException: "), "{operation}: {error}");
        }
    }

    #[test]
    fn letters_of_all_scripts_and_a_few_marks_pass() {
        for text in ["Name", "größe", "環境", "a b", "x_./=+-@9", "\u{2003}"] {
            assert_eq!(check(text, text, Door::Stream), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_colon_passes_only_the_newer_door() {
        assert!(check("cost:center", "", Door::Stream).is_err());
        assert_eq!(check("cost:center", "a:b", Door::Resource), Ok(()));
    }

    #[test]
    fn tabs_and_newlines_are_no_white_space() {
        for text in ["a\tb", "a\nb", "a;b", "\u{85}"] {
            let error = check("key", text, Door::Resource).expect_err(text);
            assert!(error.starts_with("Some tags contain invalid characters."), "{error}");
        }
    }

    #[test]
    fn the_percent_sign_fails_the_second_check() {
        let error = check("100%", "", Door::Stream).expect_err("illegal");
        assert_eq!(
            error,
            "Failed to add tags to stream s under account 000000000000 because some tags \
             contained illegal characters. The allowed characters are Unicode letters, \
             white-spaces, '_',',','/','=','+','-','@'."
        );
    }

    #[test]
    fn the_prefix_of_aws_is_reserved() {
        assert!(check("aws:name", "", Door::Resource).is_err());
        assert!(check("AWS:name", "", Door::Stream).is_err());
        assert_eq!(check("awsome", "", Door::Stream), Ok(()));
    }

    #[test]
    fn the_fiftieth_tag_is_the_last() {
        let mut stream = stream_of(1);
        let tags =
            |range: std::ops::Range<usize>| range.map(|n| (n.to_string(), String::new())).collect();
        let mut add =
            |range| super::add(Attached::of_stream(&mut stream), &tags(range), Door::Stream);
        assert!(add(0..50).is_ok());
        assert!(add(10..20).is_ok(), "known keys are only overwritten");
        assert!(add(49..51).is_err());
        assert_eq!(stream.tags.len(), 50);
    }
}
