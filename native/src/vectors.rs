//! `encodeVectors` and `decodeVectors`.

use crate::batch::{self, EncodedRecords, Keys, RecordSpans};
use crate::js::{self, Block, misuse};
use napi::bindgen_prelude::{Uint8ArraySlice, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use std::cell::RefCell;
use vecstash_core::{Float, Form, Item, Profiles, Status, VectorDecoder, VectorEncoder, tokens_from_number};

thread_local! {
    /// All that were loaded.
    static PROFILES: RefCell<Profiles> = RefCell::default();
    static ENCODER: RefCell<VectorEncoder> = RefCell::default();
    static DECODER: RefCell<VectorDecoder> = RefCell::default();
}

#[napi(catch_unwind)]
pub fn load_profile(bytes: Unknown) -> Result<Option<u32>> {
    let bytes = js::bytes(&bytes, "bytes")?;
    Ok(PROFILES.with_borrow_mut(|profiles| profiles.load(bytes)))
}

/// Those of the loaded profiles that have these numbers.
pub fn profiles_of(numbers: &[u32]) -> Result<Profiles> {
    PROFILES.with_borrow(|profiles| profiles.only(numbers)).ok_or_else(|| misuse("profiles must have been loaded"))
}

#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "one crossing for a whole batch, in the shape of load.d.cts")]
pub fn encode_vectors<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    vectors: Unknown,
    dimensions: u32,
    compression: u32,
    tolerance: f64,
    structure_hint: Unknown,
    profile: u32,
    tokens: Option<Unknown>,
) -> Result<EncodedRecords<'env>> {
    let dimensions = batch::dimensions(dimensions)?;
    let profiles = profiles_of(if profile == 0 { &[] } else { std::slice::from_ref(&profile) })?;
    let mut form = Form::new(batch::precision(tolerance)?, batch::compression(compression)?);
    let vectors = js::elements(&vectors, "vectors")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    if vectors.len() != keys.len() {
        return Err(misuse(format!("{} vectors for {} keys", vectors.len(), keys.len())));
    }
    let vectors: Vec<&[Float]> = vectors.iter().map(|vector| js::floats(vector, "a vector")).collect::<Result<_>>()?;
    if let Some(other) = vectors.iter().find(|vector| vector.len() != dimensions) {
        return Err(misuse(format!("vectors must have {dimensions} elements; one has {}", other.len())));
    }

    let tokens = tokens.as_ref().map(|tokens| js::doubles(tokens, "tokens")).transpose()?;
    if tokens.is_some_and(|tokens| tokens.len() != keys.len()) {
        return Err(misuse(format!("tokens must be one number for each of {} keys", keys.len())));
    }

    form.structure_hint =
        *js::numbers(&structure_hint, "structureHint")?.first_chunk().ok_or_else(|| misuse("structureHint is too short"))?;
    let records = ENCODER.with_borrow_mut(|encoder| {
        batch::encode_all(env, &keys, vectors.iter().copied().enumerate(), |key, (index, vector), out| {
            let item = Item { key, vector, tokens: tokens.and_then(|tokens| tokens_from_number(tokens[index])) };
            encoder
                .encode_with(profiles.find(profile), item, vectors.get(index + 1).copied(), &mut form, out)
                .map_err(|status| misuse(format!("a vector was not encoded: {status:?}")))
        })
    })?;
    js::write_numbers(&structure_hint, "structureHint", &form.structure_hint)?;
    Ok(records)
}

#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "one crossing for a whole batch, in the shape of load.d.cts")]
pub fn decode_vectors<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    sources: Unknown,
    spans: Unknown,
    dimensions: u32,
    tolerance: f64,
    blocks: Unknown,
    rows_per_block: u32,
    profiles: Unknown,
) -> Result<Uint8ArraySlice<'env>> {
    let dimensions = batch::dimensions(dimensions)?;
    let precision = batch::precision(tolerance)?;
    let rows_per_block = rows_per_block as usize;
    let sources = js::elements(&sources, "sources")?;
    let blocks = js::elements(&blocks, "blocks")?;

    let key_bytes = js::bytes(&keys, "keys")?;
    let key_lengths = js::numbers(&key_lengths, "keyLengths")?;
    let keys = Keys::new(key_bytes, key_lengths)?;
    let sources = sources.iter().map(|source| js::bytes(source, "a source")).collect::<Result<_>>()?;
    let span_numbers = js::numbers(&spans, "spans")?;
    let spans = RecordSpans::new(sources, span_numbers, keys.len())?;
    let profiles = profiles_of(js::numbers(&profiles, "profiles")?)?;
    let mut blocks: Vec<Block> = blocks.iter().map(|block| Block::of(block, "a block")).collect::<Result<_>>()?;

    batch::check_blocks(blocks.iter().map(Block::len), rows_per_block, dimensions, keys.len())?;
    let is_read = |block: &Block| {
        spans.sources().iter().any(|source| block.overlaps(source))
            || block.overlaps(key_bytes)
            || block.overlaps(key_lengths)
            || block.overlaps(span_numbers)
    };
    if blocks.iter().any(is_read) {
        return Err(misuse("blocks must not share memory with what is read"));
    }

    DECODER.with_borrow_mut(|decoder| {
        let mut statuses = Vec::with_capacity(keys.len());
        for (row, (key, record)) in keys.iter().zip(spans.iter()).enumerate() {
            let status = match record? {
                None => Status::Absent,
                Some(record) => {
                    // SAFETY: one row at a time, and no block overlaps anything that is read.
                    let out = unsafe { blocks[row / rows_per_block].row(row % rows_per_block * dimensions, dimensions) };
                    let out = out.ok_or_else(|| misuse("a block is too short"))?;
                    decoder.decode_with(key, record, precision, &profiles, out).err().unwrap_or(Status::Ok)
                }
            };
            statuses.push(status as u8);
        }
        Uint8ArraySlice::copy_from(env, statuses)
    })
}
