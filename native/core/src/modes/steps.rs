//! Modes `30` to `32`: multiples of a step. Docs/format.md section 2.6.

use super::counts::{Head, MAX_BITS, MIDDLE, NEGATIVE_ZERO, NEGATIVE_ZERO_Q, TABLES};
use super::unit::{Unit, read_bound};
use crate::Float;
use crate::bits::coded_streams::{self, MAX_PATCHES, PATCH_BYTES, Scratch, StreamLengths};
use crate::bits::histogram::Histogram;
use crate::bits::huffman::{STEPS, STREAMS, StreamWriter};
use crate::bits::outside::outside;
use crate::bits::stored::{self, Planes, for_planes};
use crate::buffer::Buffer;
use crate::simd::{self, multiversioned};

/// So many stored bits and five of a symbol are an integer that a float32 holds.
const MAX_FLOAT_BITS: u32 = 19;

const SYMBOLS: usize = STEPS.lengths[0].len();

/// Above this mean of |q|, in steps of the symbols, a symbol is too fine.
const MAX_MEAN: f64 = 1.9;

/// Fewer symbols decode faster: they may cost one part in so many more.
const WORTH_SPEED: usize = 300;

/// Bits of the table and stored bits, and patch count, before the three stream lengths.
const FIELDS: usize = 2;
const HEADER_BYTES: usize = FIELDS + size_of::<StreamLengths>();

/// The bound that a payload of mode `30` records; none where it ends before its parameters do.
pub fn bound(payload: &[u8]) -> Option<f32> {
    let (bound, rest) = read_bound(payload.get(HEADER_BYTES..)?)?;
    (!rest.is_empty()).then_some(bound)
}

/// Encodes step counts; keeps its buffers from one vector to the next.
#[derive(Default)]
pub struct StepsEncoder {
    symbols: Vec<u8>,
    best: Vec<u8>,
    writer: StreamWriter,
    low: Vec<u32>,
}

impl StepsEncoder {
    /// Appends the payload; none where too many steps lie apart. Each `q` is at most `MAX_Q` or `NEGATIVE_ZERO_Q`.
    pub fn encode(&mut self, unit: Unit, q: &[i32], out: &mut Buffer) -> Option<()> {
        self.encode_counts(q, |out| unit.write(out), out)
    }

    /// The same with anything for a unit.
    pub fn encode_counts(&mut self, q: &[i32], unit: impl FnOnce(&mut Buffer), out: &mut Buffer) -> Option<()> {
        let (bits, table, patches) = self.plan(q)?;
        let mut apart = Vec::new();
        if patches > 0 {
            apart.extend(outside(&self.best, SYMBOLS as u8 - 1, SYMBOLS as u8));
            apart.iter().for_each(|(index, _)| self.best[*index] = MIDDLE);
        }
        let streams = coded_streams::encode_streams(&STEPS, table, &self.best, &mut self.writer);
        out.append(&[table as u8 | (bits as u8) << 3, patches as u8]);
        out.append(&streams.lengths);
        unit(out);
        apart.iter().for_each(|(index, symbol)| out.append(&coded_streams::patch(*index, symbol.wrapping_sub(MIDDLE))));
        streams.append_to(out);
        self.low.clear();
        self.low.extend(q.iter().map(|q| *q as u32));
        stored::write(bits, &self.low, &mut self.symbols, out);
        Some(())
    }

    /// The number of stored bits, the table and the number of patches that are cheapest; leaves the symbols in `best`.
    fn plan(&mut self, q: &[i32]) -> Option<(u32, usize, usize)> {
        let (sum, largest) = magnitudes(q);
        let mean = sum as f64 / q.len() as f64;
        let middle = (0..=MAX_BITS).find(|bits| mean < MAX_MEAN * f64::from(1_u32 << bits))?;
        let mut best: Option<(usize, u32, usize, usize)> = None;
        // One bit more is for elements so far out that patches cannot say how far.
        for bits in middle.saturating_sub(1)..=(middle + 1).min(MAX_BITS) {
            if bits > middle && best.is_some() {
                break;
            }
            // One more step down than up, and -128 is taken: 127 both ways is what always fits.
            if largest >> bits >= i8::MAX as u32 {
                continue;
            }
            self.symbols.resize(q.len(), 0);
            symbols_of(q, bits, &mut self.symbols);
            let (coded, table, patches) = cheapest(&self.symbols);
            let cost = coded as usize + q.len() * bits as usize;
            if patches <= MAX_PATCHES && best.is_none_or(|(least, ..)| cost < least + least / WORTH_SPEED) {
                best = Some((cost, bits, table, patches));
                std::mem::swap(&mut self.symbols, &mut self.best);
            }
        }
        best.map(|(_, bits, table, patches)| (bits, table, patches))
    }
}

multiversioned! { @wide
/// The sum and the largest of |q|, negative zeros left out.
fn magnitudes(q: &[i32]) -> (u64, u32) {
    let mut sum = 0;
    let mut largest = 0;
    for q in q {
        let magnitude = if *q == NEGATIVE_ZERO_Q { 0 } else { q.unsigned_abs() };
        sum += u64::from(magnitude);
        largest = largest.max(magnitude);
    }
    (sum, largest)
}
}

multiversioned! { @wide
/// What of each `q` lies above the stored bits, with `MIDDLE` for 0.
fn symbols_of(q: &[i32], bits: u32, symbols: &mut [u8]) {
    for (q, symbol) in q.iter().zip(symbols) {
        *symbol = ((*q >> bits).max(i32::from(NEGATIVE_ZERO)) as u8).wrapping_add(MIDDLE);
    }
}
}

/// The cost in bits, and the table, that code these symbols most cheaply; and how many of them are patches.
fn cheapest(symbols: &[u8]) -> (u32, usize, usize) {
    let (coded, patches) = costs(symbols);
    let mut best = (u32::MAX, 0);
    for (table, coded) in coded.iter().enumerate() {
        let middle = u32::from(STEPS.lengths[table][usize::from(MIDDLE)]);
        let cost = coded + patches * (middle + 8 * PATCH_BYTES as u32);
        if cost < best.0 {
            best = (cost, table);
        }
    }
    (best.0, best.1, patches as usize)
}

/// What the codes of each table take in bits, and how many symbols have none.
fn costs(symbols: &[u8]) -> ([u32; TABLES], u32) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() >= crate::simd::Level::Avx512 {
        // SAFETY: this machine has every feature of that level.
        return unsafe { costs_wide(symbols) };
    }
    let Histogram { counts, .. } = Histogram::of(symbols);
    costs_by_frequency(&counts, symbols.len())
}

multiversioned! {
fn costs_by_frequency(counts: &[u32; 256], symbols: usize) -> ([u32; TABLES], u32) {
    let coded = STEPS.lengths.map(|lengths| counts.iter().zip(lengths).map(|(count, length)| count * u32::from(length)).sum());
    (coded, symbols as u32 - counts[..SYMBOLS].iter().sum::<u32>())
}
}

/// All lengths of a table fit one register, and an instruction looks them up.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn costs_wide(symbols: &[u8]) -> ([u32; TABLES], u32) {
    use std::arch::x86_64::{
        _mm512_add_epi8, _mm512_add_epi64, _mm512_cmplt_epu8_mask, _mm512_maskz_loadu_epi8, _mm512_maskz_permutexvar_epi8,
        _mm512_reduce_add_epi64, _mm512_sad_epu8, _mm512_set1_epi8, _mm512_setzero_si512,
    };
    const LANES: usize = 64;
    /// Of the longest codes, so many do not overflow a byte.
    const ROWS: usize = u8::MAX as usize / crate::bits::huffman::PEEK_BITS as usize;

    let zero = _mm512_setzero_si512();
    // SAFETY: what the mask leaves out is not read.
    let lengths = STEPS.lengths.map(|lengths| unsafe { _mm512_maskz_loadu_epi8((1 << SYMBOLS) - 1, lengths.as_ptr().cast()) });
    let symbols_end = _mm512_set1_epi8(SYMBOLS as i8);
    let mut sums = [zero; TABLES];
    let mut inside = 0;
    for block in symbols.chunks(ROWS * LANES) {
        let mut rows = [zero; TABLES];
        for row in block.chunks(LANES) {
            let there = u64::MAX >> (LANES - row.len());
            // SAFETY: what the mask leaves out is not read.
            let symbols = unsafe { _mm512_maskz_loadu_epi8(there, row.as_ptr().cast()) };
            let coded = _mm512_cmplt_epu8_mask(symbols, symbols_end) & there;
            inside += coded.count_ones();
            for (row, lengths) in rows.iter_mut().zip(&lengths) {
                *row = _mm512_add_epi8(*row, _mm512_maskz_permutexvar_epi8(coded, symbols, *lengths));
            }
        }
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = _mm512_add_epi64(*sum, _mm512_sad_epu8(row, zero));
        }
    }
    (sums.map(|sum| _mm512_reduce_add_epi64(sum) as u32), symbols.len() as u32 - inside)
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(mode: u8, payload: &[u8], vector: &mut [Float], scratch: &mut Scratch) -> Option<()> {
    let dimensions = vector.len();
    let (Head { table, bits, patches, lengths }, rest) = Head::read(payload)?;
    let (unit, rest) = Unit::read(mode, rest)?;
    let size = stored::size(bits, dimensions);
    let symbols = &mut scratch.symbols;
    let (patches, planes) = coded_streams::decode_streams(rest, STEPS.lookup(table), &lengths, patches, size, vector, symbols)?;
    let planes = Planes::of(bits, planes, dimensions, &mut scratch.fields);

    let step = unit.step();
    let quarter = dimensions.div_ceil(STREAMS);
    for (stream, part) in vector.chunks_mut(quarter).enumerate() {
        let symbols = &scratch.symbols.stream(stream)[..part.len()];
        let planes = planes.part(stream * quarter..stream * quarter + part.len());
        match unit {
            // Counts below 2^24 are float32s, and where the step is one, too: one multiplication rounds once, as in float64.
            Unit::Bound { .. } | Unit::Step { .. } if bits <= MAX_FLOAT_BITS && is_single(step) => {
                for_planes!(planes, scale_floats, (symbols, &planes, bits, step as f32, part));
            }
            Unit::Digits(_) if bits <= MAX_FLOAT_BITS && simd::has_fused_multiply() => {
                for_planes!(planes, scale_halves, (symbols, &planes, bits, halves_of(step), part));
            }
            _ => for_planes!(planes, scale, (symbols, &planes, bits, step, part)),
        }
    }
    for patch in patches {
        let index = coded_streams::index_of(patch);
        let h = patch[2] as i8;
        let q = (i32::from(h) << bits) + planes.bits_at(index) as i32;
        let value = if h == NEGATIVE_ZERO { -0.0 } else { (f64::from(q) * step) as f32 };
        vector[index] = value.to_ne_bytes();
    }
    unit.rounding().apply(vector);
    Some(())
}

fn is_single(step: f64) -> bool {
    f64::from(step as f32) == step
}

#[inline(always)]
fn count_of<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(
    symbol: u8,
    planes: &Planes,
    index: usize,
    bits: u32,
) -> i32 {
    ((i32::from(symbol) - i32::from(MIDDLE)) << bits) + stored::value_at::<WORDS, BYTES, FIELDS>(planes, index) as i32
}

multiversioned! { @wide
fn scale<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(symbols: &[u8], planes: &Planes, bits: u32, step: f64, vector: &mut [Float]) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let q = count_of::<WORDS, BYTES, FIELDS>(symbols[index], planes, index, bits);
        vector[index] = ((f64::from(q) * step) as f32).to_ne_bytes();
    }
}
}

/// The float32 nearest to a step, and what it lacks.
fn halves_of(step: f64) -> [f32; 2] {
    let high = step as f32;
    [high, (step - f64::from(high)) as f32]
}

/// `q x (high + low)` with the one rounding of a fused multiplication. What is lost of `q x low` could only show where the product in float64 is
/// next to the middle between two float32s; for no count below 2^24 and no power of ten it is (a test goes through them all).
#[inline(always)]
fn times_halves(q: f32, [high, low]: [f32; 2]) -> f32 {
    q.mul_add(high, q * low)
}

multiversioned! { @wide
fn scale_halves<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(symbols: &[u8], planes: &Planes, bits: u32, step: [f32; 2], vector: &mut [Float]) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let q = count_of::<WORDS, BYTES, FIELDS>(symbols[index], planes, index, bits);
        vector[index] = times_halves(q as f32, step).to_ne_bytes();
    }
}
}

multiversioned! { @wide
fn scale_floats<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(symbols: &[u8], planes: &Planes, bits: u32, step: f32, vector: &mut [Float]) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let q = count_of::<WORDS, BYTES, FIELDS>(symbols[index], planes, index, bits);
        vector[index] = (q as f32 * step).to_ne_bytes();
    }
}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modes::unit::MAX_DIGITS;

    #[test]
    #[cfg_attr(miri, ignore = "200 million products")]
    fn counts_times_halves_are_what_they_are_in_float64() {
        multiversioned! {
        fn are_alike(step: f64) -> bool {
            let halves = halves_of(step);
            (0..1 << 24).all(|q| [q, -q].iter().all(|q| {
                times_halves(*q as f32, halves).to_bits() == ((f64::from(*q) * step) as f32).to_bits()
            }))
        }
        }
        for digits in 0..=MAX_DIGITS {
            assert!(are_alike(Unit::Digits(digits).step()), "{digits} digits");
        }
        let most = (SYMBOLS as i32 - i32::from(MIDDLE)) << MAX_FLOAT_BITS;
        assert!(most <= 1 << 24);
    }
}
