//! Counts as steps are coded, read a block at a time: docs/format.md section 2.6. For what is more than a count times a step.

use crate::Float;
use crate::bits::coded_streams::{self, Patch, Scratch, StreamLengths};
use crate::bits::huffman::{STEPS, STREAMS, SymbolPlane};
use crate::bits::stored::{self, Planes, for_planes};
use crate::simd::multiversioned;
use std::ops::Range;

/// So many elements at most are a block.
pub const BLOCK: usize = 256;

/// Of the stored bits below a symbol.
pub const MAX_BITS: u32 = 24;

pub const TABLES: usize = STEPS.lengths.len();

/// The symbol of the steps from 0 up, and the one that stands where a patch will.
pub const MIDDLE: u8 = 16;

/// In a patch: negative zero.
pub const NEGATIVE_ZERO: i8 = i8::MIN;

/// No `q` is larger: what 24 stored bits and the largest symbol hold.
pub const MAX_Q: i32 = (1 << 28) - 1;

/// A `q` that stands for negative zero.
pub const NEGATIVE_ZERO_Q: i32 = i32::MIN;

/// What stands at the start of a payload with counts: table and stored bits, patch count, lengths of streams.
pub struct Head {
    pub table: usize,
    pub bits: u32,
    pub patches: u8,
    pub lengths: StreamLengths,
}

impl Head {
    /// A head that can be one, and what follows it.
    pub fn read(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (&[table_and_bits, patches], rest) = payload.split_first_chunk()?;
        let (lengths, rest) = rest.split_first_chunk()?;
        let (table, bits) = (usize::from(table_and_bits & 7), u32::from(table_and_bits >> 3));
        let is_sound = table < TABLES && bits <= MAX_BITS;
        is_sound.then_some((Self { table, bits, patches, lengths: *lengths }, rest))
    }
}

/// The counts of a payload.
pub struct Counts<'a> {
    bits: u32,
    patches: &'a [Patch],
    symbols: &'a SymbolPlane,
    planes: Planes<'a>,
    dimensions: usize,
}

impl<'a> Counts<'a> {
    /// Finds them in `rest`, which are patches, streams and stored bits, one for each element of `ahead`.
    pub fn read(head: &Head, rest: &'a [u8], ahead: &[Float], scratch: &'a mut Scratch) -> Option<Self> {
        let dimensions = ahead.len();
        let size = stored::size(head.bits, dimensions);
        let Scratch { symbols, fields, .. } = scratch;
        let lookup = STEPS.lookup(head.table);
        let (patches, planes) = coded_streams::decode_streams(rest, lookup, &head.lengths, head.patches, size, ahead, symbols)?;
        let planes = Planes::of(head.bits, planes, dimensions, fields);
        Some(Self { bits: head.bits, patches, symbols, planes, dimensions })
    }

    /// The elements of each block, in order.
    pub fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (dimensions, quarter) = (self.dimensions, self.dimensions.div_ceil(STREAMS));
        (0..dimensions).step_by(quarter).flat_map(move |start| {
            let end = (start + quarter).min(dimensions);
            (start..end).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(end))
        })
    }

    /// The counts of one block; `NEGATIVE_ZERO_Q` for a negative zero.
    pub fn fill(&self, block: Range<usize>, counts: &mut [i32]) {
        let quarter = self.dimensions.div_ceil(STREAMS);
        let symbols = &self.symbols.stream(block.start / quarter)[block.start % quarter..][..block.len()];
        let planes = self.planes.part(block.clone());
        for_planes!(planes, count, (symbols, &planes, self.bits, counts));
        let first = self.patches.partition_point(|patch| coded_streams::index_of(patch) < block.start);
        for patch in self.patches[first..].iter().take_while(|patch| coded_streams::index_of(patch) < block.end) {
            let index = coded_streams::index_of(patch);
            let h = patch[2] as i8;
            let count = (i32::from(h) << self.bits) + self.planes.bits_at(index) as i32;
            counts[index - block.start] = if h == NEGATIVE_ZERO { NEGATIVE_ZERO_Q } else { count };
        }
    }
}

multiversioned! { @wide
fn count<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(symbols: &[u8], planes: &Planes, bits: u32, counts: &mut [i32]) {
    let count = counts.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let low = stored::value_at::<WORDS, BYTES, FIELDS>(planes, index);
        counts[index] = ((i32::from(symbols[index]) - i32::from(MIDDLE)) << bits) + low as i32;
    }
}
}
