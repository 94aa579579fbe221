//! Mode `08`: each of the four byte planes stored, lz4 or zstd. Docs/format.md section 2.1.

use crate::Float;
use crate::bits::planes;
use crate::buffer::Buffer;
use crate::compression::compressors::{Coding, Compressors, Content};

pub const PLANES: usize = 4;

const BITS_PER_STAGE: usize = 2;

/// What a plane may be coded with: nothing means that it is stored without trying.
pub type Attempts = &'static [Coding];

/// Appends the payload of `planes` (exponent, high, middle, low; all of one length), each in the smallest of its codings.
/// `body` is overwritten.
pub fn encode(
    planes: [&[u8]; PLANES],
    attempts: [Attempts; PLANES],
    compressors: &mut Compressors,
    out: &mut Buffer,
    body: &mut Vec<u8>,
) {
    let mut stages = 0;
    let mut lengths = Vec::with_capacity(PLANES);
    body.clear();
    for (index, (plane, attempts)) in planes.into_iter().zip(attempts).enumerate() {
        let (coding, coded) = compressors.smallest(plane, attempts, Content::Plane);
        body.extend_from_slice(coded);
        if coding != Coding::Stored {
            stages |= (coding as u8) << (BITS_PER_STAGE * index);
            lengths.push((coded.len() as u16).to_le_bytes());
        }
    }
    out.append(&[stages]);
    out.append(lengths.as_flattened());
    out.append(body);
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned. `scratch` takes `4 * dimensions` bytes.
pub fn decode(payload: &[u8], vector: &mut [Float], compressors: &mut Compressors, scratch: &mut Vec<u8>) -> Option<()> {
    let dimensions = vector.len();
    let (stages, rest) = payload.split_first()?;
    let codings = codings_of(*stages)?;
    let coded_planes = codings.iter().filter(|coding| **coding != Coding::Stored).count();
    let (lengths, mut body) = rest.split_at_checked(2 * coded_planes)?;
    let mut lengths = lengths.as_chunks().0.iter().map(|length| usize::from(u16::from_le_bytes(*length)));

    scratch.resize(PLANES * dimensions, 0);
    let mut rooms = scratch.chunks_exact_mut(dimensions);
    let mut planes: [&[u8]; PLANES] = [&[]; PLANES];
    for (plane, coding) in planes.iter_mut().zip(codings) {
        let length = if coding == Coding::Stored { dimensions } else { lengths.next()? };
        let is_smaller = (1..dimensions).contains(&length);
        if coding != Coding::Stored && !is_smaller {
            return None;
        }
        let (coded, after) = body.split_at_checked(length)?;
        body = after;
        *plane = if coding == Coding::Stored {
            coded
        } else {
            let room = rooms.next()?;
            compressors.decompress(coding, coded, room)?;
            room
        };
    }
    if !body.is_empty() {
        return None;
    }
    let [exponents, high, middle, low] = planes;
    planes::merge_planes(exponents, high, middle, low, vector);
    Some(())
}

fn codings_of(stages: u8) -> Option<[Coding; PLANES]> {
    let mut codings = [Coding::Stored; PLANES];
    for (index, coding) in codings.iter_mut().enumerate() {
        *coding = match (stages >> (BITS_PER_STAGE * index)) & 3 {
            0 => Coding::Stored,
            1 => Coding::Lz4,
            2 => Coding::Zstd,
            _ => return None,
        };
    }
    Some(codings)
}
