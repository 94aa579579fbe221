//! What a record of a vector is made of.

use crate::Float;
use crate::modes::Compression;
use crate::record::precision::Precision;
use crate::search::structure_hint::HintWords;

/// How vectors are stored, and what was found out about them so far.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub precision: Precision,
    /// Of what comes back bit for bit.
    pub compression: Compression,
    /// All zero at first.
    pub structure_hint: HintWords,
}

impl Form {
    pub fn new(precision: Precision, compression: Compression) -> Self {
        Self { precision, compression, structure_hint: Default::default() }
    }
}

/// A vector, and what its record holds beside it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub key: &'a [u8],
    /// 1 to `MAX_DIMENSIONS` elements.
    pub vector: &'a [Float],
    /// What its provider charged for it; none where that is not known.
    pub tokens: Option<u32>,
}

/// Tokens, from the number that crosses from JavaScript: none where it is no whole number from 0 to `u32::MAX`.
pub fn tokens_from_number(number: f64) -> Option<u32> {
    let tokens = number as u32;
    (f64::from(tokens) == number).then_some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_whole_numbers_that_fit() {
        for tokens in [0, 1, 127, 65_536, u32::MAX] {
            assert_eq!(tokens_from_number(f64::from(tokens)), Some(tokens));
        }
        for number in [-1.0, 0.5, 4_294_967_295.5, 4_294_967_296.0, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(tokens_from_number(number), None, "{number}");
        }
    }
}
