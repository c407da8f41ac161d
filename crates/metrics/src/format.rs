//! What all files of the store have in common: a head with their kind and format, and CRC-32C over everything.

use crate::Error;

/// The format that this version writes, and the only one that it reads.
pub(crate) const FORMAT: u32 = 1;
/// Bytes of a head: kind, format, checksum of both.
pub(crate) const HEAD_BYTES: usize = 16;

/// A file's first eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Manifest,
    Log,
    Block,
}

impl Kind {
    const fn magic(self) -> [u8; 8] {
        *match self {
            Kind::Manifest => b"NMETRICM",
            Kind::Log => b"NMETRICL",
            Kind::Block => b"NMETRICB",
        }
    }
}

pub(crate) fn head(kind: Kind) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&kind.magic());
    head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    let checksum = crc32c::crc32c(&head[..12]);
    head[12..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// True for a head of this kind and our format, false for none; another format is an error.
pub(crate) fn check_head(file: &str, head: &[u8], kind: Kind) -> Result<bool, Error> {
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let (Some(format), Some(checksum)) = (number(8), number(12)) else { return Ok(false) };
    if head[..8] != kind.magic() || checksum != crc32c::crc32c(&head[..12]) {
        return Ok(false);
    }
    if format != FORMAT {
        return Err(Error::Format { file: file.to_owned(), found: format, known: FORMAT });
    }
    Ok(true)
}

/// Puts the checksum of all that is in `bytes` from `from` on behind it.
pub(crate) fn seal(bytes: &mut Vec<u8>, from: usize) {
    let checksum = crc32c::crc32c(&bytes[from..]);
    bytes.extend_from_slice(&checksum.to_le_bytes());
}

/// What [`seal`] sealed, without its checksum; `None` if that is wrong.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (sealed, checksum) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(sealed) == u32::from_le_bytes(*checksum)).then_some(sealed)
}
