//! Dictionaries: what many values have in common, kept once and beside the records. A record names its own by a number.

use crate::compression::compressors;
use std::ops::RangeInclusive;
use twox_hash::XxHash3_64;
use zstd_safe::{CCtx, DCtx};

/// What a dictionary may take, in bytes.
pub const DICTIONARY_BYTES: RangeInclusive<usize> = 8..=1 << 20;

/// The dictionaries that are at hand.
#[derive(Default)]
pub struct Dictionaries(Vec<Dictionary>);

impl Dictionaries {
    /// Takes in what zstd trained, or any bytes that values resemble, and returns the number that records know it by. Nothing where
    /// zstd does not take it, or where another with its number is here.
    pub fn load(&mut self, bytes: &[u8]) -> Option<u32> {
        let number = XxHash3_64::oneshot(bytes) as u32;
        if let Some(known) = self.find(number) {
            return (known.bytes == bytes).then_some(number);
        }
        self.0.push(Dictionary::new(number, bytes)?);
        Some(number)
    }

    pub fn find(&mut self, number: u32) -> Option<&mut Dictionary> {
        self.0.iter_mut().find(|dictionary| dictionary.number == number)
    }
}

/// One dictionary, with contexts of its own, since loading it is what takes the time.
pub struct Dictionary {
    number: u32,
    bytes: Vec<u8>,
    encoder: CCtx<'static>,
    decoder: DCtx<'static>,
}

impl Dictionary {
    fn new(number: u32, bytes: &[u8]) -> Option<Self> {
        if !DICTIONARY_BYTES.contains(&bytes.len()) {
            return None;
        }
        let mut encoder = compressors::value_context();
        let mut decoder = DCtx::create();
        encoder.load_dictionary(bytes).ok()?;
        decoder.load_dictionary(bytes).ok()?;
        // The encoder looks at it only when it first uses it.
        encoder.compress2(&mut [0; 64][..], &[0]).ok()?;
        Some(Self { number, bytes: bytes.to_vec(), encoder, decoder })
    }

    /// Writes the number and the frame of `value` to the beginning of `payload`, which grows where it has no room, and returns how long
    /// they are.
    pub fn compress(&mut self, value: &[u8], payload: &mut Vec<u8>) -> Option<usize> {
        let number = self.number.to_le_bytes();
        let room = number.len() + zstd_safe::compress_bound(value.len());
        if payload.len() < room {
            payload.resize(room, 0);
        }
        let (head, frame) = payload.split_at_mut(number.len());
        head.copy_from_slice(&number);
        Some(number.len() + self.encoder.compress2(frame, value).ok()?)
    }

    /// Decompresses a frame to exactly `out.len()` bytes, or to nothing; `out` is overwritten either way.
    pub fn decompress(&mut self, frame: &[u8], out: &mut [u8]) -> Option<()> {
        (self.decoder.decompress(out, frame).ok()? == out.len()).then_some(())
    }
}

/// A payload's number and frame.
pub fn split(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (number, frame) = payload.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), frame))
}

/// A dictionary of at most `bytes` bytes of what samples, given end to end with their lengths, have in common. Nothing where there are
/// too few of them.
#[cfg(feature = "train")]
pub fn train_dictionary(samples: &[u8], lengths: &[usize], bytes: usize) -> Option<Vec<u8>> {
    let mut dictionary = vec![0; bytes];
    let length = zstd_safe::train_from_buffer(&mut dictionary[..], samples, lengths).ok()?;
    dictionary.truncate(length);
    Some(dictionary)
}
