//! `encodeValues` and `decodeValues`, and the dictionaries that both may need.

use crate::batch::{self, EncodedRecords, Keys, RecordSpans};
use crate::js::{self, misuse};
use napi::Result;
use napi::bindgen_prelude::{Buffer, BufferSlice, Either3, Env, Unknown};
use napi_derive::napi;
use std::cell::RefCell;
use vecstash_core::{DICTIONARY_BYTES, Dictionaries, MAX_VALUE_BYTES, Status, ValueDecoder, ValueEncoder};

#[derive(Default)]
struct Values {
    encoder: ValueEncoder,
    decoder: ValueDecoder,
    dictionaries: Dictionaries,
}

thread_local! {
    static VALUES: RefCell<Values> = RefCell::default();
}

#[napi(catch_unwind)]
pub fn load_dictionary(bytes: Unknown) -> Result<Option<u32>> {
    let bytes = js::bytes(&bytes, "bytes")?;
    Ok(VALUES.with_borrow_mut(|Values { dictionaries, .. }| dictionaries.load(bytes)))
}

#[napi(catch_unwind)]
pub fn train_dictionary(samples: Unknown, sample_lengths: Unknown, bytes: u32) -> Result<Option<Buffer>> {
    let bytes = bytes as usize;
    if !DICTIONARY_BYTES.contains(&bytes) {
        return Err(misuse(format!("bytes must be {DICTIONARY_BYTES:?}; got {bytes}")));
    }
    let samples = js::bytes(&samples, "samples")?;
    let lengths = js::numbers(&sample_lengths, "sampleLengths")?;
    let lengths: Vec<usize> = lengths.iter().map(|length| *length as usize).collect();
    if lengths.iter().sum::<usize>() != samples.len() {
        return Err(misuse("samples must be as many bytes as the sum of sampleLengths"));
    }
    Ok(vecstash_core::train_dictionary(samples, &lengths, bytes).map(Into::into))
}

/// Up to here a copy costs less than handing memory over, in bytes.
const COPIED: usize = 64 * 1024;

#[napi(catch_unwind)]
pub fn encode_values<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    values: Unknown,
    compression: u32,
    dictionary: Option<u32>,
) -> Result<EncodedRecords<'env>> {
    let compression = batch::compression(compression)?;
    let values = js::elements(&values, "values")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    if values.len() != keys.len() {
        return Err(misuse(format!("{} values for {} keys", values.len(), keys.len())));
    }
    let values: Vec<&[u8]> = values.iter().map(|value| js::bytes(value, "a value")).collect::<Result<_>>()?;

    VALUES.with_borrow_mut(|Values { encoder, dictionaries, .. }| {
        let mut dictionary = match dictionary {
            None => None,
            Some(number) => Some(dictionaries.find(number).ok_or_else(|| misuse("dictionary must have been loaded"))?),
        };
        batch::encode_all(env, &keys, values, |key, value, out| {
            encoder
                .encode(key, value, compression, dictionary.as_deref_mut(), out)
                .map_err(|_| misuse(format!("a value must be 1 to {MAX_VALUE_BYTES} bytes of msgpack; one has {}", value.len())))
        })
    })
}

#[napi(catch_unwind)]
pub fn decode_values<'env>(
    env: &'env Env,
    keys: Unknown,
    key_lengths: Unknown,
    sources: Unknown,
    spans: Unknown,
) -> Result<Vec<Either3<BufferSlice<'env>, Buffer, u32>>> {
    let sources = js::elements(&sources, "sources")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    let sources = sources.iter().map(|source| js::bytes(source, "a source")).collect::<Result<_>>()?;
    let spans = RecordSpans::new(sources, js::numbers(&spans, "spans")?, keys.len())?;

    VALUES.with_borrow_mut(|Values { decoder, dictionaries, .. }| {
        let decode = |(key, record): (&[u8], Result<Option<&[u8]>>)| {
            let decoded = record?.ok_or(Status::Absent).and_then(|record| decoder.decode(key, record, dictionaries));
            Ok(match decoded {
                Ok(value) if value.len() <= COPIED => Either3::A(BufferSlice::copy_from(env, value)?),
                Ok(value) => Either3::B(value.into()),
                Err(status) => Either3::C(status as u32),
            })
        };
        keys.iter().zip(spans.iter()).map(decode).collect()
    })
}
