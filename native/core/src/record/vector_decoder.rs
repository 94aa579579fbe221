//! Records of vectors, read.

use crate::Float;
use crate::bits::coded_streams::Scratch;
use crate::compression::compressors::Compressors;
use crate::modes::profile::{self, Profile, Profiles};
use crate::modes::{self, MAX_DIMENSIONS};
use crate::record::header::Parsed;
use crate::record::precision::Precision;
use crate::simd::multiversioned;
use crate::status::Status;

/// Decodes vectors; keeps its buffers and contexts from one to the next.
#[derive(Default)]
pub struct VectorDecoder {
    payloads: PayloadDecoder,
    scratch: Vec<u8>,
}

impl VectorDecoder {
    /// Decodes the record that is stored under `key` into `vector`, whose length is the dimensions expected (1 to `MAX_DIMENSIONS`).
    /// On any error `vector` is left as it was.
    pub fn decode(&mut self, key: &[u8], record: &[u8], precision: Precision, vector: &mut [Float]) -> Result<(), Status> {
        self.decode_with(key, record, precision, &Profiles::default(), vector)
    }

    /// The same, also of records that were made with one of these profiles.
    pub fn decode_with(
        &mut self,
        key: &[u8],
        record: &[u8],
        precision: Precision,
        profiles: &Profiles,
        vector: &mut [Float],
    ) -> Result<(), Status> {
        let parsed = Parsed::parse(record)?;
        if vector.is_empty() || vector.len() > MAX_DIMENSIONS || parsed.dimensions as usize != vector.len() {
            return Err(Status::Dimensions);
        }
        parsed.verify(key, &mut self.scratch)?;
        if !modes::is_of_vectors(parsed.mode) {
            return Err(Status::Mode);
        }
        if !precision.accepts(parsed.mode, parsed.payload).ok_or(Status::Payload)? {
            return Err(Status::Precision);
        }
        if modes::is_profiled(parsed.mode) {
            let (number, rest) = profile::split(parsed.payload).ok_or(Status::Payload)?;
            let profile = profiles.find(number).filter(|profile| profile.dimensions() == vector.len());
            return self
                .payloads
                .decode_profiled(parsed.mode, rest, profile.ok_or(Status::Profile)?, vector)
                .ok_or(Status::Payload);
        }
        self.payloads.decode(parsed.mode, parsed.payload, vector).ok_or(Status::Payload)
    }
}

/// Decodes payloads, which nobody vouches for.
#[derive(Default)]
pub struct PayloadDecoder {
    compressors: Compressors,
    coded: Scratch,
    scratch: Vec<u8>,
    decoded: Vec<Float>,
}

impl PayloadDecoder {
    /// Decodes a payload of a vector's mode into `vector`, which is left as it was where nothing is returned.
    pub fn decode(&mut self, mode: u8, payload: &[u8], vector: &mut [Float]) -> Option<()> {
        match mode {
            modes::RAW => decode_raw(payload, vector),
            modes::PLANES => modes::planes::decode(payload, vector, &mut self.compressors, &mut self.scratch),
            modes::EXPONENT => modes::exponent::decode(payload, vector, &mut self.coded.symbols),
            modes::GRID => modes::grid::decode(payload, vector, &mut self.coded),
            modes::STEPS | modes::DECIMAL | modes::MULTIPLES => modes::steps::decode(mode, payload, vector, &mut self.coded),
            modes::FLOAT16 => modes::fixed::decode_float16(payload, vector),
            modes::INT8 => modes::fixed::decode_int8(payload, vector),
            _ => None,
        }
    }

    /// Decodes what follows the number of `profile`, which has the dimensions of `vector`, in the same way.
    pub fn decode_profiled(&mut self, mode: u8, rest: &[u8], profile: &Profile, vector: &mut [Float]) -> Option<()> {
        match mode {
            modes::PROFILED_GRID => modes::buckets::decode(rest, profile, vector, &mut self.coded),
            _ => modes::profiled::decode(mode, rest, profile, vector, &mut self.coded),
        }
    }

    /// Whether the payload decodes to `vector`, bit for bit. `next` is what the caller turns to next.
    pub fn gives_back(&mut self, mode: u8, payload: &[u8], vector: &[Float], next: Option<&[Float]>) -> bool {
        if mode == modes::EXPONENT {
            let ahead = next.filter(|next| next.len() == vector.len()).unwrap_or(vector);
            return modes::exponent::gives_back(payload, vector, ahead, &mut self.coded.symbols);
        }
        self.decoded(mode, payload, vector.len()).is_some_and(|decoded| are_same(decoded, vector))
    }

    /// What the payload decodes to, until the next one is decoded.
    pub fn decoded(&mut self, mode: u8, payload: &[u8], dimensions: usize) -> Option<&[Float]> {
        self.decoded_by(dimensions, |decoder, decoded| decoder.decode(mode, payload, decoded))
    }

    /// The same of a payload that was made with `profile`.
    pub fn decoded_profiled(&mut self, mode: u8, payload: &[u8], profile: &Profile) -> Option<&[Float]> {
        let (_, rest) = profile::split(payload)?;
        self.decoded_by(profile.dimensions(), |decoder, decoded| decoder.decode_profiled(mode, rest, profile, decoded))
    }

    fn decoded_by(&mut self, dimensions: usize, decode: impl FnOnce(&mut Self, &mut [Float]) -> Option<()>) -> Option<&[Float]> {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.resize(dimensions, Float::default());
        let result = decode(self, &mut decoded);
        self.decoded = decoded;
        result.map(|()| &self.decoded[..])
    }
}

multiversioned! {
/// Whether two vectors of one length are the same, bit for bit. Comparing them as slices goes a byte at a time where there is no `memcmp`
/// to call.
fn are_same(one: &[Float], other: &[Float]) -> bool {
    let differences = |(a, b): (&Float, &Float)| u32::from_ne_bytes(*a) ^ u32::from_ne_bytes(*b);
    one.len() == other.len() && one.iter().zip(other).map(differences).fold(0, std::ops::BitOr::bitor) == 0
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
