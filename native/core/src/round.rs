//! Arithmetic that has to come out the same in every engine.

/// 1.5 x 2^52: a float64 near it has no room for fractions, so that adding it rounds, ties to even.
const NO_FRACTIONS: f64 = 6_755_399_441_055_744.0;

/// The nearest integer, ties to even, of a number below 2^31.
#[inline(always)]
pub fn to_i32(value: f64) -> i32 {
    (value + NO_FRACTIONS).to_bits() as i32
}

/// The nearest integer, ties to even, of a number below 2^51.
#[inline(always)]
pub fn nearest(value: f64) -> f64 {
    (value + NO_FRACTIONS) - NO_FRACTIONS
}

/// 2^exponent, for exponents of -1022 to 1023.
pub fn power_of_two(exponent: i32) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent));
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
