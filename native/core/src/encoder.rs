//! Records of vectors, written: which mode is the smallest.

use crate::bounded;
use crate::compressors::{Coding, Compressors};
use crate::decimal;
use crate::decoder::PayloadDecoder;
use crate::exponents::{Plan, Zeros};
use crate::grid_search::{Found, GridSearch};
use crate::histogram::Histogram;
use crate::memory::{Family, Memory};
use crate::modes::coded::Symbols;
use crate::modes::grid::{Grid, Scale};
use crate::modes::planes::{Attempts, PLANES as PLANE_COUNT};
use crate::modes::steps::{StepsEncoder, Unit};
use crate::modes::{self, Compression, MAX_DIMENSIONS, exponent};
use crate::{Float, Precision, Status, estimate, memory, planes, record, round};

const STORED: Attempts = &[];
const LZ4: Attempts = &[Coding::Lz4];
const ZSTD: Attempts = &[Coding::Zstd];
const EITHER: Attempts = &[Coding::Lz4, Coding::Zstd];

/// Precisions of scaled grids that models have: bfloat16, float16.
const SCALED_PRECISIONS: [u32; 2] = [8, 11];

/// Encodes vectors; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct VectorEncoder {
    compressors: Compressors,
    grids: GridSearch,
    steps: StepsEncoder,
    decoder: PayloadDecoder,
    split: Split,
    q: Vec<i32>,
    symbols: Symbols,
    payload: Vec<u8>,
    candidate: Vec<u8>,
    decoded: Vec<Float>,
    scratch: Vec<u8>,
}

/// How vectors are stored, and what was found out about them so far.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub precision: Precision,
    /// Of what comes back bit for bit.
    pub compression: Compression,
    /// All zero at first.
    pub memory: memory::Words,
}

impl Form {
    pub fn new(precision: Precision, compression: Compression) -> Self {
        Self { precision, compression, memory: Default::default() }
    }
}

/// The parts of a vector that exponents and planes are coded from.
#[derive(Default)]
struct Split {
    exponents: Vec<u8>,
    high: Vec<u8>,
    low_words: Vec<[u8; 2]>,
    middle: Vec<u8>,
    low: Vec<u8>,
}

impl VectorEncoder {
    /// Appends the record of `vector` under `key` to `out`. A vector has 1 to `MAX_DIMENSIONS` elements, or `Dimensions` is returned.
    pub fn encode(&mut self, key: &[u8], vector: &[Float], form: &mut Form, out: &mut Vec<u8>) -> Result<(), Status> {
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS {
            return Err(Status::Dimensions);
        }
        let mut memory = Memory(&mut form.memory);
        let mode = match form.precision {
            Precision::Exact => self.exact(vector, form.compression, &mut memory),
            // Patches can make short vectors longer than they were.
            _ => match self.lossy(vector, form.precision, &mut memory).filter(|_| self.payload.len() < size_of_val(vector)) {
                Some(mode) => mode,
                None => self.exact(vector, Compression::Auto, &mut memory),
            },
        };
        record::write(key, mode, vector.len() as u32, &self.payload, out, &mut self.scratch);
        Ok(())
    }

    // Each of the following leaves a payload and returns its mode.

    fn exact(&mut self, vector: &[Float], compression: Compression, memory: &mut Memory) -> u8 {
        let mode = match compression {
            Compression::None => return self.store(vector),
            Compression::Lz4 => self.compress_planes(vector, LZ4),
            Compression::Zstd => self.compress_planes(vector, ZSTD),
            Compression::Auto => self.smallest(vector, memory),
        };
        // A mode that failed to give the vector back must not be stored, whatever the reason.
        if self.gives_back(mode, vector) {
            return mode;
        }
        if [modes::GRID, modes::DECIMAL].contains(&mode) {
            let mode = self.unstructured(vector, true);
            if self.gives_back(mode, vector) {
                return mode;
            }
        }
        self.store(vector)
    }

    /// None where the vector does not fit.
    fn lossy(&mut self, vector: &[Float], precision: Precision, memory: &mut Memory) -> Option<u8> {
        match precision {
            Precision::Exact => None,
            Precision::MaxError(bound) => self.within(vector, bound, memory),
            Precision::Float16 => modes::fixed::encode_float16(vector, &mut self.payload).map(|()| modes::FLOAT16),
            Precision::Int8 => {
                self.split.exponents_of(vector);
                modes::fixed::encode_int8(vector, &self.split.exponents, &mut self.payload).map(|()| modes::INT8)
            }
        }
    }

    fn store(&mut self, vector: &[Float]) -> u8 {
        self.payload.clear();
        self.payload.extend(vector.iter().flat_map(|float| u32::from_ne_bytes(*float).to_le_bytes()));
        modes::RAW
    }

    fn compress_planes(&mut self, vector: &[Float], attempts: Attempts) -> u8 {
        self.split.exponents_of(vector);
        self.split.rest_of(vector);
        self.encode_planes([attempts; PLANE_COUNT]);
        if self.candidate.len() >= size_of_val(vector) {
            return self.store(vector);
        }
        std::mem::swap(&mut self.payload, &mut self.candidate);
        modes::PLANES
    }

    fn smallest(&mut self, vector: &[Float], memory: &mut Memory) -> u8 {
        if let Some(mode) = memory.family().and_then(|family| self.structured(vector, family)) {
            memory.confirm();
            std::mem::swap(&mut self.payload, &mut self.candidate);
            return mode;
        }
        if memory.skips_a_turn() {
            return self.unstructured(vector, memory.expects_planes());
        }
        let mode = self.unstructured(vector, true);
        let found = self.look(vector, memory);
        memory.remember_planes(mode == modes::PLANES);
        found.unwrap_or(mode)
    }

    /// Exponents, planes or raw: the smallest. `is_thorough` looks for planes that compress where exponents do, too.
    fn unstructured(&mut self, vector: &[Float], is_thorough: bool) -> u8 {
        self.split.exponents_of(vector);
        let histogram = Histogram::of(&self.split.exponents);
        let plan = Plan::new(&histogram, Zeros::AreExponents);

        let mut smallest = size_of_val(vector);
        let mut mode = modes::RAW;
        if let Some(plan) = plan.filter(|plan| exponent::size(plan, vector.len()) < smallest) {
            exponent::encode(&plan, &self.split.exponents, vector, &mut self.symbols, &mut self.payload);
            if self.payload.len() < smallest {
                smallest = self.payload.len();
                mode = modes::EXPONENT;
            }
        }
        let is_strained = plan.is_none_or(|plan| plan.is_strained(vector.len()));
        if is_strained || is_thorough {
            self.split.rest_of(vector);
            let [high, middle, low] = estimate::uneven_planes(&self.split.high, &self.split.low_words);
            if is_strained || high || middle || low {
                let exponents = estimate::histogram_is_uneven(&histogram);
                self.encode_planes([exponents, high, middle, low].map(|uneven| if uneven { EITHER } else { STORED }));
                if self.candidate.len() < smallest {
                    std::mem::swap(&mut self.payload, &mut self.candidate);
                    mode = modes::PLANES;
                }
            }
        }
        if mode == modes::RAW { self.store(vector) } else { mode }
    }

    /// Steps, or what is exact and smaller.
    fn within(&mut self, vector: &[Float], bound: f32, memory: &mut Memory) -> Option<u8> {
        let unit = bounded::quantise(vector, bound, &mut self.q)?;
        self.steps.encode(unit, &self.q, &mut self.payload)?;
        let structured = match memory.family().and_then(|family| self.structured(vector, family)) {
            Some(mode) if self.candidate.len() < self.payload.len() => {
                memory.confirm();
                std::mem::swap(&mut self.payload, &mut self.candidate);
                Some(mode)
            }
            Some(_) => None,
            None if memory.skips_a_turn() => None,
            None => self.look(vector, memory),
        };
        if let Some(mode) = structured {
            return self.gives_back(mode, vector).then_some(mode);
        }
        self.decoded.resize(vector.len(), Float::default());
        self.decoder.decode(modes::STEPS, &self.payload, &mut self.decoded)?;
        bounded::holds(bound, vector, &self.decoded).then_some(modes::STEPS)
    }

    /// Looks for every structure. One that makes less than `payload` replaces it and is remembered.
    fn look(&mut self, vector: &[Float], memory: &mut Memory) -> Option<u8> {
        let mut smallest = None;
        let mut consider = |encoder: &mut Self, family| {
            let mode = encoder.structured(vector, family)?;
            if encoder.candidate.len() < encoder.payload.len() {
                std::mem::swap(&mut encoder.payload, &mut encoder.candidate);
                smallest = Some((family, mode));
            }
            Some(())
        };
        // A grid of fewer bits is one of more bits too; few digits make a grid, but not the smallest.
        let scaled = SCALED_PRECISIONS.map(Family::Scaled);
        [Family::Unscaled].into_iter().chain(scaled).find_map(|family| consider(self, family));
        if let Some(Unit::Digits(digits)) = decimal::find(vector, &mut self.q) {
            consider(self, Family::Decimal(digits));
        }
        memory.remember(smallest.map(|(family, _)| family));
        smallest.map(|(_, mode)| mode)
    }

    // Each of the following leaves what it returns the mode of in `candidate`.

    fn structured(&mut self, vector: &[Float], family: Family) -> Option<u8> {
        let mode = match family {
            Family::Scaled(precision) => {
                self.grids.scaled(vector, precision).and_then(|found| self.encode_grid(vector, found))?
            }
            Family::Unscaled => self.grids.unscaled(vector).and_then(|found| self.encode_grid(vector, found))?,
            Family::Decimal(digits) => {
                let unit = Unit::Digits(digits);
                decimal::fits(vector, unit, &mut self.q).then_some(())?;
                self.steps.encode(unit, &self.q, &mut self.candidate)?;
                modes::DECIMAL
            }
        };
        (self.candidate.len() < size_of_val(vector)).then_some(mode)
    }

    fn encode_grid(&mut self, vector: &[Float], found: Found) -> Option<u8> {
        let GridSearch { exponents, low, .. } = &self.grids;
        let plan = Plan::new(&Histogram::of(exponents), Zeros::HaveASymbol)?;
        let scale = match found.scale {
            // The factor of symbol 0.
            Some(scale) => Scale::Factor(scale * round::power_of_two(i32::from(plan.base) - 127)),
            None => Scale::One,
        };
        let grid = Grid { precision: found.precision, residual: found.residual, scale };
        modes::grid::encode(&grid, &plan, exponents, vector, low, &mut self.symbols, &mut self.candidate);
        Some(modes::GRID)
    }

    /// Leaves the planes' payload in `candidate`.
    fn encode_planes(&mut self, attempts: [Attempts; PLANE_COUNT]) {
        let Split { exponents, high, low_words, middle, low } = &mut self.split;
        low.clear();
        low.extend(low_words.iter().map(|[low, _]| low));
        middle.clear();
        middle.extend(low_words.iter().map(|[_, middle]| middle));
        let planes = [&exponents[..], high, middle, low];
        modes::planes::encode(planes, attempts, &mut self.compressors, &mut self.candidate, &mut self.scratch);
    }

    /// Whether the payload decodes to `vector`, bit for bit.
    fn gives_back(&mut self, mode: u8, vector: &[Float]) -> bool {
        self.decoded.resize(vector.len(), Float::default());
        self.decoder.decode(mode, &self.payload, &mut self.decoded).is_some() && self.decoded == vector
    }
}

impl Split {
    fn exponents_of(&mut self, vector: &[Float]) {
        self.exponents.resize(vector.len(), 0);
        planes::exponents(vector, &mut self.exponents);
    }

    /// Fills `high` and `low_words`.
    fn rest_of(&mut self, vector: &[Float]) {
        self.high.resize(vector.len(), 0);
        self.low_words.resize(vector.len(), [0; 2]);
        planes::rest(vector, &mut self.low_words, &mut self.high);
    }
}
