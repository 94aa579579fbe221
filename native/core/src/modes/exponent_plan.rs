//! Exponents in static Huffman codes: which of the tables, and which exponent is symbol 0. Docs/format.md section 2.2.

use crate::bits::coded_streams::{MAX_PATCHES, PATCH_BYTES, Patch, patch};
use crate::bits::histogram::Histogram;
use crate::bits::huffman::EXPONENTS;
use crate::bits::outside::outside;
use crate::simd::multiversioned;

pub const SYMBOLS: usize = 16;
pub const TABLES: usize = EXPONENTS.lengths.len();

/// The symbol that stands where a patch will.
const PATCH_SYMBOL: u8 = 3;

/// The bases tried, from the most frequent exponent up: every code has its shortest lengths within its first few symbols.
const BASES: usize = 8;

/// The code of zero, where zero has one.
pub const ZERO_SYMBOL: usize = SYMBOLS - 1;

/// How zeros are coded: as any exponent, or as exponent 0 that stands for nothing else and takes the last symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    AreExponents,
    HaveASymbol,
}

/// The cheapest table and base for one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub table: usize,
    pub base: u8,
    pub patches: usize,
    /// Of all four streams, before each is padded to a byte.
    bits: usize,
    zeros: Zeros,
}

impl Plan {
    /// Chooses for exponents that occur so often; none where too many lie apart.
    pub fn new(exponents: &Histogram, zeros: Zeros) -> Option<Self> {
        let has_symbol = zeros == Zeros::HaveASymbol;
        let zero_count = if has_symbol { exponents.counts[0] } else { 0 };
        let others = exponents.total as u32 - zero_count;
        let most_frequent = match exponents.most_frequent(0) {
            0 if has_symbol => exponents.most_frequent(1),
            exponent => exponent,
        };
        let windows = windows(&exponents.counts, most_frequent, has_symbol);
        let bases = BASES.min(usize::from(u8::MAX - most_frequent) + 1);
        let (cost, index, table) = cheapest(&windows, bases, zeros, others)?;
        let patches = (others - windows[index..][..SYMBOLS][first_of_window(zeros)..].iter().sum::<u32>()) as usize;
        let bits =
            cost as usize - 8 * PATCH_BYTES * patches + zero_count as usize * usize::from(EXPONENTS.lengths[table][ZERO_SYMBOL]);
        Some(Self { table, base: most_frequent + index as u8, patches, bits, zeros })
    }

    /// Patches and streams, short of at most three bytes of padding.
    pub fn bytes(&self) -> usize {
        PATCH_BYTES * self.patches + self.bits.div_ceil(8)
    }

    /// Whether so many exponents lie apart that a code made for this vector may cost less than the patches.
    pub fn is_strained(&self, dimensions: usize) -> bool {
        self.patches > dimensions / 32
    }

    /// Replaces `symbols` by the symbols of `exponents`.
    pub fn symbols(&self, exponents: &[u8], symbols: &mut Vec<u8>) {
        symbols.resize(exponents.len(), 0);
        let count = (SYMBOLS - first_of_window(self.zeros)) as u8;
        match self.zeros {
            Zeros::AreExponents => symbols_of::<false>(exponents, self.base, count, symbols),
            Zeros::HaveASymbol => symbols_of::<true>(exponents, self.base, count, symbols),
        }
    }

    /// The patches of elements that codes were `planned` for; `actual` is the exponent to patch in at an index.
    pub fn patches(&self, planned: &[u8], actual: impl Fn(usize) -> u8) -> Vec<Patch> {
        if self.patches == 0 {
            return Vec::new();
        }
        let symbols = (SYMBOLS - first_of_window(self.zeros)) as u8;
        let zero = (self.zeros == Zeros::HaveASymbol).then_some(0);
        let apart = outside(planned, self.base, symbols).filter(|(_, exponent)| Some(*exponent) != zero);
        apart.map(|(index, _)| patch(index, actual(index))).collect()
    }
}

multiversioned! { @wide
fn symbols_of<const ZEROS: bool>(exponents: &[u8], base: u8, count: u8, symbols: &mut [u8]) {
    for (exponent, symbol) in exponents.iter().zip(symbols) {
        let distance = base.wrapping_sub(*exponent);
        let planned = if distance < count { distance } else { PATCH_SYMBOL };
        *symbol = if ZEROS && *exponent == 0 { ZERO_SYMBOL as u8 } else { planned };
    }
}
}

/// Windows of counts run upwards, symbols downwards: where the last symbol is zero's, the first count has none.
fn first_of_window(zeros: Zeros) -> usize {
    usize::from(zeros == Zeros::HaveASymbol)
}

/// The counts that the windows of all bases from `lowest` up lie in; zero beyond 255, below 0 and, where it is left out, at 0.
fn windows(counts: &[u32; 256], lowest: u8, leaves_zero_out: bool) -> Windows {
    // The exponent behind the first window: so much above the first count that it cannot be negative.
    let first_end = usize::from(lowest) + 1;
    if let Some(windows) =
        first_end.checked_sub(SYMBOLS).filter(|first| *first > 0).and_then(|first| counts[first..].first_chunk())
    {
        return *windows;
    }
    let mut windows = [0; _];
    for (count, end) in windows.iter_mut().zip(first_end..) {
        let exponent = end.checked_sub(SYMBOLS).filter(|exponent| *exponent > 0 || !leaves_zero_out);
        *count = exponent.and_then(|exponent| counts.get(exponent)).copied().unwrap_or(0);
    }
    windows
}

multiversioned! {
/// The cost in bits, index of the base (one of the first `bases`) and table that are cheapest together, patches included. Of equals it
/// is the lowest base, then the lowest table.
fn cheapest(windows: &Windows, bases: usize, zeros: Zeros, others: u32) -> Option<(u32, usize, usize)> {
    let [inside, coded @ ..] = weighed(&windows[first_of_window(zeros)..], &WEIGHTS[first_of_window(zeros)..]);
    let mut best = [NO_KEY; BASES];
    for (table, coded) in coded.iter().enumerate() {
        let patch_bits = u32::from(EXPONENTS.lengths[table][usize::from(PATCH_SYMBOL)]) + 8 * PATCH_BYTES as u32;
        for base in 0..BASES {
            let patches = others - inside[base];
            // What is compared, and behind it what it is the cost of: so all bases are compared at once.
            let key = coded[base].wrapping_add(patches.wrapping_mul(patch_bits)) << KEY_BITS | ((base << TABLE_BITS) + table) as u32;
            best[base] = best[base].min(if patches <= MAX_PATCHES as u32 { key } else { NO_KEY });
        }
    }
    let best = best[..bases].iter().fold(NO_KEY, |best, key| best.min(*key));
    let (base, table) = (best as usize >> TABLE_BITS & (BASES - 1), best as usize & (TABLES - 1));
    (best != NO_KEY).then_some((best >> KEY_BITS, base, table))
}
}

const NO_KEY: u32 = u32::MAX;

/// Of a key: a base and a table. The cost of 65,535 exponents takes 20 bits more.
const TABLE_BITS: u32 = TABLES.ilog2();
const KEY_BITS: u32 = BASES.ilog2() + TABLE_BITS;
const _: () = assert!(TABLES.is_power_of_two() && BASES.is_power_of_two());

/// The windows of all bases: each begins one count after the one before.
type Windows = [u32; SYMBOLS + BASES - 1];

/// For each row of sums one weight.
type Weights = [u32; 1 + TABLES];

/// The sums of each base's window, every count times its weight: those of `counts` are the first one's window and what follows it.
fn weighed(counts: &[u32], weights: &[Weights]) -> [[u32; BASES]; 1 + TABLES] {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() >= crate::simd::Level::Avx2 {
        // SAFETY: this machine has every feature of that level.
        return unsafe { weighed_wide(counts, weights) };
    }
    let mut sums = [[0; BASES]; 1 + TABLES];
    for (counts, weights) in counts.windows(BASES).zip(weights) {
        for (sums, weight) in sums.iter_mut().zip(weights) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count * weight;
            }
        }
    }
    sums
}

/// The same with all bases in a register, which no compiler makes of the loops above.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn weighed_wide(counts: &[u32], weights: &[Weights]) -> [[u32; BASES]; 1 + TABLES] {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_loadu_si256, _mm256_mullo_epi32, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
    };
    let mut registers = [_mm256_setzero_si256(); 1 + TABLES];
    for (counts, weights) in counts.windows(BASES).zip(weights) {
        // SAFETY: eight counts are read, at any alignment.
        let counts = unsafe { _mm256_loadu_si256(counts.as_ptr().cast()) };
        for (sums, weight) in registers.iter_mut().zip(weights) {
            *sums = _mm256_add_epi32(*sums, _mm256_mullo_epi32(counts, _mm256_set1_epi32(*weight as i32)));
        }
    }
    let mut sums = [[0; BASES]; 1 + TABLES];
    for (sums, register) in sums.iter_mut().zip(registers) {
        // SAFETY: eight sums are written, at any alignment.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), register) };
    }
    sums
}

/// For the counts of a window, lowest exponent and so last symbol first: 1, and the code length in each table.
static WEIGHTS: [Weights; SYMBOLS] = {
    let mut weights = [[1; 1 + TABLES]; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let mut table = 0;
        while table < TABLES {
            weights[SYMBOLS - 1 - symbol][1 + table] = EXPONENTS.lengths[table][symbol] as u32;
            table += 1;
        }
        symbol += 1;
    }
    weights
};
