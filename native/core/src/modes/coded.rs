//! What the modes with coded symbols share: patches, then four streams, then planes of stored bits.

use crate::Float;
use crate::huffman::{self, Lookup, STREAMS, StreamWriter, SymbolPlane, Tables};

/// An element that its symbol does not describe: its index (u16), and a byte that the mode gives a meaning.
pub type Patch = [u8; PATCH_BYTES];

pub const PATCH_BYTES: usize = 3;
pub const MAX_PATCHES: usize = u8::MAX as usize;

/// The lengths of the streams 0, 1 and 2, three u16; the last stream ends where the stored bits begin.
pub type StreamLengths = [u8; 2 * (STREAMS - 1)];

pub fn patch(index: usize, byte: u8) -> Patch {
    let [low, high] = (index as u16).to_le_bytes();
    [low, high, byte]
}

/// The element that a patch of any size is for.
pub fn index_of<const SIZE: usize>(patch: &[u8; SIZE]) -> usize {
    usize::from(u16::from_le_bytes([patch[0], patch[1]]))
}

/// The streams of `symbols`, end to end.
pub fn encode_streams<'a, const SYMBOLS: usize, const COUNT: usize>(
    tables: &Tables<SYMBOLS, COUNT>,
    table: usize,
    symbols: &[u8],
    writer: &'a mut StreamWriter,
) -> (StreamLengths, &'a [u8]) {
    let mut lengths = StreamLengths::default();
    let mut fields = lengths.as_chunks_mut().0.iter_mut();
    let streams = writer.write(tables, table, symbols, symbols.len().div_ceil(STREAMS), |length| {
        if let Some(field) = fields.next() {
            *field = (length as u16).to_le_bytes();
        }
    });
    (lengths, streams)
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
}

/// Reads what follows a mode's header: `patches` patches and the streams, which it decodes into `symbols`, for `vector` to be written
/// next. Returns the patches, sound ones, and the last `stored` bytes.
pub fn decode_streams<'a>(
    rest: &'a [u8],
    lookup: &Lookup,
    lengths: &StreamLengths,
    patches: u8,
    stored: usize,
    vector: &[Float],
    symbols: &mut SymbolPlane,
) -> Option<(&'a [Patch], &'a [u8])> {
    let (patches, rest) = rest.split_at_checked(PATCH_BYTES * usize::from(patches))?;
    let patches = patches.as_chunks().0;
    let streams_end = rest.len().checked_sub(stored)?;
    let ends = stream_ends(lengths, streams_end)?;
    let is_sound = are_sound(patches, vector.len()) && huffman::decode(lookup, rest, ends, vector, symbols);
    is_sound.then(|| (patches, &rest[streams_end..]))
}

/// Whether the indices ascend strictly, and none is too large.
pub fn are_sound<const SIZE: usize>(patches: &[[u8; SIZE]], dimensions: usize) -> bool {
    patches.is_sorted_by(|a, b| index_of(a) < index_of(b)) && patches.last().is_none_or(|last| index_of(last) < dimensions)
}

fn stream_ends(lengths: &StreamLengths, streams_end: usize) -> Option<[usize; STREAMS]> {
    let mut ends = [streams_end; STREAMS];
    let mut end = 0;
    for (field, slot) in lengths.as_chunks().0.iter().zip(&mut ends) {
        end += usize::from(u16::from_le_bytes(*field));
        *slot = end;
    }
    (end <= streams_end).then_some(ends)
}
