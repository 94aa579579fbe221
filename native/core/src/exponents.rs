//! Exponents in static Huffman codes: which of the tables, and which exponent is symbol 0. Docs/format.md section 2.2.

use crate::histogram;
use crate::huffman::EXPONENTS;
use crate::modes::coded::{MAX_PATCHES, PATCH_BYTES, Patch, patch};
use crate::simd::multiversioned;

pub const SYMBOLS: usize = 16;
pub const TABLES: usize = EXPONENTS.lengths.len();

/// The symbol that stands where a patch will.
const PATCH_SYMBOL: u8 = 3;

/// The bases tried, from the most frequent exponent up: every code has its shortest lengths within its first few symbols.
const BASES: usize = 8;

/// Counts of exponents, behind as many zeros as windows reach below exponent 0, and before as many as bases reach above 255.
type Padded = [u32; SYMBOLS - 1 + 256 + BASES - 1];

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
    pub fn new(counts: &[u32; 256], zeros: Zeros) -> Option<Self> {
        let mut padded: Padded = [0; _];
        padded[SYMBOLS - 1..][..counts.len()].copy_from_slice(counts);
        let mut zero_count = 0;
        let mut most_frequent = histogram::most_frequent(counts);
        if zeros == Zeros::HaveASymbol {
            zero_count = std::mem::take(&mut padded[SYMBOLS - 1]);
            if most_frequent == 0 {
                most_frequent = histogram::most_frequent(padded[SYMBOLS - 1..].first_chunk()?);
            }
        }
        let others = counts.iter().sum::<u32>() - zero_count;
        let (cost, base, table) = cheapest(&padded, most_frequent, zeros, others);
        if cost == u32::MAX {
            return None;
        }
        let window: &[u32; SYMBOLS] = padded[usize::from(base)..].first_chunk()?;
        let inside = window[first_of_window(zeros)..].iter().sum::<u32>();
        let patches = (others - inside) as usize;
        let bits =
            cost as usize - 8 * PATCH_BYTES * patches + zero_count as usize * usize::from(EXPONENTS.lengths[table][ZERO_SYMBOL]);
        (patches <= MAX_PATCHES).then_some(Self { table, base, patches, bits, zeros })
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

    /// The patches of `elements`, which come as exponents that codes were planned for and exponents to patch in.
    pub fn patches(&self, elements: impl Iterator<Item = (u8, u8)>) -> Vec<Patch> {
        // Nearly always, and nothing is looked at then.
        if self.patches == 0 {
            return Vec::new();
        }
        let symbols = SYMBOLS - first_of_window(self.zeros);
        let lies_apart = |planned: u8| {
            let is_zero = self.zeros == Zeros::HaveASymbol && planned == 0;
            usize::from(self.base.wrapping_sub(planned)) >= symbols && !is_zero
        };
        elements
            .enumerate()
            .filter(|(_, (planned, _))| lies_apart(*planned))
            .map(|(index, (_, actual))| patch(index, actual))
            .collect()
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

multiversioned! { @wide
/// The cost in bits, base and table that are cheapest together, patches included; the cost is `u32::MAX` where there is none.
fn cheapest(padded: &Padded, most_frequent: u8, zeros: Zeros, others: u32) -> (u32, u8, usize) {
    let windows: &Windows = padded[usize::from(most_frequent)..].first_chunk().expect("padded");
    let first = first_of_window(zeros);
    let inside = weighed(windows, first, &[1; SYMBOLS]);
    let mut coded = [[0; BASES]; TABLES];
    for (coded, lengths) in coded.iter_mut().zip(&UPWARDS) {
        *coded = weighed(windows, first, lengths);
    }
    let mut best = (u32::MAX, 0, 0);
    for base in 0..BASES.min(usize::from(u8::MAX - most_frequent) + 1) {
        let patches = others - inside[base];
        if patches > MAX_PATCHES as u32 {
            continue;
        }
        for (table, lengths) in UPWARDS.iter().enumerate() {
            let cost = coded[table][base] + patches * (lengths[SYMBOLS - 1 - PATCH_SYMBOL as usize] + 8 * PATCH_BYTES as u32);
            if cost < best.0 {
                best = (cost, most_frequent + base as u8, table);
            }
        }
    }
    best
}
}

/// The windows of all bases.
type Windows = [u32; SYMBOLS + BASES - 1];

/// The sum of each base's window from symbol `first` on, each count times its weight: all bases at once.
#[inline(always)]
fn weighed(windows: &Windows, first: usize, weights: &[u32; SYMBOLS]) -> [u32; BASES] {
    let mut sums = [0; BASES];
    for symbol in first..SYMBOLS {
        for (base, sum) in sums.iter_mut().enumerate() {
            *sum += windows[symbol + base] * weights[symbol];
        }
    }
    sums
}

/// The code lengths, last symbol first.
static UPWARDS: [[u32; SYMBOLS]; TABLES] = {
    let mut upwards = [[0; SYMBOLS]; TABLES];
    let mut table = 0;
    while table < TABLES {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            upwards[table][SYMBOLS - 1 - symbol] = EXPONENTS.lengths[table][symbol] as u32;
            symbol += 1;
        }
        table += 1;
    }
    upwards
};
