//! The fixed layout around a payload: docs/format.md section 1.

use crate::buffer::Buffer;
use crate::modes::{self, MAX_VALUE_BYTES};
use crate::status::Status;
use twox_hash::XxHash3_64;

const ARRAY_OF_FIVE: u8 = 0x95;
/// With tokens.
const ARRAY_OF_SIX: u8 = 0x96;
const FORMAT: u8 = 1;
const UINT_64: u8 = 0xcf;
const UINT_8: u8 = 0xcc;
const BIN_8: u8 = 0xc4;
pub const MAX_FIXINT: u8 = 0x7f;
const CHECKSUM_BYTES: usize = 8;

/// Array, format and mode.
const BEFORE_NUMBERS: usize = 3;

/// The most bytes that a record takes beside its payload.
const MAX_OVERHEAD: usize = BEFORE_NUMBERS + 5 + 5 + 1 + CHECKSUM_BYTES + 5;

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
        let array = reader.byte()?;
        if !matches!(array, ARRAY_OF_FIVE | ARRAY_OF_SIX) {
            return Err(Status::Malformed);
        }
        let Some(&[format, mode, _]) = record.get(1..4).and_then(|three| three.first_chunk()) else {
            return Err(Status::Truncated);
        };
        if format > MAX_FIXINT || mode > MAX_FIXINT {
            return Err(Status::Malformed);
        }
        // Another version may continue differently, so nothing behind its number can be judged.
        if format != FORMAT {
            return Err(Status::Format);
        }
        // Only vectors have tokens, and there are modes of vectors that this version does not know.
        if array == ARRAY_OF_SIX && mode >= modes::VALUE_STORED {
            return Err(Status::Malformed);
        }
        reader.at = BEFORE_NUMBERS;
        let dimensions = reader.number()?;
        if array == ARRAY_OF_SIX {
            reader.number()?;
        }

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

    /// Parses and verifies a record whose third element counts bytes: a value's, or a sealed record's. `scratch` is overwritten.
    pub fn of_bytes(key: &[u8], record: &'a [u8], scratch: &mut Vec<u8>) -> Result<Self, Status> {
        let parsed = Self::parse(record)?;
        if !(1..=MAX_VALUE_BYTES).contains(&(parsed.dimensions as usize)) {
            return Err(Status::Dimensions);
        }
        parsed.verify(key, scratch)?;
        Ok(parsed)
    }

    /// Refuses a damaged record, and one that was stored under another key. `scratch` is overwritten.
    pub fn verify(&self, key: &[u8], scratch: &mut Vec<u8>) -> Result<(), Status> {
        if checksum(key, self.header, self.payload, scratch) == self.checksum { Ok(()) } else { Err(Status::Checksum) }
    }
}

/// A record under way at the end of a buffer: its payload, behind room for a header.
pub struct Draft<'a> {
    out: &'a mut Buffer,
    dimensions: u32,
    tokens: Option<u32>,
    start: usize,
    payload_at: usize,
}

impl<'a> Draft<'a> {
    /// Begins a record whose payload is at most `most` bytes. Until it is finished it is none.
    pub fn begin(out: &'a mut Buffer, dimensions: u32, tokens: Option<u32>, most: usize) -> Self {
        let start = out.len();
        let numbers = number_bytes(dimensions) + tokens.map_or(0, number_bytes);
        out.grow(BEFORE_NUMBERS + numbers + 1 + CHECKSUM_BYTES + length_bytes(most as u32));
        Self { dimensions, tokens, start, payload_at: out.len(), out }
    }

    pub fn payload(&self) -> &[u8] {
        &self.out[self.payload_at..]
    }

    /// Drops the payload there is. What is appended to the buffer is the next one.
    pub fn restart(&mut self) -> &mut Buffer {
        self.out.truncate(self.payload_at);
        self.out
    }

    /// Writes the header: the buffer ends with the record then. `scratch` is overwritten.
    pub fn finish(self, key: &[u8], mode: u8, scratch: &mut Vec<u8>) {
        let mut head = Head::before_checksum(mode, self.dimensions, self.tokens);
        let payload = self.payload();
        let checksum = checksum(key, head.bytes(), payload, scratch);
        head.push(&[UINT_64]);
        head.push(&checksum.to_be_bytes());
        head.push_length(u32::try_from(payload.len()).expect("a payload is bounded by MAX_VALUE_BYTES"), BIN_8);

        let payload_at = self.start + head.length;
        if payload_at != self.payload_at {
            // A length that takes fewer bytes than the largest would.
            let end = payload_at + payload.len();
            self.out.copy_within(self.payload_at.., payload_at);
            self.out.truncate(end);
        }
        self.out[self.start..payload_at].copy_from_slice(head.bytes());
    }
}

/// What stands before a payload.
struct Head {
    bytes: [u8; MAX_OVERHEAD],
    length: usize,
}

impl Head {
    fn before_checksum(mode: u8, dimensions: u32, tokens: Option<u32>) -> Self {
        let mut head = Self { bytes: [0; MAX_OVERHEAD], length: 0 };
        head.push(&[if tokens.is_some() { ARRAY_OF_SIX } else { ARRAY_OF_FIVE }, FORMAT, mode]);
        head.push_number(dimensions);
        if let Some(tokens) = tokens {
            head.push_number(tokens);
        }
        head
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn push_number(&mut self, value: u32) {
        match u8::try_from(value) {
            Ok(small) if small <= MAX_FIXINT => self.push(&[small]),
            _ => self.push_length(value, UINT_8),
        }
    }

    /// Writes `value` big-endian in the shortest of the forms `token` (u8), `token + 1` (u16) and `token + 2` (u32).
    fn push_length(&mut self, value: u32, token: u8) {
        let width = length_bytes(value) - 1;
        self.push(&[token + width.ilog2() as u8]);
        self.push(&value.to_be_bytes()[size_of::<u32>() - width..]);
    }
}

/// What a number takes.
fn number_bytes(value: u32) -> usize {
    if value <= u32::from(MAX_FIXINT) { 1 } else { length_bytes(value) }
}

/// What such a length takes, its token included.
fn length_bytes(value: u32) -> usize {
    match value {
        0..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// XXH3-64 of the payload, seeded with that of key and header: each of them changes the result.
fn checksum(key: &[u8], header: &[u8], payload: &[u8], scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    scratch.extend_from_slice(key);
    scratch.extend_from_slice(header);
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(scratch), payload)
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

    /// Reads what `push_number` wrote.
    fn number(&mut self) -> Result<u32, Status> {
        match self.bytes.get(self.at) {
            Some(small) if *small <= MAX_FIXINT => {
                self.at += 1;
                Ok(u32::from(*small))
            }
            _ => self.length(UINT_8, Some(MAX_FIXINT)),
        }
    }

    /// Reads what `push_length` wrote; what a shorter form can hold (`below` without any form at all) is malformed.
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
