//! What every batch has: keys end to end, records as spans, records end to end.

use crate::js::misuse;
use napi::bindgen_prelude::{BufferSlice, Uint32ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use std::cell::RefCell;
use vecstash_core::{Buffer, Compression, MAX_DIMENSIONS, Precision};

/// The keys of a batch: their UTF-8 end to end, and the length of each in bytes.
pub struct Keys<'a> {
    bytes: &'a [u8],
    lengths: &'a [u32],
}

impl<'a> Keys<'a> {
    pub fn new(bytes: &'a [u8], lengths: &'a [u32]) -> Result<Self> {
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        if total != bytes.len() as u64 {
            return Err(misuse(format!("keys must be {total} bytes, the sum of keyLengths; got {}", bytes.len())));
        }
        Ok(Self { bytes, lengths })
    }

    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Copies of the bytes and the lengths.
    pub fn to_owned(&self) -> (Vec<u8>, Vec<u32>) {
        (self.bytes.to_vec(), self.lengths.to_vec())
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.bytes;
        self.lengths.iter().map(move |length| {
            let (key, after) = rest.split_at(*length as usize);
            rest = after;
            key
        })
    }
}

/// Three numbers for each record: the source that holds it, its offset there, its length.
const NUMBERS_PER_SPAN: usize = 3;

/// The records of a batch, each in one of a few sources.
pub struct RecordSpans<'a> {
    sources: Vec<&'a [u8]>,
    spans: &'a [[u32; NUMBERS_PER_SPAN]],
}

impl<'a> RecordSpans<'a> {
    pub fn new(sources: Vec<&'a [u8]>, spans: &'a [u32], count: usize) -> Result<Self> {
        let (spans, rest) = spans.as_chunks();
        if spans.len() != count || !rest.is_empty() {
            return Err(misuse(format!("spans must be {NUMBERS_PER_SPAN} numbers for each of {count} keys")));
        }
        Ok(Self { sources, spans })
    }

    /// Each record; nothing where there is none (length 0), an error where a span leaves its source.
    pub fn iter(&self) -> impl Iterator<Item = Result<Option<&'a [u8]>>> {
        self.spans.iter().map(|[source, offset, length]| {
            if *length == 0 {
                return Ok(None);
            }
            let (start, end) = (*offset as usize, *offset as usize + *length as usize);
            let record = self.sources.get(*source as usize).and_then(|source| source.get(start..end));
            record.map(Some).ok_or_else(|| misuse(format!("spans point outside of their source: {source}, {offset}, {length}")))
        })
    }

    pub fn sources(&self) -> &[&'a [u8]] {
        &self.sources
    }
}

/// All records of a batch end to end, and the length of each.
#[napi(object, object_from_js = false)]
pub struct EncodedRecords<'env> {
    pub bytes: BufferSlice<'env>,
    pub lengths: Uint32ArraySlice<'env>,
}

#[derive(Default)]
struct Encoded {
    bytes: Buffer,
    lengths: Vec<u32>,
}

/// Above this, the memory of a batch is given back after use, in bytes.
const KEPT: usize = 1 << 23;

thread_local! {
    // Kept, because touching new memory costs more than encoding into it and copying out; Node's own memory it has warm.
    static ENCODED: RefCell<Encoded> = RefCell::default();
}

/// Calls `encode` for each key and input to append a record, and returns all records.
pub fn encode_all<'env, Input>(
    env: &'env Env,
    keys: &Keys,
    inputs: impl IntoIterator<Item = Input>,
    mut encode: impl FnMut(&[u8], Input, &mut Buffer) -> Result<()>,
) -> Result<EncodedRecords<'env>> {
    ENCODED.with_borrow_mut(|Encoded { bytes, lengths }| {
        bytes.clear();
        lengths.clear();
        for (key, input) in keys.iter().zip(inputs) {
            let before = bytes.len();
            encode(key, input, bytes)?;
            lengths.push((bytes.len() - before) as u32);
        }
        let records = EncodedRecords {
            bytes: BufferSlice::copy_from(env, &**bytes)?,
            lengths: Uint32ArraySlice::copy_from(env, &*lengths)?,
        };
        bytes.trim(KEPT);
        Ok(records)
    })
}

/// Refuses blocks, given as their lengths, that do not have a row for each of `count` records.
pub fn check_blocks(
    lengths: impl ExactSizeIterator<Item = usize>,
    rows_per_block: usize,
    dimensions: usize,
    count: usize,
) -> Result<()> {
    if rows_per_block == 0 || lengths.len() < count.div_ceil(rows_per_block) {
        return Err(misuse(format!("{} blocks of {rows_per_block} rows for {count} keys", lengths.len())));
    }
    for (index, length) in lengths.enumerate() {
        let rows = count.saturating_sub(index * rows_per_block).min(rows_per_block);
        if length / dimensions < rows {
            return Err(misuse(format!("a block of {length} elements cannot hold {rows} rows of {dimensions}")));
        }
    }
    Ok(())
}

pub fn compression(number: u32) -> Result<Compression> {
    Compression::from_number(number).ok_or_else(|| misuse(format!("compression must be 0 to 3; got {number}")))
}

pub fn precision(tolerance: f64) -> Result<Precision> {
    let expected = "tolerance must be 0, -1, -2 or a positive number that a float32 can hold";
    Precision::from_number(tolerance).ok_or_else(|| misuse(format!("{expected}; got {tolerance}")))
}

pub fn dimensions(number: u32) -> Result<usize> {
    let dimensions = number as usize;
    if (1..=MAX_DIMENSIONS).contains(&dimensions) {
        Ok(dimensions)
    } else {
        Err(misuse(format!("dimensions must be 1 to {MAX_DIMENSIONS}; got {number}")))
    }
}
