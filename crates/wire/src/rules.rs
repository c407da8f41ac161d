//! Constraints as data: what a service model says about one member, in the form that [`crate::Members`] checks.
//!
//! A rule knows AWS's words for its own violation, so that a rule and its message cannot part. Patterns carry
//! the text that AWS prints beside a small matcher: the dozen patterns of these services do not need an engine.

pub mod kinesis;

/// A pattern as AWS prints it, and the function that decides it.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// What stands in the error.
    pub text: &'static str,
    /// Whether the whole of a text matches.
    pub matches: fn(&str) -> bool,
}

/// What a text must be.
#[derive(Debug, Clone, Copy)]
pub struct StringRule {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// The pattern, if there is one.
    pub pattern: Option<Pattern>,
    /// The values of an enum, in the order in which AWS prints them; empty for free text.
    pub one_of: &'static [&'static str],
}

/// What an integer must be. What lies outside its type is moved to the type's nearest end before the check, as at AWS.
#[derive(Debug, Clone, Copy)]
pub struct IntegerRule {
    /// Least value.
    pub min: i64,
    /// Greatest value.
    pub max: i64,
    /// Whether it has 64 bits (AWS: Long) or 32 (Integer).
    pub long: bool,
}

/// How long a list, a map or a blob must be: items, entries, bytes.
#[derive(Debug, Clone, Copy)]
pub struct LengthRule {
    /// Least length.
    pub min: usize,
    /// Greatest length.
    pub max: usize,
}

/// What a map of texts must be.
#[derive(Debug, Clone, Copy)]
pub struct MapRule {
    /// How many entries.
    pub length: LengthRule,
    /// Each key.
    pub key: StringRule,
    /// Each value.
    pub value: StringRule,
}

impl StringRule {
    /// Any text at all.
    pub const ANY: StringRule = StringRule::length(0, usize::MAX);

    /// A text of so many characters.
    pub const fn length(min: usize, max: usize) -> StringRule {
        StringRule { min, max, pattern: None, one_of: &[] }
    }

    /// An enum.
    pub const fn one_of(values: &'static [&'static str]) -> StringRule {
        StringRule { min: 0, max: usize::MAX, pattern: None, one_of: values }
    }

    /// The same rule with a pattern.
    pub const fn pattern(self, text: &'static str, matches: fn(&str) -> bool) -> StringRule {
        StringRule { pattern: Some(Pattern { text, matches }), ..self }
    }

    /// Whether a text satisfies all of it.
    pub fn admits(&self, text: &str) -> bool {
        self.violations(text).next().is_none()
    }

    /// What a text violates, in AWS's words and order: pattern or set, then length.
    pub fn violations<'t>(&self, text: &'t str) -> impl Iterator<Item = String> + use<'t> {
        let rule = *self;
        let set = (!rule.one_of.is_empty() && !rule.one_of.contains(&text)).then(|| rule.set());
        let pattern = rule.pattern.filter(|pattern| !(pattern.matches)(text)).map(pattern_text);
        // A text has no more characters than bytes: most need no counting.
        let bytes = text.len();
        let short = bytes < rule.min.saturating_mul(4) && text.chars().count() < rule.min;
        let long = bytes > rule.max && text.chars().count() > rule.max;
        let length = match (short, long) {
            (true, _) => Some(at_least(rule.min)),
            (_, true) => Some(at_most(rule.max)),
            _ => None,
        };
        [set, pattern, length].into_iter().flatten()
    }

    /// The whole rule in AWS's words, for the items of a list and the keys and values of a map.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.max != usize::MAX {
            parts.extend([at_most(self.max), at_least(self.min)]);
        }
        parts.extend(self.pattern.map(pattern_text));
        if !self.one_of.is_empty() {
            parts.push(self.set());
        }
        format!("[{}]", parts.join(", "))
    }

    fn set(&self) -> String {
        format!("Member must satisfy enum value set: [{}]", self.one_of.join(", "))
    }
}

impl IntegerRule {
    /// An integer of 32 bits.
    pub const fn integer(min: i64, max: i64) -> IntegerRule {
        IntegerRule { min, max, long: false }
    }

    /// An integer of 64 bits.
    pub const fn long(min: i64, max: i64) -> IntegerRule {
        IntegerRule { min, max, long: true }
    }

    /// The value as its type can hold it.
    pub fn clamp(&self, value: i64) -> i64 {
        if self.long { value } else { value.clamp(i32::MIN.into(), i32::MAX.into()) }
    }

    /// What a value violates, in AWS's words.
    pub fn violation(&self, value: i64) -> Option<String> {
        if value < self.min {
            return Some(format!("Member must have value greater than or equal to {}", self.min));
        }
        (value > self.max)
            .then(|| format!("Member must have value less than or equal to {}", self.max))
    }
}

impl LengthRule {
    /// Any length.
    pub const ANY: LengthRule = LengthRule::new(0, usize::MAX);

    /// From `min` to `max`.
    pub const fn new(min: usize, max: usize) -> LengthRule {
        LengthRule { min, max }
    }

    /// A map of so many entries.
    pub const fn of(self, key: StringRule, value: StringRule) -> MapRule {
        MapRule { length: self, key, value }
    }

    /// What a length violates, in AWS's words.
    pub fn violation(&self, length: usize) -> Option<String> {
        match length {
            length if length < self.min => Some(at_least(self.min)),
            length if length > self.max => Some(at_most(self.max)),
            _ => None,
        }
    }
}

fn pattern_text(pattern: Pattern) -> String {
    format!("Member must satisfy regular expression pattern: {}", pattern.text)
}

fn at_least(length: usize) -> String {
    format!("Member must have length greater than or equal to {length}")
}

fn at_most(length: usize) -> String {
    format!("Member must have length less than or equal to {length}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_and_not_bytes() {
        let rule = StringRule::length(2, 3);
        assert!(rule.admits("éé") && rule.admits("ééé") && rule.admits("💧💧"));
        assert!(!rule.admits("é") && !rule.admits("💧") && !rule.admits("éééé"));
        assert!(!rule.admits("") && !rule.admits("abcd"));
    }

    #[test]
    fn a_text_may_violate_its_pattern_and_its_length() {
        let violations: Vec<_> = kinesis::STREAM_NAME.violations("").collect();
        assert_eq!(
            violations,
            [
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                "Member must have length greater than or equal to 1",
            ]
        );
    }

    #[test]
    fn integers_outside_of_32_bits_move_to_the_end() {
        assert_eq!(IntegerRule::integer(1, 5).clamp(100_000_000_000), 2_147_483_647);
        assert_eq!(IntegerRule::long(1, 5).clamp(100_000_000_000), 100_000_000_000);
    }
}
