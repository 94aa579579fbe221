//! What was done last to the elements of a vector, after all that made them: docs/format.md section 2.9.

use crate::Float;
use crate::round;
use crate::simd::multiversioned;

/// A rounding of float32s that leaves float32s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    None,
    /// To so many digits behind the point, 1 to 12.
    Decimals(u8),
    /// To so many significant digits, 1 to 9.
    Significant(u8),
    /// To IEEE binary16.
    Float16,
}

/// So many decimals and so many digits are looked for.
const FEW: usize = 6;

/// Significant bits of a binary16.
const FLOAT16_BITS: u32 = 11;

const MAX_DECIMALS: u8 = 12;
const MAX_SIGNIFICANT: u8 = 9;
const SIGNIFICANT_AT: u8 = 0x10;
const FLOAT16_AT: u8 = 0x20;

/// 10^k, all of them exact.
static POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
    1e22,
];

/// From here on a float64 has no room to round in.
const MAX_ROUNDED: f64 = (1_u64 << 51) as f64;

/// What is halfway between the largest binary16 and the next power of two.
const BEYOND_FLOAT16: f32 = 65520.0;

const MAGNITUDE: u32 = 0x7fff_ffff;

impl Rounding {
    pub fn byte(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Decimals(digits) => digits,
            Self::Significant(digits) => SIGNIFICANT_AT + digits,
            Self::Float16 => FLOAT16_AT,
        }
    }

    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1..=MAX_DECIMALS => Some(Self::Decimals(byte)),
            FLOAT16_AT => Some(Self::Float16),
            _ => match byte.checked_sub(SIGNIFICANT_AT)? {
                digits @ 1..=MAX_SIGNIFICANT => Some(Self::Significant(digits)),
                _ => None,
            },
        }
    }

    /// What may have been done last to the elements of a vector, of `unscaled` significant bits where these are few: the fewest decimals and the fewest
    /// digits that leave it as it is, or float16.
    pub fn found_in(vector: &[Float], unscaled: Option<u32>) -> impl Iterator<Item = Self> {
        let is_float16 = unscaled.is_some_and(|bits| bits <= FLOAT16_BITS);
        let is_long = unscaled.is_none();
        let fewest = |mut all: [Self; FEW]| {
            // What most of them do not leave, fewer do not.
            all.reverse();
            all.into_iter().take_while(|rounding| is_long && rounding.leaves(vector)).last()
        };
        let decimals = fewest([5, 6, 7, 8, 9, 10].map(Self::Decimals));
        let digits = fewest([2, 3, 4, 5, 6, 7].map(Self::Significant));
        [is_float16.then_some(Self::Float16), decimals, digits].into_iter().flatten()
    }

    /// Whether every element is one that rounding leaves: looked at from the first on, and no further than the first that is not.
    fn leaves(self, vector: &[Float]) -> bool {
        vector.iter().all(|float| self.of(u32::from_ne_bytes(*float)) == u32::from_ne_bytes(*float))
    }

    /// Rounds every element.
    pub fn apply(self, vector: &mut [Float]) {
        match self {
            Self::None => {}
            Self::Decimals(digits) => decimals(vector, POWERS[usize::from(digits)]),
            Self::Significant(digits) => vector.iter_mut().for_each(|float| *float = each(*float, |z| significant(z, digits))),
            Self::Float16 => halves(vector),
        }
    }

    /// One element, rounded.
    #[inline]
    pub fn of(self, bits: u32) -> u32 {
        let float = bits.to_ne_bytes();
        u32::from_ne_bytes(match self {
            Self::None => float,
            Self::Decimals(digits) => each(float, |z| decimal(z, POWERS[usize::from(digits)])),
            Self::Significant(digits) => each(float, |z| significant(z, digits)),
            Self::Float16 => each(float, half),
        })
    }

    /// How far at most a number of this magnitude is from what it was before it was made a float32, rounded, and made a float32 again.
    pub fn half_unit(self, magnitude: f64) -> f64 {
        let exponent = (magnitude.to_bits() >> 52) as i32 - 1023;
        let single = round::power_of_two((exponent - 24).max(-1022));
        match self {
            Self::None => single,
            Self::Decimals(digits) => 2.0 * single + 0.5 / POWERS[usize::from(digits)],
            Self::Significant(digits) => places(magnitude, digits).map_or(single, |places| 2.0 * single + 0.5 / POWERS[places]),
            Self::Float16 => 2.0 * single + round::power_of_two(exponent.max(-14) - 11),
        }
    }
}

/// The sign stays, whatever becomes of the magnitude.
#[inline(always)]
fn each(float: Float, magnitude: impl Fn(f32) -> f32) -> Float {
    let bits = u32::from_ne_bytes(float);
    (magnitude(f32::from_bits(bits & MAGNITUDE)).to_bits() & MAGNITUDE | bits & !MAGNITUDE).to_ne_bytes()
}

#[inline(always)]
fn decimal(z: f32, power: f64) -> f32 {
    // Exact: 24 bits times 28 at most.
    let units = f64::from(z) * power;
    if units < MAX_ROUNDED { (round::nearest(units) / power) as f32 } else { z }
}

#[inline(always)]
fn half(z: f32) -> f32 {
    // Adding a number whose last place is the binary16's rounds to that place, ties to even.
    let unit = f32::from_bits(((z.to_bits() >> 23).clamp(113, 254 - 13) + 13) << 23);
    if z < BEYOND_FLOAT16 { (z + unit) - unit } else { z }
}

fn significant(z: f32, digits: u8) -> f32 {
    let Some(places) = places(f64::from(z), digits) else { return z };
    (round::nearest(f64::from(z) * POWERS[places]) / POWERS[places]) as f32
}

/// The most places behind the point, up to 22, with which there are no more digits; none where there are more without any, or no number.
fn places(z: f64, digits: u8) -> Option<usize> {
    let most = POWERS[usize::from(digits)];
    let exponent = (z.to_bits() >> 52) as i32 - 1023;
    // What is no less than the decimal exponent of the power of two below, and one of two places fits.
    let decimal_exponent = (exponent * 1233) >> 12;
    let highest = (i32::from(digits) - decimal_exponent).clamp(0, POWERS.len() as i32 - 1) as usize;
    (highest.saturating_sub(3)..=highest).rev().find(|places| z * POWERS[*places] < most)
}

multiversioned! { @wide
fn decimals(vector: &mut [Float], power: f64) {
    for float in vector {
        *float = each(*float, |z| decimal(z, power));
    }
}
}

multiversioned! { @wide
fn halves(vector: &mut [Float]) {
    for float in vector {
        *float = each(*float, half);
    }
}
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Rounding; 6] = [
        Rounding::Decimals(1),
        Rounding::Decimals(9),
        Rounding::Decimals(12),
        Rounding::Significant(1),
        Rounding::Significant(7),
        Rounding::Float16,
    ];

    fn any_bits() -> impl Iterator<Item = u32> {
        let mut state = 1_u64;
        let noise = (0..200_000).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 32) as u32
        });
        noise.chain([0, 1 << 31, 1, 0x7f80_0000, 0xff80_0000, 0x7fc0_0001, 0x7f7f_ffff, 0x0080_0000, 0x007f_ffff])
    }

    #[test]
    fn bytes_and_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(Rounding::from_byte(byte).map(Rounding::byte), Rounding::from_byte(byte).map(|_| byte));
        }
        assert_eq!((0..=u8::MAX).filter(|byte| Rounding::from_byte(*byte).is_some()).count(), 1 + 12 + 9 + 1);
    }

    #[test]
    fn a_vector_is_rounded_as_its_elements_are() {
        for rounding in ALL {
            let bits: Vec<u32> = any_bits().collect();
            let mut vector: Vec<Float> = bits.iter().map(|bits| bits.to_ne_bytes()).collect();
            rounding.apply(&mut vector);
            for (float, bits) in vector.iter().zip(bits) {
                assert_eq!(u32::from_ne_bytes(*float), rounding.of(bits), "{rounding:?} of {bits:x}");
            }
        }
    }

    /// The places found without a search are what a search through all finds.
    #[test]
    fn places_are_the_most_that_fit() {
        for bits in any_bits() {
            let z = f64::from(f32::from_bits(bits & MAGNITUDE));
            for digits in 1..=MAX_SIGNIFICANT {
                let searched = (0..=22).rev().find(|places| z * POWERS[*places] < POWERS[usize::from(digits)]);
                assert_eq!(places(z, digits), searched, "{z:e}, {digits} digits");
            }
        }
    }

    /// What is printed with so many digits, and read again.
    #[test]
    fn digits_are_those_that_are_printed() {
        for bits in any_bits() {
            let z = f32::from_bits(bits);
            if (1e-4..1e3).contains(&z.abs()) {
                let printed: f64 = format!("{:.6e}", f64::from(z)).parse().unwrap();
                assert_eq!(Rounding::Significant(7).of(bits), (printed as f32).to_bits(), "{z:e}");
                let printed: f64 = format!("{:.9}", f64::from(z)).parse().unwrap();
                assert_eq!(Rounding::Decimals(9).of(bits), (printed as f32).to_bits(), "{z:e}");
            }
        }
    }
}
