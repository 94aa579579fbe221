//! What vectors take and how fast they are without this codec, each as it is usually done: no header and no checksum.

use crate::Vector;
use crate::measure::Coder;
use vecstash_core::{Buffer, Float};

type Compress = fn(&[u8], &mut Buffer);
type Decompress = fn(&[u8], &mut [u8]);

const ZSTD_LEVEL: i32 = 3;

pub fn all() -> [(&'static str, Box<dyn Coder>); 6] {
    [
        ("lz4", Box::new(General { shuffles: false, compress: lz4, decompress: from_lz4, bytes: Vec::new() })),
        ("zstd", Box::new(General { shuffles: false, compress: zstd, decompress: from_zstd, bytes: Vec::new() })),
        ("byte shuffle + lz4", Box::new(General { shuffles: true, compress: lz4, decompress: from_lz4, bytes: Vec::new() })),
        ("byte shuffle + zstd", Box::new(General { shuffles: true, compress: zstd, decompress: from_zstd, bytes: Vec::new() })),
        ("plain float16", Box::new(Float16)),
        ("plain int8, max-abs", Box::new(Int8)),
    ]
}

/// A general compressor over the bytes of one vector, as they are or those of like significance together.
struct General {
    shuffles: bool,
    compress: Compress,
    decompress: Decompress,
    bytes: Vec<u8>,
}

impl Coder for General {
    fn encode(&mut self, vector: &Vector, _: Option<&Vector>, out: &mut Buffer) {
        if !self.shuffles {
            return (self.compress)(vector.as_flattened(), out);
        }
        self.bytes.clear();
        (0..4).for_each(|place| self.bytes.extend(vector.iter().map(|float| float[place])));
        (self.compress)(&self.bytes, out);
    }

    fn decode(&mut self, coded: &[u8], vector: &mut [Float]) {
        if !self.shuffles {
            return (self.decompress)(coded, vector.as_flattened_mut());
        }
        self.bytes.resize(size_of_val(vector), 0);
        (self.decompress)(coded, &mut self.bytes);
        let (ab, cd) = self.bytes.split_at(2 * vector.len());
        let ((a, b), (c, d)) = (ab.split_at(vector.len()), cd.split_at(vector.len()));
        for ((((float, a), b), c), d) in vector.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *float = [*a, *b, *c, *d];
        }
    }
}

fn lz4(bytes: &[u8], out: &mut Buffer) {
    let start = out.len();
    let room = out.grow(lz4_flex::block::get_maximum_output_size(bytes.len()));
    let size = lz4_flex::block::compress_into(bytes, room).expect("there is room");
    out.truncate(start + size);
}

fn from_lz4(coded: &[u8], bytes: &mut [u8]) {
    lz4_flex::block::decompress_into(coded, bytes).expect("it was compressed so");
}

thread_local! {
    static ZSTD: std::cell::RefCell<(zstd_safe::CCtx<'static>, zstd_safe::DCtx<'static>)> =
        std::cell::RefCell::new((zstd_safe::CCtx::create(), zstd_safe::DCtx::create()));
}

fn zstd(bytes: &[u8], out: &mut Buffer) {
    let start = out.len();
    let room = out.grow(zstd_safe::compress_bound(bytes.len()));
    let size = ZSTD.with_borrow_mut(|(context, _)| context.compress(room, bytes, ZSTD_LEVEL));
    out.truncate(start + size.expect("there is room"));
}

fn from_zstd(coded: &[u8], bytes: &mut [u8]) {
    ZSTD.with_borrow_mut(|(_, context)| context.decompress(bytes, coded)).expect("it was compressed so");
}

/// For finite numbers that float16 has room for.
struct Float16;

impl Coder for Float16 {
    fn encode(&mut self, vector: &Vector, _: Option<&Vector>, out: &mut Buffer) {
        let halves = out.grow(2 * vector.len()).as_chunks_mut().0;
        for (half, float) in halves.iter_mut().zip(vector) {
            let bits = u32::from_ne_bytes(*float);
            let magnitude = f32::from_bits(bits & 0x7fff_ffff);
            // Adding a number whose last place is the float16's rounds to that place, ties to even.
            let unit = f32::from_bits(((magnitude.to_bits() >> 23).max(113) + 13) << 23);
            let rounded = (magnitude + unit) - unit;
            let magnitude = (rounded * f32::from_bits(15 << 23)).to_bits() >> 13;
            *half = ((bits >> 16 & 0x8000 | magnitude) as u16).to_le_bytes();
        }
    }

    fn decode(&mut self, coded: &[u8], vector: &mut [Float]) {
        for (float, half) in vector.iter_mut().zip(coded.as_chunks().0) {
            let half = u32::from(u16::from_le_bytes(*half));
            let magnitude = f32::from_bits((half & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
            *float = (magnitude.to_bits() | (half & 0x8000) << 16).to_ne_bytes();
        }
    }
}

/// A scale that makes the largest element 127, and bytes.
struct Int8;

impl Coder for Int8 {
    fn encode(&mut self, vector: &Vector, _: Option<&Vector>, out: &mut Buffer) {
        let floats = vector.iter().map(|float| f32::from_ne_bytes(*float));
        let scale = floats.clone().fold(0.0_f32, |largest, float| largest.max(float.abs())) / 127.0;
        out.append(&scale.to_le_bytes());
        for (byte, float) in out.grow(vector.len()).iter_mut().zip(floats) {
            *byte = (float / scale).round_ties_even() as i8 as u8;
        }
    }

    fn decode(&mut self, coded: &[u8], vector: &mut [Float]) {
        let (scale, bytes) = coded.split_first_chunk().expect("it was encoded so");
        let scale = f32::from_le_bytes(*scale);
        for (float, byte) in vector.iter_mut().zip(bytes) {
            *float = (f32::from(*byte as i8) * scale).to_ne_bytes();
        }
    }
}
