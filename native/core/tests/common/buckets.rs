//! Mode `28` of docs/format.md section 2.10 in the plainest way, for `reference`.

use super::parts::{Bytes, Code, stored_size};
use super::profiles;
use super::reference::{is_rounding, rounded};

/// What stands before the two streams of bits behind everything else.
pub struct Buckets {
    precision: u32,
    /// Bits of each element, or a table of each `K`.
    residual: u32,
    residuals: Vec<u8>,
    factor: f64,
    /// The rounding that comes last.
    after: u8,
    pub buckets: Vec<i64>,
    length: usize,
}

impl Buckets {
    /// Reads so much of a payload behind its number; `is_whole` says whether the two streams are there already.
    pub fn read(bytes: &mut Bytes, dimensions: usize, is_whole: bool) -> Option<Self> {
        let [table_and_bits, patches] = bytes.array()?;
        let lengths = bytes.array()?;
        let (table, bits) = (usize::from(table_and_bits % 8), u32::from(table_and_bits / 8));
        let [kind] = bytes.array()?;
        let (precision, residual) = (u32::from(kind % 32), kind / 64);
        let factor = if kind & 0x20 != 0 {
            f64::from_le_bytes(bytes.array()?)
        } else {
            let [base] = bytes.array()?;
            (f64::from(base) - 127.0 - (f64::from(precision) - 1.0)).exp2()
        };
        let [after] = bytes.array()?;
        let length = u32::from_le_bytes(bytes.array()?) as usize;
        let most = if residual == 1 { 12 } else { 24 };
        let is_sound = table <= 6 && bits <= 24 && (1..=most).contains(&precision) && residual <= 2 && is_rounding(after);
        if !(is_sound && factor > 0.0 && factor.is_finite()) {
            return None;
        }
        let residuals = bytes.take(if residual == 1 { (1_usize << (precision - 1)).div_ceil(4) } else { 0 })?.to_vec();
        let residual = if residual == 2 { 2 } else { 0 };
        let centres = profiles::centres(&profiles::means(dimensions), factor * f64::from(precision - 1).exp2())?;
        let patches = bytes.patches::<3>(patches, dimensions)?;
        let behind = stored_size(bits, dimensions).checked_add(if is_whole { length } else { 0 })?;
        let symbols = bytes.streams(&Code::of(32, table), lengths, behind, dimensions)?;
        let stored = bytes.stored(bits, dimensions)?;
        let count = |h: i64, index: usize| (h << bits) + i64::from(stored[index]);
        let mut buckets: Vec<i64> =
            symbols.iter().enumerate().map(|(index, symbol)| count(i64::from(*symbol) - 16, index)).collect();
        for [low, high, h] in patches {
            let index = usize::from(u16::from_le_bytes([low, high]));
            buckets[index] = if h == 0x80 { i64::from(i32::MIN) } else { count(i64::from(h as i8), index) };
        }
        buckets.iter_mut().zip(centres).for_each(|(bucket, centre)| *bucket += centre);
        let are_sound = buckets.iter().all(|bucket| i32::try_from(*bucket).is_ok());
        are_sound.then_some(Self { precision, residual, residuals, factor, after, buckets, length })
    }

    /// How many bits of remainder an element has.
    fn width(&self, bucket: i64) -> usize {
        let missing = match magnitude(bucket) {
            0 => self.precision - 1,
            magnitude => (self.precision - 1).saturating_sub(magnitude.ilog2()),
        };
        (missing + self.residual) as usize
    }

    fn remainder_bytes(&self) -> usize {
        self.buckets.iter().map(|bucket| self.width(*bucket)).sum::<usize>().div_ceil(8)
    }

    /// A forged end of a payload: any remainders, and a depth for each bucket that touches zero.
    pub fn section(&self, mut below: impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut section: Vec<u8> = (0..self.remainder_bytes()).map(|_| below(256) as u8).collect();
        let mut bits = Vec::new();
        for _ in self.buckets.iter().filter(|bucket| magnitude(**bucket) == 0) {
            let depth = if below(4) == 0 { below(25) } else { below(3) };
            bits.extend(vec![0; depth]);
            bits.extend((depth < 24).then_some(1));
        }
        section.extend(bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(at, bit)| bit << at).sum::<u8>()));
        section
    }
}

fn magnitude(bucket: i64) -> u64 {
    if bucket < 0 { (-1 - bucket) as u64 } else { bucket as u64 }
}

pub fn decode(bytes: &mut Bytes, dimensions: usize) -> Option<Vec<u32>> {
    let head = Buckets::read(bytes, dimensions, true)?;
    let mut section = Bytes(bytes.take(head.length)?);
    let (mut remainders, mut depths) = (Bits::of(section.take(head.remainder_bytes())?), Bits::of(section.0));
    let highest = head.precision - 1;
    let mut elements = Vec::new();
    for bucket in &head.buckets {
        let word = remainders.take(head.width(*bucket))?;
        let (low, residual) = (word >> head.residual, word % (1 << head.residual));
        let magnitude = magnitude(*bucket);
        let sign = u32::from(*bucket < 0) << 31;
        let (k, doublings) = if magnitude == 0 {
            let mut depth = 0;
            while depth < 24 && depths.take(1)? == 0 {
                depth += 1;
            }
            if depth == 24 {
                elements.push(rounded(head.after, sign));
                continue;
            }
            (1 << highest | low, -1 - depth)
        } else {
            let doublings = magnitude.ilog2();
            let is_finer = doublings > highest;
            let k = if is_finer { magnitude >> (doublings - highest) } else { magnitude << (highest - doublings) | low };
            (k, i64::from(doublings))
        };
        let index = k as usize % (1 << highest);
        let left_over = match head.residuals.get(index / 4) {
            Some(four) => i64::from(four >> (index % 4 * 2) & 3) - 2,
            None if head.residual > 0 => residual as i64 - 2,
            None => 0,
        };
        let product = i64::from(((k as f64 * head.factor) as f32).to_bits());
        let bits = (product + (doublings << 23) + left_over) as u32 & 0x7fff_ffff | sign;
        elements.push(rounded(head.after, bits));
    }
    depths.are_used_up().then_some(elements)
}

/// Bits one behind the other, lowest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Option<u64> {
        let mut word = 0;
        for place in 0..count {
            word |= u64::from(self.bytes.get(self.at / 8)? >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(word)
    }

    fn are_used_up(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len()
    }
}
