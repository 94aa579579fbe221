//! Loops that a compiler makes little of for WebAssembly, in its 128-bit instructions: bytes that are taken out of words and put back.

#[cfg(not(target_feature = "simd128"))]
compile_error!("WebAssembly is built with -C target-feature=+simd128: run npm run build:wasm");

use crate::Float;
use std::arch::wasm32::{
    i8x16_eq, i8x16_shl, i8x16_shuffle, i8x16_splat, i8x16_sub, i32x4_add, u8x16_shr, u8x16_splat, u16x8_extadd_pairwise_u8x16,
    u32x4_extadd_pairwise_u16x8, u32x4_extract_lane, u32x4_splat, v128, v128_and, v128_any_true, v128_load, v128_or, v128_store,
    v128_xor,
};

/// Elements, or bytes, that are worked on at once.
pub const LANES: usize = 16;

type Vectors = [v128; 4];

#[inline(always)]
fn load<T>(from: &[T; LANES]) -> v128 {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: 16 bytes are read, at any alignment.
    unsafe { v128_load(from.as_ptr().cast()) }
}

#[inline(always)]
fn load_floats(from: &[Float; LANES]) -> Vectors {
    // SAFETY: 64 bytes are read, at any alignment.
    std::array::from_fn(|index| unsafe { v128_load(from.as_ptr().cast::<v128>().add(index)) })
}

/// Each of so many elements: their low 16 bits, and the two bytes above them.
#[inline(always)]
fn take_apart(vectors: &Vectors) -> ([v128; 2], v128, v128) {
    let [a, b, c, d] = *vectors;
    let low_words = |a, b| i8x16_shuffle::<0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29>(a, b);
    let high_words = |a, b| i8x16_shuffle::<2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31>(a, b);
    let (first, second) = (high_words(a, b), high_words(c, d));
    let third = i8x16_shuffle::<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(first, second);
    let fourth = i8x16_shuffle::<1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(first, second);
    ([low_words(a, b), low_words(c, d)], third, fourth)
}

/// As `planes::exponents`.
#[inline]
pub fn exponents(floats: &[Float; LANES], exponents: &mut [u8; LANES]) {
    let (_, third, fourth) = take_apart(&load_floats(floats));
    let found = v128_or(i8x16_shl(fourth, 1), u8x16_shr(third, 7));
    // SAFETY: 16 bytes are written, at any alignment.
    unsafe { v128_store(exponents.as_mut_ptr().cast(), found) };
}

/// As `planes::rest`.
#[inline]
pub fn rest(floats: &[Float; LANES], low: &mut [[u8; 2]; LANES], high: &mut [u8; LANES]) {
    let ([first, second], third, fourth) = take_apart(&load_floats(floats));
    let found = high_plane(third, fourth);
    // SAFETY: 32 bytes are written and then 16, at any alignment.
    unsafe {
        v128_store(low.as_mut_ptr().cast(), first);
        v128_store(low.as_mut_ptr().cast::<v128>().add(1), second);
        v128_store(high.as_mut_ptr().cast(), found);
    }
}

#[inline(always)]
fn high_plane(third: v128, fourth: v128) -> v128 {
    v128_or(v128_and(fourth, u8x16_splat(0x80)), v128_and(third, u8x16_splat(0x7f)))
}

/// As `planes::are_merged`.
#[inline]
pub fn are_merged(base: u8, symbols: &[u8; LANES], high: &[u8; LANES], low: &[[u8; 2]; LANES], floats: &[Float; LANES]) -> bool {
    let ([first, second], third, fourth) = take_apart(&load_floats(floats));
    let exponents = v128_or(i8x16_shl(fourth, 1), u8x16_shr(third, 7));
    let expected = i8x16_sub(u8x16_splat(base), load(symbols));
    // SAFETY: 32 bytes are read, at any alignment.
    let [low_first, low_second] = unsafe { [v128_load(low.as_ptr().cast()), v128_load(low.as_ptr().cast::<v128>().add(1))] };
    let bytes = v128_or(v128_xor(exponents, expected), v128_xor(high_plane(third, fourth), load(high)));
    let words = v128_or(v128_xor(first, low_first), v128_xor(second, low_second));
    !v128_any_true(v128_or(bytes, words))
}

/// How often each of so many values occurs.
const VALUES: usize = 4;

/// A byte counts up to here.
const MAX_COUNTED: usize = u8::MAX as usize;

/// Counts the values from `first` up in `chunks`, as many as there are `counts`.
pub fn count_few(chunks: &[[u8; LANES]], first: u8, counts: &mut [u32]) {
    for (group, counts) in counts.chunks_mut(VALUES).enumerate() {
        let values: [v128; VALUES] =
            std::array::from_fn(|index| i8x16_splat(first.wrapping_add((group * VALUES + index) as u8) as i8));
        for chunks in chunks.chunks(MAX_COUNTED) {
            let mut found = [i8x16_splat(0); VALUES];
            for chunk in chunks {
                let bytes = load(chunk);
                for (found, value) in found.iter_mut().zip(values) {
                    // What is equal has all bits set, which is -1.
                    *found = i8x16_sub(*found, i8x16_eq(bytes, value));
                }
            }
            for (count, found) in counts.iter_mut().zip(found) {
                *count += sum(found);
            }
        }
    }
}

#[inline(always)]
fn sum(bytes: v128) -> u32 {
    let fours = u32x4_extadd_pairwise_u16x8(u16x8_extadd_pairwise_u8x16(bytes));
    let zero = u32x4_splat(0);
    let twos = i32x4_add(fours, i8x16_shuffle::<8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7>(fours, zero));
    u32x4_extract_lane::<0>(twos) + u32x4_extract_lane::<1>(twos)
}
