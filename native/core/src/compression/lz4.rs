//! lz4 blocks, the same on every machine and whatever was compressed before: the bytes that lz4_flex writes depend on the width of a
//! pointer where an input is long, and on whether there was a long one before where it is short.

use lz4_flex::block::{self, CompressTable};

/// From here on lz4_flex would use its table for long inputs, in bytes.
const LONG: usize = 0xffff;

/// A match is worth it from so many bytes on, and lies at most so far back.
const MIN_MATCH: usize = 4;
const MAX_DISTANCE: usize = 0xffff;

/// What the format demands of a block's end: the last match begins so many bytes before it, and the last literals are more than five.
const LAST_MATCH: usize = 12;
const LAST_LITERALS: usize = 6;

/// Lengths from here on go on in bytes behind the token.
const LONG_LENGTH: usize = 15;

/// After so many positions without a match, as a power of two, the search takes larger steps.
const SKIP_SHIFT: u32 = 5;

const TABLE_BITS: u32 = 12;

/// Compresses; keeps its tables from one input to the next.
#[derive(Default)]
pub struct Lz4 {
    short: CompressTable,
    /// Where each hash was last seen.
    long: Vec<u32>,
}

/// The room that `compress` asks for, in bytes.
pub fn room(length: usize) -> usize {
    block::get_maximum_output_size(length)
}

impl Lz4 {
    /// Writes a block to the beginning of `out`, which has `room` for it, and returns how long it is.
    pub fn compress(&mut self, input: &[u8], out: &mut [u8]) -> Option<usize> {
        if input.len() < LONG {
            return block::compress_into_with_table(input, out, &mut self.short).ok();
        }
        self.long.clear();
        self.long.resize(1 << TABLE_BITS, 0);
        compress_long(input, &mut self.long, Writer { out, at: 0 })
    }
}

/// What lz4_flex 0.14 does on 64 bits.
fn compress_long(input: &[u8], table: &mut [u32], mut writer: Writer) -> Option<usize> {
    let last = input.len() - LAST_MATCH;
    let mut literals = 0;
    // No match can begin at the first byte, and an empty table says it was seen there.
    let mut at = 1;
    loop {
        let mut misses = 1 << SKIP_SHIFT;
        let mut candidate;
        loop {
            if at > last {
                writer.sequence(&input[literals..], None)?;
                return Some(writer.at);
            }
            let seen = &mut table[hash(input, at)];
            candidate = *seen as usize;
            *seen = at as u32;
            if at - candidate <= MAX_DISTANCE && input[candidate..][..MIN_MATCH] == input[at..][..MIN_MATCH] {
                break;
            }
            at += misses >> SKIP_SHIFT;
            misses += 1;
        }
        let distance = at - candidate;
        while candidate > 0 && at > literals && input[at - 1] == input[candidate - 1] {
            (at, candidate) = (at - 1, candidate - 1);
        }
        let start = at;
        let ahead = &input[at + MIN_MATCH..input.len() - LAST_LITERALS];
        let longer = common_prefix(ahead, &input[candidate + MIN_MATCH..]);
        at += MIN_MATCH + longer;
        table[hash(input, at - 2)] = (at - 2) as u32;
        writer.sequence(&input[literals..start], Some((distance as u16, longer)))?;
        literals = at;
    }
}

/// Of the five bytes from `at` on.
#[inline]
fn hash(input: &[u8], at: usize) -> usize {
    const PRIME: u64 = 889_523_592_379;
    let word: [u8; 8] = *input[at..].first_chunk().expect("positions lie 8 bytes or more before the end");
    ((u64::from_le_bytes(word) << 24).wrapping_mul(PRIME) >> (u64::BITS - TABLE_BITS)) as usize
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let (words, others) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    let same = words.iter().zip(others).take_while(|(a, b)| a == b).count() * size_of::<u64>();
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    /// Literals, and a match by its distance and by how much it is longer than the shortest.
    fn sequence(&mut self, literals: &[u8], found: Option<(u16, usize)>) -> Option<()> {
        let longer = found.map_or(0, |(_, longer)| longer);
        self.push(&[(literals.len().min(LONG_LENGTH) << 4 | longer.min(LONG_LENGTH)) as u8])?;
        self.rest(literals.len())?;
        self.push(literals)?;
        if let Some((distance, longer)) = found {
            self.push(&distance.to_le_bytes())?;
            self.rest(longer)?;
        }
        Some(())
    }

    /// What of a length does not fit a token.
    fn rest(&mut self, length: usize) -> Option<()> {
        let Some(mut rest) = length.checked_sub(LONG_LENGTH) else { return Some(()) };
        while rest >= 0xff {
            self.push(&[0xff])?;
            rest -= 0xff;
        }
        self.push(&[rest as u8])
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.get_mut(self.at..)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes in which much comes again, at distances that a block can and cannot say.
    fn inputs() -> Vec<Vec<u8>> {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        let noise: Vec<u8> = (0..90_000).map(|_| random() as u8).collect();
        let mut texts = Vec::new();
        while texts.len() < 300_000 {
            let start = random() % 80_000;
            let length = random() % if random() % 50 == 0 { 9000 } else { 40 };
            texts.extend_from_slice(&noise[start..][..length]);
            if random() % 3 == 0 {
                texts.extend(std::iter::repeat_n(random() as u8, random() % 600));
            }
        }
        [LONG, LONG + 1, LONG + 7, 70_000, 131_072, 299_999]
            .iter()
            .map(|length| texts[..*length].to_vec())
            .chain([noise, vec![0; 100_000]])
            .collect()
    }

    fn compressed(lz4: &mut Lz4, input: &[u8]) -> Vec<u8> {
        let mut out = vec![0; room(input.len())];
        let length = lz4.compress(input, &mut out).unwrap();
        out.truncate(length);
        out
    }

    #[test]
    fn long_inputs_come_back() {
        for input in inputs() {
            let block = compressed(&mut Lz4::default(), &input);
            assert!(lz4_flex::block::decompress(&block, input.len()).unwrap() == input, "{} bytes", input.len());
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn long_inputs_become_what_lz4_flex_makes_of_them() {
        for input in inputs() {
            assert!(compressed(&mut Lz4::default(), &input) == lz4_flex::block::compress(&input), "{} bytes", input.len());
        }
    }

    #[test]
    fn what_was_compressed_before_does_not_matter() {
        let mut used = Lz4::default();
        for input in inputs() {
            compressed(&mut used, &input);
            let short = &input[..9000];
            assert_eq!(compressed(&mut used, short), compressed(&mut Lz4::default(), short));
        }
    }

    #[test]
    fn without_room_there_is_nothing() {
        let input = inputs().remove(0);
        assert_eq!(Lz4::default().compress(&input, &mut [0; 100]), None);
    }
}
