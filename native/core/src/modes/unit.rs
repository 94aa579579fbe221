//! The units of modes `30` to `32`: what their counts are multiples of. Docs/format.md section 2.6.

use crate::buffer::Buffer;
use crate::modes;
use crate::modes::rounding::Rounding;

/// The unit that a record counts in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Twice a bound on the error, less what `shrink` stands for: room for the rounding to float32.
    Bound { bound: f32, shrink: Shrink },
    /// A power of ten, by how many digits stand behind the point.
    Digits(u8),
    /// Any step, and what was done to its multiples afterwards.
    Step { step: f64, rounding: Rounding },
}

/// A number of 65536ths: below 16 itself, above that a factor of 16 to 31 and a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shrink(u8);

impl Shrink {
    /// All 65536 of them are one more.
    const MAX: u8 = 0xcf;

    /// The smallest that is no less than `least`, which is less than 2^15 + 1.
    pub fn at_least(least: u32) -> Self {
        if least < 16 {
            return Self(least as u8);
        }
        let power = least.ilog2() - 4;
        // A factor that comes to 32 is 16 of the next power.
        Self((((power + 1) << 4) + least.div_ceil(1 << power) - 16) as u8)
    }

    fn parts(self) -> u32 {
        match u32::from(self.0) {
            parts @ 0..16 => parts,
            parts => (16 + parts % 16) << (parts / 16 - 1),
        }
    }
}

pub const MAX_DIGITS: u8 = 12;

/// 10^-d, each the float64 nearest to it.
static POWERS: [f64; MAX_DIGITS as usize + 1] = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12];

impl Unit {
    /// A power of ten, 10^-1 to 10^-12, that is one of `steps`.
    pub fn digits(steps: std::ops::RangeInclusive<f64>) -> Option<Self> {
        (1..=MAX_DIGITS).find(|digits| steps.contains(&POWERS[usize::from(*digits)])).map(Self::Digits)
    }

    /// The mode of a record that counts in it.
    pub fn mode(self) -> u8 {
        match self {
            Self::Bound { .. } => modes::STEPS,
            Self::Digits(_) => modes::DECIMAL,
            Self::Step { .. } => modes::MULTIPLES,
        }
    }

    pub fn step(self) -> f64 {
        match self {
            Self::Bound { bound, shrink } => {
                f64::from((2.0 * f64::from(bound) * f64::from(0x1_0000 - shrink.parts()) / 65536.0) as f32)
            }
            Self::Digits(digits) => POWERS[usize::from(digits)],
            Self::Step { step, .. } => step,
        }
    }

    /// What was done to the multiples.
    pub fn rounding(self) -> Rounding {
        match self {
            Self::Step { rounding, .. } => rounding,
            _ => Rounding::None,
        }
    }

    pub fn write(self, out: &mut Buffer) {
        match self {
            Self::Bound { bound, shrink } => {
                out.append(&bound.to_le_bytes());
                out.append(&[shrink.0]);
            }
            Self::Digits(digits) => out.append(&[digits]),
            Self::Step { step, rounding } => {
                out.append(&step.to_le_bytes());
                out.append(&[rounding.byte()]);
            }
        }
    }

    pub fn read(mode: u8, rest: &[u8]) -> Option<(Self, &[u8])> {
        if mode == modes::DECIMAL {
            let (digits, rest) = rest.split_first()?;
            return (1..=MAX_DIGITS).contains(digits).then_some((Self::Digits(*digits), rest));
        }
        if mode == modes::MULTIPLES {
            let (step, rest) = rest.split_first_chunk()?;
            let (rounding, rest) = rest.split_first()?;
            let (step, rounding) = (f64::from_le_bytes(*step), Rounding::from_byte(*rounding)?);
            return (step > 0.0 && step.is_finite()).then_some((Self::Step { step, rounding }, rest));
        }
        let (bound, rest) = read_bound(rest)?;
        let (shrink, rest) = rest.split_first()?;
        if *shrink > Shrink::MAX {
            return None;
        }
        let unit = Self::Bound { bound, shrink: Shrink(*shrink) };
        unit.step().is_finite().then_some((unit, rest))
    }
}

/// A bound that can be one, and what follows it.
pub fn read_bound(rest: &[u8]) -> Option<(f32, &[u8])> {
    let (bound, rest) = rest.split_first_chunk()?;
    let bound = f32::from_le_bytes(*bound);
    (bound > 0.0 && bound.is_finite()).then_some((bound, rest))
}
