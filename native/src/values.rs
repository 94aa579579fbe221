//! `encodeValues` and `decodeValues`.

use crate::batch::{self, Keys, Records, Refs};
use crate::js::{self, misuse};
use napi::Result;
use napi::bindgen_prelude::{Buffer, BufferSlice, Either3, Env, Unknown};
use napi_derive::napi;
use std::cell::RefCell;
use vecstash_core::{MAX_VALUE_BYTES, Status, ValueDecoder, ValueEncoder};

thread_local! {
    static ENCODER: RefCell<ValueEncoder> = RefCell::default();
    static DECODER: RefCell<ValueDecoder> = RefCell::default();
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
) -> Result<Records<'env>> {
    let compression = batch::compression(compression)?;
    let values = js::elements(&values, "values")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    if values.len() != keys.len() {
        return Err(misuse(format!("{} values for {} keys", values.len(), keys.len())));
    }
    let values: Vec<&[u8]> = values.iter().map(|value| js::bytes(value, "a value")).collect::<Result<_>>()?;

    ENCODER.with_borrow_mut(|encoder| {
        batch::encode_all(env, &keys, values, |key, value, out| {
            encoder
                .encode(key, value, compression, out)
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
    refs: Unknown,
) -> Result<Vec<Either3<BufferSlice<'env>, Buffer, u32>>> {
    let sources = js::elements(&sources, "sources")?;

    let keys = Keys::new(js::bytes(&keys, "keys")?, js::numbers(&key_lengths, "keyLengths")?)?;
    let sources = sources.iter().map(|source| js::bytes(source, "a source")).collect::<Result<_>>()?;
    let refs = Refs::new(sources, js::numbers(&refs, "refs")?, keys.len())?;

    DECODER.with_borrow_mut(|decoder| {
        let decode = |(key, record): (&[u8], Result<Option<&[u8]>>)| {
            let decoded = record?.ok_or(Status::Absent).and_then(|record| decoder.decode(key, record));
            Ok(match decoded {
                Ok(value) if value.len() <= COPIED => Either3::A(BufferSlice::copy_from(env, value)?),
                Ok(value) => Either3::B(value.into()),
                Err(status) => Either3::C(status as u32),
            })
        };
        keys.iter().zip(refs.iter()).map(decode).collect()
    })
}
