//! Words of names and of terms.
//!
//! A word begins where the case changes, where digits begin or end, and behind anything that is neither letter nor
//! digit: `CustomCount1` has `Custom`, `Count` and `1`. A term of one word matches a word in any case; one of several
//! words matches as many in a row, and in the same case unless all of them are separated by other characters
//! (`network-errors` finds `NetworkErrors2`, `customcount` does not find `CustomCount1`). A term that has all words of a
//! name matches in any case.

/// Between words. No name has it: control characters are not allowed there.
const GAP: char = '\u{0}';

/// The words of a name, once as they are and once in lower case: ` custom count 1 ` with gaps for blanks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    exact: String,
    lower: String,
    /// All words as one, in lower case.
    whole: String,
}

impl Words {
    pub(super) fn of(name: &str) -> Words {
        let mut exact = String::with_capacity(name.len() + 8);
        for (word, _) in split(name) {
            exact.push(GAP);
            exact.push_str(word);
        }
        exact.push(GAP);
        let lower = exact.to_lowercase();
        let whole = lower.replace(GAP, "");
        Words { exact, lower, whole }
    }

    pub(super) fn bytes(&self) -> usize {
        self.exact.len()
    }
}

/// A term without quotes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partial {
    words: Words,
    /// Whether case matters: two of its words are told apart by nothing else.
    is_case_sensitive: bool,
}

impl Partial {
    /// `None` for a text without a letter or digit.
    pub(super) fn of(term: &str) -> Option<Partial> {
        let words: Vec<_> = split(term).collect();
        let is_case_sensitive = words.iter().skip(1).any(|(_, follows)| *follows);
        (!words.is_empty()).then(|| Partial { words: Words::of(term), is_case_sensitive })
    }

    pub(super) fn matches(&self, name: &Words) -> bool {
        let in_a_row = match self.is_case_sensitive {
            true => name.exact.contains(&self.words.exact),
            false => name.lower.contains(&self.words.lower),
        };
        in_a_row || name.whole == self.words.whole
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Lower,
    Upper,
    Digit,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        c if c.is_uppercase() => Kind::Upper,
        c if c.is_numeric() => Kind::Digit,
        c if c.is_alphabetic() => Kind::Lower,
        _ => Kind::Other,
    }
}

/// The words of a text, each with whether it follows directly on the one before.
fn split(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let skipped = text[at..].find(|c| kind(c) != Kind::Other)?;
        let start = at + skipped;
        at = start + word_bytes(&text[start..]);
        Some((&text[start..at], skipped == 0))
    })
}

/// How long the first word is: `Custom…`, `SDB…`, `333…`.
fn word_bytes(text: &str) -> usize {
    let mut characters = text.char_indices().map(|(at, c)| (at, kind(c))).peekable();
    let Some((_, first)) = characters.next() else { return 0 };
    let mut before = (0, first);
    while let Some((at, this)) = characters.next() {
        let next = characters.peek().map(|(_, kind)| *kind);
        let ends = match (before.1, this) {
            (Kind::Upper, Kind::Lower) => false,
            // The last capital of several begins the next word: `SDBFailure`.
            (Kind::Upper, Kind::Upper) => next == Some(Kind::Lower),
            (a, b) => a != b,
        };
        if ends {
            return at;
        }
        before = (at, this);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_words_of_awss_table() {
        let words = |text| split(text).map(|(word, _)| word).collect::<Vec<_>>();
        assert_eq!(words("CustomCount1"), ["Custom", "Count", "1"]);
        assert_eq!(words("SDBFailure"), ["SDB", "Failure"]);
        assert_eq!(words("Project2-trial333"), ["Project", "2", "trial", "333"]);
        assert_eq!(words("Network-Errors_2"), ["Network", "Errors", "2"]);
        assert_eq!(words("couNT"), ["cou", "NT"]);
        assert_eq!(words("--"), [""; 0]);
        assert_eq!(Words::of("Project2-trial333").whole, "project2trial333");
    }

    #[test]
    fn terms_match_words_in_a_row() {
        let check = |term: &str, name: &str, expected| {
            let partial = Partial::of(term).expect("a term");
            assert_eq!(partial.matches(&Words::of(name)), expected, "{term} in {name}");
        };
        for term in ["count", "Count", "COUNT", "CustomCount", "Count1", "customcount1", "1"] {
            check(term, "CustomCount1", true);
        }
        for term in ["couNT", "customcount", "count1", "cust", "ount", "Count2"] {
            check(term, "CustomCount1", false);
        }
        for term in ["network/errors", "network+errors", "network-errors", "Network_Errors"] {
            check(term, "Network-Errors-2", true);
            check(term, "NetworkErrors2", true);
        }
        check("EC2", "AWS/EC2", true);
        check("i-1234567890123456", "i-1234567890123456", true);
        check("micro", "t2.micro", true);
        check("m.*o", "t2.micro", false);
        assert_eq!(Partial::of("-*"), None);
    }
}
