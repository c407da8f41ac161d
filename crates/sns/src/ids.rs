//! Ids and tokens, out of chance.

use nautilus_log::Rng;
use nautilus_wire::Uuid;

/// A random UUID, version 4.
pub(crate) fn uuid(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    Uuid::v4(u128::from_be_bytes(bytes)).to_string()
}

/// A token that nobody guesses.
pub(crate) fn token(rng: &dyn Rng) -> String {
    let mut bytes = [0; 48];
    rng.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use nautilus_log::SeededRng;

    use super::*;

    #[test]
    fn uuids_have_their_shape_and_differ() {
        let rng = SeededRng::new(7);
        let (a, b) = (uuid(&rng), uuid(&rng));
        assert_ne!(a, b);
        let shape: String = a.chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(&a[14..15], "4");
        assert_eq!(token(&rng).len(), 96);
    }
}
