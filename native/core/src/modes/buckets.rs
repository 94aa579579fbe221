//! Mode `28`: the bucket of each element less that of its dimension's mean, and where in the bucket it lies. Docs/format.md section 2.10.

use super::counts::{BLOCK, Counts, Head};
use super::grid::{self, MAX_PRECISION, MAX_TABLE_PRECISION, Residual, ResidualTable};
use super::steps::StepsEncoder;
use crate::Float;
use crate::bits::bit_io::{BitReader, BitWriter};
use crate::bits::coded_streams::Scratch;
use crate::buffer::Buffer;
use crate::modes::profile::{Centres, Profile};
use crate::modes::rounding::Rounding;
use crate::round;
use crate::simd::multiversioned;
use std::ops::Range;

/// So many buckets' halvings lie between a bucket and zero.
pub const MAX_DEPTH: u32 = 24;

const PRECISION: u8 = 0x1f;
const IS_SCALED: u8 = 1 << 5;
const RESIDUAL_AT: u32 = 6;

/// What the elements of a vector are: `K`, of so many significant bits, times a factor and a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    /// 1 to `MAX_PRECISION`.
    pub precision: u32,
    pub residual: Residual,
    pub factor: Factor,
    /// Done last.
    pub rounding: Rounding,
}

/// What `K` is multiplied by in the first bucket that does not touch zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    Scaled(f64),
    /// A power of two, by the exponent of the float32 that a bucket is wide.
    One(u8),
}

impl Lattice {
    pub fn factor(&self) -> f64 {
        match self.factor {
            Factor::Scaled(factor) => factor,
            Factor::One(base) => round::power_of_two(i32::from(base) - 127 - (self.precision as i32 - 1)),
        }
    }

    /// How wide a bucket is.
    pub fn bucket(&self) -> f64 {
        self.factor() * round::power_of_two(self.precision as i32 - 1)
    }

    fn write(&self, out: &mut Buffer) {
        let residual = match self.residual {
            Residual::None => 0,
            Residual::OfK => 1,
            Residual::OfElement => 2,
        };
        let kind = self.precision as u8 | residual << RESIDUAL_AT;
        match self.factor {
            Factor::Scaled(factor) => {
                out.append(&[kind | IS_SCALED]);
                out.append(&factor.to_le_bytes());
            }
            Factor::One(base) => out.append(&[kind, base]),
        }
        out.append(&[self.rounding.byte()]);
    }

    fn read(rest: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = rest.split_first()?;
        let (factor, rest) = if kind & IS_SCALED != 0 {
            let (factor, rest) = rest.split_first_chunk()?;
            (Factor::Scaled(f64::from_le_bytes(*factor)), rest)
        } else {
            let (base, rest) = rest.split_first()?;
            (Factor::One(*base), rest)
        };
        let (rounding, rest) = rest.split_first()?;
        let rounding = Rounding::from_byte(*rounding)?;
        let (residual, most) = match kind >> RESIDUAL_AT {
            0 => (Residual::None, MAX_PRECISION),
            1 => (Residual::OfK, MAX_TABLE_PRECISION),
            2 => (Residual::OfElement, MAX_PRECISION),
            _ => return None,
        };
        let precision = u32::from(kind & PRECISION);
        let is_sound =
            (1..=most).contains(&precision) && !matches!(factor, Factor::Scaled(factor) if !(factor > 0.0 && factor.is_finite()));
        is_sound.then_some((Self { precision, residual, factor, rounding }, rest))
    }

    /// The bytes of the table of residuals.
    fn table_size(&self) -> usize {
        if self.residual == Residual::OfK { grid::table_size(self.precision) } else { 0 }
    }
}

/// One element: its sign, its `K` (0 for zero) and residual, and how often `K` times the factor is doubled.
#[derive(Clone, Copy)]
pub struct Element {
    pub is_negative: bool,
    pub k: u32,
    pub residual: u32,
    pub doublings: i32,
}

/// Encodes buckets; keeps its buffers from one vector to the next.
#[derive(Default)]
pub struct BucketsEncoder {
    counts: Vec<i32>,
    remainders: BitWriter,
    depths: BitWriter,
}

impl BucketsEncoder {
    /// Appends what follows the number of a profile; `table` are the residuals of each `K`, if they have any. Nothing where an element lies too near to zero, or too far away.
    pub fn encode(
        &mut self,
        lattice: &Lattice,
        table: &[u8],
        elements: impl Iterator<Item = Option<Element>>,
        centres: &Centres,
        steps: &mut StepsEncoder,
        out: &mut Buffer,
    ) -> Option<()> {
        self.counts.clear();
        self.remainders.clear();
        self.depths.clear();
        for element in elements {
            let element = element?;
            let bucket = self.write(lattice, element)?;
            self.counts.push(if element.is_negative { !bucket } else { bucket });
        }
        for (start, counts) in self.counts.chunks_mut(BLOCK).enumerate().map(|(index, counts)| (index * BLOCK, counts)) {
            let mut of_means = [0; BLOCK];
            centres.fill(start..start + counts.len(), &mut of_means[..counts.len()]);
            counts.iter_mut().zip(of_means).for_each(|(count, centre)| *count -= centre);
        }
        let (remainders, depths) = (self.remainders.finish(), self.depths.finish());
        let head = |out: &mut Buffer| {
            lattice.write(out);
            out.append(&((remainders.len() + depths.len()) as u32).to_le_bytes());
            out.append(table);
        };
        steps.encode_counts(&self.counts, head, out)?;
        out.append(remainders);
        out.append(depths);
        Some(())
    }

    /// Writes where in its bucket an element lies, and returns the bucket.
    fn write(&mut self, lattice: &Lattice, Element { k, residual, doublings, .. }: Element) -> Option<i32> {
        const MAX_BUCKET: u32 = 1 << 28;
        let (highest, residual_bits) = (lattice.precision - 1, lattice.residual.bits());
        if doublings < 0 || k == 0 {
            let depth = if k == 0 { MAX_DEPTH } else { !doublings as u32 };
            match depth {
                0..MAX_DEPTH => self.depths.push(1 << depth, depth + 1),
                MAX_DEPTH => self.depths.push(0, MAX_DEPTH),
                _ => return None,
            }
            let low = k & ((1 << highest) - 1);
            self.remainders.push(low << residual_bits | residual, highest + residual_bits);
            return Some(0);
        }
        let below = highest as i32 - doublings;
        let bucket = if below >= 0 { k >> below } else { k.checked_shl(below.unsigned_abs()).filter(|b| b >> -below == k)? };
        let low = if below > 0 { k & ((1 << below) - 1) } else { 0 };
        self.remainders.push(low << residual_bits | residual, below.max(0) as u32 + residual_bits);
        (bucket < MAX_BUCKET).then_some(bucket as i32)
    }
}

/// Decodes what follows the number of `profile`, which has the dimensions of `vector`, into that; it is left as it was where nothing
/// is returned.
pub fn decode(rest: &[u8], profile: &Profile, vector: &mut [Float], scratch: &mut Scratch) -> Option<()> {
    let (head, rest) = Head::read(rest)?;
    let (lattice, rest) = Lattice::read(rest)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (rest, section) = rest.split_at(rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*length)).ok()?)?);
    let (table, rest) = rest.split_at_checked(lattice.table_size())?;
    let centres = profile.centres(lattice.bucket())?;
    let mut products = std::mem::take(&mut scratch.products);
    let counts = Counts::read(&head, rest, vector, scratch)?;
    let mut block = Block::default();

    // First where everything is, so that nothing is touched where something is not.
    let (mut bits, mut at_zero) = (0, 0);
    for range in counts.blocks() {
        bits += block.fill(&lattice, &counts, &centres, range)?;
        at_zero += block.at_zero();
    }
    let (remainders, depths) = section.split_at_checked(bits.div_ceil(8))?;
    let mut scan = BitReader::new(depths);
    skip_depths(&mut scan, at_zero);
    if scan.bytes() != depths.len() {
        return None;
    }

    if lattice.residual == Residual::OfK {
        grid::fill_products(lattice.factor(), lattice.precision, table, &mut products);
    }
    let (mut remainders, mut depths) = (BitReader::new(remainders), BitReader::new(depths));
    for range in counts.blocks() {
        block.fill(&lattice, &counts, &centres, range.clone())?;
        block.read(&mut remainders, &mut depths);
        if lattice.residual == Residual::OfK {
            merge_products(&products, lattice.precision, &block, &mut vector[range]);
        } else {
            merge(&lattice, &block, &mut vector[range]);
        }
    }
    scratch.products = products;
    lattice.rounding.apply(vector);
    Some(())
}

/// How often a bucket that touches zero is halved.
#[inline(always)]
fn depth(depths: &mut BitReader) -> u32 {
    let depth = depths.peek().trailing_zeros().min(MAX_DEPTH);
    depths.skip((depth + 1).min(MAX_DEPTH));
    depth
}

/// What the elements of one block are put together from.
struct Block {
    length: usize,
    counts: [i32; BLOCK],
    centres: [i32; BLOCK],
    /// A bucket counted from zero either way, and the sign bit.
    magnitudes: [i32; BLOCK],
    signs: [u32; BLOCK],
    /// How many bits of remainder there are.
    widths: [u32; BLOCK],
    remainders: [u32; BLOCK],
    /// `K` without what the remainder says of it.
    highs: [u32; BLOCK],
    doublings: [u32; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self {
            length: 0,
            counts: [0; BLOCK],
            centres: [0; BLOCK],
            magnitudes: [0; BLOCK],
            signs: [0; BLOCK],
            widths: [0; BLOCK],
            remainders: [0; BLOCK],
            highs: [0; BLOCK],
            doublings: [0; BLOCK],
        }
    }
}

impl Block {
    /// Fills in the buckets of these elements, and everything that they tell. Returns the bits of all remainders; nothing where a bucket
    /// is too large.
    fn fill(&mut self, lattice: &Lattice, counts: &Counts, centres: &Centres, range: Range<usize>) -> Option<usize> {
        let length = range.len();
        self.length = length;
        counts.fill(range.clone(), &mut self.counts[..length]);
        centres.fill(range, &mut self.centres[..length]);
        let Self { counts, centres, magnitudes, signs, widths, highs, doublings, .. } = self;
        let magnitudes = &mut magnitudes[..length];
        let is_sound = add(&counts[..length], &centres[..length], magnitudes, &mut signs[..length]);
        let bits = measure(lattice, magnitudes, &mut widths[..length], &mut highs[..length], &mut doublings[..length]);
        is_sound.then_some(bits as usize)
    }

    /// How many buckets touch zero.
    fn at_zero(&self) -> usize {
        self.magnitudes[..self.length].iter().filter(|magnitude| **magnitude == 0).count()
    }

    fn read(&mut self, remainders: &mut BitReader, depths: &mut BitReader) {
        let mut at_zero = [0; BLOCK];
        let found = take_remainders(self, remainders, &mut at_zero);
        for index in at_zero[..found].iter().map(|index| usize::from(*index)) {
            let depth = depth(depths);
            self.doublings[index] = !depth;
            if depth == MAX_DEPTH {
                // Zero, whatever the remainder.
                (self.highs[index], self.remainders[index], self.doublings[index]) = (0, 0, 0);
            }
        }
    }
}

multiversioned! {
/// Reads the remainders of a block, and finds the elements whose buckets touch zero; returns how many these are.
fn take_remainders(block: &mut Block, remainders: &mut BitReader, at_zero: &mut [u8; BLOCK]) -> usize {
    let mut found = 0;
    for index in 0..block.length.min(BLOCK) {
        block.remainders[index] = remainders.take(block.widths[index]);
        at_zero[found % BLOCK] = index as u8;
        found += usize::from(block.magnitudes[index] == 0);
    }
    found
}
}

multiversioned! {
/// Passes over so many depths.
fn skip_depths(depths: &mut BitReader, count: usize) {
    for _ in 0..count {
        depth(depths);
    }
}
}

multiversioned! { @wide
/// Buckets counted from zero either way, and their signs. Whether none is too large.
fn add(counts: &[i32], centres: &[i32], magnitudes: &mut [i32], signs: &mut [u32]) -> bool {
    let mut overflown = 0;
    for (((count, centre), magnitude), sign) in counts.iter().zip(centres).zip(magnitudes).zip(signs) {
        let bucket = count.wrapping_add(*centre);
        overflown |= (bucket ^ count) & (bucket ^ centre);
        let is_negative = bucket >> (i32::BITS - 1);
        *magnitude = bucket ^ is_negative;
        *sign = is_negative as u32 & 0x8000_0000;
    }
    overflown >= 0
}
}

multiversioned! { @wide
/// The width of each remainder, `K` without it, and how often its product is doubled. Returns the sum of the widths.
fn measure(lattice: &Lattice, magnitudes: &[i32], widths: &mut [u32], highs: &mut [u32], doublings: &mut [u32]) -> u32 {
    let highest = lattice.precision - 1;
    let residual = lattice.residual.bits();
    let mut bits = 0;
    for (((magnitude, width), high), doublings) in magnitudes.iter().zip(widths).zip(highs).zip(doublings) {
        // At zero it is as in the first bucket that does not touch it.
        let magnitude = *magnitude | i32::from(*magnitude == 0);
        // As ilog2 does, but in what every width of SIMD has.
        let binade = (f64::from(magnitude).to_bits() >> (f64::MANTISSA_DIGITS - 1)) as u32 - 1023;
        let missing = highest.saturating_sub(binade);
        *width = missing + residual;
        *high = (magnitude as u32) << missing >> binade.saturating_sub(highest);
        *doublings = binade;
        bits += missing + residual;
    }
    bits
}
}

multiversioned! { @wide
fn merge(lattice: &Lattice, block: &Block, vector: &mut [Float]) {
    let (factor, residual_bits) = (lattice.factor(), lattice.residual.bits());
    let mask = (1 << residual_bits) - 1;
    let half = (1 << residual_bits) >> 1;
    for (index, float) in vector.iter_mut().enumerate().take(BLOCK) {
        let remainder = block.remainders[index];
        let k = block.highs[index] | remainder >> residual_bits;
        let added = (block.doublings[index] << 23).wrapping_add(remainder & mask).wrapping_sub(half);
        let product = (f64::from(k as i32) * factor) as f32;
        let magnitude = product.to_bits().wrapping_add(added) & 0x7fff_ffff;
        *float = (if k == 0 { 0 } else { magnitude } | block.signs[index]).to_ne_bytes();
    }
}
}

multiversioned! { @wide
/// The same where the bits of each `K`'s product are at hand, residual included.
fn merge_products(products: &[u32], precision: u32, block: &Block, vector: &mut [Float]) {
    let products: &[u32; size_of::<ResidualTable>()] = products.first_chunk().expect("room for every `K`");
    let below_highest = (1 << (precision - 1)) - 1;
    for (index, float) in vector.iter_mut().enumerate().take(BLOCK) {
        let k = block.highs[index] | block.remainders[index];
        let product = products[(k & below_highest) as usize & (products.len() - 1)];
        let magnitude = product.wrapping_add(block.doublings[index] << 23) & 0x7fff_ffff;
        *float = (if k == 0 { 0 } else { magnitude } | block.signs[index]).to_ne_bytes();
    }
}
}
