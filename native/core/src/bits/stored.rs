//! Bits of each element that are stored as they are, in planes that split quickly: docs/format.md section 2.4.

use crate::bits::fields::{self, GROUP};
use crate::buffer::Buffer;
use crate::simd::multiversioned;

/// The most bits of an element.
pub const MAX_BITS: u32 = 26;

/// Which planes hold how many bits.
#[derive(Clone, Copy)]
struct Layout {
    has_words: bool,
    has_bytes: bool,
    /// Bits of one field.
    field: u32,
    /// How many bits lie below the bytes, and below the fields.
    below_bytes: u32,
    below_fields: u32,
}

impl Layout {
    fn of(bits: u32) -> Self {
        assert!(bits <= MAX_BITS);
        let has_words = bits >= u16::BITS;
        let has_bytes = bits % u16::BITS >= u8::BITS;
        let below_bytes = if has_words { u16::BITS } else { 0 };
        let below_fields = below_bytes + if has_bytes { u8::BITS } else { 0 };
        Self { has_words, has_bytes, field: bits % u8::BITS, below_bytes, below_fields }
    }
}

/// How many bytes the planes of `dimensions` elements take.
pub fn size(bits: u32, dimensions: usize) -> usize {
    let layout = Layout::of(bits);
    let words = if layout.has_words { 2 * dimensions } else { 0 };
    let bytes = if layout.has_bytes { dimensions } else { 0 };
    words + bytes + fields_size(layout.field, dimensions)
}

fn fields_size(field: u32, dimensions: usize) -> usize {
    (dimensions * field as usize).div_ceil(GROUP)
}

/// Appends the planes of the low `bits` bits of each value. `scratch` is overwritten.
pub fn write(bits: u32, values: &[u32], scratch: &mut Vec<u8>, out: &mut Buffer) {
    let layout = Layout::of(bits);
    if layout.has_words {
        write_words(values, out.grow(2 * values.len()).as_chunks_mut().0);
    }
    if layout.has_bytes {
        write_bytes(values, layout.below_bytes, out.grow(values.len()));
    }
    if layout.field > 0 {
        let size = fields_size(layout.field, values.len());
        let end = out.len() + size;
        scratch.resize(values.len().next_multiple_of(GROUP), 0);
        let (fields, padding) = scratch.split_at_mut(values.len());
        cut_fields(values, layout.below_fields, layout.field, fields);
        padding.fill(0);
        // The last group is written as a whole word.
        fields::close_up(scratch.as_chunks().0, layout.field, out.grow(size + 2 * GROUP));
        out.truncate(end);
    }
}

multiversioned! { @wide
fn write_words(values: &[u32], out: &mut [[u8; 2]]) {
    for (value, word) in values.iter().zip(out) {
        *word = (*value as u16).to_le_bytes();
    }
}
}

multiversioned! { @wide
fn write_bytes(values: &[u32], below: u32, out: &mut [u8]) {
    for (value, byte) in values.iter().zip(out) {
        *byte = (*value >> below) as u8;
    }
}
}

multiversioned! { @wide
fn cut_fields(values: &[u32], below: u32, field: u32, bytes: &mut [u8]) {
    let mask = (1 << field) - 1;
    for (value, byte) in values.iter().zip(bytes) {
        *byte = (*value >> below & mask) as u8;
    }
}
}

/// The planes of a payload, fields unpacked to a byte each. Planes that are not there are empty.
#[derive(Clone, Copy)]
pub struct Planes<'a> {
    words: &'a [[u8; 2]],
    bytes: &'a [u8],
    fields: &'a [u8],
}

/// Which planes there are, as the const generics of a loop over them.
macro_rules! for_planes {
    ($planes:expr, $function:ident, ($($argument:expr),*)) => {
        match $planes.present() {
            (false, false, false) => $function::<false, false, false>($($argument),*),
            (false, false, true) => $function::<false, false, true>($($argument),*),
            (false, true, false) => $function::<false, true, false>($($argument),*),
            (false, true, true) => $function::<false, true, true>($($argument),*),
            (true, false, false) => $function::<true, false, false>($($argument),*),
            (true, false, true) => $function::<true, false, true>($($argument),*),
            (true, true, false) => $function::<true, true, false>($($argument),*),
            (true, true, true) => $function::<true, true, true>($($argument),*),
        }
    };
}
pub(crate) use for_planes;

impl<'a> Planes<'a> {
    /// Finds the planes of `dimensions` elements, which are all of `stored`.
    pub fn of(bits: u32, stored: &'a [u8], dimensions: usize, scratch: &'a mut Vec<u8>) -> Self {
        assert_eq!(stored.len(), size(bits, dimensions));
        let layout = Layout::of(bits);
        let (words, rest) = stored.split_at(if layout.has_words { 2 * dimensions } else { 0 });
        let (bytes, packed) = rest.split_at(if layout.has_bytes { dimensions } else { 0 });
        let mut unpacked: &[u8] = &[];
        if layout.field > 0 {
            scratch.resize(dimensions.next_multiple_of(GROUP), 0);
            fields::spread(packed, layout.field, scratch.as_chunks_mut().0);
            unpacked = &scratch[..dimensions];
        }
        Self { words: words.as_chunks().0, bytes, fields: unpacked }
    }

    /// Whether there are words, bytes and fields.
    pub fn present(&self) -> (bool, bool, bool) {
        (!self.words.is_empty(), !self.bytes.is_empty(), !self.fields.is_empty())
    }

    /// The planes of some of the elements.
    pub fn part(&self, elements: std::ops::Range<usize>) -> Self {
        let (words, bytes, fields) = self.present();
        Self {
            words: if words { &self.words[elements.clone()] } else { &[] },
            bytes: if bytes { &self.bytes[elements.clone()] } else { &[] },
            fields: if fields { &self.fields[elements] } else { &[] },
        }
    }

    /// The bits of element `index`.
    pub fn bits_at(&self, index: usize) -> u32 {
        for_planes!(self, value_at, (self, index))
    }

    /// The planes of the first `count` elements. Loops over so many need no check of their own then, which would keep them from
    /// being compiled to wide instructions up to their last element.
    #[inline(always)]
    pub fn first<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(&self, count: usize) -> Self {
        Self {
            words: if WORDS { &self.words[..count] } else { &[] },
            bytes: if BYTES { &self.bytes[..count] } else { &[] },
            fields: if FIELDS { &self.fields[..count] } else { &[] },
        }
    }
}

/// The bits of element `index`, in a loop that knows which planes there are.
#[inline(always)]
pub fn value_at<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(planes: &Planes, index: usize) -> u32 {
    let below_bytes = if WORDS { u16::BITS } else { 0 };
    let below_fields = below_bytes + if BYTES { u8::BITS } else { 0 };
    let low = if WORDS { u32::from(u16::from_le_bytes(planes.words[index])) } else { 0 };
    let middle = if BYTES { u32::from(planes.bytes[index]) << below_bytes } else { 0 };
    let high = if FIELDS { u32::from(planes.fields[index]) << below_fields } else { 0 };
    low | middle | high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for bits in 0..=MAX_BITS {
            for dimensions in [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 385] {
                let values: Vec<u32> = (1..=dimensions as u32).map(|i| i.wrapping_mul(0x9e37_79b9) & ((1 << bits) - 1)).collect();
                let mut planes = Buffer::default();
                write(bits, &values, &mut Vec::new(), &mut planes);
                assert_eq!(planes.len(), size(bits, dimensions));
                let mut scratch = Vec::new();
                let found = Planes::of(bits, &planes, dimensions, &mut scratch);
                let back: Vec<u32> = (0..dimensions).map(|index| found.bits_at(index)).collect();
                assert_eq!(back, values, "{bits} bits");
                let part = found.part(dimensions / 2..dimensions);
                assert_eq!(part.bits_at(0), values[dimensions / 2]);
            }
        }
    }

    #[test]
    fn fields_are_packed_lowest_bit_first() {
        let mut planes = Buffer::default();
        write(3, &[1, 2, 3, 4, 5, 6, 7, 0, 1], &mut Vec::new(), &mut planes);
        assert_eq!(planes[..], [0b1101_0001, 0b0101_1000, 0b0001_1111, 1]);
    }
}
