//! Code lengths, codes and lookup tables, all computed by the compiler.

/// How many codes there are to choose from.
pub const TABLES: usize = 4;

/// The symbols of each code: 0..=15.
pub const SYMBOLS: usize = 16;

/// The symbol that stands where a patch will.
pub const PATCH_SYMBOL: usize = 3;

/// No code is longer, and one lookup takes in so many bits.
pub const PEEK_BITS: u32 = 11;

/// What one lookup yields at most.
pub const SYMBOLS_PER_LOOKUP: usize = 4;

const LOOKUP_SIZE: usize = 1 << PEEK_BITS;

/// The code length of each symbol in bits.
pub static LENGTHS: [[u8; SYMBOLS]; TABLES] = TABLE_LENGTHS;

/// The code of each symbol, first bit lowest.
pub static CODES: [[u16; SYMBOLS]; TABLES] = TABLE_CODES;

/// What the next `PEEK_BITS` bits begin with, for each of their values: 16 KiB a table.
pub static LOOKUP: [Lookup; TABLES] = [lookup(0), lookup(1), lookup(2), lookup(3)];

pub type Lookup = [Entry; LOOKUP_SIZE];

const TABLE_LENGTHS: [[u8; SYMBOLS]; TABLES] = [
    [11, 7, 3, 2, 2, 3, 3, 4, 5, 7, 7, 8, 9, 11, 11, 11],
    [11, 5, 2, 2, 2, 3, 5, 5, 6, 7, 8, 10, 10, 11, 11, 11],
    [7, 4, 3, 2, 2, 3, 4, 4, 5, 7, 7, 8, 9, 10, 11, 11],
    [11, 7, 2, 2, 2, 3, 4, 5, 7, 7, 8, 10, 10, 11, 11, 11],
];

const TABLE_CODES: [[u16; SYMBOLS]; TABLES] = [codes(0), codes(1), codes(2), codes(3)];

/// The whole symbols (one to four) that a run of bits begins with. Bits 0..6 hold the bits that all of them take, lowest because
/// the next lookup waits for them; 8..28 the bits that the first none to four take, four each; 28..32 their count; 32.. the
/// symbols, a byte each.
#[derive(Clone, Copy)]
pub struct Entry(u64);

impl Entry {
    #[inline(always)]
    pub fn symbols(self) -> [u8; SYMBOLS_PER_LOOKUP] {
        ((self.0 >> 32) as u32).to_le_bytes()
    }

    #[inline(always)]
    pub fn count(self) -> usize {
        (self.0 as u32 >> 28) as usize
    }

    /// `word` without the bits of these symbols. Shifts look at six bits only, so nothing has to be masked.
    #[inline(always)]
    pub fn skip_in(self, word: u64) -> u64 {
        word.wrapping_shr(self.0 as u32)
    }

    /// How many bits the first `count` symbols take.
    #[inline(always)]
    pub fn bits_of(self, count: usize) -> usize {
        (self.0 >> (8 + 4 * count)) as usize & 0xf
    }
}

/// Canonical codes (RFC 1951, 3.2.2), then each with its first bit lowest.
const fn codes(table: usize) -> [u16; SYMBOLS] {
    let lengths = TABLE_LENGTHS[table];
    let mut codes = [0; SYMBOLS];
    let mut next: u16 = 0;
    let mut length = 1;
    while length <= PEEK_BITS {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if lengths[symbol] as u32 == length {
                codes[symbol] = next.reverse_bits() >> (u16::BITS - length);
                next += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        length += 1;
    }
    codes
}

const fn lookup(table: usize) -> Lookup {
    let firsts = first_symbols(table);
    let mut lookup = [Entry(0); LOOKUP_SIZE];
    let mut bits = 0;
    while bits < LOOKUP_SIZE {
        lookup[bits] = entry(table, &firsts, bits);
        bits += 1;
    }
    lookup
}

/// The symbol whose code comes first in each value of the next bits. The codes are complete, so there always is one.
const fn first_symbols(table: usize) -> [u8; LOOKUP_SIZE] {
    let mut firsts = [0; LOOKUP_SIZE];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let mut bits = TABLE_CODES[table][symbol] as usize;
        while bits < LOOKUP_SIZE {
            firsts[bits] = symbol as u8;
            bits += 1 << TABLE_LENGTHS[table][symbol];
        }
        symbol += 1;
    }
    firsts
}

const fn entry(table: usize, firsts: &[u8; LOOKUP_SIZE], bits: usize) -> Entry {
    let mut symbols = 0;
    let mut lengths = 0;
    let mut used = 0;
    let mut count = 0;
    while count < SYMBOLS_PER_LOOKUP {
        let symbol = firsts[bits >> used];
        let length = TABLE_LENGTHS[table][symbol as usize] as usize;
        if used + length > PEEK_BITS as usize {
            break;
        }
        used += length;
        symbols |= (symbol as u64) << (8 * count);
        count += 1;
        lengths |= (used as u64) << (4 * count);
    }
    Entry(used as u64 | lengths << 8 | (count as u64) << 28 | symbols << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_complete_and_prefix_free() {
        for table in 0..TABLES {
            let kraft: u32 = LENGTHS[table].iter().map(|length| 1 << (PEEK_BITS - u32::from(*length))).sum();
            assert_eq!(kraft, 1 << PEEK_BITS);
            for a in 0..SYMBOLS {
                for b in (0..SYMBOLS).filter(|b| *b != a && LENGTHS[table][*b] >= LENGTHS[table][a]) {
                    let mask = (1 << LENGTHS[table][a]) - 1;
                    assert_ne!(CODES[table][b] & mask, CODES[table][a], "table {table}: {a} begins {b}");
                }
            }
        }
    }

    #[test]
    fn every_entry_is_what_its_bits_spell() {
        for table in 0..TABLES {
            for (bits, entry) in LOOKUP[table].iter().enumerate() {
                assert!((1..=SYMBOLS_PER_LOOKUP).contains(&entry.count()));
                let mut used = 0;
                for (i, symbol) in entry.symbols()[..entry.count()].iter().enumerate() {
                    let length = LENGTHS[table][usize::from(*symbol)];
                    let code = usize::from(CODES[table][usize::from(*symbol)]);
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
}
