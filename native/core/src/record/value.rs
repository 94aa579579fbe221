//! Records of values that are msgpack already.

use crate::buffer::Buffer;
use crate::compression::compressors::{self, Coding, Compressors, Content};
use crate::compression::dictionary::{self, Dictionaries, Dictionary};
use crate::modes::{self, Compression, MAX_VALUE_BYTES};
use crate::record::header::{Draft, Parsed};
use crate::status::Status;

/// Shorter values are stored: a frame's own bytes eat what it saves.
const WORTH_COMPRESSING: usize = 64;

/// Encodes values; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct ValueEncoder {
    compressors: Compressors,
    payload: Vec<u8>,
    scratch: Vec<u8>,
}

impl ValueEncoder {
    /// Appends the record of `value` under `key` to `out`. A value takes 1 to `MAX_VALUE_BYTES` bytes, or `Dimensions` is returned. A
    /// dictionary takes the place of zstd without one, where `compression` is that or `Auto`.
    pub fn encode(
        &mut self,
        key: &[u8],
        value: &[u8],
        compression: Compression,
        dictionary: Option<&mut Dictionary>,
        out: &mut Buffer,
    ) -> Result<(), Status> {
        if value.is_empty() || value.len() > MAX_VALUE_BYTES {
            return Err(Status::Dimensions);
        }
        let dictionary = dictionary.filter(|_| matches!(compression, Compression::Auto | Compression::Zstd));
        let (mode, payload) = if let Some(dictionary) = dictionary {
            match dictionary.compress(value, &mut self.payload) {
                Some(length) if length < value.len() => (modes::VALUE_DICTIONARY, &self.payload[..length]),
                _ => (modes::VALUE_STORED, value),
            }
        } else {
            let attempts: &[Coding] = match compression {
                Compression::None => &[],
                Compression::Lz4 => &[Coding::Lz4],
                Compression::Zstd => &[Coding::Zstd],
                Compression::Auto if value.len() < WORTH_COMPRESSING => &[],
                Compression::Auto => &[Coding::Zstd],
            };
            let (coding, payload) = self.compressors.smallest(value, attempts, Content::Value);
            let mode = match coding {
                Coding::Stored => modes::VALUE_STORED,
                Coding::Lz4 => modes::VALUE_LZ4,
                Coding::Zstd => modes::VALUE_ZSTD,
            };
            (mode, payload)
        };
        let mut draft = Draft::begin(out, value.len() as u32, None, payload.len());
        draft.restart().append(payload);
        draft.finish(key, mode, &mut self.scratch);
        self.compressors.trim();
        if self.payload.capacity() > compressors::KEPT {
            self.payload = Vec::new();
        }
        Ok(())
    }
}

/// Decodes values; keeps its contexts from one to the next.
#[derive(Default)]
pub struct ValueDecoder {
    compressors: Compressors,
    scratch: Vec<u8>,
}

impl ValueDecoder {
    /// The msgpack in the record that is stored under `key`. `Unsupported` where its dictionary is not at hand.
    pub fn decode(&mut self, key: &[u8], record: &[u8], dictionaries: &mut Dictionaries) -> Result<Vec<u8>, Status> {
        let parsed = Parsed::of_bytes(key, record, &mut self.scratch)?;
        let length = parsed.dimensions as usize;
        let (coding, coded, dictionary) = match parsed.mode {
            modes::VALUE_STORED => (Coding::Stored, parsed.payload, None),
            modes::VALUE_LZ4 => (Coding::Lz4, parsed.payload, None),
            modes::VALUE_ZSTD => (Coding::Zstd, parsed.payload, None),
            modes::VALUE_DICTIONARY => {
                let (number, frame) = dictionary::split(parsed.payload).ok_or(Status::Payload)?;
                (Coding::Zstd, frame, Some(dictionaries.find(number).ok_or(Status::Unsupported)?))
            }
            _ => return Err(Status::Mode),
        };
        if !compressors::may_decompress_to(coding, coded, length) {
            return Err(Status::Payload);
        }
        if coding == Coding::Stored {
            return Ok(coded.to_vec());
        }
        let mut value = vec![0; length];
        let done = match dictionary {
            Some(dictionary) => dictionary.decompress(coded, &mut value),
            None => self.compressors.decompress(coding, coded, &mut value),
        };
        done.map(|()| value).ok_or(Status::Payload)
    }
}
