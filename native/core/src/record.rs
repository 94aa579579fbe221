//! The fixed layout around a payload: docs/format.md section 1.

use crate::Status;
use twox_hash::XxHash3_64;

const ARRAY_OF_FIVE: u8 = 0x95;
const FORMAT: u8 = 1;
const UINT_64: u8 = 0xcf;
const UINT_8: u8 = 0xcc;
const BIN_8: u8 = 0xc4;
const LARGEST_FIXINT: u8 = 0x7f;
const CHECKSUM_BYTES: usize = 8;

/// The most bytes that a record takes beside its payload.
const MAX_OVERHEAD: usize = 3 + 5 + 1 + CHECKSUM_BYTES + 5;

/// A record whose layout is sound. Its checksum is not verified yet.
#[derive(Debug)]
pub struct Parsed<'a> {
    pub mode: u8,
    pub dimensions: u32,
    pub payload: &'a [u8],
    header: &'a [u8],
    checksum: u64,
}

impl<'a> Parsed<'a> {
    /// Finds the parts of `record` and refuses every layout but the one of this format version.
    pub fn parse(record: &'a [u8]) -> Result<Self, Status> {
        let mut reader = Reader { bytes: record, at: 0 };
        if reader.byte()? != ARRAY_OF_FIVE {
            return Err(Status::Malformed);
        }
        let Some(&[format, mode, dimensions]) = record.get(1..4).and_then(|three| three.first_chunk()) else {
            return Err(Status::Truncated);
        };
        if format > LARGEST_FIXINT || mode > LARGEST_FIXINT {
            return Err(Status::Malformed);
        }
        // Another version may continue differently, so nothing behind its number can be judged.
        if format != FORMAT {
            return Err(Status::Format);
        }
        reader.at = 3;
        let dimensions = if dimensions <= LARGEST_FIXINT {
            reader.at = 4;
            u32::from(dimensions)
        } else {
            reader.length(UINT_8, Some(LARGEST_FIXINT))?
        };

        let header = &record[..reader.at];
        if reader.byte()? != UINT_64 {
            return Err(Status::Malformed);
        }
        let checksum = u64::from_be_bytes(reader.array()?);
        let payload_length = reader.length(BIN_8, None)? as usize;
        let payload = &record[reader.at..];
        match payload.len().cmp(&payload_length) {
            std::cmp::Ordering::Less => Err(Status::Truncated),
            std::cmp::Ordering::Greater => Err(Status::Malformed),
            std::cmp::Ordering::Equal => Ok(Self { mode, dimensions, payload, header, checksum }),
        }
    }

    /// Refuses a damaged record, and one that was stored under another key. `scratch` is overwritten.
    pub fn verify(&self, key: &[u8], scratch: &mut Vec<u8>) -> Result<(), Status> {
        if checksum(key, self.header, self.payload, scratch) == self.checksum { Ok(()) } else { Err(Status::Checksum) }
    }
}

/// Appends the record of `payload` under `key` to `out`. `scratch` is overwritten.
pub fn write(key: &[u8], mode: u8, dimensions: u32, payload: &[u8], out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
    let start = out.len();
    out.reserve(MAX_OVERHEAD + payload.len());
    out.extend_from_slice(&[ARRAY_OF_FIVE, FORMAT, mode]);
    match u8::try_from(dimensions) {
        Ok(small) if small <= LARGEST_FIXINT => out.push(small),
        _ => write_length(dimensions, UINT_8, out),
    }
    let checksum = checksum(key, &out[start..], payload, scratch);
    out.push(UINT_64);
    out.extend_from_slice(&checksum.to_be_bytes());
    let length = u32::try_from(payload.len()).expect("a payload is bounded by MAX_VALUE_BYTES");
    write_length(length, BIN_8, out);
    out.extend_from_slice(payload);
}

/// XXH3-64 of the payload, seeded with that of key and header: each of them changes the result.
fn checksum(key: &[u8], header: &[u8], payload: &[u8], scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    scratch.extend_from_slice(key);
    scratch.extend_from_slice(header);
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(scratch), payload)
}

/// Writes `value` big-endian in the shortest of the forms `token` (u8), `token + 1` (u16) and `token + 2` (u32).
fn write_length(value: u32, token: u8, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let (offset, width) = match value {
        0..=0xff => (0, 1),
        0x100..=0xffff => (1, 2),
        _ => (2, 4),
    };
    out.push(token + offset);
    out.extend_from_slice(&bytes[4 - width..]);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Status> {
        let found = self.bytes[self.at..].first_chunk().ok_or(Status::Truncated)?;
        self.at += N;
        Ok(*found)
    }

    fn byte(&mut self) -> Result<u8, Status> {
        self.array().map(|[byte]| byte)
    }

    /// Reads what `write_length` wrote; what a shorter form can hold (`below` without any form at all) is malformed.
    fn length(&mut self, token: u8, below: Option<u8>) -> Result<u32, Status> {
        let (value, is_shortest) = match self.byte()?.wrapping_sub(token) {
            0 => self.array().map(|[byte]| (u32::from(byte), below.is_none_or(|largest| byte > largest)))?,
            1 => self.array().map(u16::from_be_bytes).map(|v| (u32::from(v), v > 0xff))?,
            2 => self.array().map(u32::from_be_bytes).map(|v| (v, v > 0xffff))?,
            _ => return Err(Status::Malformed),
        };
        if is_shortest { Ok(value) } else { Err(Status::Malformed) }
    }
}
