//! What the modes with coded symbols share: patches, then four streams, then planes of stored bits.

use crate::Float;
use crate::bits::huffman::{self, Lookup, STREAMS, StreamWriter, SymbolPlane, Tables};
use crate::buffer::Buffer;

/// An element that its symbol does not describe: its index (u16), and a byte that the mode gives a meaning.
pub type Patch = [u8; PATCH_BYTES];

pub const PATCH_BYTES: usize = 3;
pub const MAX_PATCHES: usize = u8::MAX as usize;

/// How much longer the streams 0, 1 and 2 are than a quarter of all, three i8; the last stream ends where the stored bits begin.
pub type StreamLengths = [u8; STREAMS - 1];

/// In place of the first of them: the lengths stand before the streams, each a u16.
const APART: i8 = i8::MIN;

type LengthsApart = [u8; 2 * (STREAMS - 1)];

/// Streams, and where each ends.
pub struct Streams<'a> {
    pub lengths: StreamLengths,
    apart: Option<LengthsApart>,
    bytes: &'a [u8],
}

impl Streams<'_> {
    pub fn append_to(&self, out: &mut Buffer) {
        if let Some(lengths) = &self.apart {
            out.append(lengths);
        }
        out.append(self.bytes);
    }
}

pub fn patch(index: usize, byte: u8) -> Patch {
    let [low, high] = (index as u16).to_le_bytes();
    [low, high, byte]
}

/// The element that a patch of any size is for.
pub fn index_of<const SIZE: usize>(patch: &[u8; SIZE]) -> usize {
    usize::from(u16::from_le_bytes([patch[0], patch[1]]))
}

/// The streams of `symbols`.
pub fn encode_streams<'a, const SYMBOLS: usize, const COUNT: usize>(
    tables: &Tables<SYMBOLS, COUNT>,
    table: usize,
    symbols: &[u8],
    writer: &'a mut StreamWriter,
) -> Streams<'a> {
    let mut lengths = [0; STREAMS - 1];
    let mut ended = lengths.iter_mut();
    let bytes = writer.write(tables, table, symbols, symbols.len().div_ceil(STREAMS), |length| {
        if let Some(ended) = ended.next() {
            *ended = length;
        }
    });
    let quarter = bytes.len() / STREAMS;
    let longer = lengths.map(|length| length as isize - quarter as isize);
    if longer.iter().all(|longer| longer.unsigned_abs() <= i8::MAX as usize) {
        return Streams { lengths: longer.map(|longer| longer as u8), apart: None, bytes };
    }
    let mut apart = LengthsApart::default();
    for (field, length) in apart.as_chunks_mut().0.iter_mut().zip(lengths) {
        *field = (length as u16).to_le_bytes();
    }
    Streams { lengths: [APART as u8, 0, 0], apart: Some(apart), bytes }
}

/// Symbols on their way into streams.
#[derive(Default)]
pub struct Symbols {
    pub bytes: Vec<u8>,
    pub writer: StreamWriter,
}

/// What the decoders of coded modes find on the way.
#[derive(Default)]
pub struct Scratch {
    pub symbols: SymbolPlane,
    pub fields: Vec<u8>,
    /// Of grids with residuals for each `K`.
    pub products: Vec<u32>,
}

/// Reads what follows a mode's header: `patches` patches and the streams, which it decodes into `symbols`, one for each element of `ahead`,
/// whose memory it has fetched. Returns the patches, sound ones, and the last `stored` bytes.
pub fn decode_streams<'a>(
    rest: &'a [u8],
    lookup: &Lookup,
    lengths: &StreamLengths,
    patches: u8,
    stored: usize,
    ahead: &[Float],
    symbols: &mut SymbolPlane,
) -> Option<(&'a [Patch], &'a [u8])> {
    let (patches, rest) = rest.split_at_checked(PATCH_BYTES * usize::from(patches))?;
    let patches = patches.as_chunks().0;
    let (streams, planes) = rest.split_at(rest.len().checked_sub(stored)?);
    let (lengths, start) = stream_lengths(lengths, streams)?;
    let ends = stream_ends(lengths, streams.len() - start)?;
    let is_sound = are_sound(patches, ahead.len()) && huffman::decode(lookup, &rest[start..], ends, ahead, symbols);
    is_sound.then_some((patches, planes))
}

/// Whether the indices ascend strictly, and none is too large.
pub fn are_sound<const SIZE: usize>(patches: &[[u8; SIZE]], dimensions: usize) -> bool {
    patches.is_sorted_by(|a, b| index_of(a) < index_of(b)) && patches.last().is_none_or(|last| index_of(last) < dimensions)
}

/// The lengths of the streams 0, 1 and 2, and where in `streams` the first of them begins.
fn stream_lengths(lengths: &StreamLengths, streams: &[u8]) -> Option<([usize; STREAMS - 1], usize)> {
    let mut found = [0; STREAMS - 1];
    if lengths[0] as i8 == APART {
        let apart: &LengthsApart = streams.first_chunk()?;
        for (field, length) in apart.as_chunks().0.iter().zip(&mut found) {
            *length = usize::from(u16::from_le_bytes(*field));
        }
        return Some((found, apart.len()));
    }
    let quarter = streams.len() / STREAMS;
    for (longer, length) in lengths.iter().zip(&mut found) {
        *length = quarter.checked_add_signed((*longer as i8).into())?;
    }
    Some((found, 0))
}

fn stream_ends(lengths: [usize; STREAMS - 1], streams_end: usize) -> Option<[usize; STREAMS]> {
    let mut ends = [streams_end; STREAMS];
    let mut end = 0;
    for (length, slot) in lengths.iter().zip(&mut ends) {
        end += length;
        *slot = end;
    }
    (end <= streams_end).then_some(ends)
}
