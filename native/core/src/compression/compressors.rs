//! lz4 and zstd, with contexts that are made once and used again.

use crate::compression::lz4::{self, Lz4};
use zstd_safe::{CCtx, CParameter, DCtx, Strategy};

/// How a run of bytes is coded; the numbers are the stages of docs/format.md section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Stored = 0,
    Lz4 = 1,
    Zstd = 2,
}

/// What is compressed decides how zstd goes about it.
#[derive(Clone, Copy)]
pub enum Content {
    /// Nearly entropy coding alone: a match in noise costs more than it saves.
    Plane,
    Value,
}

/// Above this, `trim` gives buffers back, in bytes.
pub const KEPT: usize = 1 << 20;

/// The most that an lz4 block expands by: a run's length grows by 255 for each byte.
const MAX_LZ4_RATIO: usize = 255;

/// Compression and decompression contexts, each made when it is first needed.
#[derive(Default)]
pub struct Compressors {
    lz4: Lz4,
    plane: Option<CCtx<'static>>,
    value: Option<CCtx<'static>>,
    zstd_decoder: Option<DCtx<'static>>,
    best: Vec<u8>,
    next: Vec<u8>,
}

impl Compressors {
    /// `source` in the smallest of `attempts`, which is itself where none makes it smaller. A tie goes to the earlier attempt.
    pub fn smallest<'a>(&'a mut self, source: &'a [u8], attempts: &[Coding], content: Content) -> (Coding, &'a [u8]) {
        let mut coding = Coding::Stored;
        let mut length = source.len();
        for attempt in attempts {
            if let Some(shorter) = self.compress(*attempt, source, content).filter(|shorter| *shorter < length) {
                (coding, length) = (*attempt, shorter);
                std::mem::swap(&mut self.best, &mut self.next);
            }
        }
        (coding, if coding == Coding::Stored { source } else { &self.best[..length] })
    }

    /// Gives back what an unusually long source took.
    pub fn trim(&mut self) {
        if self.best.capacity().max(self.next.capacity()) > KEPT {
            (self.best, self.next) = Default::default();
        }
    }

    /// Compresses into `next`.
    fn compress(&mut self, coding: Coding, source: &[u8], content: Content) -> Option<usize> {
        // Room for any result: with less, both give up on some that would have fitted.
        let room = lz4::room(source.len()).max(zstd_safe::compress_bound(source.len()));
        if self.next.len() < room {
            self.next.resize(room, 0);
        }
        match coding {
            Coding::Stored => None,
            Coding::Lz4 => self.lz4.compress(source, &mut self.next),
            Coding::Zstd => {
                let context = match content {
                    Content::Plane => self.plane.get_or_insert_with(plane_context),
                    Content::Value => self.value.get_or_insert_with(value_context),
                };
                context.compress2(&mut self.next[..], source).ok()
            }
        }
    }

    /// Decompresses `coded` to exactly `out.len()` bytes, or to nothing; `out` is overwritten either way.
    pub fn decompress(&mut self, coding: Coding, coded: &[u8], out: &mut [u8]) -> Option<()> {
        let length = match coding {
            Coding::Stored => return None,
            Coding::Lz4 => lz4_flex::block::decompress_into(coded, out).ok()?,
            Coding::Zstd => {
                if !zstd_frame_promises(coded, out.len()) {
                    return None;
                }
                self.zstd_decoder.get_or_insert_with(DCtx::create).decompress(out, coded).ok()?
            }
        };
        (length == out.len()).then_some(())
    }
}

/// Whether `coded` can decompress to `length` bytes: asked before memory is taken for them.
pub fn may_decompress_to(coding: Coding, coded: &[u8], length: usize) -> bool {
    match coding {
        Coding::Stored => coded.len() == length,
        Coding::Lz4 => length / MAX_LZ4_RATIO <= coded.len(),
        Coding::Zstd => zstd_frame_promises(coded, length),
    }
}

/// Whether `coded` is one zstd frame, without a dictionary's ID, that states `length` as its content size.
fn zstd_frame_promises(coded: &[u8], length: usize) -> bool {
    const DESCRIPTOR: usize = 4;
    const DICTIONARY_ID: u8 = 3;
    coded.get(DESCRIPTOR).is_some_and(|descriptor| descriptor & DICTIONARY_ID == 0)
        && zstd_safe::get_frame_content_size(coded).is_ok_and(|size| size == Some(length as u64))
        && zstd_safe::find_frame_compressed_size(coded) == Ok(coded.len())
}

fn plane_context() -> CCtx<'static> {
    let parameters = [CParameter::CompressionLevel(1), CParameter::Strategy(Strategy::ZSTD_fast), CParameter::MinMatch(7)];
    context(&parameters)
}

pub fn value_context() -> CCtx<'static> {
    context(&[CParameter::CompressionLevel(3)])
}

fn context(parameters: &[CParameter]) -> CCtx<'static> {
    let mut context = CCtx::create();
    let frame = [CParameter::ContentSizeFlag(true), CParameter::ChecksumFlag(false), CParameter::DictIdFlag(false)];
    for parameter in frame.iter().chain(parameters) {
        // The parameters are constants within zstd's bounds; a worse ratio is all that a refusal could cost.
        let _ = context.set_parameter(*parameter);
    }
    context
}
