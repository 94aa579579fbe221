//! Mode `10`: exponents in static Huffman codes, the rest stored. Docs/format.md section 2.2.

use crate::Float;
use crate::bits::coded_streams::{self, StreamLengths, Symbols};
use crate::bits::huffman::{EXPONENTS, STREAMS, SymbolPlane};
use crate::bits::planes;
use crate::buffer::Buffer;
use crate::modes::exponent_plan::{Plan, TABLES};

/// Table, base and patch count, before the three stream lengths.
const FIELDS: usize = 3;
const HEADER_BYTES: usize = FIELDS + size_of::<StreamLengths>();
/// High plane and low 16 bits.
const STORED_BYTES: usize = 3;

/// The size of the payload, short of at most three bytes of padding and six of lengths.
pub fn size(plan: &Plan, dimensions: usize) -> usize {
    HEADER_BYTES + plan.bytes() + STORED_BYTES * dimensions
}

/// Appends the payload; `symbols` is overwritten.
pub fn encode(plan: &Plan, exponents: &[u8], vector: &[Float], symbols: &mut Symbols, out: &mut Buffer) {
    plan.symbols(exponents, &mut symbols.bytes);
    let streams = coded_streams::encode_streams(&EXPONENTS, plan.table, &symbols.bytes, &mut symbols.writer);
    let patches = plan.patches(exponents, |index| exponents[index]);
    let patches = patches.as_flattened();
    out.append(&[plan.table as u8, plan.base, plan.patches as u8]);
    out.append(&streams.lengths);
    out.append(patches);
    streams.append_to(out);
    let (low, high) = out.grow(STORED_BYTES * vector.len()).split_at_mut(2 * vector.len());
    planes::rest(vector, low.as_chunks_mut().0, high);
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(payload: &[u8], vector: &mut [Float], symbols: &mut SymbolPlane) -> Option<()> {
    let parts = Parts::read(payload, vector, symbols)?;
    for (stream, part) in vector.chunks_mut(parts.quarter).enumerate() {
        let (symbols, high, low) = parts.of(stream, part.len());
        planes::merge_symbols(parts.base, symbols, high, low, part);
    }
    Some(())
}

/// Whether `payload` decodes to `vector`, bit for bit. `ahead` is of the same length, and fetched meanwhile.
pub fn gives_back(payload: &[u8], vector: &[Float], ahead: &[Float], symbols: &mut SymbolPlane) -> bool {
    let Some(parts) = Parts::read(payload, ahead, symbols) else { return false };
    vector.chunks(parts.quarter).enumerate().all(|(stream, part)| {
        let (symbols, high, low) = parts.of(stream, part.len());
        planes::are_merged(parts.base, symbols, high, low, part)
    })
}

/// What the elements of a payload are put together from.
struct Parts<'a> {
    base: u8,
    symbols: &'a SymbolPlane,
    high: &'a [u8],
    low: &'a [[u8; 2]],
    quarter: usize,
}

impl<'a> Parts<'a> {
    /// Finds the parts of a payload of as many elements as `ahead` has, which is fetched meanwhile.
    #[inline]
    fn read(payload: &'a [u8], ahead: &[Float], symbols: &'a mut SymbolPlane) -> Option<Self> {
        let dimensions = ahead.len();
        let (&[table, base, patches], rest) = payload.split_first_chunk::<FIELDS>()?;
        let (lengths, rest) = rest.split_first_chunk()?;
        if usize::from(table) >= TABLES {
            return None;
        }
        let lookup = EXPONENTS.lookup(usize::from(table));
        let (patches, stored) =
            coded_streams::decode_streams(rest, lookup, lengths, patches, STORED_BYTES * dimensions, ahead, symbols)?;
        for patch in patches {
            // The symbol that an exponent anywhere would have.
            *symbols.of_element(coded_streams::index_of(patch)) = base.wrapping_sub(patch[2]);
        }
        let (low, high) = stored.split_at(2 * dimensions);
        Some(Self { base, symbols, high, low: low.as_chunks().0, quarter: dimensions.div_ceil(STREAMS) })
    }

    /// Symbols, high plane and low bits of the `count` elements of one stream.
    #[inline]
    fn of(&self, stream: usize, count: usize) -> (&[u8], &[u8], &[[u8; 2]]) {
        let elements = stream * self.quarter..stream * self.quarter + count;
        (&self.symbols.stream(stream)[..count], &self.high[elements.clone()], &self.low[elements])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::histogram::Histogram;
    use crate::modes::exponent_plan::Zeros;

    const DIMENSIONS: usize = 2000;

    /// A vector with these exponents, and any other bits.
    fn with(exponents: &[u8]) -> Vec<Float> {
        let others = |i: usize| (i as u32).wrapping_mul(0x9e37_79b9) & !(0xff << 23);
        exponents.iter().enumerate().map(|(i, exponent)| (u32::from(*exponent) << 23 | others(i)).to_ne_bytes()).collect()
    }

    fn with_apart(apart: usize) -> Vec<u8> {
        let exponent = |i: usize| if i.is_multiple_of(7) && i / 7 < apart { 200 + (i % 5) as u8 } else { 118 + (i % 3) as u8 };
        (0..DIMENSIONS).map(exponent).collect()
    }

    #[test]
    fn patches_hold_up_to_255_that_lie_apart() {
        let mut payload = Buffer::default();
        for apart in [0, 1, 254, 255] {
            let exponents = with_apart(apart);
            let vector = with(&exponents);
            let plan = Plan::new(&Histogram::of(&exponents), Zeros::AreExponents).expect("the patches are few enough");
            assert_eq!(plan.patches, apart);
            assert_eq!(plan.is_strained(DIMENSIONS), apart > 100);
            payload.clear();
            encode(&plan, &exponents, &vector, &mut Symbols::default(), &mut payload);
            let size = size(&plan, DIMENSIONS);
            assert!((size..size + STREAMS).contains(&payload.len()), "{} bytes, planned {size}", payload.len());

            let mut back = vec![Float::default(); DIMENSIONS];
            decode(&payload, &mut back, &mut SymbolPlane::default()).expect("it was just encoded");
            assert_eq!(back, vector);
        }
        assert_eq!(Plan::new(&Histogram::of(&with_apart(256)), Zeros::AreExponents), None);
    }

    #[test]
    fn bases_at_the_ends_of_the_range() {
        for exponent in [0, 1, 3, 14, 15, 254, 255] {
            let exponents = vec![exponent; 64];
            let plan = Plan::new(&Histogram::of(&exponents), Zeros::AreExponents).expect("all exponents are one");
            assert_eq!(plan.patches, 0);
            let mut payload = Buffer::default();
            let vector = with(&exponents);
            encode(&plan, &exponents, &vector, &mut Symbols::default(), &mut payload);
            let mut back = vec![Float::default(); 64];
            decode(&payload, &mut back, &mut SymbolPlane::default()).expect("it was just encoded");
            assert_eq!(back, vector);
        }
    }

    #[test]
    fn only_the_vector_itself_is_given_back() {
        for apart in [0, 3] {
            let exponents = with_apart(apart);
            let vector = with(&exponents);
            let plan = Plan::new(&Histogram::of(&exponents), Zeros::AreExponents).expect("the patches are few enough");
            let mut payload = Buffer::default();
            encode(&plan, &exponents, &vector, &mut Symbols::default(), &mut payload);
            let mut symbols = SymbolPlane::default();
            assert!(gives_back(&payload, &vector, &vector, &mut symbols));
            for index in [0, 7, 14, 499, 500, 1234, DIMENSIONS - 1] {
                for bit in [0, 7, 8, 15, 16, 22, 23, 30, 31] {
                    let mut other = vector.clone();
                    other[index][bit / 8] ^= 1 << (bit % 8);
                    assert!(!gives_back(&payload, &other, &vector, &mut symbols), "bit {bit} of element {index}");
                }
            }
            assert!(!gives_back(&payload[1..], &vector, &vector, &mut symbols));
        }
    }
}
