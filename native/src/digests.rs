//! `digestStrings`.

use crate::js::{self, misuse};
use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, Result, ValueType, check_status, sys};
use napi_derive::napi;
use std::cell::Cell;
use std::ptr;
use vecstash_core::{DIGEST_CHARS, Digester, Input};

thread_local! {
    static TEXT: Cell<Vec<u8>> = Cell::default();
}

/// Above this, the text buffer is given back after use, in bytes.
const KEPT: usize = 1 << 20;

const SHORTEST_BUFFER: usize = 4096;

/// Node ends with a NUL and never in the middle of a character: less room left over may mean that a string was cut.
const ROOM_LEFT_OVER: usize = 5;

/// Strings whose handles are let go together.
const STRINGS_PER_SCOPE: u32 = 256;

#[napi(catch_unwind)]
pub fn digest_strings<'env>(
    env: &'env Env,
    inputs: Unknown<'env>,
    secret: Unknown<'env>,
    prefix: Unknown<'env>,
) -> Result<Unknown<'env>> {
    let digester = match secret.get_type()? {
        ValueType::Undefined => Digester::new(None),
        _ => Digester::new(Some(js::bytes(&secret, "secret")?)),
    };
    let prefix = js::bytes(&prefix, "prefix")?;
    if !prefix.is_ascii() {
        return Err(misuse("prefix must be ASCII"));
    }
    let env = env.raw();
    let mut length = 0;
    // SAFETY: env and inputs are alive for this call, and `length` is written before it is read.
    check_status!(unsafe { sys::napi_get_array_length(env, inputs.raw(), &mut length) }, "inputs must be an array")?;

    let mut digests = Vec::with_capacity(length.min(js::RESERVED) as usize * (prefix.len() + DIGEST_CHARS));
    // Taken rather than borrowed: a getter in the array could call this function again.
    let mut text = TEXT.take();
    for start in (0..length).step_by(STRINGS_PER_SCOPE as usize) {
        let chunk = start..length.min(start + STRINGS_PER_SCOPE);
        in_scope(env, || {
            for index in chunk {
                let mut string = ptr::null_mut();
                // SAFETY: env and inputs are alive, and the handle is used within the scope.
                check_status!(unsafe { sys::napi_get_element(env, inputs.raw(), index, &mut string) })?;
                digests.extend_from_slice(prefix);
                digests.extend_from_slice(&digest(env, string, &digester, &mut text)?);
            }
            Ok(())
        })?;
    }
    if text.capacity() <= KEPT {
        TEXT.set(text);
    }

    let mut joined = ptr::null_mut();
    // SAFETY: `digests` is ASCII, and is copied before it is dropped; the handle lives as long as this call.
    unsafe {
        check_status!(sys::napi_create_string_latin1(env, digests.as_ptr().cast(), digests.len() as isize, &mut joined))?;
        Ok(Unknown::from_raw_unchecked(env, joined))
    }
}

/// Runs `work` and lets go of the handles that it made.
fn in_scope(env: sys::napi_env, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut scope = ptr::null_mut();
    // SAFETY: env is alive; what is opened here is closed below.
    check_status!(unsafe { sys::napi_open_handle_scope(env, &mut scope) })?;
    let result = work();
    // SAFETY: the scope is the innermost one again, and no handle of it is left.
    check_status!(unsafe { sys::napi_close_handle_scope(env, scope) })?;
    result
}

/// The digest of one string. `text` is overwritten.
fn digest(env: sys::napi_env, string: sys::napi_value, digester: &Digester, text: &mut Vec<u8>) -> Result<[u8; DIGEST_CHARS]> {
    if text.len() < SHORTEST_BUFFER {
        text.resize(SHORTEST_BUFFER, 0);
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
