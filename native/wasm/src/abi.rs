//! What crosses: an input, cut into parts whose lengths are checked, and an output, filled from its front.

use vecstash_core::Buffer;

/// Arguments that do not fit together or the input, or an output that there is no memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse;

pub type Result<T> = std::result::Result<T, Misuse>;

/// What both rooms are aligned to, in bytes: typed arrays of any kind can lie over them.
const ALIGNMENT: usize = 8;

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
        self.buffer.reserve(length).map_err(|_| Misuse)?;
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
