//! Records of vectors: which mode, and back.

use crate::compressors::{Coding, Compressors};
use crate::histogram::histogram;
use crate::huffman::SymbolPlane;
use crate::modes::exponent::Plan;
use crate::modes::planes::{Attempts, PLANES as PLANE_COUNT};
use crate::modes::{self, Compression, MAX_DIMENSIONS};
use crate::record::{self, Parsed};
use crate::{Float, Status, estimate, planes};

const STORED: Attempts = &[];
const LZ4: Attempts = &[Coding::Lz4];
const ZSTD: Attempts = &[Coding::Zstd];
const EITHER: Attempts = &[Coding::Lz4, Coding::Zstd];

/// Encodes vectors; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct VectorEncoder {
    compressors: Compressors,
    exponents: Vec<u8>,
    high: Vec<u8>,
    low_words: Vec<[u8; 2]>,
    middle: Vec<u8>,
    low: Vec<u8>,
    payload: Vec<u8>,
    candidate: Vec<u8>,
    scratch: Vec<u8>,
}

impl VectorEncoder {
    /// Appends the record of `vector` under `key` to `out`. A vector has 1 to `MAX_DIMENSIONS` elements, or `Dimensions` is returned.
    pub fn encode(&mut self, key: &[u8], vector: &[Float], compression: Compression, out: &mut Vec<u8>) -> Result<(), Status> {
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS {
            return Err(Status::Dimensions);
        }
        let mode = match compression {
            Compression::None => self.store(vector),
            Compression::Lz4 => self.compress_planes(vector, LZ4),
            Compression::Zstd => self.compress_planes(vector, ZSTD),
            Compression::Auto => self.find_smallest(vector),
        };
        record::write(key, mode, vector.len() as u32, &self.payload, out, &mut self.scratch);
        Ok(())
    }

    // Each of the following leaves a payload and returns its mode.

    fn store(&mut self, vector: &[Float]) -> u8 {
        self.payload.clear();
        self.payload.extend(vector.iter().flat_map(|float| u32::from_ne_bytes(*float).to_le_bytes()));
        modes::RAW
    }

    fn compress_planes(&mut self, vector: &[Float], attempts: Attempts) -> u8 {
        self.split(vector);
        self.encode_planes([attempts; PLANE_COUNT]);
        if self.candidate.len() >= size_of_val(vector) {
            return self.store(vector);
        }
        std::mem::swap(&mut self.payload, &mut self.candidate);
        modes::PLANES
    }

    fn find_smallest(&mut self, vector: &[Float]) -> u8 {
        self.split(vector);
        let histogram = histogram(&self.exponents);
        let plan = Plan::new(&histogram, vector.len());
        let uneven = estimate::uneven_planes(&self.high, &self.low_words);

        let mut smallest = size_of_val(vector);
        let mut mode = modes::RAW;
        if let Some(plan) = plan.filter(|plan| plan.wins(vector.len())) {
            modes::exponent::encode(&plan, &self.exponents, &self.high, &self.low_words, &mut self.payload);
            if self.payload.len() < smallest {
                smallest = self.payload.len();
                mode = modes::EXPONENT;
            }
        }
        if plan.is_none_or(|plan| plan.is_strained(vector.len())) || uneven.contains(&true) {
            let exponents_are_uneven = estimate::histogram_is_uneven(&histogram, vector.len());
            let [high, middle, low] = uneven;
            let attempts = [exponents_are_uneven, high, middle, low].map(|uneven| if uneven { EITHER } else { STORED });
            self.encode_planes(attempts);
            if self.candidate.len() < smallest {
                std::mem::swap(&mut self.payload, &mut self.candidate);
                mode = modes::PLANES;
            }
        }
        if mode == modes::RAW { self.store(vector) } else { mode }
    }

    /// Fills `exponents`, `high` and `low_words`.
    fn split(&mut self, vector: &[Float]) {
        self.exponents.resize(vector.len(), 0);
        self.high.resize(vector.len(), 0);
        self.low_words.resize(vector.len(), [0; 2]);
        planes::split(vector, &mut self.exponents, &mut self.high, &mut self.low_words);
    }

    /// Leaves the planes' payload in `candidate`.
    fn encode_planes(&mut self, attempts: [Attempts; PLANE_COUNT]) {
        self.low.clear();
        self.low.extend(self.low_words.iter().map(|[low, _]| low));
        self.middle.clear();
        self.middle.extend(self.low_words.iter().map(|[_, middle]| middle));
        let planes = [&self.exponents[..], &self.high, &self.middle, &self.low];
        modes::planes::encode(planes, attempts, &mut self.compressors, &mut self.candidate, &mut self.scratch);
    }
}

/// Decodes vectors; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct VectorDecoder {
    compressors: Compressors,
    symbols: SymbolPlane,
    scratch: Vec<u8>,
}

impl VectorDecoder {
    /// Decodes the record that is stored under `key` into `vector`, whose length is the dimensions expected (1 to `MAX_DIMENSIONS`).
    /// On any error `vector` is left as it was.
    pub fn decode(&mut self, key: &[u8], record: &[u8], vector: &mut [Float]) -> Result<(), Status> {
        let parsed = Parsed::parse(record)?;
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS || parsed.dimensions as usize != vector.len() {
            return Err(Status::Dimensions);
        }
        parsed.verify(key, &mut self.scratch)?;
        let payload = parsed.payload;
        match parsed.mode {
            modes::RAW => decode_raw(payload, vector),
            modes::PLANES => modes::planes::decode(payload, vector, &mut self.compressors, &mut self.scratch),
            modes::EXPONENT => modes::exponent::decode(payload, vector, &mut self.symbols),
            _ => return Err(Status::Mode),
        }
        .ok_or(Status::Payload)
    }
}

fn decode_raw(payload: &[u8], vector: &mut [Float]) -> Option<()> {
    if payload.len() != size_of_val(vector) {
        return None;
    }
    for (float, bytes) in vector.iter_mut().zip(payload.as_chunks().0) {
        *float = u32::from_le_bytes(*bytes).to_ne_bytes();
    }
    Some(())
}
