//! Bits one behind the other, lowest first.

/// Writes up to 32 bits at a time.
#[derive(Default)]
pub struct BitWriter {
    /// What was written is `end` bytes of it; room behind them is kept.
    bytes: Vec<u8>,
    end: usize,
    /// Bits that are not in `bytes` yet: fewer than 8 between two calls.
    word: u64,
    filled: u32,
}

const ROOM: usize = 4096;

impl BitWriter {
    pub fn clear(&mut self) {
        (self.end, self.word, self.filled) = (0, 0, 0);
    }

    /// Appends the lowest `count` bits, 0 to 32; there are no others in `bits`.
    #[inline(always)]
    pub fn push(&mut self, bits: u32, count: u32) {
        debug_assert!(u64::from(bits) >> count == 0);
        self.word |= u64::from(bits) << self.filled;
        self.filled += count;
        // A whole word is written each time: how many bytes of it count is what varies.
        if self.bytes.len() < self.end + size_of::<u64>() {
            self.bytes.resize(self.end + ROOM, 0);
        }
        self.bytes[self.end..][..size_of::<u64>()].copy_from_slice(&self.word.to_le_bytes());
        let whole = self.filled / u8::BITS;
        self.end += whole as usize;
        self.word >>= whole * u8::BITS;
        self.filled %= u8::BITS;
    }

    /// All of them, padded with zeros to a byte.
    pub fn finish(&mut self) -> &[u8] {
        self.push(0, self.filled.wrapping_neg() % u8::BITS);
        &self.bytes[..self.end]
    }
}

/// Reads bits; behind the last there are zeros.
pub struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// At least the next 57 bits, zeros above those that are not there.
    #[inline(always)]
    pub fn peek(&self) -> u64 {
        let start = self.at / 8;
        let word = match self.bytes.get(start..start + size_of::<u64>()) {
            Some(word) => u64::from_le_bytes(word.try_into().expect("eight bytes")),
            None => last_word(self.bytes.get(start..).unwrap_or_default()),
        };
        word >> (self.at % 8)
    }

    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    /// The next `count` bits, 0 to 31.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek() as u32 & ((1 << count) - 1);
        self.skip(count);
        bits
    }

    /// How many bytes what was read lies in, those behind the end included.
    pub fn bytes(&self) -> usize {
        self.at.div_ceil(8)
    }
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; size_of::<u64>()];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut writer = BitWriter::default();
        let counts: Vec<u32> = (0..200).map(|i| i * 7 % 26).collect();
        let bits = |i: usize, count: u32| (i as u32).wrapping_mul(0x9e37_79b9) & ((1 << count) - 1);
        for _ in 0..2 {
            writer.clear();
            counts.iter().enumerate().for_each(|(i, count)| writer.push(bits(i, *count), *count));
            let bytes = writer.finish();
            assert_eq!(bytes.len(), (counts.iter().sum::<u32>() as usize).div_ceil(8));
            let mut reader = BitReader::new(bytes);
            counts.iter().enumerate().for_each(|(i, count)| assert_eq!(reader.take(*count), bits(i, *count)));
            assert_eq!(reader.bytes(), bytes.len());
            assert_eq!(reader.take(31), 0);
            assert!(reader.bytes() > bytes.len());
        }
        writer.clear();
        writer.push(0b1011, 4);
        writer.push(u32::MAX, 32);
        assert_eq!(writer.finish(), [0xfb, 0xff, 0xff, 0xff, 0x0f]);
    }
}
