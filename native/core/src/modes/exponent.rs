//! Mode `10`: exponents in static Huffman codes, the rest stored. Docs/format.md section 2.2.

use super::coded::{self, StreamLengths, Symbols};
use crate::Float;
use crate::exponents::{Plan, TABLES};
use crate::huffman::{EXPONENTS, STREAMS, SymbolPlane};
use crate::planes;

/// Table, base and patch count, before the three stream lengths.
const FIELDS: usize = 3;
const HEADER_BYTES: usize = FIELDS + size_of::<StreamLengths>();
/// High plane and low 16 bits.
const STORED_BYTES: usize = 3;

/// The size of the payload, short of at most three bytes of padding.
pub fn size(plan: &Plan, dimensions: usize) -> usize {
    HEADER_BYTES + plan.bytes() + STORED_BYTES * dimensions
}

/// Replaces `out` by the payload, and `symbols`.
pub fn encode(plan: &Plan, exponents: &[u8], high: &[u8], low: &[[u8; 2]], symbols: &mut Symbols, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[plan.table as u8, plan.base, plan.patches as u8]);
    out.resize(HEADER_BYTES, 0);
    plan.write_patches(exponents.iter().map(|exponent| (*exponent, *exponent)), out);
    plan.symbols(exponents, &mut symbols.bytes);
    let lengths = coded::encode_streams(&EXPONENTS, plan.table, &symbols.bytes, &mut symbols.pairs, out);
    out[FIELDS..HEADER_BYTES].copy_from_slice(&lengths);
    out.extend_from_slice(low.as_flattened());
    out.extend_from_slice(high);
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(payload: &[u8], vector: &mut [Float], symbols: &mut SymbolPlane) -> Option<()> {
    let dimensions = vector.len();
    let (&[table, base, patches], rest) = payload.split_first_chunk::<FIELDS>()?;
    let (lengths, rest) = rest.split_first_chunk()?;
    if usize::from(table) >= TABLES {
        return None;
    }
    let lookup = &EXPONENTS.lookups[usize::from(table)];
    let (patches, stored) =
        coded::decode_streams(rest, lookup, lengths, patches, STORED_BYTES * dimensions, dimensions, symbols)?;
    let (low, high) = stored.split_at(2 * dimensions);
    let low = low.as_chunks().0;

    let quarter = dimensions.div_ceil(STREAMS);
    for (stream, part) in vector.chunks_mut(quarter).enumerate() {
        let elements = stream * quarter..stream * quarter + part.len();
        planes::merge_symbols(base, &symbols.stream(stream)[..part.len()], &high[elements.clone()], &low[elements], part);
    }
    for patch in patches {
        planes::set_exponent(&mut vector[coded::index_of(patch)], patch[2]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exponents::Zeros;
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
            let plan = Plan::new(&histogram(&exponents), Zeros::AreExponents).expect("the patches are few enough");
            assert_eq!(plan.patches, apart);
            assert_eq!(plan.is_strained(DIMENSIONS), apart > 100);
            encode(&plan, &exponents, &high, &low, &mut Symbols::default(), &mut payload);
            let size = size(&plan, DIMENSIONS);
            assert!((size..size + STREAMS).contains(&payload.len()), "{} bytes, planned {size}", payload.len());

            let mut vector = vec![Float::default(); DIMENSIONS];
            decode(&payload, &mut vector, &mut SymbolPlane::default()).expect("it was just encoded");
            let (mut back, mut back_high, mut back_low) = (exponents.clone(), high.clone(), low.clone());
            planes::split(&vector, &mut back, &mut back_high, &mut back_low);
            assert_eq!((back, back_high, back_low), (exponents, high, low));
        }
        assert_eq!(Plan::new(&histogram(&with_apart(256).0), Zeros::AreExponents), None);
    }

    #[test]
    fn bases_at_the_ends_of_the_range() {
        for exponent in [0, 1, 3, 14, 15, 254, 255] {
            let exponents = vec![exponent; 64];
            let plan = Plan::new(&histogram(&exponents), Zeros::AreExponents).expect("all exponents are one");
            assert_eq!(plan.patches, 0);
            let mut payload = Vec::new();
            encode(&plan, &exponents, &[0x81; 64], &[[1, 2]; 64], &mut Symbols::default(), &mut payload);
            let mut vector = vec![Float::default(); 64];
            decode(&payload, &mut vector, &mut SymbolPlane::default()).expect("it was just encoded");
            let expected = 0x8001_0201 | u32::from(exponent) << 23;
            assert!(vector.iter().all(|float| u32::from_ne_bytes(*float) == expected));
        }
    }
}
