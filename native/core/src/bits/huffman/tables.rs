//! Code lengths, codes and lookup tables. The large ones are computed when they are first needed, once for all threads: compiled in,
//! they would be 220 KB of every build.

use std::sync::OnceLock;

/// No code is longer, and one lookup takes in so many bits.
pub const PEEK_BITS: u32 = 11;

/// What one lookup yields at most.
pub const SYMBOLS_PER_LOOKUP: usize = 4;

const LOOKUP_SIZE: usize = 1 << PEEK_BITS;

/// No table has more.
pub const MAX_SYMBOLS: usize = 32;

/// The codes that one kind of symbol has to choose from.
pub struct Tables<const SYMBOLS: usize, const COUNT: usize> {
    /// The code length of each symbol in bits.
    pub lengths: [[u8; SYMBOLS]; COUNT],
    /// The code of each symbol.
    pub codes: [Codes; COUNT],
    computed: &'static [Computed; COUNT],
}

/// What follows from the codes of one table.
struct Computed {
    pairs: OnceLock<Box<Pairs>>,
    lookup: OnceLock<Box<Lookup>>,
}

impl Computed {
    const fn not_yet() -> Self {
        Self { pairs: OnceLock::new(), lookup: OnceLock::new() }
    }
}

/// What the next `PEEK_BITS` bits begin with, for each of their values: 16 KiB.
pub type Lookup = [Entry; LOOKUP_SIZE];

/// For each symbol its code, first bit lowest, and from bit `PEEK_BITS` up how long it is. What is no symbol has a code of no bits.
pub type Codes = [u16; MAX_SYMBOLS];

/// The codes of two symbols, one behind the other: their bits from bit `PAIR_LENGTH` up, and below them how many these are. The second
/// symbol counts `MAX_SYMBOLS` times.
pub type Pairs = [u32; MAX_SYMBOLS * MAX_SYMBOLS];

pub const PAIR_LENGTH: u32 = 5;

/// The entry of `Pairs` for two codes.
#[inline(always)]
pub fn pair(first: u16, second: u16) -> u32 {
    let both = u32::from(first) | u32::from(second) << u16::BITS;
    let mask = (1 << PEEK_BITS) - 1;
    let (length, second_length) = (both >> PEEK_BITS & 0xf, both >> (u16::BITS + PEEK_BITS));
    (both & mask | (both >> u16::BITS & mask) << length) << PAIR_LENGTH | (length + second_length)
}

/// Of exponents: docs/format.md section 2.2.
pub static EXPONENTS: Tables<16, 4> = Tables::new(
    &COMPUTED_OF_EXPONENTS,
    [
        [11, 7, 3, 2, 2, 3, 3, 4, 5, 7, 7, 8, 9, 11, 11, 11],
        [11, 5, 2, 2, 2, 3, 5, 5, 6, 7, 8, 10, 10, 11, 11, 11],
        [7, 4, 3, 2, 2, 3, 4, 4, 5, 7, 7, 8, 9, 10, 11, 11],
        [11, 7, 2, 2, 2, 3, 4, 5, 7, 7, 8, 10, 10, 11, 11, 11],
    ],
);

/// Of steps: docs/format.md section 2.6.
pub static STEPS: Tables<32, 7> = Tables::new(
    &COMPUTED_OF_STEPS,
    [
        [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 9, 7, 5, 2, 1, 3, 4, 7, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11],
        [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 3, 2, 2, 2, 4, 6, 7, 9, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11],
        [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 2, 3, 3, 4, 5, 6, 7, 8, 10, 10, 11, 11, 11, 11, 11, 11],
        [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 2, 2, 3, 4, 5, 6, 7, 8, 10, 11, 11, 11, 11, 11, 11, 11, 11],
        [11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 11, 11, 11, 11, 11, 11, 11],
        [11, 11, 11, 11, 11, 10, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 3, 3, 4, 4, 4, 5, 6, 6, 7, 8, 9, 11, 11, 11, 11, 11],
        [11, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 4, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 7, 8, 9, 10, 11, 11],
    ],
);

/// The whole symbols (one to four) that a run of bits begins with. Eight bytes, and a load for each part: shifting parts out of a
/// word takes longer than loading them.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Entry {
    /// The bits that all of them take.
    bits: u8,
    count: u8,
    /// The bits that the first one to four take, four each.
    ends: u16,
    symbols: [u8; SYMBOLS_PER_LOOKUP],
}

impl Entry {
    const EMPTY: Self = Self { bits: 0, count: 0, ends: 0, symbols: [0; SYMBOLS_PER_LOOKUP] };

    #[inline(always)]
    pub fn symbols(&self) -> [u8; SYMBOLS_PER_LOOKUP] {
        self.symbols
    }

    #[inline(always)]
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// `word` without the bits of these symbols.
    #[inline(always)]
    pub fn skip_in(&self, word: u64) -> u64 {
        word.wrapping_shr(u32::from(self.bits))
    }

    /// How many bits the first `count` symbols take.
    #[inline(always)]
    pub fn bits_of(&self, count: usize) -> usize {
        (usize::from(self.ends) << 4 >> (4 * count)) & 0xf
    }
}

impl<const SYMBOLS: usize, const COUNT: usize> Tables<SYMBOLS, COUNT> {
    const fn new(computed: &'static [Computed; COUNT], lengths: [[u8; SYMBOLS]; COUNT]) -> Self {
        let mut tables = Self { lengths, codes: [[0; MAX_SYMBOLS]; COUNT], computed };
        let mut table = 0;
        while table < COUNT {
            tables.codes[table] = codes(&lengths[table]);
            table += 1;
        }
        tables
    }

    /// The codes of each two symbols.
    #[inline]
    pub fn pairs(&self, table: usize) -> &'static Pairs {
        self.computed[table].pairs.get_or_init(|| Box::new(pairs(&self.codes[table])))
    }

    /// What each value of the next bits begins with.
    #[inline]
    pub fn lookup(&self, table: usize) -> &'static Lookup {
        self.computed[table].lookup.get_or_init(|| Box::new(lookup(&self.lengths[table], &self.codes[table])))
    }
}

static COMPUTED_OF_EXPONENTS: [Computed; 4] = [const { Computed::not_yet() }; 4];
static COMPUTED_OF_STEPS: [Computed; 7] = [const { Computed::not_yet() }; 7];

/// Canonical codes (RFC 1951, 3.2.2), then each with its first bit lowest.
const fn codes<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS]) -> Codes {
    let mut codes = [0; MAX_SYMBOLS];
    let mut next: u16 = 0;
    let mut length = 1;
    while length <= PEEK_BITS {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if lengths[symbol] as u32 == length {
                codes[symbol] = next.reverse_bits() >> (u16::BITS - length) | (length as u16) << PEEK_BITS;
                next += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        length += 1;
    }
    codes
}

fn pairs(codes: &Codes) -> Pairs {
    std::array::from_fn(|index| pair(codes[index % MAX_SYMBOLS], codes[index / MAX_SYMBOLS]))
}

fn lookup<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], codes: &Codes) -> Lookup {
    let firsts = first_symbols(lengths, codes);
    std::array::from_fn(|bits| entry(lengths, &firsts, bits))
}

/// The symbol whose code comes first in each value of the next bits. The codes are complete, so there always is one.
fn first_symbols<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], codes: &Codes) -> [u8; LOOKUP_SIZE] {
    let mut firsts = [0; LOOKUP_SIZE];
    for (symbol, length) in lengths.iter().enumerate() {
        let first = usize::from(codes[symbol]) % LOOKUP_SIZE;
        for bits in (first..LOOKUP_SIZE).step_by(1 << length) {
            firsts[bits] = symbol as u8;
        }
    }
    firsts
}

fn entry<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], firsts: &[u8; LOOKUP_SIZE], bits: usize) -> Entry {
    let mut entry = Entry::EMPTY;
    while entry.count() < SYMBOLS_PER_LOOKUP {
        let symbol = firsts[bits >> entry.bits];
        let length = lengths[usize::from(symbol)];
        if u32::from(entry.bits + length) > PEEK_BITS {
            break;
        }
        entry.bits += length;
        entry.symbols[entry.count()] = symbol;
        entry.ends |= u16::from(entry.bits) << (4 * entry.count);
        entry.count += 1;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_are_complete_and_prefix_free<const SYMBOLS: usize, const COUNT: usize>(tables: &Tables<SYMBOLS, COUNT>) {
        for (lengths, codes) in tables.lengths.iter().zip(&tables.codes) {
            let kraft: u32 = lengths.iter().map(|length| 1 << (PEEK_BITS - u32::from(*length))).sum();
            assert_eq!(kraft, 1 << PEEK_BITS);
            for a in 0..SYMBOLS {
                for b in (0..SYMBOLS).filter(|b| *b != a && lengths[*b] >= lengths[a]) {
                    let mask = (1 << lengths[a]) - 1;
                    assert_ne!(codes[b] & mask, codes[a] & mask, "{a} begins {b}");
                }
            }
        }
    }

    fn every_entry_is_what_its_bits_spell<const SYMBOLS: usize, const COUNT: usize>(tables: &Tables<SYMBOLS, COUNT>) {
        for table in 0..COUNT {
            for (bits, entry) in tables.lookup(table).iter().enumerate() {
                assert!((1..=SYMBOLS_PER_LOOKUP).contains(&entry.count()));
                let mut used = 0;
                for (i, symbol) in entry.symbols()[..entry.count()].iter().enumerate() {
                    let length = tables.lengths[table][usize::from(*symbol)];
                    let code = usize::from(tables.codes[table][usize::from(*symbol)]) % LOOKUP_SIZE;
                    assert_eq!((bits >> used) & ((1 << length) - 1), code);
                    used += usize::from(length);
                    assert_eq!(entry.bits_of(i + 1), used);
                }
                assert!(used <= PEEK_BITS as usize);
                assert_eq!(entry.bits_of(0), 0);
                assert_eq!(entry.skip_in(u64::MAX), u64::MAX >> used);
            }
        }
    }

    #[test]
    fn codes_and_entries_of_exponents() {
        codes_are_complete_and_prefix_free(&EXPONENTS);
        every_entry_is_what_its_bits_spell(&EXPONENTS);
    }

    #[test]
    fn codes_and_entries_of_steps() {
        codes_are_complete_and_prefix_free(&STEPS);
        every_entry_is_what_its_bits_spell(&STEPS);
    }
}
