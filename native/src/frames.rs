//! `writeRecords` and `readRecords`.

use crate::batch::{self, EncodedRecords, Keys, RecordSpans};
use crate::js::{self, misuse};
use napi::bindgen_prelude::{Uint32ArraySlice, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use std::cell::RefCell;
use vecstash_core::{Framed, Framer, Status};

thread_local! {
    static FRAMER: RefCell<Framer> = RefCell::default();
}

#[napi(catch_unwind)]
pub fn write_records<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    payloads: Unknown,
    modes: Unknown,
    numbers: Unknown,
) -> Result<EncodedRecords<'env>> {
    let payloads = js::elements(&payloads, "payloads")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    let (modes, numbers) = (js::numbers(&modes, "modes")?, js::numbers(&numbers, "numbers")?);
    if [payloads.len(), modes.len(), numbers.len()] != [keys.len(); 3] {
        let found = format!("{} payloads, {} modes and {} numbers", payloads.len(), modes.len(), numbers.len());
        return Err(misuse(format!("{found} for {} keys", keys.len())));
    }
    let payloads: Vec<&[u8]> = payloads.iter().map(|payload| js::bytes(payload, "a payload")).collect::<Result<_>>()?;

    let rows = payloads.into_iter().zip(modes).zip(numbers);
    FRAMER.with_borrow_mut(|framer| {
        batch::encode_all(env, &keys, rows, |key, ((payload, mode), number), out| {
            // A number that no u8 holds is as little a mode as 255 is.
            let mode = u8::try_from(*mode).unwrap_or(u8::MAX);
            framer
                .write(key, mode, *number, payload, out)
                .map_err(|_| misuse("modes must be 0 to 127, and payloads shorter than 4 GiB"))
        })
    })
}

/// The numbers that `readRecords` returns for each record.
const NUMBERS_PER_RECORD: usize = 4;

#[napi(catch_unwind)]
pub fn read_records<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    sources: Unknown,
    spans: Unknown,
) -> Result<Uint32ArraySlice<'env>> {
    let sources = js::elements(&sources, "sources")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    let sources = sources.iter().map(|source| js::bytes(source, "a source")).collect::<Result<_>>()?;
    let spans = RecordSpans::new(sources, js::numbers(&spans, "spans")?, keys.len())?;

    let mut numbers = Vec::with_capacity(NUMBERS_PER_RECORD * keys.len());
    FRAMER.with_borrow_mut(|framer| {
        for (key, record) in keys.iter().zip(spans.iter()) {
            let found: [u32; NUMBERS_PER_RECORD] = match record?.ok_or(Status::Absent).and_then(|record| framer.read(key, record))
            {
                Ok(Framed { mode, number, payload_at }) => [Status::Ok as u32, mode.into(), number, payload_at as u32],
                Err(status) => [status as u32, 0, 0, 0],
            };
            numbers.extend(found);
        }
        Uint32ArraySlice::copy_from(env, numbers)
    })
}
