//! Docs/format.md sections 1, 2.2 and 2.4 to 2.7 in the plainest way: an element after the other, a bit after the other, the tables read from the
//! document itself. What it takes long for, the codec must agree with.

use super::parts::{Bytes, Code, stored_size};
use super::*;

/// What is in a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout<'a> {
    pub mode: u8,
    /// Dimensions, or bytes.
    pub number: u32,
    pub tokens: Option<u32>,
    pub payload: &'a [u8],
}

/// The parts of a record, whose checksum is not looked at; or why it has none.
pub fn layout(record: &[u8]) -> Result<Layout<'_>, Status> {
    let mut bytes = Bytes(record);
    let [array] = bytes.array().ok_or(Status::Truncated)?;
    if array != 0x95 && array != 0x96 {
        return Err(Status::Malformed);
    }
    // The shortest number that follows takes a byte.
    let [format, mode, _] = Bytes(bytes.0).array().ok_or(Status::Truncated)?;
    bytes.take(2).ok_or(Status::Truncated)?;
    if format > 0x7f || mode > 0x7f {
        return Err(Status::Malformed);
    }
    if format != 1 {
        return Err(Status::Format);
    }
    if array == 0x96 && mode >= 0x70 {
        return Err(Status::Malformed);
    }
    let number = uint(&mut bytes, 0xcc)?;
    let tokens = if array == 0x96 { Some(uint(&mut bytes, 0xcc)?) } else { None };
    let [checksum] = bytes.array().ok_or(Status::Truncated)?;
    if checksum != 0xcf {
        return Err(Status::Malformed);
    }
    bytes.take(8).ok_or(Status::Truncated)?;
    let length = uint(&mut bytes, 0xc4)? as usize;
    let payload = bytes.take(length).ok_or(Status::Truncated)?;
    if bytes.0.is_empty() { Ok(Layout { mode, number, tokens, payload }) } else { Err(Status::Malformed) }
}

/// A number of 1, 2 or 4 bytes behind `first`, the next or the one after that; where those are uints, a byte alone below 80 is one too.
fn uint(bytes: &mut Bytes, first: u8) -> Result<u32, Status> {
    let [token] = bytes.array().ok_or(Status::Truncated)?;
    let is_uint = first == 0xcc;
    if is_uint && token < 0x80 {
        return Ok(u32::from(token));
    }
    let width = [1, 2, 4].get(usize::from(token.wrapping_sub(first))).ok_or(Status::Malformed)?;
    let spelled = bytes.take(*width).ok_or(Status::Truncated)?;
    let number = spelled.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let least = [if is_uint { 0x80 } else { 0 }, 0x100, 0x1_0000][usize::from(token - first)];
    if number < least { Err(Status::Malformed) } else { Ok(number) }
}

/// The elements of a payload; none where the format refuses it. With a profile, that is `the_profile` of as many dimensions.
pub fn decode(mode: u8, payload: &[u8], dimensions: usize) -> Option<Vec<Float>> {
    let mut bytes = Bytes(payload);
    let bits = match mode {
        EXPONENT => exponent(&mut bytes, dimensions),
        GRID => grid(&mut bytes, dimensions),
        STEPS | DECIMAL | MULTIPLES => steps(mode, &mut bytes, dimensions, None),
        PROFILED_GRID => {
            profiles::named(&mut bytes, dimensions)?;
            buckets::decode(&mut bytes, dimensions)
        }
        PROFILED_STEPS | PROFILED_DECIMAL | PROFILED_MULTIPLES => {
            profiles::named(&mut bytes, dimensions)?;
            steps(mode - 8, &mut bytes, dimensions, Some(&profiles::means(dimensions)))
        }
        FLOAT16 => float16(&mut bytes, dimensions),
        INT8 => int8(&mut bytes, dimensions),
        _ => None,
    }?;
    bytes.0.is_empty().then(|| bits.into_iter().map(u32::to_ne_bytes).collect())
}

fn exponent(bytes: &mut Bytes, dimensions: usize) -> Option<Vec<u32>> {
    let [table, base, patches] = bytes.array()?;
    let lengths = bytes.array()?;
    if table > 3 {
        return None;
    }
    let patches = bytes.patches::<3>(patches, dimensions)?;
    let symbols = bytes.streams(&Code::of(16, usize::from(table)), lengths, 3 * dimensions, dimensions)?;
    let low = bytes.take(2 * dimensions)?.chunks(2).map(|low| u32::from(low[0]) | u32::from(low[1]) << 8);
    let mut elements: Vec<u32> = bytes
        .take(dimensions)?
        .iter()
        .zip(low)
        .zip(symbols)
        .map(|((high, low), symbol)| {
            let (sign, high) = (u32::from(high >> 7), u32::from(high & 0x7f));
            sign << 31 | u32::from(base.wrapping_sub(symbol)) << 23 | high << 16 | low
        })
        .collect();
    patch_exponents(&patches, &mut elements);
    Some(elements)
}

fn grid(bytes: &mut Bytes, dimensions: usize) -> Option<Vec<u32>> {
    let [kind, precision, patches] = bytes.array()?;
    let lengths = bytes.array()?;
    let (residuals, precision) = (u32::from(kind >> 2 & 3), u32::from(precision));
    let residual = if residuals == 2 { 2 } else { 0 };
    if kind >> 6 != 0 || residuals == 3 || !(1..=if residuals == 1 { 12 } else { 24 }).contains(&precision) {
        return None;
    }
    let scale = if kind & 0x10 != 0 {
        f64::from_le_bytes(bytes.array()?)
    } else {
        let [base] = bytes.array()?;
        (f64::from(base) - 127.0 - f64::from(precision - 1)).exp2()
    };
    if !(scale > 0.0 && scale.is_finite()) {
        return None;
    }
    let [after] = if kind & 0x20 != 0 { bytes.array()? } else { [0] };
    if kind & 0x20 != 0 && (after == 0 || !is_rounding(after)) {
        return None;
    }
    let highest = 1_u64 << (precision - 1);
    let table = bytes.take(if residuals == 1 { highest.div_ceil(4) as usize } else { 0 })?;
    let patches = bytes.patches::<3>(patches, dimensions)?;
    let symbols = bytes.streams(
        &Code::of(16, usize::from(kind & 3)),
        lengths,
        stored_size(precision + residual, dimensions),
        dimensions,
    )?;
    let stored = bytes.stored(precision + residual, dimensions)?;
    let mut elements: Vec<u32> = stored
        .iter()
        .zip(&symbols)
        .map(|(w, symbol)| {
            let sign = (w >> (precision + residual - 1)) << 31;
            if *symbol == 15 {
                return sign;
            }
            let k = highest | (u64::from(*w >> residual) % highest);
            let product = ((k as f64 * scale) as f32).to_bits();
            let left_over = match residuals {
                0 => 0,
                1 => i64::from(table[(k - highest) as usize / 4] >> (2 * ((k - highest) % 4)) & 3) - 2,
                _ => i64::from(w % 4) - 2,
            };
            let bits = i64::from(product) - (i64::from(*symbol) << 23) + left_over;
            (bits as u32) & 0x7fff_ffff | sign
        })
        .collect();
    patch_exponents(&patches, &mut elements);
    Some(elements.into_iter().map(|element| rounded(after, element)).collect())
}

fn patch_exponents(patches: &[[u8; 3]], elements: &mut [u32]) {
    for [low, high, exponent] in patches {
        let element = &mut elements[usize::from(u16::from_le_bytes([*low, *high]))];
        *element = *element & 0x807f_ffff | u32::from(*exponent) << 23;
    }
}

fn steps(mode: u8, bytes: &mut Bytes, dimensions: usize, means: Option<&[f64]>) -> Option<Vec<u32>> {
    let [table_and_bits, patches] = bytes.array()?;
    let lengths = bytes.array()?;
    let (table, bits) = (usize::from(table_and_bits % 8), u32::from(table_and_bits / 8));
    let mut after = 0;
    let step = if mode == STEPS {
        let bound = f32::from_le_bytes(bytes.array()?);
        let [c] = bytes.array()?;
        let parts = if c < 16 { f64::from(c) } else { f64::from(16 + c % 16) * (f64::from(c / 16) - 1.0).exp2() };
        let step = f64::from((2.0 * f64::from(bound) * (65536.0 - parts) / 65536.0) as f32);
        if !(bound > 0.0 && bound.is_finite() && c <= 0xcf && step.is_finite()) {
            return None;
        }
        step
    } else if mode == MULTIPLES {
        let step = f64::from_le_bytes(bytes.array()?);
        [after] = bytes.array()?;
        if !(step > 0.0 && step.is_finite() && is_rounding(after)) {
            return None;
        }
        step
    } else {
        let [digits] = bytes.array()?;
        if !(1..=12).contains(&digits) {
            return None;
        }
        format!("1e-{digits}").parse().expect("a number")
    };
    if table > 6 || bits > 24 {
        return None;
    }
    let patches = bytes.patches::<3>(patches, dimensions)?;
    let symbols = bytes.streams(&Code::of(32, table), lengths, stored_size(bits, dimensions), dimensions)?;
    let stored = bytes.stored(bits, dimensions)?;
    let centres = match means {
        Some(means) => profiles::centres(means, step)?,
        None => vec![0; dimensions],
    };
    let element = |index: usize, h: i64| (((h << bits) + i64::from(stored[index]) + centres[index]) as f64 * step) as f32;
    let mut elements: Vec<f32> =
        symbols.iter().enumerate().map(|(index, symbol)| element(index, i64::from(*symbol) - 16)).collect();
    for [low, high, h] in patches {
        let index = usize::from(u16::from_le_bytes([low, high]));
        elements[index] = if h == 0x80 { -0.0 } else { element(index, i64::from(h as i8)) };
    }
    Some(elements.into_iter().map(|element| rounded(after, element.to_bits())).collect())
}

/// Section 2.9.
pub fn is_rounding(byte: u8) -> bool {
    matches!(byte, 0..=0x0c | 0x11..=0x19 | 0x20)
}

pub fn rounded(byte: u8, bits: u32) -> u32 {
    let z = f32::from_bits(bits & 0x7fff_ffff);
    // 10^k is a float64 up to 10^22, and the nearest one is what is parsed.
    let power = |k: u8| format!("1e{k}").parse::<f64>().expect("a number");
    let at = |power: f64| ((f64::from(z) * power).round_ties_even() / power) as f32;
    let magnitude = match byte {
        0x01..=0x0c if f64::from(z) * power(byte) < 2f64.powi(51) => at(power(byte)),
        0x11..=0x19 => (0..=22).rev().find(|k| f64::from(z) * power(*k) < power(byte - 0x10)).map_or(z, |k| at(power(k))),
        0x20 if z < 65520.0 => super::kinds::half(f64::from(z)) as f32,
        _ => z,
    };
    magnitude.to_bits() | bits & 0x8000_0000
}

/// The bound of a payload of steps, which is looked at before everything else; none where it is none, or cut short.
pub fn bound(payload: &[u8]) -> Option<f32> {
    let mut bytes = Bytes(payload);
    bytes.take(5)?;
    let bound = f32::from_le_bytes(bytes.array()?);
    bytes.take(1)?;
    (bound > 0.0 && bound.is_finite()).then_some(bound)
}

fn float16(bytes: &mut Bytes, dimensions: usize) -> Option<Vec<u32>> {
    let [patches] = bytes.array()?;
    let patches = bytes.patches::<6>(patches, dimensions)?;
    let mut elements: Vec<u32> =
        bytes.take(2 * dimensions)?.chunks(2).map(|half| of_half(u16::from_le_bytes([half[0], half[1]]))).collect();
    put_back(&patches, &mut elements);
    Some(elements)
}

fn int8(bytes: &mut Bytes, dimensions: usize) -> Option<Vec<u32>> {
    let scale = f32::from_le_bytes(bytes.array()?);
    let [patches] = bytes.array()?;
    let patches = bytes.patches::<6>(patches, dimensions)?;
    let times_scale = |q: &u8| ((f64::from(*q as i8) * f64::from(scale)) as f32).to_bits();
    let mut elements: Vec<u32> = bytes.take(dimensions)?.iter().map(times_scale).collect();
    put_back(&patches, &mut elements);
    scale.is_finite().then_some(elements)
}

fn put_back(patches: &[[u8; 6]], elements: &mut [u32]) {
    for [low, high, bits @ ..] in patches {
        elements[usize::from(u16::from_le_bytes([*low, *high]))] = u32::from_le_bytes(*bits);
    }
}

/// The float32 bits of a binary16.
pub fn of_half(half: u16) -> u32 {
    let sign = u32::from(half >> 15) << 31;
    let (exponent, mantissa) = (half >> 10 & 0x1f, half & 0x3ff);
    let magnitude = match (exponent, mantissa) {
        (31, 0) => 0x7f80_0000,
        (31, payload) => 0x7fc0_0000 | u32::from(payload) << 13,
        (0, _) => ((f64::from(mantissa) * 2f64.powi(-24)) as f32).to_bits(),
        _ => ((f64::from(1024 + mantissa) * 2f64.powi(i32::from(exponent) - 25)) as f32).to_bits(),
    };
    magnitude | sign
}
