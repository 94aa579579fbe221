//! Bytes that are appended to, over and over in the same memory.

use std::collections::TryReserveError;
use std::ops::{Deref, DerefMut};

/// Like a `Vec`, but for `grow`: what lies behind the end from before is handed out as it is, where filling it with zeros would take
/// as long as writing a record does.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    end: usize,
}

impl Buffer {
    pub fn clear(&mut self) {
        self.end = 0;
    }

    pub fn truncate(&mut self, length: usize) {
        self.end = self.end.min(length);
    }

    /// Appends `count` bytes of any content, for the caller to overwrite.
    #[inline]
    pub fn grow(&mut self, count: usize) -> &mut [u8] {
        let start = self.end;
        self.end += count;
        if self.bytes.len() < self.end {
            self.bytes.resize(self.end, 0);
        }
        &mut self.bytes[start..self.end]
    }

    /// Makes room for `count` bytes more, or says that there is no memory for them.
    pub fn reserve(&mut self, count: usize) -> Result<(), TryReserveError> {
        self.bytes.try_reserve(count.saturating_sub(self.bytes.len() - self.end))
    }

    #[inline]
    pub fn append(&mut self, bytes: &[u8]) {
        self.grow(bytes.len()).copy_from_slice(bytes);
    }

    /// Drops its bytes and gives their memory back, if that is more than `kept` bytes.
    pub fn trim(&mut self, kept: usize) {
        if self.bytes.capacity() > kept {
            *self = Self::default();
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.end]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_appended() {
        let mut buffer = Buffer::default();
        buffer.append(b"one");
        buffer.grow(3).copy_from_slice(b"two");
        assert_eq!(&buffer[..], b"onetwo");
        buffer.truncate(4);
        buffer.truncate(9);
        assert_eq!(&buffer[..], b"onet");
        buffer.clear();
        assert!(buffer.is_empty());
        buffer.append(b"x");
        assert_eq!(&buffer[..], b"x");
        buffer.trim(100);
        assert_eq!(&buffer[..], b"x");
        buffer.trim(1);
        assert!(buffer.is_empty());
        assert!(buffer.reserve(100).is_ok());
        assert!(buffer.reserve(usize::MAX).is_err());
    }
}
