//! Ids and tokens, out of chance.

use nautilus_log::Rng;

/// A random UUID, version 4.
pub(crate) fn uuid(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A token that nobody guesses.
pub(crate) fn token(rng: &dyn Rng) -> String {
    let mut bytes = [0; 48];
    rng.fill(&mut bytes);
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
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
