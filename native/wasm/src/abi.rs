//! What crosses: an input, cut into parts whose lengths are checked, and an output, filled from its front.

use vecstash_core::Buffer;

/// Arguments that do not fit together or the input, or an output that there is no memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse;

pub type Result<T> = std::result::Result<T, Misuse>;

/// What both rooms are aligned to, in bytes: typed arrays of any kind can lie over them.
pub const ALIGNMENT: usize = 8;

/// Above this, a room is not kept for the next call, in bytes.
const KEPT: usize = 1 << 23;

/// u32s of any alignment, little-endian.
pub type Numbers<'a> = &'a [[u8; 4]];

pub fn number(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes)
}

/// Where the host writes the input of a call.
#[derive(Default)]
pub struct Room {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl Room {
    /// Room for `length` bytes of any content, aligned; nothing where there is no memory for them. What was there before is gone.
    pub fn open(&mut self, length: usize) -> Option<&mut [u8]> {
        self.length = 0;
        let needed = length.checked_add(ALIGNMENT)?;
        if needed > self.bytes.len() || self.bytes.len() > KEPT && needed <= KEPT {
            // Freed before there is more: the two need not fit into memory together.
            self.bytes = Vec::new();
            self.bytes.try_reserve_exact(needed).ok()?;
            self.bytes.resize(needed, 0);
        }
        self.start = self.bytes.as_ptr().align_offset(ALIGNMENT);
        self.length = length;
        Some(&mut self.bytes[self.start..][..length])
    }

    pub fn input(&self) -> Input<'_> {
        Input(&self.bytes[self.start..][..self.length])
    }
}

/// What of an input is not taken yet.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn bytes(&mut self, length: u64) -> Result<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| Misuse)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Misuse)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn numbers(&mut self, count: u32) -> Result<Numbers<'a>> {
        Ok(self.bytes(u64::from(count) * 4)?.as_chunks().0)
    }

    /// float64s of any alignment, little-endian.
    pub fn doubles(&mut self, count: u32) -> Result<&'a [[u8; 8]]> {
        Ok(self.bytes(u64::from(count) * 8)?.as_chunks().0)
    }

    /// Parts that lie end to end, by their lengths.
    pub fn parts(&mut self, lengths: Numbers<'a>) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>> {
        // At most 2^32 lengths below 2^32.
        let total = lengths.iter().map(|length| u64::from(number(*length))).sum();
        let mut rest = self.bytes(total)?;
        Ok(lengths.iter().map(move |length| {
            let (part, after) = rest.split_at(number(*length) as usize);
            rest = after;
            part
        }))
    }
}

/// What a call writes.
#[derive(Default)]
pub struct Output {
    buffer: Buffer,
    start: usize,
}

impl Output {
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.trim(KEPT);
        self.start = 0;
    }

    /// Appends room of any content for the caller to overwrite.
    pub fn grow(&mut self, length: u64) -> Result<&mut [u8]> {
        let length = usize::try_from(length).map_err(|_| Misuse)?;
        // And for what `finish` takes.
        self.buffer.reserve(length.checked_add(ALIGNMENT).ok_or(Misuse)?).map_err(|_| Misuse)?;
        Ok(self.buffer.grow(length))
    }

    pub fn append_number(&mut self, number: u32) {
        self.buffer.append(&number.to_le_bytes());
    }

    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        self.buffer[at..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Overwrites the number at an index from the front.
    pub fn set_number(&mut self, index: usize, number: u32) {
        self.overwrite(4 * index, &number.to_le_bytes());
    }

    /// Calls `write` for each item to append bytes, and puts their lengths where room for them begins: at the number of index `first`.
    pub fn append_each<T>(
        &mut self,
        first: usize,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(T, &mut Buffer) -> Result<()>,
    ) -> Result<()> {
        for (index, item) in items.enumerate() {
            let before = self.buffer.len();
            write(item, &mut self.buffer)?;
            self.set_number(first + index, (self.buffer.len() - before) as u32);
        }
        Ok(())
    }

    /// Nothing is appended after this: the bytes lie aligned from now on.
    pub fn finish(&mut self) {
        let length = self.buffer.len();
        self.buffer.grow(ALIGNMENT);
        self.start = self.buffer.as_ptr().align_offset(ALIGNMENT);
        // Allocators give memory that is aligned enough, so this moves nothing in practice.
        if self.start > 0 {
            self.buffer.copy_within(..length, self.start);
        }
        self.buffer.truncate(self.start + length);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_aligned(bytes: &[u8]) -> bool {
        bytes.as_ptr().addr().is_multiple_of(ALIGNMENT)
    }

    #[test]
    fn a_room_is_aligned_and_as_long_as_it_was_asked_for() {
        let mut room = Room::default();
        assert!(room.input().0.is_empty());
        for length in [0, 1, 7, 8, 9, 5000, 20, KEPT + 1, 3] {
            let bytes = room.open(length).unwrap();
            assert!(is_aligned(bytes));
            bytes.fill(1);
            assert_eq!(room.input().0, vec![1; length]);
        }
    }

    #[test]
    fn a_large_room_is_not_kept() {
        let mut room = Room::default();
        room.open(KEPT + 1).unwrap();
        assert!(room.bytes.capacity() > KEPT);
        room.open(100).unwrap();
        assert!(room.bytes.capacity() < KEPT);
    }

    #[test]
    fn there_is_not_memory_for_everything() {
        let mut room = Room::default();
        room.open(8).unwrap();
        for length in [usize::MAX, usize::MAX - ALIGNMENT, isize::MAX as usize] {
            assert!(room.open(length).is_none());
            assert!(room.input().0.is_empty());
        }
        let mut output = Output::default();
        for length in [u64::MAX, isize::MAX as u64] {
            assert_eq!(output.grow(length).err(), Some(Misuse));
        }
        output.append_number(7);
        output.finish();
        assert_eq!(output.bytes(), [7, 0, 0, 0]);
    }

    #[test]
    fn parts_are_cut_by_their_lengths() {
        let bytes = [&[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0][..], b"abcd"].concat();
        let mut input = Input(&bytes);
        let lengths = input.numbers(3).unwrap();
        let parts: Vec<&[u8]> = input.parts(lengths).unwrap().collect();
        assert_eq!(parts, [&b"ab"[..], b"", b"c"]);
        assert_eq!(input.0, b"d");
    }

    #[test]
    fn what_goes_beyond_the_input_is_misuse() {
        let mut input = Input(&[0xff; 12]);
        assert_eq!(input.bytes(13).err(), Some(Misuse));
        assert_eq!(input.bytes(u64::MAX).err(), Some(Misuse));
        for count in [4, 1 << 30, u32::MAX] {
            assert_eq!(input.numbers(count).err(), Some(Misuse));
        }
        // Their sum is 1 in 32 bits.
        let lengths = [[0xff, 0xff, 0xff, 0xff], [2, 0, 0, 0]];
        assert_eq!(input.parts(&lengths).err().map(|_| ()), Some(()));
        assert_eq!(input.0.len(), 12);
    }

    #[test]
    fn an_output_is_aligned_and_has_the_lengths_of_what_was_appended() {
        let mut output = Output::default();
        for round in 0..3 {
            output.clear();
            output.append_number(9);
            output.grow(2 * 4).unwrap();
            output
                .append_each(1, [&b"abc"[..], b""].into_iter(), |part, buffer| {
                    buffer.append(part);
                    Ok(())
                })
                .unwrap();
            output.finish();
            assert!(is_aligned(output.bytes()), "round {round}");
            assert_eq!(output.bytes(), [&[9, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..], b"abc"].concat());
        }
    }
}
