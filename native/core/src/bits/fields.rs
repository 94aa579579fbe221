//! Fields of one to seven bits, eight of them packed into as many bytes as each has bits.

use crate::simd::multiversioned;

/// Fields that fill whole bytes together.
pub const GROUP: usize = 8;

/// Unpacks fields to a byte each. What `packed` lacks of the last group is zero.
pub fn spread(packed: &[u8], field: u32, out: &mut [[u8; GROUP]]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() >= crate::simd::Level::Avx512 {
        // SAFETY: this machine has every feature of that level.
        return unsafe { spread_wide(packed, field, out) };
    }
    let step = field as usize;
    let whole = packed.len().checked_sub(GROUP).map_or(0, |last| last / step + 1).min(out.len());
    let (whole, rest) = out.split_at_mut(whole);
    for (index, group) in rest.iter_mut().enumerate() {
        let bytes = packed.get((whole.len() + index) * step..).unwrap_or_default();
        let mut word = [0; GROUP];
        let length = bytes.len().min(GROUP);
        word[..length].copy_from_slice(&bytes[..length]);
        *group = spread_one(u64::from_le_bytes(word), field).to_le_bytes();
    }
    #[cfg(target_arch = "x86_64")]
    if crate::simd::has_fast_deposit() {
        // SAFETY: this machine has the instruction.
        return unsafe { deposit(packed, field, whole) };
    }
    spread_whole(packed, field, whole);
}

/// Eight groups at a time: one instruction moves the bytes of each group into a word, one cuts the eight fields of each word.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn spread_wide(packed: &[u8], field: u32, out: &mut [[u8; GROUP]]) {
    use std::arch::x86_64::{
        _mm512_and_si512, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8, _mm512_multishift_epi64_epi8,
        _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi64,
    };
    const GROUPS: usize = size_of::<std::arch::x86_64::__m512i>() / GROUP;

    let step = field as usize;
    let sources = wide(&std::array::from_fn(|i| (i / GROUP * step + i % GROUP) as u8));
    let shifts = _mm512_set1_epi64(i64::from_le_bytes(std::array::from_fn(|i| (i * step) as u8)));
    let mask = _mm512_set1_epi8(((1_u8 << field) - 1) as i8);
    for (index, groups) in out.chunks_mut(GROUPS).enumerate() {
        let bytes = packed.get(index * GROUPS * step..).unwrap_or_default();
        let there = bytes.len().min(groups.len() * step);
        // SAFETY: what the mask leaves out is not read, and `there` bytes are there.
        let packed = unsafe { _mm512_maskz_loadu_epi8((1 << there) - 1, bytes.as_ptr().cast()) };
        let words = _mm512_permutexvar_epi8(sources, packed);
        let fields = _mm512_and_si512(_mm512_multishift_epi64_epi8(shifts, words), mask);
        let room = u64::MAX >> (u64::BITS as usize - GROUP * groups.len());
        // SAFETY: what the mask leaves out is not written, and there are eight bytes for each of the groups.
        unsafe { _mm512_mask_storeu_epi8(groups.as_mut_ptr().cast(), room, fields) };
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide(bytes: &[u8; 64]) -> std::arch::x86_64::__m512i {
    // SAFETY: 64 bytes are read, and any alignment will do.
    unsafe { std::arch::x86_64::_mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2")]
fn deposit(packed: &[u8], field: u32, out: &mut [[u8; GROUP]]) {
    let places = each_byte((1 << field) - 1);
    for (index, group) in out.iter_mut().enumerate() {
        *group = std::arch::x86_64::_pdep_u64(word_at(packed, index * field as usize), places).to_le_bytes();
    }
}

multiversioned! {
fn spread_whole(packed: &[u8], field: u32, out: &mut [[u8; GROUP]]) {
    for (index, group) in out.iter_mut().enumerate() {
        *group = spread_one(word_at(packed, index * field as usize), field).to_le_bytes();
    }
}
}

#[inline(always)]
fn word_at(packed: &[u8], start: usize) -> u64 {
    u64::from_le_bytes(packed[start..start + GROUP].try_into().expect("eight bytes"))
}

/// Packs the lowest `field` bits of each byte. Each group is written as a whole word, so `out` goes on for one behind the last.
pub fn close_up(bytes: &[[u8; GROUP]], field: u32, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::has_fast_deposit() {
        // SAFETY: this machine has the instruction.
        return unsafe { extract(bytes, field, out) };
    }
    close_up_whole(bytes, field, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2")]
fn extract(bytes: &[[u8; GROUP]], field: u32, out: &mut [u8]) {
    let places = each_byte((1 << field) - 1);
    for (index, group) in bytes.iter().enumerate() {
        let word = std::arch::x86_64::_pext_u64(u64::from_le_bytes(*group), places);
        out[index * field as usize..][..GROUP].copy_from_slice(&word.to_le_bytes());
    }
}

multiversioned! {
fn close_up_whole(bytes: &[[u8; GROUP]], field: u32, out: &mut [u8]) {
    for (index, group) in bytes.iter().enumerate() {
        let word = close_up_one(u64::from_le_bytes(*group), field);
        out[index * field as usize..][..GROUP].copy_from_slice(&word.to_le_bytes());
    }
}
}

/// A word of eight times the same byte.
#[cfg(target_arch = "x86_64")]
const fn each_byte(byte: u64) -> u64 {
    byte * 0x0101_0101_0101_0101
}

/// Moves the lowest eight fields of `word` to a byte each: halves apart, then quarters, then eighths.
#[inline(always)]
fn spread_one(word: u64, field: u32) -> u64 {
    let mask = |fields: u32| (1_u64 << (fields * field)) - 1;
    let word = word & mask(4) | (word >> (4 * field) & mask(4)) << 32;
    let word = word & (mask(2) * 0x1_0000_0001) | (word >> (2 * field) & (mask(2) * 0x1_0000_0001)) << 16;
    word & (mask(1) * 0x1_0001_0001_0001) | (word >> field & (mask(1) * 0x1_0001_0001_0001)) << 8
}

/// Undoes `spread_one`, for bytes that have nothing but their fields.
#[inline(always)]
fn close_up_one(word: u64, field: u32) -> u64 {
    let mask = |fields: u32| (1_u64 << (fields * field)) - 1;
    let word = word & (mask(1) * 0x1_0001_0001_0001) | (word >> 8 & (mask(1) * 0x1_0001_0001_0001)) << field;
    let word = word & (mask(2) * 0x1_0000_0001) | (word >> 16 & (mask(2) * 0x1_0000_0001)) << (2 * field);
    word & mask(4) | (word >> 32 & mask(4)) << (4 * field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_spread_alike() {
        for field in 1..8 {
            for groups in [1, 2, 3, 9, 48] {
                let packed: Vec<u8> = (0..groups * field as usize).map(|i| (i * 151 + 7) as u8).collect();
                let mut out = vec![[0xff; GROUP]; groups];
                spread(&packed, field, &mut out);
                let mut word = packed.clone();
                word.extend([0; GROUP]);
                let mut other = vec![[0; GROUP]; groups];
                spread_whole(&word, field, &mut other);
                assert_eq!(out, other);
                let mut closed = vec![0; packed.len() + GROUP];
                close_up(&out, field, &mut closed);
                assert_eq!(closed[..packed.len()], packed);
                close_up_whole(&out, field, &mut closed);
                assert_eq!(closed[..packed.len()], packed);
            }
        }
    }
}
