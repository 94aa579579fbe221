//! `decodeVectorsLater`: the same as `decodeVectors`, on another thread.

use crate::batch::{self, Keys, RecordSpans};
use crate::js::{self, misuse};
use crate::vectors;
use napi::bindgen_prelude::{AsyncTask, Float32Array, FromNapiValue, Uint8Array, Unknown};
use napi::{Env, JsValue, Result, Task};
use napi_derive::napi;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use vecstash_core::{Float, Precision, Profiles, Status, VectorDecoder};

thread_local! {
    static DECODER: RefCell<VectorDecoder> = RefCell::default();
}

/// A batch to decode. Keys and records are copies, for JavaScript goes on meanwhile and may change or detach what it passed; the
/// blocks are the caller's promise not to.
pub struct DecodeTask {
    keys: Vec<u8>,
    key_lengths: Vec<u32>,
    records: Vec<u8>,
    record_lengths: Vec<u32>,
    dimensions: usize,
    precision: Precision,
    blocks: Vec<Float32Array>,
    rows_per_block: usize,
    profiles: Profiles,
}

impl DecodeTask {
    fn decode(&mut self, decoder: &mut VectorDecoder) -> Result<Vec<u8>> {
        let keys = Keys::new(&self.keys, &self.key_lengths)?;
        let mut rest = &self.records[..];
        let mut statuses = Vec::with_capacity(keys.len());
        for (row, (key, length)) in keys.iter().zip(&self.record_lengths).enumerate() {
            let (record, after) = rest.split_at(*length as usize);
            rest = after;
            if record.is_empty() {
                statuses.push(Status::Absent as u8);
                continue;
            }
            // SAFETY: the reference that the array holds keeps its memory alive, and nobody else looks at it before this is done.
            let block = as_floats(unsafe { self.blocks[row / self.rows_per_block].as_mut() });
            let out = &mut block[row % self.rows_per_block * self.dimensions..][..self.dimensions];
            statuses
                .push(decoder.decode_with(key, record, self.precision, &self.profiles, out).err().unwrap_or(Status::Ok) as u8);
        }
        Ok(statuses)
    }
}

impl Task for DecodeTask {
    type Output = Vec<u8>;
    type JsValue = Uint8Array;

    fn compute(&mut self) -> Result<Vec<u8>> {
        catch_unwind(AssertUnwindSafe(|| DECODER.with_borrow_mut(|decoder| self.decode(decoder))))
            .unwrap_or_else(|_| Err(misuse("decoding failed")))
    }

    fn resolve(&mut self, _: Env, statuses: Vec<u8>) -> Result<Uint8Array> {
        Ok(statuses.into())
    }
}

#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments, reason = "one crossing for a whole batch, in the shape of load.d.cts")]
pub fn decode_vectors_later(
    keys: Unknown,
    key_lengths: Unknown,
    sources: Unknown,
    spans: Unknown,
    dimensions: u32,
    tolerance: f64,
    blocks: Unknown,
    rows_per_block: u32,
    profiles: Unknown,
) -> Result<AsyncTask<DecodeTask>> {
    let dimensions = batch::dimensions(dimensions)?;
    let precision = batch::precision(tolerance)?;
    let rows_per_block = rows_per_block as usize;
    let sources = js::elements(&sources, "sources")?;
    let blocks: Vec<Float32Array> = js::elements(&blocks, "blocks")?.iter().map(owned).collect::<Result<_>>()?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    let sources = sources.iter().map(|source| js::bytes(source, "a source")).collect::<Result<_>>()?;
    let spans = RecordSpans::new(sources, js::numbers(&spans, "spans")?, keys.len())?;
    let profiles = vectors::profiles_of(js::numbers(&profiles, "profiles")?)?;
    batch::check_blocks(blocks.iter().map(|block| block.len()), rows_per_block, dimensions, keys.len())?;

    let mut records = Vec::new();
    let mut record_lengths = Vec::with_capacity(keys.len());
    for record in spans.iter() {
        let record = record?.unwrap_or_default();
        records.extend_from_slice(record);
        record_lengths.push(record.len() as u32);
    }
    let (keys, key_lengths) = keys.to_owned();
    Ok(AsyncTask::new(DecodeTask {
        keys,
        key_lengths,
        records,
        record_lengths,
        dimensions,
        precision,
        blocks,
        rows_per_block,
        profiles,
    }))
}

/// The array, and a reference that keeps it alive.
fn owned(block: &Unknown) -> Result<Float32Array> {
    // SAFETY: env and value are alive for the call that gave them to us.
    unsafe { Float32Array::from_napi_value(block.value().env, block.raw()) }.map_err(|_| misuse("a block must be a Float32Array"))
}

/// The same memory, as the core sees float32s.
fn as_floats(floats: &mut [f32]) -> &mut [Float] {
    // SAFETY: an f32 is four bytes, any four bytes are an f32, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), floats.len()) }
}
