//! Looking at what JavaScript passed, without a copy and without a reference for each value.

use napi::bindgen_prelude::Unknown;
use napi::{Error, JsValue, Result, Status, check_status, sys};
use std::ptr;
use vecstash_core::Float;

/// A misuse that the caller hears of as an exception.
pub fn misuse(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArg, message.into())
}

/// The most elements to reserve memory for before any was seen: an array may claim a length that it does not have.
const RESERVED: u32 = 1 << 16;

/// The elements of a JavaScript array. This may run JavaScript (getters), so it comes before any look at memory.
pub fn elements<'env>(array: &Unknown<'env>, name: &str) -> Result<Vec<Unknown<'env>>> {
    let env = array.value().env;
    let mut length = 0;
    // SAFETY: `env` and `array` are alive for the call that gave them to us, and `length` is written before it is read.
    check_status!(unsafe { sys::napi_get_array_length(env, array.raw(), &mut length) }, "{name} must be an array")?;
    let mut elements = Vec::with_capacity(length.min(RESERVED) as usize);
    for index in 0..length {
        let mut element = ptr::null_mut();
        // SAFETY: as above; the handle lives as long as the scope of this call, which is what 'env stands for.
        elements.push(unsafe {
            check_status!(sys::napi_get_element(env, array.raw(), index, &mut element))?;
            Unknown::from_raw_unchecked(env, element)
        });
    }
    Ok(elements)
}

/// The memory of one typed array.
#[derive(Clone, Copy)]
pub struct TypedArrayView<T> {
    start: *mut T,
    length: usize,
}

impl<T> TypedArrayView<T> {
    /// `T` must be what an array of `kind` holds, or bytes of the same size without an alignment.
    unsafe fn of(value: &Unknown, kind: sys::napi_typedarray_type, name: &str, expected: &str) -> Result<Self> {
        let mut found = 0;
        let mut length = 0;
        let mut start = ptr::null_mut();
        // SAFETY: env and value are alive, and the two results that are not wanted may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                value.value().env,
                value.raw(),
                &mut found,
                &mut length,
                &mut start,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if status != sys::Status::napi_ok || found != kind {
            return Err(misuse(format!("{name} must be a {expected}")));
        }
        let start: *mut T = start.cast();
        if length == 0 || start.is_null() {
            return Ok(Self { start: ptr::NonNull::dangling().as_ptr(), length: 0 });
        }
        if !start.is_aligned() {
            return Err(misuse(format!("{name} must be aligned")));
        }
        Ok(Self { start, length })
    }

    /// SAFETY: nothing may write to this memory while the slice lives.
    unsafe fn slice<'a>(self) -> &'a [T] {
        // SAFETY: start and length come from a live typed array, or are dangling and 0.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    pub fn len(&self) -> usize {
        self.length
    }
}

/// The bytes of a Uint8Array or Buffer.
pub fn bytes<'env>(value: &Unknown<'env>, name: &str) -> Result<&'env [u8]> {
    // SAFETY: a u8 for an array of u8. No JavaScript runs while this call is under way, and what this crate writes to is kept
    // apart from what it reads by `Block`.
    unsafe { Ok(TypedArrayView::of(value, sys::TypedarrayType::uint8_array, name, "Uint8Array")?.slice()) }
}

/// The numbers of a Uint32Array.
pub fn numbers<'env>(value: &Unknown<'env>, name: &str) -> Result<&'env [u32]> {
    // SAFETY: as in `bytes`.
    unsafe { Ok(TypedArrayView::of(value, sys::TypedarrayType::uint32_array, name, "Uint32Array")?.slice()) }
}

/// The numbers of a Float64Array.
pub fn doubles<'env>(value: &Unknown<'env>, name: &str) -> Result<&'env [f64]> {
    // SAFETY: as in `bytes`; any eight bytes are an f64.
    unsafe { Ok(TypedArrayView::of(value, sys::TypedarrayType::float64_array, name, "Float64Array")?.slice()) }
}

/// Writes to the beginning of a Uint32Array.
pub fn write_numbers(value: &Unknown, name: &str, numbers: &[u32]) -> Result<()> {
    // SAFETY: a u32 for an array of u32.
    let view: TypedArrayView<u32> = unsafe { TypedArrayView::of(value, sys::TypedarrayType::uint32_array, name, "Uint32Array")? };
    if view.len() < numbers.len() {
        return Err(misuse(format!("{name} must have {} elements; got {}", numbers.len(), view.len())));
    }
    // SAFETY: there is room for them; no JavaScript runs and no slice of this memory is held while they are copied.
    unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), view.start, numbers.len()) };
    Ok(())
}

/// The elements of a Float32Array.
pub fn floats<'env>(value: &Unknown<'env>, name: &str) -> Result<&'env [Float]> {
    // SAFETY: as in `bytes`; a `Float` is the bytes of one float32.
    unsafe { Ok(TypedArrayView::of(value, sys::TypedarrayType::float32_array, name, "Float32Array")?.slice()) }
}

/// A Float32Array to write to.
pub struct Block(TypedArrayView<Float>);

impl Block {
    pub fn of(value: &Unknown, name: &str) -> Result<Self> {
        // SAFETY: a `Float` is the bytes of one float32.
        unsafe { Ok(Self(TypedArrayView::of(value, sys::TypedarrayType::float32_array, name, "Float32Array")?)) }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the block shares memory with `other`.
    pub fn overlaps<T>(&self, other: &[T]) -> bool {
        let mine = self.0.start.cast::<u8>().addr();
        let theirs = other.as_ptr().addr();
        mine < theirs + size_of_val(other) && theirs < mine + self.0.length * size_of::<Float>()
    }

    /// The `length` elements from `start` on.
    ///
    /// # Safety
    /// No rows of two blocks may be held at once (blocks may share memory), nor one beside a slice that the block overlaps.
    pub unsafe fn row(&mut self, start: usize, length: usize) -> Option<&mut [Float]> {
        if length > self.0.length.checked_sub(start)? {
            return None;
        }
        // SAFETY: the row lies within the typed array, and the caller holds no other slice of it.
        Some(unsafe { std::slice::from_raw_parts_mut(self.0.start.add(start), length) })
    }
}
