//! `*` and `?` of policies: any text, and any one character.

/// Whether `text` is of the form `pattern`, to the letter.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |a, b| a == b).0
}

/// The same, whatever the case of ASCII letters.
pub(super) fn is_like_in_any_case(pattern: &str, text: &str) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |a, b| a.eq_ignore_ascii_case(&b)).0
}

/// Whether the two match, and in how many steps that was found: never more than one for each byte of the pattern and
/// each of the text, since only the newest `*` is ever tried again. What it is asked about is ASCII, so `?` is a byte.
fn walk(pattern: &[u8], text: &[u8], is_same: impl Fn(u8, u8) -> bool) -> (bool, usize) {
    let (mut at, mut read, mut steps) = (0, 0, 0);
    // Behind the newest `*`, and up to where the text is its.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(read) {
        steps += 1;
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, read));
            }
            (Some(&wanted), _) if wanted == b'?' || is_same(wanted, byte) => {
                at += 1;
                read += 1;
            }
            (None, Some((behind, _))) if behind == pattern.len() => return (true, steps),
            (_, Some((behind, taken))) => {
                (at, read) = (behind, taken + 1);
                star = Some((behind, read));
            }
            (_, None) => return (false, steps),
        }
    }
    let rest = pattern.get(at..).unwrap_or_default();
    (rest.iter().all(|byte| *byte == b'*'), steps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_are_any_text_and_question_marks_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("**", "a", true),
            ("?", "", false),
            ("?", "a", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("kinesis:Get*", "kinesis:GetRecords", true),
            ("kinesis:Get*", "kinesis:PutRecord", false),
            ("*Record", "kinesis:PutRecord", true),
            ("*Record", "kinesis:PutRecords", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*ab", "aab", true),
            ("a*", "b", false),
            ("ab", "abc", false),
            ("abc", "ab", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!is_like("kinesis:put*", "kinesis:PutRecord"));
        assert!(is_like_in_any_case("Kinesis:put*", "kinesis:PutRecord"));
    }

    /// What the words say, by a table of every pair of beginnings.
    fn is_like_by_definition(pattern: &[u8], text: &[u8]) -> bool {
        let mut row: Vec<bool> = (0..=text.len()).map(|read| read == 0).collect();
        for &wanted in pattern {
            let mut next = vec![wanted == b'*' && row[0]];
            for (read, &byte) in text.iter().enumerate() {
                next.push(match wanted {
                    b'*' => row[read + 1] || next[read],
                    b'?' => row[read],
                    _ => row[read] && wanted == byte,
                });
            }
            row = next;
        }
        row[text.len()]
    }

    proptest! {
        #[test]
        fn it_matches_what_the_definition_does(pattern in "[ab*?]{0,12}", text in "[ab]{0,12}") {
            let expected = is_like_by_definition(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(is_like(&pattern, &text), expected);
        }

        #[test]
        fn no_pattern_takes_more_steps_than_its_bytes_times_the_texts(
            pattern in "\\PC{0,64}|([ab]{0,3}[*?]){0,20}", text in "\\PC{0,64}|a{0,64}b?",
        ) {
            let (_, steps) = walk(pattern.as_bytes(), text.as_bytes(), |a, b| a == b);
            prop_assert!(steps <= (pattern.len() + 1) * (text.len() + 1), "{}", steps);
        }
    }
}
