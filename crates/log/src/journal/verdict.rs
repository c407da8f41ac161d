//! What recovery does where a walk through a segment stopped: a table with one row for every case.

use super::scan::Behind;

/// What is done about a walk's stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The frames end here, and the segment can take more.
    End,
    /// Behind the stop is what remains of a write that was never synced: it goes.
    Cut,
    /// The last accepted group is torn: it goes whole.
    CutGroup,
    /// Bytes that were synced once are wrong; the walk goes on behind them if anything is there.
    Damaged,
    /// All frames are whole, the footer is not: it is written again.
    Reseal,
}

/// What stands behind the stop · whether something later proves that all here was synced · what is done.
pub(crate) const CASES: &[(Behind, bool, Verdict)] = &[
    (Behind::Nothing, false, Verdict::End),
    (Behind::Nothing, true, Verdict::Damaged),
    (Behind::Unreadable, false, Verdict::Damaged),
    (Behind::Unreadable, true, Verdict::Damaged),
    (Behind::Footer, false, Verdict::Reseal),
    (Behind::Footer, true, Verdict::Reseal),
    (Behind::Garbage, false, Verdict::Cut),
    (Behind::Garbage, true, Verdict::Damaged),
    (Behind::SameGroup, false, Verdict::CutGroup),
    (Behind::SameGroup, true, Verdict::Damaged),
    (Behind::LaterGroupHere, false, Verdict::Cut),
    (Behind::LaterGroupHere, true, Verdict::Damaged),
    (Behind::LaterGroupBeyond, false, Verdict::Damaged),
    (Behind::LaterGroupBeyond, true, Verdict::Damaged),
];

/// The table's answer.
pub(crate) fn verdict(behind: Behind, proven_synced: bool) -> Verdict {
    let case = CASES.iter().find(|case| case.0 == behind && case.1 == proven_synced);
    case.expect("the table has every case").2
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHIND: [Behind; 7] = [
        Behind::Nothing,
        Behind::Unreadable,
        Behind::Footer,
        Behind::Garbage,
        Behind::SameGroup,
        Behind::LaterGroupHere,
        Behind::LaterGroupBeyond,
    ];

    #[test]
    fn the_table_has_exactly_one_row_for_every_case() {
        for behind in BEHIND {
            for proven in [false, true] {
                let rows = CASES.iter().filter(|case| (case.0, case.1) == (behind, proven));
                assert_eq!(rows.count(), 1, "{behind:?} {proven}");
            }
        }
        assert_eq!(CASES.len(), BEHIND.len() * 2);
    }

    #[test]
    fn what_cannot_be_read_is_neither_the_end_nor_cut_nor_written_over() {
        for (behind, _, verdict) in CASES {
            assert!(*behind != Behind::Unreadable || *verdict == Verdict::Damaged, "{verdict:?}");
        }
    }

    #[test]
    fn nothing_is_ever_cut_that_is_proven_to_have_been_synced() {
        for (behind, proven, verdict) in CASES {
            let cuts = matches!(verdict, Verdict::Cut | Verdict::CutGroup);
            assert!(!(cuts && *proven), "{behind:?}");
        }
    }
}
