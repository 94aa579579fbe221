//! Records of vectors, written: which mode is the smallest.

use crate::bits::coded_streams::Symbols;
use crate::bits::{histogram::Histogram, planes};
use crate::buffer::Buffer;
use crate::compression::compressors::{Coding, Compressors};
use crate::modes::exponent_plan::{Plan, Zeros};
use crate::modes::grid::{Grid, Scale};
use crate::modes::planes::{Attempts, PLANES as PLANE_COUNT};
use crate::modes::profile::Profile;
use crate::modes::rounding::Rounding;
use crate::modes::steps::StepsEncoder;
use crate::modes::unit::Unit;
use crate::modes::{self, Compression, MAX_DIMENSIONS, exponent};
use crate::record::form::{Form, Item};
use crate::record::header::Draft;
use crate::record::precision::Precision;
use crate::record::recoder::Recoder;
use crate::record::vector_decoder::PayloadDecoder;
use crate::search::grid_search::{self, Found, GridSearch};
use crate::search::step_search::{self, StepSearch};
use crate::search::structure_hint::{Family, HintWords, StructureHint};
use crate::search::{bounded, decimal, estimate};
use crate::status::Status;
use crate::{Float, round};

const STORED: Attempts = &[];
const LZ4: Attempts = &[Coding::Lz4];
const ZSTD: Attempts = &[Coding::Zstd];
const EITHER: Attempts = &[Coding::Lz4, Coding::Zstd];

/// Precisions of scaled grids that models have: bfloat16, float16.
const SCALED_PRECISIONS: [u32; 2] = [8, 11];

/// So many bits more than significands have, counts may have and be the shorter way: exponents take as many.
const MULTIPLES_BITS: u32 = 3;

/// Encodes vectors; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct VectorEncoder {
    compressors: Compressors,
    grids: GridSearch,
    step_search: StepSearch,
    steps: StepsEncoder,
    decoder: PayloadDecoder,
    split: Split,
    q: Vec<i32>,
    symbols: Symbols,
    recoder: Recoder,
    candidate: Buffer,
    scratch: Vec<u8>,
}

/// A payload beside the one there was.
enum Compared {
    /// Of this mode, and there now.
    Smaller(u8),
    Larger,
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
    /// Appends the record of `vector`, of 1 to `MAX_DIMENSIONS` elements, under `key`. `next`, if any, is fetched meanwhile: it comes next.
    pub fn encode(
        &mut self,
        key: &[u8],
        vector: &[Float],
        next: Option<&[Float]>,
        form: &mut Form,
        out: &mut Buffer,
    ) -> Result<(), Status> {
        self.encode_with(None, Item { key, vector, tokens: None }, next, form, out)
    }

    /// The same of an item, with a profile where that makes less of the vector and has its dimensions.
    pub fn encode_with(
        &mut self,
        profile: Option<&Profile>,
        item: Item,
        next: Option<&[Float]>,
        form: &mut Form,
        out: &mut Buffer,
    ) -> Result<(), Status> {
        let Item { key, vector, tokens } = item;
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS {
            return Err(Status::Dimensions);
        }
        let mut draft = Draft::begin(out, vector.len() as u32, tokens, size_of_val(vector));
        let mode = match form.precision {
            Precision::Exact => self.exact(vector, next, form.compression, &mut form.structure_hint, &mut draft),
            precision => match self.lossy(vector, precision, &mut form.structure_hint, &mut draft) {
                // Patches can make short vectors longer than they were.
                Some(mode) if draft.payload().len() < size_of_val(vector) => mode,
                _ => self.exact(vector, next, Compression::Auto, &mut form.structure_hint, &mut draft),
            },
        };
        let Self { recoder, decoder, .. } = self;
        let profiled = profile.and_then(|profile| recoder.smaller(profile, mode, vector, form.precision, &mut draft, decoder));
        draft.finish(key, profiled.unwrap_or(mode), &mut self.scratch);
        Ok(())
    }

    // Each of the following leaves a payload in `draft` and returns its mode.

    fn exact(
        &mut self,
        vector: &[Float],
        next: Option<&[Float]>,
        compression: Compression,
        hint: &mut HintWords,
        draft: &mut Draft,
    ) -> u8 {
        let mode = match compression {
            Compression::None => return store(vector, draft),
            Compression::Lz4 => self.compress_planes(vector, LZ4, draft),
            Compression::Zstd => self.compress_planes(vector, ZSTD, draft),
            Compression::Auto => self.smallest(vector, hint, draft),
        };
        // A mode that failed to give the vector back must not be stored, whatever the reason.
        if self.decoder.gives_back(mode, draft.payload(), vector, next) {
            return mode;
        }
        if [modes::GRID, modes::DECIMAL, modes::MULTIPLES].contains(&mode) {
            let mode = self.unstructured(vector, true, draft);
            if self.decoder.gives_back(mode, draft.payload(), vector, next) {
                return mode;
            }
        }
        store(vector, draft)
    }

    /// None where the vector does not fit.
    fn lossy(&mut self, vector: &[Float], precision: Precision, hint: &mut HintWords, draft: &mut Draft) -> Option<u8> {
        match precision {
            Precision::Exact => None,
            Precision::MaxError(bound) => self.within(vector, bound, hint, draft),
            Precision::Float16 => modes::fixed::encode_float16(vector, draft.restart()).map(|()| modes::FLOAT16),
            Precision::Int8 => {
                self.split.exponents_of(vector);
                modes::fixed::encode_int8(vector, &self.split.exponents, draft.restart()).map(|()| modes::INT8)
            }
        }
    }

    fn compress_planes(&mut self, vector: &[Float], attempts: Attempts, draft: &mut Draft) -> u8 {
        self.split.exponents_of(vector);
        self.split.rest_of(vector);
        self.encode_planes([attempts; PLANE_COUNT], draft.restart());
        if draft.payload().len() < size_of_val(vector) { modes::PLANES } else { store(vector, draft) }
    }

    fn smallest(&mut self, vector: &[Float], hint: &mut HintWords, draft: &mut Draft) -> u8 {
        let unscaled = grid_search::unscaled_precision(vector);
        let hint = &mut StructureHint::of(hint, unscaled.is_some());
        if let Some(mode) = hint.family().and_then(|family| self.structured(vector, family, draft.restart())) {
            hint.confirm();
            return mode;
        }
        if hint.skips_search() {
            return self.unsearched(vector, unscaled, hint.expects_planes(), draft);
        }
        let mode = self.unstructured(vector, true, draft);
        let mode = self.search(vector, unscaled, hint, draft).unwrap_or(mode);
        hint.remember_planes(mode == modes::PLANES);
        mode
    }

    /// The smallest of what takes no search.
    fn unsearched(&mut self, vector: &[Float], unscaled: Option<u32>, expects_planes: bool, draft: &mut Draft) -> u8 {
        let Some(family) = unscaled.map(Family::Unscaled) else {
            return self.unstructured(vector, expects_planes, draft);
        };
        if !expects_planes && let Some(mode) = self.structured(vector, family, draft.restart()) {
            return mode;
        }
        let mode = self.unstructured(vector, true, draft);
        match self.compare(draft, |encoder, out| encoder.structured(vector, family, out)) {
            Some(Compared::Smaller(mode)) => mode,
            _ => mode,
        }
    }

    /// Exponents, planes or raw: the smallest. `is_thorough` looks for planes that compress where exponents do, too.
    fn unstructured(&mut self, vector: &[Float], is_thorough: bool, draft: &mut Draft) -> u8 {
        self.split.exponents_of(vector);
        let histogram = Histogram::of(&self.split.exponents);
        let plan = Plan::new(&histogram, Zeros::AreExponents);

        let mut mode = modes::EXPONENT;
        match &plan {
            Some(plan) if exponent::size(plan, vector.len()) < size_of_val(vector) => {
                exponent::encode(plan, &self.split.exponents, vector, &mut self.symbols, draft.restart());
                if draft.payload().len() >= size_of_val(vector) {
                    mode = store(vector, draft);
                }
            }
            _ => mode = store(vector, draft),
        }
        let is_strained = plan.is_none_or(|plan| plan.is_strained(vector.len()));
        if is_strained || is_thorough {
            self.split.rest_of(vector);
            let [high, middle, low] = estimate::uneven_planes(&self.split.high, &self.split.low_words);
            if is_strained || high || middle || low {
                let exponents = estimate::histogram_is_uneven(&histogram);
                let attempts = [exponents, high, middle, low].map(|uneven| if uneven { EITHER } else { STORED });
                let planes = self.compare(draft, |encoder, out| {
                    encoder.encode_planes(attempts, out);
                    Some(modes::PLANES)
                });
                if let Some(Compared::Smaller(planes)) = planes {
                    mode = planes;
                }
            }
        }
        mode
    }

    /// Steps, or what is exact and smaller.
    fn within(&mut self, vector: &[Float], bound: f32, hint: &mut HintWords, draft: &mut Draft) -> Option<u8> {
        let unit = bounded::quantise(vector, bound, &mut self.q)?;
        self.steps.encode(unit, &self.q, draft.restart())?;
        let unscaled = grid_search::unscaled_precision(vector);
        let hint = &mut StructureHint::of(hint, unscaled.is_some());
        let known = hint.family().and_then(|family| self.compare(draft, |encoder, out| encoder.structured(vector, family, out)));
        let structured = match known {
            Some(Compared::Smaller(mode)) => {
                hint.confirm();
                Some(mode)
            }
            Some(Compared::Larger) => None,
            None if hint.skips_search() => unscaled
                // Signs and significands alone are as long.
                .filter(|precision| vector.len() * *precision as usize / 8 < draft.payload().len())
                .and_then(|precision| {
                    self.compare(draft, |encoder, out| encoder.structured(vector, Family::Unscaled(precision), out))
                })
                .and_then(|compared| match compared {
                    Compared::Smaller(mode) => Some(mode),
                    Compared::Larger => None,
                }),
            None => self.search(vector, unscaled, hint, draft),
        };
        if let Some(mode) = structured {
            return self.decoder.gives_back(mode, draft.payload(), vector, None).then_some(mode);
        }
        let decoded = self.decoder.decoded(modes::STEPS, draft.payload(), vector.len())?;
        bounded::holds(bound, vector, decoded).then_some(modes::STEPS)
    }

    /// Looks for every structure. One that makes less than the draft takes its place and is remembered.
    fn search(&mut self, vector: &[Float], unscaled: Option<u32>, hint: &mut StructureHint, draft: &mut Draft) -> Option<u8> {
        let mut smallest = None;
        let mut consider = |encoder: &mut Self, family| {
            if let Compared::Smaller(mode) = encoder.compare(draft, |encoder, out| encoder.structured(vector, family, out))? {
                smallest = Some((encoder.as_found(family), mode));
            }
            Some(())
        };
        // A grid of fewer bits is one of more bits too; few digits make a grid, but not the smallest.
        unscaled
            .map(Family::Unscaled)
            .into_iter()
            .chain(SCALED_PRECISIONS.map(Family::Scaled))
            .find_map(|family| consider(self, family));
        if let Some(Unit::Digits(digits)) = decimal::find(vector, &mut self.q) {
            consider(self, Family::Decimal(digits));
        }
        consider(self, Family::Multiples { rounding: Rounding::None, bits: unscaled.unwrap_or(24) + MULTIPLES_BITS });
        for rounding in Rounding::found_in(vector, unscaled) {
            SCALED_PRECISIONS.into_iter().find_map(|precision| consider(self, Family::Rounded { precision, rounding }));
            consider(self, Family::Multiples { rounding, bits: MULTIPLES_BITS + 24 });
        }
        hint.remember(smallest.map(|(family, _)| family));
        smallest.map(|(_, mode)| mode)
    }

    /// The family that the latest vector of `family` is one of, as narrow as may be: what fits it by chance must not take its place.
    fn as_found(&self, family: Family) -> Family {
        match family {
            // A few more than this vector's, for others.
            Family::Multiples { rounding, .. } => Family::Multiples { rounding, bits: step_search::bits_of(&self.q) + 1 },
            family => family,
        }
    }

    /// Has a payload made beside the draft's, and puts it there where it is smaller. None where none was made.
    fn compare(&mut self, draft: &mut Draft, make: impl FnOnce(&mut Self, &mut Buffer) -> Option<u8>) -> Option<Compared> {
        let mut candidate = std::mem::take(&mut self.candidate);
        candidate.clear();
        let compared = make(self, &mut candidate).map(|mode| {
            if candidate.len() >= draft.payload().len() {
                return Compared::Larger;
            }
            draft.restart().append(&candidate);
            Compared::Smaller(mode)
        });
        self.candidate = candidate;
        compared
    }

    // Each of the following appends a payload, and returns its mode where there can be several.

    fn structured(&mut self, vector: &[Float], family: Family, out: &mut Buffer) -> Option<u8> {
        let start = out.len();
        let mode = match family {
            Family::Scaled(precision) => {
                self.grids.scaled(vector, precision).and_then(|found| self.encode_grid(vector, found, out))?
            }
            Family::Unscaled(precision) => {
                let found = self.grids.unscaled(vector, precision);
                self.encode_grid(vector, found, out)?
            }
            Family::Decimal(digits) => {
                let unit = Unit::Digits(digits);
                decimal::fits(vector, unit, &mut self.q).then_some(())?;
                self.steps.encode(unit, &self.q, out)?;
                modes::DECIMAL
            }
            Family::Rounded { precision, rounding } => {
                self.grids.rounded(vector, precision, rounding).and_then(|found| self.encode_grid(vector, found, out))?
            }
            Family::Multiples { rounding, bits } => {
                let unit = self.step_search.find(vector, rounding, bits, &mut self.q)?;
                self.steps.encode(unit, &self.q, out)?;
                unit.mode()
            }
        };
        (out.len() - start < size_of_val(vector)).then_some(mode)
    }

    fn encode_grid(&mut self, vector: &[Float], found: Found, out: &mut Buffer) -> Option<u8> {
        let GridSearch { exponents, low, table, before, .. } = &self.grids;
        let vector = if found.rounding == Rounding::None { vector } else { before };
        let plan = Plan::new(&Histogram::of(exponents), Zeros::HaveASymbol)?;
        let scale = match found.scale {
            // The factor of symbol 0.
            Some(scale) => Scale::Factor(scale * round::power_of_two(i32::from(plan.base) - 127)),
            None => Scale::One,
        };
        let grid = Grid { precision: found.precision, residual: found.residual, scale, rounding: found.rounding };
        modes::grid::encode(&grid, &plan, exponents, vector, low, &table.0, &mut self.symbols, out);
        Some(modes::GRID)
    }

    fn encode_planes(&mut self, attempts: [Attempts; PLANE_COUNT], out: &mut Buffer) {
        let Split { exponents, high, low_words, middle, low } = &mut self.split;
        low.clear();
        low.extend(low_words.iter().map(|[low, _]| low));
        middle.clear();
        middle.extend(low_words.iter().map(|[_, middle]| middle));
        let planes = [&exponents[..], high, middle, low];
        modes::planes::encode(planes, attempts, &mut self.compressors, out, &mut self.scratch);
    }
}

fn store(vector: &[Float], draft: &mut Draft) -> u8 {
    let payload = draft.restart().grow(size_of_val(vector));
    for (bytes, float) in payload.as_chunks_mut().0.iter_mut().zip(vector) {
        *bytes = u32::from_ne_bytes(*float).to_le_bytes();
    }
    modes::RAW
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
