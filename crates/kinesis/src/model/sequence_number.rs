//! Sequence numbers: AWS's 47 hexadecimal digits, written as 56 decimal ones.
//!
//! ```text
//! hex digits   1 marker `2` · 9 the shard's creation second · 1 low digit of the shard's index ·
//!              16 counter · 2 `00` · 9 the record's arrival second · 8 the shard's index · 1 version `2`
//! ```
//!
//! The counter is the position in the shard's log: 0 is the shard's StartingSequenceNumber, its first record has 1,
//! 7fffffffffffffff is the EndingSequenceNumber. Always: numbers of one shard order by position alone (the arrival
//! second stands below it), and a number belongs to one life of one stream, since creation seconds never repeat for
//! a name. They are made for each record put and read, so they are divided by hand and not by `format!`.

use std::fmt;

use nautilus_log::Position;

/// The counter that ends a closed shard.
pub(crate) const COUNTER_MAX: u64 = 0x7fff_ffff_ffff_ffff;

/// AWS refuses numbers of shards that are made after this second.
const CREATED_SECOND_MAX: u64 = 16_025_175_000;

const SECONDS_MASK: u64 = (1 << 36) - 1;

/// The number of a record. The order of the fields is the order of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SequenceNumber {
    pub created_second: u64,
    /// Low hexadecimal digit of the shard's index; kept apart since it orders before the counter.
    pub shard_digit: u8,
    pub counter: Position,
    pub arrived_second: u64,
    pub shard_index: u32,
}

/// What a client's number turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// The version in use.
    Current(SequenceNumber),
    /// Version 0 or 1, which no shard of ours ever gave.
    Old { version: u8, shard_index: i64 },
    /// Version 2 with a negative index.
    Foreign { shard_index: i64 },
}

impl SequenceNumber {
    pub(crate) fn new(
        created_second: u64,
        shard_index: u32,
        counter: Position,
        arrived_second: u64,
    ) -> SequenceNumber {
        SequenceNumber {
            created_second,
            shard_digit: (shard_index & 0xf) as u8,
            counter,
            arrived_second,
            shard_index,
        }
    }

    /// The number as decimal text in a buffer on the stack.
    pub(crate) fn text(&self) -> SequenceNumberText {
        decimal(self.limbs())
    }

    /// 188 bits in three limbs, lowest first.
    fn limbs(&self) -> [u64; 3] {
        // From the bottom: version 4 bits, index 32, arrival 36, zeros 8, counter 64, digit 4, creation 36, marker 4.
        let arrived = self.arrived_second & SECONDS_MASK;
        let created = self.created_second & SECONDS_MASK;
        let low = 2 | u64::from(self.shard_index) << 4 | arrived << 36; // takes the low 28 bits of the arrival
        let middle = arrived >> 28 | self.counter << 16; // bits 8..16 are the zeros
        let high = self.counter >> 48 | u64::from(self.shard_digit) << 16 | created << 20 | 2 << 56;
        [low, middle, high]
    }

    /// Reads the decimal text of any version, or `None` if it is no sequence number.
    pub(crate) fn parse(text: &str) -> Option<Decoded> {
        let mut limbs = limbs_of(text)?;
        if limbs[2] == 0 && limbs[1] < 1 << 60 {
            limbs[1] |= 1 << 60; // below 2^124, that much is added before decoding
        }
        let digits = HexDigits::of(limbs)?;
        let created_second = digits.number(1..10);
        if created_second >= CREATED_SECOND_MAX {
            return None;
        }
        let shard_index = i64::from(digits.number(38..46) as u32 as i32);
        match (digits.count, digits.digits[0], digits.digits[46]) {
            (32, 1, _) => {
                Some(Decoded::Old { version: 0, shard_index: digits.number(28..32) as i64 })
            }
            (47, 2, 1) => Some(Decoded::Old { version: 1, shard_index }),
            (47, 2, 2) if digits.number(11..27) > COUNTER_MAX => None,
            (47, 2, 2) if shard_index < 0 => Some(Decoded::Foreign { shard_index }),
            (47, 2, 2) => Some(Decoded::Current(SequenceNumber {
                created_second,
                shard_digit: digits.number(10..11) as u8,
                counter: digits.number(11..27),
                arrived_second: digits.number(29..38),
                shard_index: digits.number(38..46) as u32,
            })),
            _ => None,
        }
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// The decimal text of a number, without leading zeros.
pub(crate) struct SequenceNumberText {
    bytes: [u8; TEXT_BYTES],
    from: usize,
}

impl SequenceNumberText {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.from..]).expect("only ASCII is written")
    }
}

/// Three chunks of 19 digits hold every 188-bit number.
const CHUNK_DIGITS: usize = 19;
const TEXT_BYTES: usize = 3 * CHUNK_DIGITS;
const CHUNK: u64 = 10_u64.pow(CHUNK_DIGITS as u32);

fn decimal(mut limbs: [u64; 3]) -> SequenceNumberText {
    let mut bytes = [b'0'; TEXT_BYTES];
    for chunk in (0..3).rev() {
        let mut remainder: u64 = 0;
        for limb in limbs.iter_mut().rev() {
            let dividend = u128::from(remainder) << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(CHUNK)) as u64;
            remainder = (dividend % u128::from(CHUNK)) as u64;
        }
        write_chunk(&mut bytes[chunk * CHUNK_DIGITS..(chunk + 1) * CHUNK_DIGITS], remainder);
    }
    let from = bytes.iter().position(|&byte| byte != b'0').unwrap_or(TEXT_BYTES - 1);
    SequenceNumberText { bytes, from }
}

/// Writes 19 digits, two at a time from the end.
fn write_chunk(out: &mut [u8], mut rest: u64) {
    let (first, pairs) = out.split_at_mut(1);
    for pair in pairs.chunks_exact_mut(2).rev() {
        let two = (rest % 100) as u8;
        rest /= 100;
        pair[0] = b'0' + two / 10;
        pair[1] = b'0' + two % 10;
    }
    first[0] = b'0' + rest as u8;
}

/// The limbs of a decimal text, lowest first; `None` if it is not decimal or needs more than 188 bits.
fn limbs_of(text: &str) -> Option<[u64; 3]> {
    if text.is_empty() || text.len() > TEXT_BYTES {
        return None;
    }
    let mut limbs = [0u64; 3];
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        let mut carry = u64::from(byte - b'0');
        for limb in &mut limbs {
            let product = u128::from(*limb) * 10 + u128::from(carry);
            *limb = product as u64;
            carry = (product >> 64) as u64;
        }
        if carry != 0 {
            return None;
        }
    }
    (limbs[2] < 1 << 60).then_some(limbs)
}

/// The hexadecimal digits as AWS counts them: from the first that is not zero, which every version's marker is.
struct HexDigits {
    digits: [u8; 47],
    count: usize,
}

impl HexDigits {
    fn of(limbs: [u64; 3]) -> Option<HexDigits> {
        let nibble = |index: usize| (limbs[index / 16] >> (index % 16 * 4) & 0xf) as u8;
        let count = (0..47).rev().find(|&index| nibble(index) != 0)? + 1;
        let mut digits = [0; 47];
        for (at, digit) in digits[..count].iter_mut().enumerate() {
            *digit = nibble(count - 1 - at);
        }
        Some(HexDigits { digits, count })
    }

    /// The digits in a range as a number.
    fn number(&self, range: std::ops::Range<usize>) -> u64 {
        self.digits[range].iter().fold(0, |number, &digit| number << 4 | u64::from(digit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CREATED: u64 = 1_795_489_200;

    #[test]
    fn the_worked_examples_come_out() {
        let start = SequenceNumber::new(CREATED, 1, 0, CREATED);
        let third = SequenceNumber::new(CREATED, 1, 3, CREATED + 60);
        let end = SequenceNumber::new(CREATED, 1, COUNTER_MAX, CREATED + 60);

        assert_eq!(start.to_string(), "49680509262225361648183994749115954333164315737952616466");
        assert_eq!(third.to_string(), "49680509262225361648183994749119581110623163748645339154");
        assert_eq!(end.to_string(), "49680509262236512020783260060685513266481029412699504658");
    }

    #[test]
    fn small_numbers_are_of_version_zero() {
        for (text, shard_index) in [("0", 0), ("5", 5), ("65536", 0)] {
            let old = Decoded::Old { version: 0, shard_index };
            assert_eq!(SequenceNumber::parse(text), Some(old), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-1",
            "1a",
            "9".repeat(56).as_str(),
            "9".repeat(57).as_str(),
            "9".repeat(200).as_str(),
            " 1",
        ] {
            assert_eq!(SequenceNumber::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_counter_above_the_last_is_refused() {
        let number = SequenceNumber::new(CREATED, 0, COUNTER_MAX + 1, CREATED);
        assert_eq!(SequenceNumber::parse(&number.to_string()), None);
    }

    #[test]
    fn a_negative_index_keeps_its_sign() {
        let number = SequenceNumber::new(CREATED, 0x8000_0000, 1, CREATED);
        assert_eq!(
            SequenceNumber::parse(&number.to_string()),
            Some(Decoded::Foreign { shard_index: -2_147_483_648 })
        );
    }

    fn any_number() -> impl Strategy<Value = SequenceNumber> {
        (0..CREATED_SECOND_MAX, 0..=i32::MAX as u32, 0..=COUNTER_MAX, 0..=SECONDS_MASK).prop_map(
            |(created, index, counter, arrived)| {
                SequenceNumber::new(created, index, counter, arrived)
            },
        )
    }

    proptest! {
        #[test]
        fn text_and_number_are_the_same(number in any_number()) {
            prop_assert_eq!(SequenceNumber::parse(&number.to_string()), Some(Decoded::Current(number)));
        }

        #[test]
        fn numbers_order_as_their_integers(a in any_number(), b in any_number()) {
            let integer = |number: SequenceNumber| limbs_of(&number.to_string()).map(|[l, m, h]| [h, m, l]);
            prop_assert_eq!(a.cmp(&b), integer(a).cmp(&integer(b)));
        }

        #[test]
        fn the_next_record_is_always_greater(number in any_number(), arrived in 0..=SECONDS_MASK) {
            prop_assume!(number.counter < COUNTER_MAX);
            let next = SequenceNumber { counter: number.counter + 1, arrived_second: arrived, ..number };
            prop_assert!(number < next, "whatever the clock did");
        }

        #[test]
        fn no_text_panics(text in "[0-9]{0,70}|.{0,60}") {
            let _ = SequenceNumber::parse(&text);
        }
    }
}
