//! Mode `10`: exponents in static Huffman codes, the rest stored. Docs/format.md section 2.2.

use crate::Float;
use crate::histogram;
use crate::huffman::{self, Code, LENGTHS, PATCH_SYMBOL, STREAMS, SYMBOLS, SymbolPlane, TABLES};
use crate::planes;

/// Table, base, patch count and three stream lengths.
const HEADER_BYTES: usize = 9;
const PATCH_BYTES: usize = 3;
/// High plane and low 16 bits.
const STORED_BYTES: usize = 3;
const MAX_PATCHES: usize = u8::MAX as usize;

/// The cheapest table and base for one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    table: usize,
    base: u8,
    patches: usize,
    /// Of all four streams, before each is padded to a byte.
    bits: usize,
}

impl Plan {
    /// Chooses for a vector of `dimensions` elements whose exponents were counted; none where too many exponents lie apart.
    pub fn new(counts: &[u32; 256], dimensions: usize) -> Option<Self> {
        let most_frequent = histogram::most_frequent(counts);
        let mut padded = [0; SYMBOLS - 1 + 256];
        padded[SYMBOLS - 1..].copy_from_slice(counts);
        let bases = most_frequent..=most_frequent.saturating_add(SYMBOLS as u8 - 1);
        bases
            .filter_map(|base| Self::with_base(base, padded[usize::from(base)..].first_chunk()?, dimensions))
            .min_by_key(Self::bytes)
    }

    /// `window` counts the exponents from `base - 15` up to `base`.
    fn with_base(base: u8, window: &[u32; SYMBOLS], dimensions: usize) -> Option<Self> {
        let patches = dimensions - window.iter().sum::<u32>() as usize;
        if patches > MAX_PATCHES {
            return None;
        }
        let bits_with = |table: usize| {
            let lengths = &LENGTHS[table];
            let coded: u32 = window.iter().rev().zip(lengths).map(|(count, length)| count * u32::from(*length)).sum();
            coded as usize + patches * usize::from(lengths[PATCH_SYMBOL])
        };
        let (bits, table) = (0..TABLES).map(|table| (bits_with(table), table)).min()?;
        Some(Self { table, base, patches, bits })
    }

    /// The size of everything but the stored planes, short of at most three bytes of padding.
    fn bytes(&self) -> usize {
        HEADER_BYTES + PATCH_BYTES * self.patches + self.bits.div_ceil(8)
    }

    /// Whether the payload can be smaller than the raw float32s.
    pub fn wins(&self, dimensions: usize) -> bool {
        self.bytes() < dimensions
    }

    /// Whether so many exponents lie apart that a code made for this vector may cost less than the patches.
    pub fn is_strained(&self, dimensions: usize) -> bool {
        self.patches > dimensions / 32
    }

    fn codes(&self) -> [Code; 256] {
        let code_of =
            |symbol: usize| Code { bits: huffman::CODES[self.table][symbol], length: u16::from(LENGTHS[self.table][symbol]) };
        let mut codes = [code_of(PATCH_SYMBOL); 256];
        for symbol in 0..SYMBOLS.min(usize::from(self.base) + 1) {
            codes[usize::from(self.base) - symbol] = code_of(symbol);
        }
        codes
    }
}

/// Replaces `out` by the payload.
pub fn encode(plan: &Plan, exponents: &[u8], high: &[u8], low: &[[u8; 2]], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[plan.table as u8, plan.base, plan.patches as u8]);
    out.resize(HEADER_BYTES, 0);
    if plan.patches > 0 {
        for (index, exponent) in exponents.iter().enumerate() {
            if usize::from(plan.base.wrapping_sub(*exponent)) >= SYMBOLS {
                out.extend_from_slice(&(index as u16).to_le_bytes());
                out.push(*exponent);
            }
        }
    }
    let codes = plan.codes();
    let quarter = exponents.len().div_ceil(STREAMS);
    for stream in 0..STREAMS {
        let start = out.len();
        let elements = (stream * quarter).min(exponents.len())..((stream + 1) * quarter).min(exponents.len());
        huffman::encode(&codes, &exponents[elements], out);
        let length = ((out.len() - start) as u16).to_le_bytes();
        if let Some(field) = out[3..HEADER_BYTES].as_chunks_mut().0.get_mut(stream) {
            *field = length;
        }
    }
    out.extend_from_slice(low.as_flattened());
    out.extend_from_slice(high);
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(payload: &[u8], vector: &mut [Float], symbols: &mut SymbolPlane) -> Option<()> {
    let dimensions = vector.len();
    let (header, rest) = payload.split_first_chunk::<HEADER_BYTES>()?;
    let [table, base, patches, ..] = *header;
    let (patches, rest) = rest.split_at_checked(PATCH_BYTES * usize::from(patches))?;
    let patches = patches.as_chunks::<PATCH_BYTES>().0;
    let streams_end = rest.len().checked_sub(STORED_BYTES * dimensions)?;
    let (low, high) = rest[streams_end..].split_at(2 * dimensions);
    let low = low.as_chunks().0;

    if usize::from(table) >= TABLES || !are_sound(patches, dimensions) {
        return None;
    }
    let ends = stream_ends(header, streams_end)?;
    if !huffman::decode(usize::from(table), rest, ends, dimensions, symbols) {
        return None;
    }

    let quarter = dimensions.div_ceil(STREAMS);
    for (stream, part) in vector.chunks_mut(quarter).enumerate() {
        let elements = stream * quarter..stream * quarter + part.len();
        planes::merge_symbols(base, &symbols.stream(stream)[..part.len()], &high[elements.clone()], &low[elements], part);
    }
    for patch in patches {
        planes::set_exponent(&mut vector[index_of(patch)], patch[2]);
    }
    Some(())
}

fn index_of(patch: &[u8; PATCH_BYTES]) -> usize {
    usize::from(u16::from_le_bytes([patch[0], patch[1]]))
}

/// Whether the indices ascend strictly, and none is too large.
fn are_sound(patches: &[[u8; PATCH_BYTES]], dimensions: usize) -> bool {
    patches.is_sorted_by(|a, b| index_of(a) < index_of(b)) && patches.last().is_none_or(|last| index_of(last) < dimensions)
}

fn stream_ends(header: &[u8; HEADER_BYTES], streams_end: usize) -> Option<[usize; STREAMS]> {
    let mut ends = [streams_end; STREAMS];
    let mut end = 0;
    for (field, slot) in header[3..].as_chunks().0.iter().zip(&mut ends) {
        end += usize::from(u16::from_le_bytes(*field));
        *slot = end;
    }
    (end <= streams_end).then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::histogram;

    const DIMENSIONS: usize = 2000;

    fn with_apart(apart: usize) -> (Vec<u8>, Vec<u8>, Vec<[u8; 2]>) {
        let exponent = |i: usize| if i.is_multiple_of(7) && i / 7 < apart { 200 + (i % 5) as u8 } else { 118 + (i % 3) as u8 };
        let exponents = (0..DIMENSIONS).map(exponent).collect();
        let high = (0..DIMENSIONS).map(|i| (i * 31) as u8).collect();
        let low = (0..DIMENSIONS).map(|i| (i as u16).wrapping_mul(4099).to_le_bytes()).collect();
        (exponents, high, low)
    }

    #[test]
    fn patches_hold_up_to_255_that_lie_apart() {
        let mut payload = Vec::new();
        for apart in [0, 1, 254, 255] {
            let (exponents, high, low) = with_apart(apart);
            let plan = Plan::new(&histogram(&exponents), DIMENSIONS).expect("the patches are few enough");
            assert_eq!(plan.patches, apart);
            assert_eq!(plan.is_strained(DIMENSIONS), apart > 100);
            encode(&plan, &exponents, &high, &low, &mut payload);
            let size = plan.bytes() + STORED_BYTES * DIMENSIONS;
            assert!((size..size + STREAMS).contains(&payload.len()), "{} bytes, planned {size}", payload.len());

            let mut vector = vec![Float::default(); DIMENSIONS];
            decode(&payload, &mut vector, &mut SymbolPlane::default()).expect("it was just encoded");
            let (mut back, mut back_high, mut back_low) = (exponents.clone(), high.clone(), low.clone());
            planes::split(&vector, &mut back, &mut back_high, &mut back_low);
            assert_eq!((back, back_high, back_low), (exponents, high, low));
        }
        assert_eq!(Plan::new(&histogram(&with_apart(256).0), DIMENSIONS), None);
    }

    #[test]
    fn bases_at_the_ends_of_the_range() {
        for exponent in [0, 1, 3, 14, 15, 254, 255] {
            let exponents = vec![exponent; 64];
            let plan = Plan::new(&histogram(&exponents), exponents.len()).expect("all exponents are one");
            assert_eq!(plan.patches, 0);
            let mut payload = Vec::new();
            encode(&plan, &exponents, &[0x81; 64], &[[1, 2]; 64], &mut payload);
            let mut vector = vec![Float::default(); 64];
            decode(&payload, &mut vector, &mut SymbolPlane::default()).expect("it was just encoded");
            let expected = 0x8001_0201 | u32::from(exponent) << 23;
            assert!(vector.iter().all(|float| u32::from_ne_bytes(*float) == expected));
        }
    }
}
