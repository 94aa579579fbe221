//! `digestStrings` and `digestBytes`.

use crate::js::{self, misuse};
use napi::bindgen_prelude::{FunctionCallContext, Object, ToNapiValue, Unknown};
use napi::{Env, Error, JsValue, Result, ValueType, check_status, sys};
use napi_derive::napi;
use std::cell::RefCell;
use std::ptr;
use vecstash_core::{DIGEST_CHARS, Digester, Input};

thread_local! {
    static TEXT: RefCell<Vec<u8>> = RefCell::default();
}

/// Above this, the text buffer is given back after use, in bytes.
const KEPT: usize = 1 << 20;

const MIN_BUFFER: usize = 4096;

/// Node ends with a NUL and never in the middle of a character: less room left over may mean that a string was cut.
const ROOM_LEFT_OVER: usize = 5;

/// Before the strings come the secret and the prefix.
const FIRST_INPUT: usize = 2;

/// Exports `digestStrings`, whose strings are its arguments: they come all at once, and an array's elements by a call for each.
#[napi(module_exports)]
pub fn export(mut exports: Object, env: Env) -> Result<()> {
    let function = env.create_function_from_closure::<(), _, _>("digestStrings", |context| digest_strings(&context))?;
    exports.set("digestStrings", function)
}

#[napi(catch_unwind, ts_return_type = "string")]
pub fn digest_bytes(secret: Unknown, prefix: Unknown, inputs: Unknown) -> Result<Ascii> {
    let inputs = js::elements(&inputs, "inputs")?;
    let digester = digester(&secret)?;
    let prefix = ascii(&prefix)?;
    let mut digests = Vec::with_capacity(inputs.len() * (prefix.len() + DIGEST_CHARS));
    for input in &inputs {
        let bytes = js::bytes(input, "an input")?;
        digests.extend_from_slice(prefix);
        digests.extend_from_slice(&digester.digest(Input::Bytes(bytes)));
    }
    Ok(Ascii(digests))
}

/// With a secret, or with undefined.
fn digester(secret: &Unknown) -> Result<Digester> {
    Ok(match secret.get_type()? {
        ValueType::Undefined => Digester::new(None),
        _ => Digester::new(Some(js::bytes(secret, "secret")?)),
    })
}

fn ascii<'env>(prefix: &Unknown<'env>) -> Result<&'env [u8]> {
    let prefix = js::bytes(prefix, "prefix")?;
    if prefix.is_ascii() { Ok(prefix) } else { Err(misuse("prefix must be ASCII")) }
}

fn digest_strings(context: &FunctionCallContext) -> Result<Ascii> {
    let secret: Unknown = context.get(0)?;
    let digester = digester(&secret)?;
    let prefix: Unknown = context.get(1)?;
    let prefix = ascii(&prefix)?;
    let env = context.env.raw();
    let inputs = FIRST_INPUT..context.length();
    let mut digests = Vec::with_capacity(inputs.len() * (prefix.len() + DIGEST_CHARS));
    TEXT.with_borrow_mut(|text| {
        for index in inputs {
            let input: Unknown = context.get(index)?;
            digests.extend_from_slice(prefix);
            digests.extend_from_slice(&digest(env, input.raw(), &digester, text)?);
        }
        if text.capacity() > KEPT {
            *text = Vec::new();
        }
        Ok::<_, Error>(())
    })?;
    Ok(Ascii(digests))
}

/// Becomes a string.
pub struct Ascii(Vec<u8>);

impl ToNapiValue for Ascii {
    unsafe fn to_napi_value(env: sys::napi_env, Self(bytes): Self) -> Result<sys::napi_value> {
        let mut string = ptr::null_mut();
        // SAFETY: env is alive, and the bytes are copied before they are dropped.
        check_status!(unsafe { sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), bytes.len() as isize, &mut string) })?;
        Ok(string)
    }
}

/// The digest of one string. `text` is overwritten.
fn digest(env: sys::napi_env, string: sys::napi_value, digester: &Digester, text: &mut Vec<u8>) -> Result<[u8; DIGEST_CHARS]> {
    if text.len() < MIN_BUFFER {
        text.resize(MIN_BUFFER, 0);
    }
    let mut length = read_utf8(env, string, text.as_mut_ptr(), text.len())?;
    if length + ROOM_LEFT_OVER > text.len() {
        length = read_utf8(env, string, ptr::null_mut(), 0)?;
        text.resize(length + ROOM_LEFT_OVER, 0);
        length = read_utf8(env, string, text.as_mut_ptr(), text.len())?;
    }
    let text = &text[..length];
    if has_replacement_character(text) {
        let units = read_utf16(env, string)?;
        if char::decode_utf16(units.iter().copied()).any(|character| character.is_err()) {
            return Ok(digester.digest(Input::Utf16(&units)));
        }
    }
    Ok(digester.digest(Input::Utf8(text)))
}

/// Node puts U+FFFD in the place of a lone surrogate, which would make two strings one.
fn has_replacement_character(text: &[u8]) -> bool {
    const REPLACEMENT: [u8; 3] = [0xef, 0xbf, 0xbd];
    text.contains(&REPLACEMENT[0]) && text.windows(REPLACEMENT.len()).any(|window| window == REPLACEMENT)
}

/// Writes the UTF-8 of `string` to `room` bytes at `buffer` and returns how many it wrote; with no buffer, how many there are.
fn read_utf8(env: sys::napi_env, string: sys::napi_value, buffer: *mut u8, room: usize) -> Result<usize> {
    let mut length = 0;
    // SAFETY: env and string are alive; the caller's buffer has `room` bytes, or is null.
    let status = unsafe { sys::napi_get_value_string_utf8(env, string, buffer.cast(), room, &mut length) };
    if status == sys::Status::napi_ok { Ok(length) } else { Err(misuse("inputs must be strings")) }
}

#[cold]
fn read_utf16(env: sys::napi_env, string: sys::napi_value) -> Result<Vec<u16>> {
    let mut length = 0;
    // SAFETY: env and string are alive; without a buffer only the length is written.
    check_status!(unsafe { sys::napi_get_value_string_utf16(env, string, ptr::null_mut(), 0, &mut length) })?;
    // One more for the NUL at the end.
    let mut units = vec![0; length + 1];
    // SAFETY: as above, and the buffer has room for as many units as it is said to have.
    check_status!(unsafe { sys::napi_get_value_string_utf16(env, string, units.as_mut_ptr(), units.len(), &mut length) })?;
    units.truncate(length);
    Ok(units)
}
