//! Code lengths, codes and lookup tables, all computed by the compiler.

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
    /// The codes of each two symbols.
    pub pairs: [Pairs; COUNT],
    /// What the next `PEEK_BITS` bits begin with, for each of their values: 16 KiB a table.
    pub lookups: [Lookup; COUNT],
}

pub type Lookup = [Entry; LOOKUP_SIZE];

/// For each symbol its code, first bit lowest, and from bit `PEEK_BITS` up how long it is. What is no symbol has a code of no bits.
pub type Codes = [u16; MAX_SYMBOLS];

/// The codes of two symbols, one behind the other: their bits from bit `PAIR_LENGTH` up, and below them how many these are. The second
/// symbol counts `MAX_SYMBOLS` times.
pub type Pairs = [u32; MAX_SYMBOLS * MAX_SYMBOLS];

pub const PAIR_LENGTH: u32 = 5;

/// The entry of `Pairs` for two codes.
#[inline(always)]
pub const fn pair(first: u16, second: u16) -> u32 {
    let both = first as u32 | (second as u32) << u16::BITS;
    let mask = (1 << PEEK_BITS) - 1;
    let (length, second_length) = (both >> PEEK_BITS & 0xf, both >> (u16::BITS + PEEK_BITS));
    (both & mask | (both >> u16::BITS & mask) << length) << PAIR_LENGTH | (length + second_length)
}

/// Of exponents: docs/format.md section 2.2.
pub static EXPONENTS: Tables<16, 4> = Tables::new([
    [11, 7, 3, 2, 2, 3, 3, 4, 5, 7, 7, 8, 9, 11, 11, 11],
    [11, 5, 2, 2, 2, 3, 5, 5, 6, 7, 8, 10, 10, 11, 11, 11],
    [7, 4, 3, 2, 2, 3, 4, 4, 5, 7, 7, 8, 9, 10, 11, 11],
    [11, 7, 2, 2, 2, 3, 4, 5, 7, 7, 8, 10, 10, 11, 11, 11],
]);

/// Of steps: docs/format.md section 2.6.
pub static STEPS: Tables<32, 7> = Tables::new([
    [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 9, 7, 5, 2, 1, 3, 4, 7, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11],
    [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 3, 2, 2, 2, 4, 6, 7, 9, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11],
    [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 2, 3, 3, 4, 5, 6, 7, 8, 10, 10, 11, 11, 11, 11, 11, 11],
    [11, 11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 2, 2, 3, 4, 5, 6, 7, 8, 10, 11, 11, 11, 11, 11, 11, 11, 11],
    [11, 11, 11, 11, 11, 11, 11, 10, 9, 7, 6, 5, 4, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 11, 11, 11, 11, 11, 11, 11],
    [11, 11, 11, 11, 11, 10, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 3, 3, 4, 4, 4, 5, 6, 6, 7, 8, 9, 11, 11, 11, 11, 11],
    [11, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 4, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 7, 8, 9, 10, 11, 11],
]);

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
    const fn new(lengths: [[u8; SYMBOLS]; COUNT]) -> Self {
        let mut tables = Self {
            lengths,
            codes: [[0; MAX_SYMBOLS]; COUNT],
            pairs: [[0; MAX_SYMBOLS * MAX_SYMBOLS]; COUNT],
            lookups: [[Entry::EMPTY; LOOKUP_SIZE]; COUNT],
        };
        let mut table = 0;
        while table < COUNT {
            tables.codes[table] = codes(&lengths[table]);
            tables.pairs[table] = pairs(&tables.codes[table]);
            tables.lookups[table] = lookup(&lengths[table], &tables.codes[table]);
            table += 1;
        }
        tables
    }
}

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

const fn pairs(codes: &Codes) -> Pairs {
    let mut pairs = [0; MAX_SYMBOLS * MAX_SYMBOLS];
    let mut index = 0;
    while index < pairs.len() {
        pairs[index] = pair(codes[index % MAX_SYMBOLS], codes[index / MAX_SYMBOLS]);
        index += 1;
    }
    pairs
}

const fn lookup<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], codes: &Codes) -> Lookup {
    let firsts = first_symbols(lengths, codes);
    let mut lookup = [Entry::EMPTY; LOOKUP_SIZE];
    let mut bits = 0;
    while bits < LOOKUP_SIZE {
        lookup[bits] = entry(lengths, &firsts, bits);
        bits += 1;
    }
    lookup
}

/// The symbol whose code comes first in each value of the next bits. The codes are complete, so there always is one.
const fn first_symbols<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], codes: &Codes) -> [u8; LOOKUP_SIZE] {
    let mut firsts = [0; LOOKUP_SIZE];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let mut bits = codes[symbol] as usize % LOOKUP_SIZE;
        while bits < LOOKUP_SIZE {
            firsts[bits] = symbol as u8;
            bits += 1 << lengths[symbol];
        }
        symbol += 1;
    }
    firsts
}

const fn entry<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS], firsts: &[u8; LOOKUP_SIZE], bits: usize) -> Entry {
    let mut entry = Entry::EMPTY;
    while (entry.count as usize) < SYMBOLS_PER_LOOKUP {
        let symbol = firsts[bits >> entry.bits];
        let length = lengths[symbol as usize];
        if entry.bits as u32 + length as u32 > PEEK_BITS {
            break;
        }
        entry.bits += length;
        entry.symbols[entry.count as usize] = symbol;
        entry.ends |= (entry.bits as u16) << (4 * entry.count);
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
            for (bits, entry) in tables.lookups[table].iter().enumerate() {
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
